"""The parts of a turn, run by ``actors/dialogue.py``: what is heard, understood, done and said. None is an actor."""
