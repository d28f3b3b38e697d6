"""Pure logic: messages, wire codecs, state tables and text rules; no I/O, no clock, no threads."""
