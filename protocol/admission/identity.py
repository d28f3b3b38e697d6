"""Who sends a request: the client's address, its tenant, and whether the request comes from this machine. Pure.

Rules kept here:

* The client's address is that of the connection. Forwarding headers are not believed: any client can write them.
* A request comes from this machine only if the connection and ``Host`` are both of loopback, no proxy has forwarded the
  request and no web page has sent it.
"""

import enum
import re
from collections.abc import Mapping
from typing import Final

import attrs

from protocol.admission.tenants import tenant_of

LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
LOOPBACK_HOST: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]*)?", re.IGNORECASE)
"""``Host`` of a request for this machine alone; without one (HTTP/1.0, no browser) the connection decides."""
FORWARDING_HEADERS: Final = frozenset(
    {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"}
)
"""What proxies add to a request."""


class RequestSource(enum.Enum):
    """Where a request comes from."""

    THIS_MACHINE = "this machine"
    ELSEWHERE = "elsewhere"
    PROXY = "a proxy on this machine"
    WEB_PAGE = "a web page open on this machine"


OPERATOR_REFUSALS: Final[Mapping[RequestSource, str]] = {
    RequestSource.ELSEWHERE: "is taken from this machine only",
    RequestSource.PROXY: "is taken from this machine only, and not through a proxy",
    RequestSource.WEB_PAGE: "is taken from programs, not from web pages",
}
"""Why a request from there may not do what only operators may."""


@attrs.frozen
class Identity:
    """The sender of one request."""

    peer: str
    """Address and port of the connection's other end, as ``192.0.2.1:5000``: for the log."""
    tenant: str
    """The group of clients that the request counts for (``protocol/admission/tenants.py``)."""
    source: RequestSource = RequestSource.ELSEWHERE

    @property
    def address(self) -> str:
        """The address alone."""
        return _address(self.peer)


def identity_of(peer: str, headers: Mapping[str, str]) -> Identity:
    """Return who sent a request with ``headers``, by lower-case names, that came from ``peer``, an address and port."""
    return Identity(peer, tenant_of(peer), _source(_address(peer), headers))


def _address(peer: str) -> str:
    return peer.rpartition(":")[0] or peer


def _source(address: str, headers: Mapping[str, str]) -> RequestSource:
    if address not in LOOPBACK or not LOOPBACK_HOST.fullmatch(headers.get("host", "localhost")):
        return RequestSource.ELSEWHERE
    if not FORWARDING_HEADERS.isdisjoint(headers):
        return RequestSource.PROXY
    return RequestSource.WEB_PAGE if "origin" in headers else RequestSource.THIS_MACHINE


def operator_refusal(identity: Identity, what: str) -> str | None:
    """Return why ``what`` is not taken from this sender, ``None`` if it is: only programs on this machine may ask."""
    reason = OPERATOR_REFUSALS.get(identity.source)
    return None if reason is None else f"{what} {reason}"
