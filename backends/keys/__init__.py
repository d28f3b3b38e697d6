"""Access keys: their file, and the check of each request."""
