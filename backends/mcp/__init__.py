"""MCP servers that others wrote, and what they announce."""
