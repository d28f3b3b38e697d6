"""The identity of a request's sender: address, tenant, and whether it is on this machine. Pure.

Rules kept here:

* The client's address is that of the connection. Forwarding headers are believed from trusted proxies only, and whoever
  comes through one of those is a stranger (``protocol/admission/forwarding.py``).
* An operator's request needs a key with the scope ``operate``. Where no keys are given out, it comes from this machine.
* A request comes from this machine only if the connection and ``Host`` are both of loopback, no proxy has forwarded the
  request and no web page has sent it.
"""

import re
from collections.abc import Mapping
from typing import Final

from protocol.admission.tenants import tenant_of
from protocol.messages.identity import Identity, RequestSource, Scope

LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
LOOPBACK_HOST: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]*)?", re.IGNORECASE)
"""``Host`` of a request for this machine alone; without one (HTTP/1.0, no browser) the connection decides."""
FORWARDING_HEADERS: Final = frozenset(
    {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"}
)
"""Headers that proxies add to a request."""
OPERATOR_REFUSALS: Final[Mapping[RequestSource, str]] = {
    RequestSource.ELSEWHERE: "is taken from this machine only",
    RequestSource.PROXY: "is taken from this machine only, and not through a proxy",
    RequestSource.WEB_PAGE: "is taken from programs, not from web pages",
}
"""The refusals of operators' requests, by source."""


def identity_of(peer: str, headers: Mapping[str, str], *, is_proxied: bool = False) -> Identity:
    """Return the sender of a request with ``headers`` (by lower-case names) from ``peer``, an address and port.

    With ``is_proxied`` a trusted proxy has said so.
    """
    source = RequestSource.PROXY if is_proxied else _source(peer.rpartition(":")[0], headers)
    return Identity(peer, tenant_of(peer), source)


def _source(address: str, headers: Mapping[str, str]) -> RequestSource:
    if address not in LOOPBACK or not LOOPBACK_HOST.fullmatch(headers.get("host", "localhost")):
        return RequestSource.ELSEWHERE
    if not FORWARDING_HEADERS.isdisjoint(headers):
        return RequestSource.PROXY
    return RequestSource.WEB_PAGE if "origin" in headers else RequestSource.THIS_MACHINE


def operator_refusal(identity: Identity, what: str) -> str | None:
    """Return why ``what`` is refused to this sender, ``None`` if it is not.

    Allowed are senders with a key for it; without keys, programs on this machine.
    """
    if identity.grant is not None:
        return None if Scope.OPERATE in identity.grant.scopes else f"{what} needs a key with the scope operate"
    if identity.source is RequestSource.THIS_MACHINE:
        return None
    return f"{what} {OPERATOR_REFUSALS[identity.source]}"


def may_see_words(reader: Identity, user: str) -> bool:
    """Return whether what ``user`` said, and was answered, may be shown: to that user, and to operators."""
    return reader.user == user or (reader.grant is not None and Scope.OPERATE in reader.grant.scopes)
