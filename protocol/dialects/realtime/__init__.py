"""OpenAI's Realtime API as a dialect: its JSON events to the session's and back; sans-IO."""
