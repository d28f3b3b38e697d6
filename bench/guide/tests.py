"""The guide's three tests: health check, WebSocket and load, with its requests and its figures.

Rules kept here:

* An answer that is no success (429, 503) counts as an answer, as in the guide, and stands in ``not_ok`` beside it.
* A connection ends after its time; the guide's own waits for one message more, so for ever at a server that is silent.
* The guide's ``connection_time`` is always 0. Here it is from the first packet to the first message of the server.
"""

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, Final

import attrs
import trio

from bench.guide.figures import cut, health_figures, load_figures, mean, websocket_figures
from bench.guide.http_client import Address, HttpClient, TargetError
from sayso_client import ClientError, Endpoint

HEALTH: Final = "/health"
STATUS: Final = "/api/status"
REQUESTS_EACH: Final = 20
"""Of a user of the load test, as in the guide."""
PROBES: Final = 20
"""Connections that are opened one after the other while all others are open."""
FIRST_MESSAGE_TIMEOUT_S: Final = 10.0
Advance = Callable[[float], None]


async def check(address: Address) -> None:
    """Raise ``TargetError`` unless the server answers a health check as the guide's does: 200, and JSON."""
    url = address.url(HEALTH)
    async with HttpClient(address) as client:
        answer = await client.get(HEALTH)
    if not answer.is_ok:
        raise TargetError(f"{url} answered {answer.status}: it must be a server's health check, and ready")
    try:
        json.loads(answer.body)
    except ValueError as error:
        raise TargetError(f"{url} answered no JSON: that is no server of the guide's shape") from error


async def health_check(address: Address, requests: int, advance: Advance) -> dict[str, Any]:
    """Ask for the health one time after the other."""
    latencies_s: list[float] = []
    not_ok = 0
    began_s = trio.current_time()
    async with HttpClient(address) as client:
        for _ in range(requests):
            asked_s = trio.current_time()
            answer = await client.get(HEALTH)
            latencies_s.append(trio.current_time() - asked_s)
            not_ok += not answer.is_ok
            advance(1)
    return health_figures(latencies_s, trio.current_time() - began_s) | {"not_ok": not_ok}


# --- load ----------------------------------------------------------------------------------------


@attrs.define
class Users:
    """The records of all users of the load test."""

    latencies_s: list[float] = attrs.field(factory=list)
    not_ok: int = 0
    errors: list[str] = attrs.field(factory=list)


async def load_test(address: Address, users: int, advance: Advance) -> dict[str, Any]:
    """Let users ask for the status at the same time, each on a connection of its own."""
    found = Users()
    began_s = trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(users):
            nursery.start_soon(_user, address, found, advance)
    total_s = trio.current_time() - began_s
    figures = load_figures(users, users * REQUESTS_EACH, found.latencies_s, total_s)
    return figures | {"not_ok": found.not_ok, "first_error": next(iter(found.errors), None)}


async def _user(address: Address, found: Users, advance: Advance) -> None:
    async with HttpClient(address) as client:
        for _ in range(REQUESTS_EACH):
            asked_s = trio.current_time()
            try:
                answer = await client.get(STATUS)
            except TargetError as error:
                found.errors.append(str(error))
            else:
                found.latencies_s.append(trio.current_time() - asked_s)
                found.not_ok += not answer.is_ok
            advance(1)


# --- WebSocket -----------------------------------------------------------------------------------


@attrs.define
class Sockets:
    """The records of all connections of the WebSocket test."""

    ended: list[dict[str, Any]] = attrs.field(factory=list)
    errors: list[str] = attrs.field(factory=list)
    probes_s: list[float] = attrs.field(factory=list)
    opened: int = 0
    failed: int = 0
    settled: trio.Event = attrs.field(factory=trio.Event)
    """All connections are open, or have failed."""

    def settle(self, connections: int) -> None:
        """Note that one more is open or has failed."""
        if self.opened + self.failed == connections:
            self.settled.set()


async def websocket_test(address: Address, connections: int, duration_s: float, advance: Advance) -> dict[str, Any]:
    """Open connections at once, keep them open, and meanwhile open some more, one after the other."""
    found, numbers = Sockets(), count()
    async with trio.open_nursery() as nursery:
        for _ in range(connections):
            nursery.start_soon(_connection, address, next(numbers), connections, duration_s, found)
        nursery.start_soon(_probe, address, numbers, found)
        for _ in range(10):
            await trio.sleep(duration_s / 10)
            advance(0.1)
    return websocket_figures(connections, found.ended, duration_s) | {
        "connection_time": mean([one["connection_time"] for one in found.ended]),
        "probes": len(found.probes_s),
        "probe_p95": cut(found.probes_s, 95),
        "first_error": next(iter(found.errors), None),
    }


async def _connection(address: Address, number: int, connections: int, duration_s: float, found: Sockets) -> None:
    began_s = trio.current_time()
    is_open, messages, connection_s = False, 0, None
    try:
        async with await Endpoint(address.websocket_url).open() as socket:
            opened_s = trio.current_time()
            is_open = True
            found.opened += 1
            found.settle(connections)
            await socket.send(hello(number))
            with trio.move_on_after(duration_s):
                while True:
                    await socket.receive()
                    messages += 1
                    connection_s = connection_s or trio.current_time() - began_s
            ended_s = trio.current_time()
    except ClientError as error:
        found.errors.append(str(error))
        found.failed += not is_open
        found.settle(connections)
        return
    found.ended.append(
        {
            "connection_time": connection_s if connection_s is not None else opened_s - began_s,
            "messages_processed": messages,
            "duration": ended_s - opened_s,
        }
    )


async def _probe(address: Address, numbers: Iterator[int], found: Sockets) -> None:
    await found.settled.wait()
    for _ in range(PROBES):
        began_s = trio.current_time()
        try:
            async with await Endpoint(address.websocket_url).open() as socket:
                await socket.send(hello(next(numbers)))
                with trio.move_on_after(FIRST_MESSAGE_TIMEOUT_S):
                    await socket.receive()
                found.probes_s.append(trio.current_time() - began_s)
        except ClientError as error:
            found.errors.append(str(error))


def hello(number: int) -> str:
    """Return the guide's first frame; clients have names of their own."""
    data = {"client_id": f"benchmark_{number}", "capabilities": ["stt", "llm"]}
    return json.dumps({"type": "connection_request", "data": data})
