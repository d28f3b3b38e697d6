"""Who a request behind a reverse proxy comes from: only what a trusted proxy says is believed; pure.

Rules kept here:

* Believed are ``X-Forwarded-For``, ``Forwarded`` (RFC 7239) and the PROXY protocol, version 2, of a connection from one
  of the networks in ``gateway.trusted_proxies``. From all others they are ignored: any client can write them.
* Each proxy adds the address that it saw at the end. So the caller is the last one that is no trusted proxy itself;
  what stands before it is the caller's own invention.
* Where both headers are there one of them may be the caller's: then neither is believed. The request counts as the
  proxy's own, as it does where an address cannot be read.
"""

import ipaddress
import re
import struct
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

HOPS_MAX: Final = 32
FORWARDED_FOR: Final = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s;"]+))', re.IGNORECASE)
WITH_PORT: Final = re.compile(r"\[(?P<v6>[^\]]+)\](?::[0-9]{1,5})?|(?P<v4>[0-9.]+)(?::[0-9]{1,5})?")


def networks_of(texts: Sequence[str]) -> tuple[Network, ...]:
    """Return networks such as ``10.0.0.0/8`` and single addresses; raises ``ValueError``."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def is_trusted(host: str, proxies: Sequence[Network]) -> bool:
    """Return whether a connection from ``host`` is a trusted proxy's."""
    address = _address(host)
    return address is not None and _is_in(address, proxies)


def caller_of(host: str, headers: Mapping[str, str], proxies: Sequence[Network]) -> str:
    """Return the address of the request's sender, for a connection from ``host``."""
    current = _address(host)
    if current is None or not _is_in(current, proxies):
        return host
    for hop in reversed(_hops(headers)):
        address = _address(hop)
        if address is None:
            break
        current = address
        if not _is_in(current, proxies):
            break
    return str(current)


def caller_through(peer: str, headers: Mapping[str, str], proxies: Sequence[Network]) -> str | None:
    """Return the sender's address and port (0 if unknown) for a proxy's connection; ``None`` if it is no proxy's."""
    host = peer.rpartition(":")[0]
    if not is_trusted(host, proxies):
        return None
    caller = caller_of(host, headers, proxies)
    return peer if caller == host else f"{caller}:0"


def _hops(headers: Mapping[str, str]) -> list[str]:
    """Return the addresses that proxies have added, the nearest proxy's last."""
    listed, standard = headers.get("x-forwarded-for"), headers.get("forwarded")
    if (listed is None) == (standard is None):
        return []
    if listed is not None:
        return [part.strip() for part in listed.split(",")][-HOPS_MAX:]
    found = [FORWARDED_FOR.search(part) for part in (standard or "").split(",")][-HOPS_MAX:]
    return ["" if one is None else one["quoted"] or one["plain"] or "" for one in found]


def _address(text: str) -> Address | None:
    """Return an address, also one with a port behind it; ``None`` for anything else."""
    written = WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((written["v6"] or written["v4"]) if written else text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


# --- the PROXY protocol, version 2 (proxy-protocol.txt of HAProxy, section 2.2) --------------------

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
HEAD: Final = struct.Struct("!12sBBH")
PROXY_COMMAND, LOCAL_COMMAND = 0x21, 0x20
TCP_OVER_IPV4, TCP_OVER_IPV6 = 0x11, 0x21
ADDRESSES_MAX: Final = 4_096  # bytes behind the head: addresses, and additions that are not read


class BadProxyHeader(ValueError):
    """What a trusted proxy sent is no header of the PROXY protocol, version 2."""


@attrs.frozen
class ProxyHead:
    """The fixed part of a header."""

    command: int
    family: int
    length: int
    """Bytes that follow."""


def proxy_head(data: bytes) -> ProxyHead:
    """Return the fixed part, out of its 16 bytes; raises ``BadProxyHeader``."""
    signature, command, family, length = HEAD.unpack(data)
    if signature != SIGNATURE or command not in {PROXY_COMMAND, LOCAL_COMMAND} or length > ADDRESSES_MAX:
        raise BadProxyHeader("expected a header of the PROXY protocol, version 2")
    return ProxyHead(command, family, length)


def proxied_peer(head: ProxyHead, data: bytes, peer: str) -> str:
    """Return the caller's address and port, out of the bytes behind ``head``; ``peer`` if the proxy asks for itself.

    Raises ``BadProxyHeader``.
    """
    if head.command == LOCAL_COMMAND:
        return peer
    size = {TCP_OVER_IPV4: 4, TCP_OVER_IPV6: 16}.get(head.family)
    if size is None or len(data) < 2 * size + 4:
        raise BadProxyHeader("expected the addresses of a TCP connection")
    address = _address(str(ipaddress.ip_address(data[:size])))
    (port,) = struct.unpack_from("!H", data, 2 * size)
    return f"{address}:{port}"
