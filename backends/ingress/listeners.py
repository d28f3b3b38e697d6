"""Opens the port, with the socket options that every accepted connection inherits."""

import errno
import socket
from typing import Final

import trio

from config.settings import GatewaySettings

USER_TIMEOUT_MS: Final = 10_000
"""TCP gives up on a peer that acknowledges nothing for so long (RFC 5482); the kernel's default is about 15 minutes."""


class PortInUse(OSError):
    """Somebody else listens there."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            errno.EADDRINUSE,
            f"port {port} on {host} is in use: stop what listens there, or choose another port "
            "(gateway.port in sayso.toml, or SAYSO_GATEWAY__PORT)",
        )


async def open_listeners(settings: GatewaySettings) -> list[trio.SocketListener]:
    """Bind and listen; raises ``PortInUse``, or ``OSError`` for a host that is not ours."""
    try:
        listeners = await trio.open_tcp_listeners(settings.port, host=settings.host, backlog=settings.backlog)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(settings.host, settings.port) from error
        raise
    for listener in listeners:
        listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, settings.websocket.send_buffer_bytes)
        listener.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, settings.websocket.recv_buffer_bytes)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            listener.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    return listeners


def address_of(name: tuple[str, int] | tuple[str, int, int, int]) -> tuple[str, int]:
    """Return host and port of an IPv4 or IPv6 socket's name."""
    return name[0], name[1]
