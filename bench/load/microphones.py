"""Microphones that are always on: each streams in real time, or by a factor faster, and tells of all events.

All stream from one task each; they begin within a frame's time, so that their frames do not come at once.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import trio

from bench.load.callers import FRAME_BYTES, FRAME_S, RATE_HZ
from bench.load.wire import Socket, connected


@attrs.frozen(eq=False)
class Microphone:
    """What one session streams, and who takes what comes back."""

    length_s: float
    pcm: Callable[[int, int], bytes]
    """Returns so many bytes of the stream, from a byte on: 16 kHz mono s16le."""
    note: Callable[[str, Mapping[str, Any], float], None]
    """Takes the type and the data of an event, and how far the stream was then in seconds."""


async def listen_to(
    microphones: Sequence[Microphone], url: str, capabilities: Sequence[str], factor: float = 1.0
) -> None:
    """Let all stream to the end; raises ``Refused`` and ``trio.BrokenResourceError`` if one is not let in, or cut."""
    options = {
        "client_id": "microphone",
        "capabilities": capabilities,
        "audio": {"format": "pcm_s16le", "sample_rate": RATE_HZ, "channels": 1},
    }
    hello = json.dumps({"type": "connection_request", "data": options})
    async with trio.open_nursery() as nursery:
        for number, microphone in enumerate(microphones):
            delay_s = FRAME_S / factor * number / len(microphones)
            nursery.start_soon(_listen, microphone, url, hello, delay_s, factor)


async def _listen(microphone: Microphone, url: str, hello: str, delay_s: float, factor: float) -> None:
    await trio.sleep(delay_s)
    async with connected(url) as socket:
        await socket.send_text(hello)
        while (frame := await socket.receive()) is not None:
            if json.loads(bytes(frame.data))["type"] == "connection_accepted":
                break
        began_s = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_take, microphone, socket, began_s, factor)
            await _stream(microphone, socket, began_s, factor)
            nursery.cancel_scope.cancel()
        await socket.leave()


async def _stream(microphone: Microphone, socket: Socket, began_s: float, factor: float) -> None:
    for number in range(round(microphone.length_s / FRAME_S)):
        await trio.sleep_until(began_s + (number + 1) * FRAME_S / factor)  # a microphone has it only then
        await socket.send_bytes(microphone.pcm(number * FRAME_BYTES, FRAME_BYTES))


async def _take(microphone: Microphone, socket: Socket, began_s: float, factor: float) -> None:
    while (frame := await socket.receive()) is not None:
        if frame.opcode == frame.opcode.TEXT:
            event = json.loads(bytes(frame.data))
            microphone.note(event["type"], event["data"], (trio.current_time() - began_s) * factor)
    raise trio.BrokenResourceError(f"the server closed the connection with {socket.close_code}")
