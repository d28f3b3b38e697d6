"""Hostile clients: they stop reading, drip their heads, flood with pings, or reconnect all at once."""

import math
import socket
from collections import Counter
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import trio
from anyio.abc import ByteStream, SocketStream

from bench.load.arrivals import burst
from bench.load.figures import percentile, rounded
from sayso_client import ClientError, ClientOptions, Endpoint, ServerRefused, WebSocket
from sayso_client.requests import connection_request, encode

CLOSED: Final = (OSError, trio.BrokenResourceError, trio.ClosedResourceError, ClientError)
HELLO: Final = connection_request(ClientOptions(client_id="bench", capabilities=("stt", "llm", "tools")))
DEAF_BUFFER_BYTES: Final = 4_096
DRIPPERS: Final = 50
PINGS: Final = 20_000
CLOSE_TIMEOUT_S: Final = 20.0
ATTEMPTS: Final = 40  # of one client that comes again and again


async def deaf(url: str) -> dict[str, Any]:
    """Send requests and never read; return after how many seconds the server closed the socket."""
    question = encode("text", text="list my notes, and what time is it")
    began_s = trio.current_time()
    with trio.move_on_after(CLOSE_TIMEOUT_S) as scope:
        try:
            async with await Endpoint(url, open_stream=partial(_with_a_small_buffer, url)).open() as websocket:
                await websocket.send(HELLO)
                while True:
                    await websocket.send(question)
                    await trio.sleep(0.002)
        except CLOSED:
            pass  # the expected end: the server has closed
    return {"closed_s": None if scope.cancelled_caught else round(trio.current_time() - began_s, 1)}


async def _with_a_small_buffer(url: str) -> ByteStream:
    """Connect with a small receive buffer."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, DEAF_BUFFER_BYTES)
    parts = urlsplit(url)
    await trio.to_thread.run_sync(raw.connect, (parts.hostname, parts.port or 80))
    return await SocketStream.from_socket(raw)


async def dripping(url: str) -> dict[str, Any]:
    """Send heads byte by byte on many sockets; returns when the last was closed."""
    closed_s: list[float] = []
    with trio.move_on_after(CLOSE_TIMEOUT_S):
        async with trio.open_nursery() as nursery:
            for _ in range(DRIPPERS):
                nursery.start_soon(_drip, url, closed_s)
    return {"drippers": DRIPPERS, "closed": len(closed_s), "last_closed_s": round(max(closed_s, default=math.inf), 1)}


async def _drip(url: str, closed_s: list[float]) -> None:
    parts = urlsplit(url)
    began_s = trio.current_time()
    try:
        async with await trio.open_tcp_stream(parts.hostname or "", parts.port or 80) as stream:
            for byte in f"GET /ws HTTP/1.1\r\nX-Slow: {'a' * 1_000}".encode():
                await stream.send_all(bytes([byte]))
                await trio.sleep(0.5)
    except CLOSED:
        closed_s.append(trio.current_time() - began_s)


async def pinging(url: str) -> dict[str, Any]:
    """Flood one socket with pings, and read the pongs; return how it ended."""
    sent: list[int] = []
    with trio.move_on_after(CLOSE_TIMEOUT_S / 2):
        try:
            async with await Endpoint(url).open() as websocket, trio.open_nursery() as nursery:
                nursery.start_soon(_drain, websocket)
                await websocket.send(HELLO)
                for number in range(PINGS):
                    await websocket.ping(b"x" * 100)
                    sent.append(number)
                nursery.cancel_scope.cancel()
        except* CLOSED:
            pass  # the server may close it
    return {"pings_sent": len(sent)}


async def _drain(websocket: WebSocket) -> None:
    while True:
        await websocket.receive()


async def storm(url: str, clients: int, duration_s: float, patience_s: float) -> dict[str, Any]:
    """Connect clients within ``duration_s``; each retries as the server asks until it is admitted, then leaves."""
    waits_ms: list[float] = []
    ends: Counter[str] = Counter()
    with trio.move_on_after(patience_s):
        async with trio.open_nursery() as nursery:
            for due_s in burst(clients, duration_s):
                nursery.start_soon(_come_again, url, due_s, waits_ms, ends)
    return {
        "clients": clients,
        "ends": dict(ends),
        "refusals": len(waits_ms),
        "refusal_p95_ms": rounded(percentile(waits_ms, 95)),
    }


async def _come_again(url: str, due_s: float, waits_ms: list[float], ends: Counter[str]) -> None:
    await trio.sleep(due_s)
    for _ in range(ATTEMPTS):
        began_s = trio.current_time()
        try:
            async with await Endpoint(url).open() as websocket:
                await websocket.send(HELLO)
                await websocket.receive()
                await trio.sleep(1.0)
        except ServerRefused as refused:
            waits_ms.append((trio.current_time() - began_s) * 1_000)
            await trio.sleep(refused.retry_after_s or 1.0)
        except CLOSED:
            ends["broken"] += 1
            return
        else:
            ends["admitted"] += 1
            return
    ends["never admitted"] += 1
