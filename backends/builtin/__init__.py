"""The built-in MCP server: a program of its own that knows nothing of the house."""
