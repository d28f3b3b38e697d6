"""The built-in MCP server: a separate program. Of the server it imports ``protocol/language`` only."""
