"""HAProxy's configuration for the replicas of one machine; text from data, pure.

Rules kept here:

* It agrees with ``deploy/haproxy/haproxy.cfg`` in its ``defaults``. But all paths are passed on: the servers decide who
  may ask what, as they do without a proxy.
* With TLS the servers speak it themselves, and HAProxy passes on what it cannot read. A replica that is full then says
  so to the client, because only over HTTP HAProxy sees it and tries the next one.
* Each replica is told the client's address by the PROXY protocol.
"""

from collections.abc import Sequence
from typing import Final

import attrs

COMMAND: Final = "haproxy"
INSTALL: Final = "apt-get install haproxy"
STATUS_PAGE: Final = "/health/ready"
DEFAULTS: Final = """\
    option redispatch 1
    retries 3
    timeout connect 2s
    timeout client 60s
    timeout server 130s
    timeout http-request 5s
    timeout http-keep-alive 5s
    timeout queue 5s
    timeout tunnel 10m
"""
CLOSED_LATE_S: Final = 5


@attrs.frozen
class ReplicaAddress:
    """Where one replica listens, on loopback."""

    name: str
    port: int


@attrs.frozen(kw_only=True)
class FrontAddress:
    """The address that clients know."""

    host: str
    """As ``gateway.host``: a name, an address, or "" and ``0.0.0.0`` for all."""
    port: int
    is_tls: bool = False
    idle_timeout_s: float
    """Seconds that a silent WebSocket stays open at the replicas; the proxy waits longer."""
    max_connections: int
    """Of HTTP and WebSockets together, at each replica."""


def configuration(front: FrontAddress, replicas: Sequence[ReplicaAddress]) -> str:
    """Return the text of HAProxy's file; raises ``ValueError`` without replicas."""
    if not replicas:
        raise ValueError("there must be replicas")
    mode = "tcp" if front.is_tls else "http"
    retried = "" if front.is_tls else "    retry-on conn-failure empty-response 503\n"
    tunnel_s = max(600, round(front.idle_timeout_s) + 60)
    defaults = DEFAULTS.replace("timeout tunnel 10m", f"timeout tunnel {tunnel_s}s")
    if front.is_tls:  # one connection may carry anything
        defaults = defaults.replace("timeout client 60s", f"timeout client {tunnel_s}s")
        defaults = defaults.replace("timeout server 130s", f"timeout server {tunnel_s}s")
    checked = "check check-ssl verify none" if front.is_tls else "check"
    servers = "\n".join(f"    server {one.name} 127.0.0.1:{one.port} {checked}" for one in replicas)
    # a replica's name begins with the computer's (assembly/replicas/plan.py)
    hints = (
        ""
        if front.is_tls
        else "".join(f"    use-server {one.name} if {{ url_param(at) -m end {one.name} }}\n" for one in replicas)
    )
    total = front.max_connections * len(replicas)
    return f"""\
global
    maxconn {total}
    hard-stop-after {CLOSED_LATE_S}s

defaults
    mode {mode}
{defaults}{retried}\
    default-server inter 1s fall 2 rise 1 maxconn {front.max_connections} send-proxy-v2 check-send-proxy

frontend voice
    bind {_bound(front)}
    default_backend replicas

backend replicas
    balance leastconn
    option httpchk GET {STATUS_PAGE}
{hints}{servers}
"""


def _bound(front: FrontAddress) -> str:
    if front.host in ("", "0.0.0.0"):  # noqa: S104 - that is what was asked for
        return f"*:{front.port}"
    return f"[{front.host}]:{front.port}" if ":" in front.host else f"{front.host}:{front.port}"
