"""The listener: our own WebSocket and pages on one port, everything else handed to Hypercorn."""
