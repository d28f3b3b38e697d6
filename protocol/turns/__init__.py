"""Turns: their states, context and tools, and the session's memory."""
