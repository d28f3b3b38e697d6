"""The parts of how a session and its client reach each other, used by several actors. None is an actor."""
