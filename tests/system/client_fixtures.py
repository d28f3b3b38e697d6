"""A client for tests: the WebSocket of `sayso_client` and bare JSON; remembers all that came."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import trio

from sayso_client import Endpoint, LineLost, WebSocket

RATE_HZ: Final = 16_000
FRAME_S: Final = 0.1
SILENCE: Final = bytes(2 * RATE_HZ)  # a second, more than ends an utterance
ALL: Final = ("stt", "llm", "tools", "tts")
LIMIT_S: Final = 60.0
QUIET: Final = ("stt", "llm", "tools")


@attrs.define(eq=False)
class Client:
    """An open WebSocket."""

    socket: WebSocket
    events: list[Mapping[str, Any]] = attrs.field(factory=list)
    """Every text frame: ``{type, data, seq}``."""
    audio: bytearray = attrs.field(factory=bytearray)
    close_code: int | None = None
    _seen: int = 0
    _something: trio.Event = attrs.field(factory=trio.Event)

    # --- sending ---------------------------------------------------------------------------------

    async def tell(self, name: str, **data: Any) -> None:
        """Send an event."""
        await self.raw(json.dumps({"type": name, "data": data}))

    async def raw(self, frame: str | bytes) -> None:
        """Send a frame as it is."""
        await self.socket.send(frame)

    async def open(self, capabilities: Sequence[str] = ALL, **options: Any) -> None:
        """Make the handshake."""
        await self.tell("connection_request", client_id="test", capabilities=capabilities, **options)
        await self.next("connection_accepted")

    async def speak(self, pcm: bytes, factor: float = 1.0) -> None:
        """Stream samples in frames of 100 ms, ``factor`` times as fast as they were spoken."""
        started_s = trio.current_time()
        step = int(RATE_HZ * FRAME_S) * 2
        for number, offset in enumerate(range(0, len(pcm), step), start=1):
            await self.raw(pcm[offset : offset + step])
            await trio.sleep_until(started_s + number * FRAME_S / factor)

    # --- receiving -------------------------------------------------------------------------------

    async def next(self, name: str, timeout_s: float = 60.0) -> dict[str, Any]:
        """Return the data of the next event called ``name``; those before it count as seen."""
        with trio.move_on_after(timeout_s):
            while True:
                while self._seen < len(self.events):
                    event = self.events[self._seen]
                    self._seen += 1
                    if event["type"] == name:
                        data: dict[str, Any] = event["data"]
                        return data
                assert self.close_code is None, f"closed with {self.close_code} before {name}: {self.names()}"
                await self._something.wait()
        raise AssertionError(f"no {name} within {timeout_s:g} s, but {self.names()}: {self.events[-3:]}")

    async def closed(self, timeout_s: float = 60.0) -> int:
        """Return the close code, once the server has closed."""
        with trio.fail_after(timeout_s):
            while self.close_code is None:
                await self._something.wait()
        return self.close_code

    def names(self) -> list[str]:
        """Return the types of all events, in order."""
        return [event["type"] for event in self.events if event["type"] not in {"status", "audio_ack"}]

    def all(self, name: str) -> list[dict[str, Any]]:
        """Return the data of all events called ``name``."""
        return [event["data"] for event in self.events if event["type"] == name]

    async def listen(self) -> None:
        """Take all that comes until the socket is closed."""
        try:
            while True:
                frame = await self.socket.receive()
                if isinstance(frame, bytes):
                    self.audio += frame
                else:
                    self.events.append(json.loads(frame))
                self._wake()
        except LineLost as lost:
            self.close_code = lost.code
            self._wake()

    def _wake(self) -> None:
        self._something.set()
        self._something = trio.Event()


@asynccontextmanager
async def connected(url: str, **headers: str) -> AsyncIterator[Client]:
    """Open a WebSocket, before any handshake of ours."""
    socket = await Endpoint(url, headers, timeout_s=LIMIT_S).open()
    async with socket, trio.open_nursery() as nursery:
        client = Client(socket)
        nursery.start_soon(client.listen)
        yield client
        await socket.close()
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def talking(url: str, capabilities: Sequence[str] = ALL, **options: Any) -> AsyncIterator[Client]:
    """Open a conversation."""
    async with connected(url) as client:
        await client.open(capabilities, **options)
        yield client
