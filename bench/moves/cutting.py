"""A TCP proxy that cuts connections at chosen bytes: in the middle of a frame, and with bytes on the way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Final

import attrs
import trio

CHUNK_BYTES: Final = 65_536
SILENT_S: Final = 0.5
HEAD_BYTES: Final = 1_500  # of what goes each way before a client that comes back is accepted
MOST_CUTS: Final = 3


@attrs.frozen
class Cut:
    """Where a connection is cut."""

    is_upstream: bool
    """Whether bytes of the client are counted, or those of the server."""
    after_bytes: int
    """The last byte that passes."""
    silent_s: float = 0.0
    """So long nothing passes in either direction before both sides see the end."""


@attrs.frozen
class Traffic:
    """The bytes that passed."""

    upstream: int
    downstream: int


def draw_cuts(rng: Random, whole: Traffic) -> list[Cut]:
    """Return the cuts of one run: the first anywhere in what passes without any, more of them on the way back."""
    cuts = [_draw(rng, whole)]
    while len(cuts) < MOST_CUTS and rng.random() < 0.25:
        cuts.append(_draw(rng, Traffic(HEAD_BYTES, HEAD_BYTES)))
    return cuts


def _draw(rng: Random, whole: Traffic) -> Cut:
    is_upstream = rng.random() < 0.5
    after = rng.randrange(1, max(2, whole.upstream if is_upstream else whole.downstream))
    return Cut(is_upstream, after, rng.choice((0.0, rng.uniform(0.0, SILENT_S))))


@attrs.define(eq=False)
class CuttingProxy:
    """Passes bytes between clients and one server."""

    server_port: int
    port: int = attrs.field(default=0, init=False)
    cuts: list[Cut] = attrs.field(factory=list, init=False)
    """Of the connections to come, one each; that which is open takes the first by ``arm``."""
    made: int = attrs.field(default=0, init=False)
    """How many cuts were made."""
    _open: "Passage | None" = attrs.field(default=None, init=False)

    def arm(self, cuts: list[Cut]) -> None:
        """Count the open connection's bytes from now on, cut it by the first cut, and later ones by the others."""
        if self._open is None:
            raise RuntimeError("a client must be connected")
        self.cuts = list(cuts)
        self._open.count_anew(self.cuts.pop(0) if self.cuts else None)

    def traffic(self) -> Traffic:
        """Return the bytes that have passed on the open connection since it was armed."""
        return Traffic(0, 0) if self._open is None else Traffic(self._open.passed[True], self._open.passed[False])

    async def serve(self, client: trio.SocketStream) -> None:
        """Pass the bytes of one connection until it ends or is cut."""
        server = await trio.open_tcp_stream("127.0.0.1", self.server_port)
        passage = self._open = Passage(client, server, self.cuts.pop(0) if self.cuts else None)
        try:
            async with client, server, trio.open_nursery() as nursery:
                nursery.start_soon(passage.forward, client, server, True)
                nursery.start_soon(passage.forward, server, client, False)
                await passage.ended.wait()
                nursery.cancel_scope.cancel()
            # what is unread in either socket by now is lost, and both ends are told so by a reset
        finally:
            self.made += passage.is_cut
            if self._open is passage:
                self._open = None


@attrs.define(eq=False)
class Passage:
    """One connection through the proxy."""

    client: trio.SocketStream
    server: trio.SocketStream
    cut: Cut | None
    passed: dict[bool, int] = attrs.field(factory=lambda: {True: 0, False: 0})
    """By whether it was upstream."""
    ended: trio.Event = attrs.field(factory=trio.Event)
    is_cut: bool = False

    def count_anew(self, cut: Cut | None) -> None:
        """Count from now on, for a new cut."""
        self.passed, self.cut = {True: 0, False: 0}, cut

    async def forward(self, source: trio.SocketStream, target: trio.SocketStream, is_upstream: bool) -> None:
        """Pass what one side sends until it ends."""
        try:
            async for chunk in source:
                if self.is_cut:
                    await trio.sleep_forever()
                room = self._room(is_upstream, len(chunk))
                self.passed[is_upstream] += room
                await target.send_all(chunk[:room])
                if room < len(chunk):
                    await self._end_by_cut()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        self.ended.set()

    def _room(self, is_upstream: bool, size: int) -> int:
        if self.cut is None or self.cut.is_upstream != is_upstream:
            return size
        return min(size, max(0, self.cut.after_bytes - self.passed[is_upstream]))

    async def _end_by_cut(self) -> None:
        self.is_cut = True
        await trio.sleep(self.cut.silent_s if self.cut is not None else 0.0)
        self.ended.set()
        await trio.sleep_forever()


@asynccontextmanager
async def cutting_proxy(server_port: int) -> AsyncIterator[CuttingProxy]:
    """Run a proxy before a server for the block."""
    proxy = CuttingProxy(server_port)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), proxy.serve, 0)
        proxy.port = int(listeners[0].socket.getsockname()[1])
        yield proxy
        nursery.cancel_scope.cancel()
