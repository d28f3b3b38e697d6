"""Who may come in, and who leaves: places, shares, origins, health. Time is an argument."""
