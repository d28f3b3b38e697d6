"""The outside world: one adapter a file, each behind a small Protocol of ``backends/protocols.py``."""
