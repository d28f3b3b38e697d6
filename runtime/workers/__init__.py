"""Worker processes for native code, which may crash, hang or hold the interpreter's lock: both sides of the pool."""
