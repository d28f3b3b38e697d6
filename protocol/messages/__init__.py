"""What crosses borders: the events of a session, what actors say to each other, records, errors."""
