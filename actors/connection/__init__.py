"""One client's connection: the actor (``connection.py``) and its parts, and how other actors reach it."""
