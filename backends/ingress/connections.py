"""The open HTTP connections of one listener: each has a place; one that gives way to another is cancelled."""

from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import trio

from config.settings import GatewaySettings
from protocol.admission.connections import Connections
from protocol.admission.fair_share import FairShare
from protocol.admission.tenants import tenant_of


@attrs.frozen
class ConnectionPlace:
    """The place of one connection."""

    number: int
    is_reserved: bool
    """Whether it may ask for health checks only."""
    has_replaced: bool
    """Whether another connection was closed to make room for it."""
    _connections: Connections

    def wait(self) -> None:
        """Note that the connection waits for a request: it may be closed in favour of another."""
        self._connections.wait(self.number, trio.current_time())

    def work(self) -> None:
        """Note that a request is being served."""
        self._connections.work(self.number, trio.current_time())

    def leave(self) -> None:
        """Give the place back before the connection's end: it is a WebSocket now."""
        self._connections.leave(self.number)


class OpenConnections:
    """Gives out places for connections."""

    def __init__(self, settings: GatewaySettings) -> None:
        places = FairShare(settings.max_http_connections, settings.max_share_per_address)
        self._connections = Connections(places)
        self._scopes: dict[int, trio.CancelScope] = {}

    def __len__(self) -> int:
        return len(self._connections)

    @contextmanager
    def place(self, peer: str, *, is_scarce: bool = False, is_proxy: bool = False) -> Iterator[ConnectionPlace | None]:
        """Hold a place for the block, ``None`` if all are taken; the block is cancelled if it gives way to another.

        Of a trusted proxy each connection counts as of an address of its own: it brings those of many.
        """
        tenant = f"proxy {peer}:0" if is_proxy else peer
        entry = self._connections.enter(tenant_of(tenant), trio.current_time(), is_scarce=is_scarce)
        if entry is None:
            yield None
            return
        if entry.leaver is not None:
            self._scopes[entry.leaver].cancel()
        with trio.CancelScope() as scope:
            self._scopes[entry.number] = scope
            try:
                yield ConnectionPlace(entry.number, entry.is_reserved, entry.leaver is not None, self._connections)
            finally:
                del self._scopes[entry.number]
                self._connections.leave(entry.number)
