"""Which requests that a browser may have sent are answered: by ``Host``, ``Origin`` and ``Sec-Fetch-Site``; pure.

A web page can make a browser send requests to any address, but it cannot choose these three headers.

Rules kept here:

* ``Host`` must be a name of this server. A page whose own name was pointed to this address (DNS rebinding) sends that
  name, and counts as same-origin otherwise. An IP address cannot be pointed elsewhere, so every one is taken.
* ``Origin`` must be where the request went to, or be listed. Its scheme decides only the default port: TLS ends at a
  proxy, so the scheme that the browser used is not known here.
* Without an ``Origin`` (a link, an image, a form that is only read) ``Sec-Fetch-Site`` tells of another page. Such a
  page may link to this server, but not load from it.
* Programs send none of the headers but ``Host``, and are not affected.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, Literal

import attrs

ANY: Final = "*"
LOCALHOST: Final = "localhost"  # browsers resolve it themselves, to loopback
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
ADDRESSES_KEPT: Final = 64  # health checks name the same host each time; other hosts push each other out
SHOWN_CHARS: Final = 100  # of a header's value, in an answer or in the log
OWN_SITES: Final = frozenset({"same-origin", "none"})  # none: the person typed the address (W3C Fetch Metadata)
PREFLIGHT_S: Final = 600  # Chromium keeps one for 7,200 s at most; a changed setting should be seen sooner

AUTHORITY: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{0,5}))?")
ORIGIN: Final = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/?#]+)")
Headers = Mapping[str, str]
"""By lower-case names; of repeated ones the values are joined."""


@attrs.frozen
class Authority:
    """A host and a port, as in ``Host`` and in addresses."""

    host: str
    """In lower case, IP addresses in their usual spelling and without brackets."""
    port: int | None

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address."""
        return _address(self.host) is not None


def authority_of(text: str) -> Authority | None:
    """Return what ``text`` names; ``None`` if it is no host with an optional port (RFC 9110, section 7.2)."""
    found = AUTHORITY.fullmatch(text)
    if found is None:
        return None
    host = found["name"] or found["v6"]
    address = _address(host)
    if found["v6"] and not isinstance(address, ipaddress.IPv6Address):
        return None
    port = int(found["port"]) if found["port"] else None
    if port is not None and port > 65_535:  # noqa: PLR2004 - the largest port
        return None
    return Authority(str(address) if address else host.lower().removesuffix("."), port)


@lru_cache(maxsize=ADDRESSES_KEPT)
def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def normal_origin(origin: str) -> str:
    """Return the origin in lower case and without a default port."""
    lower = origin.lower()
    found = ORIGIN.fullmatch(lower)
    if found is None:
        return lower
    default = DEFAULT_PORTS.get(found["scheme"])
    return lower if default is None else lower.removesuffix(f":{default}")


def own_names(bound_host: str, machine: str) -> frozenset[str]:
    """Return the names under which a server that listens on ``bound_host`` of the computer ``machine`` is reached.

    On loopback the computer's name is none of them: it can be pointed elsewhere on the local network.
    """
    address = _address(bound_host)
    own = {bound_host.lower()} if bound_host and address is None else set()
    is_loopback = bound_host == LOCALHOST or (address is not None and address.is_loopback)
    machine = machine.lower()
    first = machine.partition(".")[0]
    if is_loopback or first in ("", LOCALHOST):
        return frozenset(own)
    return frozenset(own | {machine, first, f"{first}.local"})


@attrs.frozen
class SitePolicy:
    """The names of this server, and the pages elsewhere that may use it."""

    names: frozenset[str]
    hosts: tuple[str, ...]
    """Further names: ``voice.example.org``, ``*.example.org``, either with a port, or ``*``."""
    origins: frozenset[str]
    """``https://app.example.org``, ``null`` or ``*``."""

    @classmethod
    def of(cls, names: Iterable[str], hosts: Iterable[str], origins: Iterable[str]) -> "SitePolicy":
        """Return the policy in a form that can be compared."""
        return cls(frozenset(names), tuple(host.lower() for host in hosts), frozenset(map(normal_origin, origins)))

    def names_this_server(self, host: Authority) -> bool:
        """Return whether ``host`` is a name or an address of this server."""
        if host.is_address or host.host == LOCALHOST or host.host in self.names:
            return True
        return any(_matches(pattern, host) for pattern in self.hosts)

    def lists(self, origin: str) -> bool:
        """Return whether pages of ``origin`` are allowed by name."""
        return ANY in self.origins or normal_origin(origin) in self.origins


def _matches(pattern: str, host: Authority) -> bool:
    name, colon, port = pattern.partition(":")
    if colon and (int(port) not in DEFAULT_PORTS.values() if host.port is None else int(port) != host.port):
        return False
    if name == ANY:
        return True
    return host.host.endswith(name[1:]) if name.startswith("*.") else host.host == name


def is_same_origin(origin: str, host: Authority) -> bool:
    """Return whether a page of ``origin`` came from where the request went to."""
    found = ORIGIN.fullmatch(origin.lower())
    if found is None or found["scheme"] not in DEFAULT_PORTS:
        return False
    page = authority_of(found["authority"])
    if page is None or page.host != host.host:
        return False
    default = DEFAULT_PORTS[found["scheme"]]
    return (page.port or default) == (host.port or default)


@attrs.frozen
class SiteRefusal:
    """Why a request is not answered."""

    reason: Literal["host", "origin", "cross_site"]
    status: int
    message: str


def site_refusal(method: str, headers: Headers, policy: SitePolicy) -> SiteRefusal | None:
    """Return why the request is refused, ``None`` if it is not.

    Without ``Host`` (HTTP/1.0, which no browser speaks) there is no name that could be wrong.
    """
    named = headers.get("host")
    host = None if named is None else authority_of(named)
    if named is not None and (host is None or not policy.names_this_server(host)):
        return _wrong_host(named, host, policy)
    origin = headers.get("origin")
    if origin is not None:
        if policy.lists(origin) or (host is not None and is_same_origin(origin, host)):
            return None
        text = (
            f"only pages of this server may use it, and those listed in gateway.allowed_origins, not {_shown(origin)}"
        )
        return SiteRefusal("origin", 403, text)
    site = headers.get("sec-fetch-site", "none").lower()
    if site in OWN_SITES or ANY in policy.origins or _is_link(method, headers):
        return None
    text = "a page elsewhere may link to this server, but load from it only with an Origin that is listed in"
    return SiteRefusal("cross_site", 403, f"{text} gateway.allowed_origins")


def _wrong_host(named: str, host: Authority | None, policy: SitePolicy) -> SiteRefusal:
    if host is None:
        return SiteRefusal("host", 400, f"Host must be a name or an address and perhaps a port, not {_shown(named)}")
    known = ", ".join(["an IP address", LOCALHOST, *sorted(policy.names - {LOCALHOST})])
    text = f"Host must stand in gateway.allowed_hosts or be one of: {known}, not {_shown(named)}"
    return SiteRefusal("host", 421, text)


def _is_link(method: str, headers: Headers) -> bool:
    mode, target = headers.get("sec-fetch-mode", ""), headers.get("sec-fetch-dest", "")
    return method in ("GET", "HEAD") and mode.lower() == "navigate" and target.lower() == "document"


def _shown(value: str) -> str:
    return repr(value if len(value) <= SHOWN_CHARS else f"{value[:SHOWN_CHARS]}...")


# --- pages elsewhere (CORS, the Fetch standard) ----------------------------------------------------


def is_preflight(method: str, headers: Headers) -> bool:
    """Return whether a browser asks beforehand whether a page may send what it wants to send."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def cors_headers(headers: Headers, policy: SitePolicy) -> tuple[tuple[str, str], ...]:
    """Return what allows a listed page to read the answer; nothing for all others."""
    origin = headers.get("origin")
    if origin is None or not policy.lists(origin):
        return ()
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Expose-Headers", "Retry-After"),
        ("Vary", "Origin"),
    )


PREFLIGHT_HEADERS: Final = (
    ("Access-Control-Allow-Methods", "GET, HEAD, POST"),
    ("Access-Control-Allow-Headers", "*"),
    ("Access-Control-Max-Age", str(PREFLIGHT_S)),
)
