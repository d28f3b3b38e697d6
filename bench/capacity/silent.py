"""Silent sessions: opened one after the other, held open, and asked for a sign of life by the protocol's ping."""

import json
from typing import Any, Final

import attrs
import trio

from bench.load.strangers import HELLO
from sayso_client import ClientError, Endpoint, ServerRefused, WebSocket
from sayso_client.requests import encode

AT_ONCE: Final = 32
"""Sessions that are opened at the same time."""
PINGS: Final = 3
"""That each session sends while all are open."""
OPEN_TIMEOUT_S: Final = 30.0
PONG_TIMEOUT_S: Final = 30.0


@attrs.define
class Silence:
    """What became of silent sessions."""

    wanted: int
    served: int = 0
    refused: int = 0
    pongs_ms: list[float] = attrs.field(factory=list)
    troubles: list[str] = attrs.field(factory=list)


def hold(url: str, sessions: int, hold_s: float) -> Silence:
    """Open so many sessions, hold them, and return what became of them."""
    return trio.run(_hold, url, sessions, hold_s)


async def _hold(url: str, sessions: int, hold_s: float) -> Silence:
    found, sockets = Silence(sessions), list[WebSocket]()
    places = trio.Semaphore(AT_ONCE)
    try:
        async with trio.open_nursery() as nursery:
            for _ in range(sessions):
                await places.acquire()
                nursery.start_soon(_open, url, found, sockets, places)
        async with trio.open_nursery() as nursery:
            for number, socket in enumerate(sockets):
                nursery.start_soon(_stay, socket, found, hold_s, hold_s / PINGS * number / len(sockets))
    finally:
        for socket in sockets:
            await socket.abort()
    return found


async def _open(url: str, found: Silence, sockets: list[WebSocket], places: trio.Semaphore) -> None:
    try:
        with trio.fail_after(OPEN_TIMEOUT_S):
            socket = await Endpoint(url, timeout_s=OPEN_TIMEOUT_S).open()
            sockets.append(socket)
            await socket.send(HELLO)
            while not _is(await socket.receive(), "connection_accepted"):
                pass
    except ServerRefused as error:
        found.refused += 1
        found.troubles.append(str(error))
    except (ClientError, trio.TooSlowError) as error:
        found.troubles.append(str(error) or "not open in time")
    else:
        found.served += 1
    finally:
        places.release()


async def _stay(socket: WebSocket, found: Silence, hold_s: float, delay_s: float) -> None:
    """Ping a few times, evenly spread; a session that ends before counts as lost."""
    try:
        await trio.sleep(delay_s)
        for number in range(PINGS):
            sent_s = trio.current_time()
            await socket.send(encode("ping", t=number))
            with trio.fail_after(PONG_TIMEOUT_S):
                while not _is(await socket.receive(), "pong"):
                    pass
            found.pongs_ms.append((trio.current_time() - sent_s) * 1_000)
            with trio.move_on_at(sent_s + hold_s / PINGS):
                while True:
                    await socket.receive()
    except (ClientError, trio.TooSlowError) as error:
        found.served -= 1
        found.troubles.append(str(error) or "no pong in time")


def _is(frame: str | bytes, kind: str) -> bool:
    if not isinstance(frame, str):
        return False
    event: Any = json.loads(frame)
    return bool(event["type"] == kind)
