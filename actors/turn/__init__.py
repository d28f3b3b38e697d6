"""The parts of a turn, run by ``actors/dialogue.py``: hearing, understanding, acting, speaking. None is an actor."""
