"""What the load benchmarks share: arrivals, callers, clips, figures and the server under test."""
