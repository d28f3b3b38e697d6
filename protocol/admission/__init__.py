"""Admission and eviction: places, shares, origins, health. Time is an argument."""
