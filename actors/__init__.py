"""Who does it: one file, one actor; none imports another, ``supervisor.py`` hands out references."""
