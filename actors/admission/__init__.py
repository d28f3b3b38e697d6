"""The gateway's part in admission: what it asks before a request is served."""
