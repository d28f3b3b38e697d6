"""Opens the port, with the socket options that every accepted connection inherits.

A process that may open no more files cannot even take a connection to refuse it, and what a load balancer asks then
stays unanswered. So a few descriptors are held back; each connection that finds no other is accepted on one of them.
"""

import errno
import logging
import math
import os
import socket
from typing import Final

import trio

from config.settings import GatewaySettings

log = logging.getLogger("sayso.ingress")

NONE_LEFT: Final = frozenset({errno.EMFILE, errno.ENFILE})
HELD_BACK: Final = 8  # connections of refused clients and of load balancers that are open at once, for milliseconds
RETRY_S: Final = 0.1  # Trio's own pause in this case
TELL_EVERY_S: Final = 60.0
USER_TIMEOUT_MS: Final = 10_000
"""TCP gives up on a peer that acknowledges nothing for so long (RFC 5482); the kernel's default is about 15 minutes."""


class PortInUse(OSError):
    """The port is in use by another process."""

    def __init__(self, host: str, port: int, setting: str = "gateway.port") -> None:
        """Name the ``setting`` by which another port is chosen."""
        variable = f"SAYSO_{setting.replace('.', '__').upper()}"
        super().__init__(
            errno.EADDRINUSE,
            f"port {port} on {host} is in use: stop what listens there, or choose another port "
            f"({setting} in sayso.toml, or {variable})",
        )


class DescriptorReserve:
    """Holds up to ``size`` open descriptors that can be freed when the process may open no more files."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: list[int] = []

    def __len__(self) -> int:
        return len(self._held)

    @property
    def is_short(self) -> bool:
        """Whether fewer descriptors than ``size`` are held."""
        return len(self._held) < self._size

    def fill(self) -> None:
        """Open descriptors until ``size`` are held or the process may open no more."""
        while len(self._held) < self._size:
            try:
                self._held.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
            except OSError:
                return

    def give_up(self, count: int = 1) -> None:
        """Free ``count`` of the held descriptors."""
        for descriptor in self._held[:count]:
            os.close(descriptor)
        del self._held[:count]


class Listener(trio.abc.Listener[trio.SocketStream]):
    """Accepts connections, on a reserved descriptor if no other is left; waits while there is none at all."""

    def __init__(self, inner: trio.SocketListener, reserve: DescriptorReserve) -> None:
        self.socket = inner.socket
        self._inner = inner
        self._reserve = reserve
        self._told_s = -math.inf

    @property
    def is_short(self) -> bool:
        """Whether descriptors that are held back are in use."""
        return self._reserve.is_short

    async def accept(self) -> trio.SocketStream:
        """Return the next connection; raises ``trio.ClosedResourceError``."""
        self._reserve.fill()
        while True:
            try:
                return await self._inner.accept()
            except OSError as error:
                if error.errno not in NONE_LEFT:
                    raise
            self._tell()
            await trio.lowlevel.wait_readable(self.socket)  # free a descriptor only when a connection is waiting
            if not self._reserve:
                await trio.sleep(RETRY_S)
            self._reserve.give_up()

    def _tell(self) -> None:
        now_s = trio.current_time()
        if now_s - self._told_s >= TELL_EVERY_S:
            self._told_s = now_s
            log.error("no file descriptor is left: raise the limit (ulimit -n), or admit fewer clients")

    async def aclose(self) -> None:
        """Close the port."""
        self._reserve.give_up(len(self._reserve))
        await self._inner.aclose()


async def open_listeners(settings: GatewaySettings) -> list[Listener]:
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
    reserve = DescriptorReserve(HELD_BACK)
    reserve.fill()  # before the first connection
    return [Listener(listener, reserve) for listener in listeners]


async def check_port(settings: GatewaySettings) -> None:
    """Check that the port can be bound, and release it; raises as ``open_listeners``."""
    for listener in await open_listeners(settings):
        await listener.aclose()


def address_of(name: tuple[str, int] | tuple[str, int, int, int]) -> tuple[str, int]:
    """Return host and port of an IPv4 or IPv6 socket's name."""
    return name[0], name[1]
