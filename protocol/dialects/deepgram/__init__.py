"""Deepgram's ``/v1/listen``: its parameters, messages and results; sans-IO."""
