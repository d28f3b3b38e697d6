"""Home Assistant as what sayso controls: the names of its devices, sentences about them, and results in words."""
