"""The events of a session, the messages between actors, records and errors."""
