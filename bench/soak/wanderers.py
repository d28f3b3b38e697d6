"""Clients that lose their connection again and again, and come back: no turn may get lost or come twice."""

import random
from collections.abc import Sequence
from functools import partial
from typing import Final

import anyio
import attrs
import trio
from anyio.abc import ByteStream

from sayso_client import (
    ClientError,
    ClientOptions,
    ClientSession,
    ConnectionAccepted,
    DeliveryUnknown,
    ServerRefused,
    TurnCompleted,
    connect,
)
from sayso_client.websocket import connect_stream, parse_address

QUESTION: Final = "what is twelve times seven"
THINK_S: Final = 3.0
TURN_TIMEOUT_S: Final = 60.0
PAUSE_S: Final = 5.0
"""Before a client begins a new session after its own has ended."""


@attrs.define
class Wandered:
    """The records of all such clients."""

    asked: int = 0
    done: int = 0
    unknown: int = 0
    """Questions that were being sent when the connection broke, which the client may not send again."""
    doubled: int = 0
    resumed: int = 0
    begun: int = 0
    """New sessions."""
    refused: int = 0
    troubles: list[str] = attrs.field(factory=list)

    @property
    def lost(self) -> int:
        """Questions without an end."""
        return self.asked - self.done - self.unknown


def wander(url: str, clients: int, duration_s: float, seed: int) -> Wandered:
    """Let so many clients ask, lose their connection and come back for a time; returns what became of them."""
    return trio.run(_wander, url, clients, duration_s, seed)


async def _wander(url: str, clients: int, duration_s: float, seed: int) -> Wandered:
    found, until_s = Wandered(), trio.current_time() + duration_s
    async with trio.open_nursery() as nursery:
        for number in range(clients):
            nursery.start_soon(_client, url, number, until_s, random.Random(f"{seed}-{number}"), found)
    return found


async def _client(url: str, number: int, until_s: float, rng: random.Random, found: Wandered) -> None:
    while trio.current_time() < until_s:
        lines: list[ByteStream] = []
        options = ClientOptions(client_id=f"wanderer-{number}", capabilities=("llm", "tools"))
        try:
            async with connect(url, options, open_stream=partial(_open, url, lines), rng=rng) as session:
                await _Asker(session, lines, rng, found).ask_until(until_s)
        except* ServerRefused:
            found.refused += 1
        except* ClientError as group:
            found.troubles.append(str(group.exceptions[0]))
        with trio.move_on_at(until_s):
            await trio.sleep(PAUSE_S)


async def _open(url: str, lines: list[ByteStream]) -> ByteStream:
    """Open a connection, and keep it in ``lines`` so that it can be cut."""
    lines[:] = [await connect_stream(parse_address(url))]
    return lines[0]


class _Asker:
    """One session that asks and is cut."""

    def __init__(
        self, session: ClientSession, lines: Sequence[ByteStream], rng: random.Random, found: Wandered
    ) -> None:
        self._session = session
        self._lines = lines
        self._rng = rng
        self._found = found
        self._ended = trio.Event()
        self._seen: set[str] = set()

    async def ask_until(self, until_s: float) -> None:
        """Ask, and cut the connection before, after or during the answer."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen)
            while trio.current_time() < until_s:
                await trio.sleep(self._rng.uniform(0.0, THINK_S))
                await self._ask()
                if self._rng.random() < 0.5:
                    await anyio.aclose_forcefully(self._lines[0])
            nursery.cancel_scope.cancel()

    async def _ask(self) -> None:
        self._ended = trio.Event()
        self._found.asked += 1
        try:
            await self._session.send_text(QUESTION)
        except DeliveryUnknown:
            self._found.unknown += 1
            return
        if self._rng.random() < 0.3:
            await anyio.aclose_forcefully(self._lines[0])
        with trio.move_on_after(TURN_TIMEOUT_S):
            await self._ended.wait()
            self._found.done += 1

    async def _listen(self) -> None:
        async for event in self._session:
            match event:
                case ConnectionAccepted():
                    self._found.resumed += event.resumed
                    self._found.begun += not event.resumed
                case TurnCompleted():
                    self._found.doubled += event.turn_id in self._seen
                    self._seen.add(event.turn_id)
                    self._ended.set()
