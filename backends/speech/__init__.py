"""Speech in and out: audio decoding, voice activity, Whisper and Piper, and where their models are."""
