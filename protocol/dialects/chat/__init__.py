"""OpenAI's chat completions: a text turn of a session by one HTTP request; sans-IO."""
