"""Who lives and for how long: actors, their incarnations, supervisors, the tree, the watchdog."""
