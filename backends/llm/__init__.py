"""Language models behind one face: embedded, Ollama, any OpenAI-compatible server."""
