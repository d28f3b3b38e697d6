"""Ears and mouth: decoding, voice activity, Whisper and Piper, and where their models are."""
