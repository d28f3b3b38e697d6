"""The identity of a request's sender: made once, at admission (``protocol/admission/identity.py``)."""

import enum
from typing import Final

import attrs

LOCAL_USER: Final = "local"
"""The one user of a server that gives out no keys."""


class RequestSource(enum.Enum):
    """Where a request comes from."""

    THIS_MACHINE = "this machine"
    ELSEWHERE = "elsewhere"
    PROXY = "a proxy on this machine"
    WEB_PAGE = "a web page open on this machine"


class Scope(enum.Enum):
    """What a key is for."""

    TALK = "talk"
    """Sessions, and the speech API below ``/v1/``."""
    READ = "read"
    """Status, metrics, history."""
    OPERATE = "operate"
    """What changes the server: draining, models, the record of who did what."""


@attrs.frozen
class Grant:
    """What a sender's key allows."""

    key_id: str
    scopes: frozenset[Scope]
    expires_at_s: float | None = None
    """Unix time; ``None`` if it never expires."""
    digest: str = attrs.field(default="", repr=False)
    """Of the key's secret: a key whose secret was replaced is another one."""
    is_token: bool = False
    """Whether a token made with the key was presented, and not the key."""


@attrs.frozen
class Identity:
    """The sender of one request."""

    peer: str
    """Address and port of the connection's other end, as ``192.0.2.1:5000``: for the log."""
    tenant: str
    """The group of clients that the request counts for (``protocol/admission/tenants.py``)."""
    source: RequestSource = RequestSource.ELSEWHERE
    user: str = LOCAL_USER
    """The owner of what is kept for this sender: history, notes, timers, lists."""
    grant: Grant | None = None
    """What its key allows; ``None`` where no key is demanded, and everything is allowed that its source is."""

    @property
    def address(self) -> str:
        """The address alone."""
        return self.peer.rpartition(":")[0] or self.peer
