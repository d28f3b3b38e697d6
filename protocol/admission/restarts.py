"""Which actors an operator may restart by themselves; pure.

A restart gives up what the actor is doing; what waits in its mailbox is done afterwards. That is safe where nothing but
that work is lost: not for those that hold sockets, sessions, or references of other actors.
"""

from typing import Final

SAFE: Final = frozenset(
    {"metrics", "monitor", "history", "commands", "meaning", "inference", "transcription", "speech", "media", "load"}
)
TOOL_SERVERS: Final = "tools."
"""How the ids of their actors begin."""
ROUTER: Final = "tools.router"


def is_tool_server(actor_id: str) -> bool:
    """Return whether the actor is that of a tool server, or of names that one has."""
    return actor_id.startswith(TOOL_SERVERS) and actor_id != ROUTER


def may_restart(actor_id: str) -> bool:
    """Return whether an operator may restart the actor."""
    return actor_id in SAFE or is_tool_server(actor_id)
