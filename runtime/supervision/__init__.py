"""Lifetimes: actors, their incarnations, supervisors, the tree, the watchdog."""
