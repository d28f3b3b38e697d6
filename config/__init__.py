"""Settings, their defaults, and the loader that reads them."""
