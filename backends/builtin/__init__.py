"""The built-in MCP server: a separate program that imports nothing of the server's other units."""
