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

    @property
    def address(self) -> str:
        """The address alone."""
        return self.peer.rpartition(":")[0] or self.peer
