"""History on disk."""
