"""Who asks: the user and the session of the request that is being answered, and what it has changed."""

from contextvars import ContextVar
from typing import Final

import attrs

from protocol.messages.identity import LOCAL_USER


@attrs.define
class Asker:
    """The sender of one request."""

    user: str = LOCAL_USER
    session_id: str = ""
    changes: list[int] = attrs.field(factory=list)
    """Numbers of the changes that were made for it, and can be undone."""


ASKER: Final[ContextVar[Asker]] = ContextVar("ASKER")
"""Of the request that is being answered; each is handled in a task of its own."""


def asker() -> Asker:
    """Return the sender of the request that is being answered; outside of a request it is the local user."""
    return ASKER.get(Asker())
