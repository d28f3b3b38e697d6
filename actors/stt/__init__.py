"""The parts of ``actors/transcription.py``."""
