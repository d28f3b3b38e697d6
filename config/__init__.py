"""What may vary: settings, their defaults, and the one loader that reads them."""
