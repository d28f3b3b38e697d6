"""Processes for what is native and may crash, hang or hold the interpreter's lock: a pool of them, and their inside."""
