"""Decisions without I/O: restarts, load levels, fair queues, breakers. Time and randomness are arguments."""
