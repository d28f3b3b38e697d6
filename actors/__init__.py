"""The actors: one a file. None imports another; they get references from ``assembly/``."""
