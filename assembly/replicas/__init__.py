"""Several servers of one machine behind one address."""
