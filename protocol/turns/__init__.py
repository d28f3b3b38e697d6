"""One turn and what it needs: its states, its context, tools, and what a session remembers."""
