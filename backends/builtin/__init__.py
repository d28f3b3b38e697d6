"""The built-in MCP server: a separate program.

Of the server it imports rules and records of ``protocol``, the wire of announcements, and how SQLite files are opened.
What it keeps for users lies in the history's database, in tables of its own (``owned.py``).
"""
