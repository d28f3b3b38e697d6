"""Microphones that are always on: each streams in real time, or by a factor faster, and reports all events.

All stream from one task each; they begin within a frame's time, so that their frames do not come at once.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import trio

from bench.load.callers import FRAME_BYTES, FRAME_S
from sayso_client import Capability, ClientOptions, ClientSession, SpeechAudio, as_data, connect, wire_name


@attrs.frozen(eq=False)
class Microphone:
    """The stream of one session, and the callback for its events."""

    length_s: float
    pcm: Callable[[int, int], bytes]
    """Returns so many bytes of the stream, from a byte on: 16 kHz mono s16le."""
    note: Callable[[str, Mapping[str, Any], float], None]
    """Takes the type and the data of an event, and how far the stream was then in seconds."""


async def listen_to(
    microphones: Sequence[Microphone], url: str, capabilities: tuple[Capability, ...], factor: float = 1.0
) -> None:
    """Run all streams to the end; raises ``ServerRefused`` or ``SessionClosed`` if a session is refused or cut."""
    options = ClientOptions(client_id="microphone", capabilities=capabilities)
    async with trio.open_nursery() as nursery:
        for number, microphone in enumerate(microphones):
            delay_s = FRAME_S / factor * number / len(microphones)
            nursery.start_soon(_listen, microphone, url, options, delay_s, factor)


async def _listen(microphone: Microphone, url: str, options: ClientOptions, delay_s: float, factor: float) -> None:
    await trio.sleep(delay_s)
    async with connect(url, options, reconnect=None) as session:
        began_s = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_take, microphone, session, began_s, factor)
            await _stream(microphone, session, began_s, factor)
            nursery.cancel_scope.cancel()


async def _stream(microphone: Microphone, session: ClientSession, began_s: float, factor: float) -> None:
    for number in range(round(microphone.length_s / FRAME_S)):
        await trio.sleep_until(began_s + (number + 1) * FRAME_S / factor)  # a microphone has it only then
        await session.send_audio(microphone.pcm(number * FRAME_BYTES, FRAME_BYTES))


async def _take(microphone: Microphone, session: ClientSession, began_s: float, factor: float) -> None:
    while True:
        event = await session.receive()
        if not isinstance(event, SpeechAudio):
            microphone.note(wire_name(event), as_data(event), (trio.current_time() - began_s) * factor)
