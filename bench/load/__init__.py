"""Shared by the load benchmarks: arrivals, callers, clips, figures and the server under test."""
