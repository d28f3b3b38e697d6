"""From the last voice to the final transcript, in each dialect of one server, in one run.

The same sentence, no command, is spoken in real time by one client after the other: in the native protocol, in OpenAI's
Realtime API, in Deepgram's, and over the Wyoming port. Rounds take turns, so that what else the machine does meets all
of them. A dialect is good if its median is within ``--target-ms`` of the native one.

    sayso bench dialects
    sayso bench dialects --rounds 20 --dry
"""

import argparse
import base64
import json
import socket
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import attrs
import trio

from bench.hostile.wyoming import frame as wyoming_frame
from bench.load.clips import spoken
from bench.load.options import SETTINGS
from bench.load.records import Clip
from bench.load.server import running
from bench.part import Flag, Part, Report, at_least_one
from bench.report import table
from protocol.dialects.wyoming_frames import FrameCutter, parsed
from sayso_client import Endpoint

SENTENCE: Final = "The train to Hamburg leaves a little later today."
RATE_HZ: Final = 16_000
FRAME_S: Final = 0.02
LIMIT_S: Final = 30.0
TARGET_MS: Final = 20.0
LISTEN_QUERY: Final = "encoding=linear16&sample_rate=16000"
SOUND: Final = {"rate": RATE_HZ, "width": 2, "channels": 1}
REALTIME_SESSION: Final[Mapping[str, Any]] = {
    "type": "transcription",
    "audio": {"input": {"format": {"type": "audio/pcm", "rate": RATE_HZ}}},
}


@attrs.frozen
class SpokenClient:
    """One connection that speaks: how it sends samples, and how it waits for the final words."""

    send: Callable[[bytes], Awaitable[None]]
    words: Callable[[], Awaitable[str]]


@asynccontextmanager
async def websocket(
    url: str, openings: tuple[str, ...], wrap: Callable[[bytes], str | bytes], words_in: Callable[[dict[str, Any]], str]
) -> AsyncIterator[SpokenClient]:
    """Connect over a WebSocket; ``words_in`` returns the final words of a message, or nothing."""
    async with await Endpoint(url).open() as line:
        for opening in openings:
            await line.send(opening)

        async def send(pcm: bytes) -> None:
            await line.send(wrap(pcm))

        async def words() -> str:
            while True:
                found = words_in(json.loads(await line.receive()))
                if found:
                    return found

        yield SpokenClient(send, words)


def native(base: str, _port: int) -> Any:
    """Connect in the native protocol."""
    request = {"client_id": "bench", "capabilities": ["stt"], "answers": "on_request", "word_times": True}

    def words_in(event: dict[str, Any]) -> str:
        return str(event["data"]["text"]) if event["type"] == "transcript" else ""

    return websocket(f"{base}/ws", (json.dumps({"type": "connection_request", "data": request}),), bytes, words_in)


def realtime(base: str, _port: int) -> Any:
    """Connect by OpenAI's Realtime API."""
    update = json.dumps({"type": "session.update", "session": REALTIME_SESSION})

    def wrap(pcm: bytes) -> str:
        return json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()})

    def words_in(event: dict[str, Any]) -> str:
        is_final = event["type"] == "conversation.item.input_audio_transcription.completed"
        return str(event["transcript"]) if is_final else ""

    return websocket(f"{base}/v1/realtime?intent=transcription", (update,), wrap, words_in)


def deepgram(base: str, _port: int) -> Any:
    """Connect by Deepgram's live transcription."""

    def words_in(message: dict[str, Any]) -> str:
        is_final = message["type"] == "Results" and message["is_final"]
        return str(message["channel"]["alternatives"][0]["transcript"]) if is_final else ""

    return websocket(f"{base}/v1/listen?{LISTEN_QUERY}", (), bytes, words_in)


@asynccontextmanager
async def wyoming(_base: str, port: int) -> AsyncIterator[SpokenClient]:
    """Connect to the Wyoming port."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        cutter = FrameCutter()
        await stream.send_all(wyoming_frame("transcribe", {"language": "en"}) + wyoming_frame("audio-start", SOUND))

        async def send(pcm: bytes) -> None:
            await stream.send_all(wyoming_frame("audio-chunk", SOUND, pcm))

        async def words() -> str:
            while True:
                while (frame := cutter.next_frame()) is None:
                    cutter.feed(bytes(await stream.receive_some(65_536)))
                event = parsed(frame)
                if event.type == "transcript":
                    return event.text("text") or ""

        yield SpokenClient(send, words)


DIALECTS: Final[Mapping[str, Callable[[str, int], Any]]] = {
    "native": native,
    "realtime": realtime,
    "deepgram": deepgram,
    "wyoming": wyoming,
}


async def waited_ms(client: SpokenClient, clip: Clip) -> float:
    """Speak a clip in real time, and silence until its words have come; return the ms from its last voice to them."""
    step, came_s = round(RATE_HZ * FRAME_S) * 2, 0.0

    async def hear(scope: trio.CancelScope) -> None:
        nonlocal came_s
        await client.words()
        came_s = trio.current_time()
        scope.cancel()

    began_s = trio.current_time()
    with trio.fail_after(LIMIT_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hear, nursery.cancel_scope)
            at = 0
            while True:
                await client.send(clip.pcm[at : at + step].ljust(step, b"\0"))
                at += step
                await trio.sleep_until(began_s + at / 2 / RATE_HZ)
    return 1_000 * (came_s - began_s - clip.voiced_s)


async def rounds(base: str, port: int, clip: Clip, count: int) -> dict[str, list[float]]:
    """Speak the clip in every dialect, so many times by turns, and once before that, which is not counted."""
    found: dict[str, list[float]] = {name: [] for name in DIALECTS}
    for number in range(count + 1):
        for name, connect in DIALECTS.items():
            async with connect(base, port) as client:
                took_ms = await waited_ms(client, clip)
            if number:
                found[name].append(took_ms)
    return found


def free_port() -> int:
    """Return a port that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def judged(found: Mapping[str, list[float]], target_ms: float) -> tuple[list[tuple[Any, ...]], dict[str, Any]]:
    """Return the rows of a table, and the report, of the times of each dialect.

    >>> judged({"native": [500.0, 510.0], "wyoming": [530.0, 540.0]}, 20.0)[1]["missed"]
    ['wyoming']
    """
    medians = {name: statistics.median(times) for name, times in found.items()}
    usual = medians["native"]
    rows = [
        (name, f"{medians[name]:.0f}", f"{medians[name] - usual:+.0f}", f"{min(times):.0f}", f"{max(times):.0f}")
        for name, times in found.items()
    ]
    missed = [name for name, median in medians.items() if median - usual > target_ms]
    figures = {name: {"median_ms": round(medians[name], 1), "all_ms": times} for name, times in found.items()}
    return rows, {"dialects": figures, "missed": missed}


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Speak in every dialect, and print how long each waited."""
    (clip,) = spoken([SENTENCE])
    port = free_port()
    settings = {"gateway.wyoming_port": port, "load.enabled": False, **dict(options.set)}
    with running(settings) as server:
        found = trio.run(rounds, server.url.removesuffix("/ws"), port, clip, options.rounds)
    rows, report = judged(found, options.target_ms)
    table("last voice to final transcript, ms", ("median", "to native", "least", "most"), rows)
    yield report


PART: Final = Part(
    "dialects",
    measure,
    [
        Flag("--rounds", 10, "times that the sentence is spoken in each dialect", at_least_one),
        Flag("--target-ms", TARGET_MS, "how much later than natively the words may come"),
        SETTINGS,
    ],
)
