"""Which providers there are for each kind of work, as tables: another one is one more entry."""
