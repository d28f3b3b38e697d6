"""Language models behind one Protocol: embedded, Ollama, any OpenAI-compatible server."""
