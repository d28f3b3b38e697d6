"""Spoken commands from end to end: latency by stage, and whether the right tool was called.

Commands are made by Piper, spoken in real time over a WebSocket in 40 ms frames, one after the other in one session.
The server's stages come from ``turn_completed.latency_ms``; the client's own figures count from the last sample of
the speech to the arrival of an event, so they hold the network and the client too.

    sayso bench commands                      a server of its own, on a free port
    sayso bench commands --url ws://HOST/ws   one that runs already
    sayso bench commands --count 10           fewer commands
    sayso bench commands --pause-ms 400       sentences with a pause in the middle; none may be cut in two
    sayso bench commands --neighbours 2       and once more beside so many busy processes that are not the server's
"""

import argparse
import contextlib
import json
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import psutil
import soxr
import trio

from backends.speech.piper import PiperWorker
from cli.sound import FRAME_S, Sound
from sayso_client import (
    ClientOptions,
    ClientSession,
    ConfirmRequest,
    Event,
    Reply,
    SpeechAudioEnd,
    SpeechAudioStart,
    SpeechStopped,
    Status,
    ToolCall,
    ToolResult,
    Transcript,
    TurnCompleted,
    as_data,
    connect,
)

ROOT: Final = Path(__file__).resolve().parent.parent
VOICE: Final = "en_US-joe-medium"
RATE_HZ: Final = 16_000
LEAD_S: Final = 0.4  # silence before the speech, as a microphone has it
TAIL_S: Final = 0.8  # and after it: more than the server's own limit
START_TIMEOUT_S: Final = 150.0
STOP_TIMEOUT_S: Final = 20.0
TURN_TIMEOUT_S: Final = 30.0
PERCENTILES: Final = (50, 95)
COMMANDS: Final[Mapping[str, str]] = {
    "What time is it?": "get_time",
    "What is the date today?": "get_date",
    "Which day of the week is it?": "get_date",
    "Set a timer for two hours.": "set_timer",
    "Remind me in ninety minutes.": "set_timer",
    "List my timers.": "list_timers",
    "Cancel all timers.": "cancel_timer",
    "Take a note that the car needs oil.": "add_note",
    "Read my notes.": "list_notes",
    "Delete my last note.": "delete_note",
    "Add milk to the shopping list.": "add_to_list",
    "Put two lemons on the shopping list.": "add_to_list",
    "What is on my shopping list?": "read_list",
    "Remove milk from the shopping list.": "remove_from_list",
    "What is twelve times seven?": "calculate",
    "What is fifteen percent of eighty?": "calculate",
    "Convert five miles to kilometers.": "convert_units",
    "How many grams are in two pounds?": "convert_units",
}


HESITANT: Final[Mapping[tuple[str, str], str]] = {
    ("What time is it", "in Tokyo?"): "get_time",
    ("Set a timer for ten", "minutes."): "set_timer",
    ("Set a timer for two hours", "and thirty minutes."): "set_timer",
    ("Set a timer", "for five minutes."): "set_timer",
    ("Add milk", "to the shopping list."): "add_to_list",
    ("Take a note that the car", "needs oil."): "add_note",
    ("What is twelve", "times seven?"): "calculate",
    ("Convert five miles", "to kilometers."): "convert_units",
    ("Read my notes", "aloud."): "list_notes",
    ("What is on my", "shopping list?"): "read_list",
}
"""Both halves of a sentence, with a pause between; several first halves are commands of their own."""


@attrs.frozen
class Clip:
    """One command as sound."""

    sentence: str
    tool: str
    sound: Sound
    voiced_s: float
    """Where its speech ends."""
    last_word: str
    """What is heard last if the whole sentence is heard."""


@attrs.define
class Measured:
    """What became of one command."""

    sentence: str
    expected: str
    last_word: str
    reason: str = ""
    """Why the utterance ended."""
    heard: str = ""
    tool: str = ""
    outcome: str = "lost"
    server_ms: Mapping[str, float] = attrs.field(factory=dict)
    client_ms: dict[str, float] = attrs.field(factory=dict)
    """From the last sample of speech to the arrival of the event."""
    load_level: int = 0
    """The highest that the server told meanwhile."""

    @property
    def is_right(self) -> bool:
        """Whether the right tool was called after the whole sentence, and the turn ended well."""
        return self.tool == self.expected and self.outcome == "done" and self.last_word in self.heard.lower()


CLIENT_STAGES: Final[Mapping[type, str]] = {
    Transcript: "transcript",
    ToolResult: "tool_result",
    Reply: "reply",
    SpeechAudioStart: "first_audio",
}


def main() -> None:
    """Measure, print tables, write bench/results/commands.json."""
    options = _options()
    with tempfile.TemporaryDirectory() as scratch:
        clips = _clips(options.count, options.seed, Path(scratch), options.pause_ms)
        with _server(options.url, Path(scratch)) as address:
            measured = trio.run(_run, address, clips)
            report = _report(options, measured)
            _print(report)
            if options.neighbours:
                with _neighbours(options.neighbours):
                    beside = _report(options, trio.run(_run, address, clips))
                print(f"\nbeside {options.neighbours} busy processes that are not the server's")
                _print(beside)
                report["beside_neighbours"] = beside
    target = ROOT / "bench" / "results" / "commands.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(report, indent=1) + "\n")
    print(f"written to {target.relative_to(ROOT)}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server that runs already")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause-ms", type=int, default=0, help="speak sentences with such a pause in the middle")
    parser.add_argument("--neighbours", type=int, default=0, help="busy processes for a second round")
    return parser.parse_args()


# --- speech --------------------------------------------------------------------------------------


def _clips(count: int, seed: int, scratch: Path, pause_ms: int) -> list[Clip]:
    """Return ``count`` commands: each sentence as often as any other, in an order that the seed decides."""
    piper = PiperWorker({"models_dir": str(scratch), "voice": VOICE, "cpu_threads": 1})
    spoken: Mapping[tuple[str, ...], str] = {(sentence,): tool for sentence, tool in COMMANDS.items()}
    made = [_clip(piper, parts, tool, pause_ms) for parts, tool in (HESITANT if pause_ms else spoken).items()]
    repeated = (made * (count // len(made) + 1))[:count]
    random.Random(seed).shuffle(repeated)
    return repeated


def _clip(piper: PiperWorker, parts: Sequence[str], tool: str, pause_ms: int) -> Clip:
    pieces = [_silence(LEAD_S)]
    for part in parts:
        pieces += [_spoken(piper, part), _silence(pause_ms / 1_000)]
    samples = np.concatenate(pieces[:-1])
    sound = Sound(samples.astype("<i2").tobytes(), RATE_HZ).with_silence(TAIL_S)
    last_word = parts[-1].strip("?.").rpartition(" ")[2].lower() if len(parts) > 1 else ""
    return Clip(" ".join(parts), tool, sound, len(samples) / RATE_HZ, last_word)


def _spoken(piper: PiperWorker, text: str) -> Any:
    """Return the samples of ``text`` without the little silences that Piper begins and ends with."""
    made, pcm = piper.handle("speak", {"text": text}, b"")
    samples: Any = soxr.resample(np.frombuffer(pcm, dtype="<i2"), made["sample_rate"], RATE_HZ)
    loud = np.flatnonzero(np.abs(samples) > np.abs(samples).max() * 0.02)
    return samples[loud[0] : loud[-1] + 1]


def _silence(seconds: float) -> Any:
    return np.zeros(round(seconds * RATE_HZ), dtype="<i2")


# --- the conversation ----------------------------------------------------------------------------


async def _run(url: str, clips: Sequence[Clip]) -> list[Measured]:
    async with connect(url, ClientOptions(client_id="bench"), reconnect=None) as session:
        measured = []
        for number, clip in enumerate(clips, start=1):
            measured.append(await _speak(session, clip))
            if sys.stderr.isatty():
                print(f"\r{number}/{len(clips)}", end="", file=sys.stderr, flush=True)
    return measured


async def _speak(session: ClientSession, clip: Clip) -> Measured:
    """Speak one command and take all events until its turn is over and its answer has been spoken."""
    measured = Measured(clip.sentence, clip.tool, clip.last_word)
    started_s = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_send, session, clip.sound, started_s)
        with trio.move_on_after(TURN_TIMEOUT_S):
            await _take(session, measured, started_s + clip.voiced_s)
    return measured


async def _send(session: ClientSession, sound: Sound, started_s: float) -> None:
    for number, frame in enumerate(sound.frames(), start=1):
        await trio.sleep_until(started_s + number * FRAME_S)
        await session.send_audio(frame)


async def _take(session: ClientSession, measured: Measured, voiced_s: float) -> None:
    is_speaking = False
    while is_speaking or measured.outcome == "lost":
        event = await session.receive()
        if type(event) in CLIENT_STAGES:
            since_ms = (trio.current_time() - voiced_s) * 1_000
            measured.client_ms.setdefault(CLIENT_STAGES[type(event)], since_ms)
        is_speaking = not isinstance(event, SpeechAudioEnd) and (is_speaking or isinstance(event, SpeechAudioStart))
        await _note(session, measured, event)


async def _note(session: ClientSession, measured: Measured, event: Event) -> None:
    match event:
        case SpeechStopped():
            measured.reason = event.reason
        case Transcript():
            measured.heard = event.text
        case ToolCall():
            measured.tool = event.tool
        case ConfirmRequest():
            await session.confirm(event.call_id, approve=True)
        case Status():
            measured.load_level = max(measured.load_level, event.load_level)
        case TurnCompleted():
            measured.outcome = event.outcome
            measured.server_ms = as_data(event)["latency_ms"]


# --- the server ----------------------------------------------------------------------------------


@contextmanager
def _server(url: str | None, scratch: Path) -> Iterator[str]:
    """Give the address of a server: the one that was named, or a new one that ends with the block."""
    if url is not None:
        yield url
        return
    ready, log = scratch / "ready", scratch / "server.log"
    command = [sys.executable, "-m", "cli", "serve", "--port", "0", "--ready-file", str(ready)]
    command += ["--set", f"supervisor.data_dir={scratch / 'data'}", "--set", "inference.provider=none"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_ready(process, ready)
        if not ready.exists():
            sys.exit(f"the server did not start:\n{log.read_text()}")
        yield ready.read_text().strip()
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
        process.kill()
        process.wait()


@contextmanager
def _neighbours(count: int) -> Iterator[None]:
    """Let so many processes use a processor each for the block."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def _wait_ready(process: "subprocess.Popen[bytes]", ready: Path) -> None:
    """Return when the server listens, has ended or takes too long."""
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and not ready.exists() and time.monotonic() < deadline_s:
        time.sleep(0.1)


# --- the report ----------------------------------------------------------------------------------


def _report(options: argparse.Namespace, measured: Sequence[Measured]) -> dict[str, Any]:
    right = sum(one.is_right for one in measured)
    return {
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": _machine(),
        "options": {
            "count": options.count,
            "seed": options.seed,
            "pause_ms": options.pause_ms,
            "own_server": options.url is None,
        },
        "commands": len(measured),
        "right": right,
        "accuracy": round(right / len(measured), 4),
        "highest_load_level": max(one.load_level for one in measured),
        "server_ms": dict(_percentiles([one.server_ms for one in measured])),
        "client_ms": dict(_percentiles([one.client_ms for one in measured])),
        "transcript_ms_by_end": dict(
            _percentiles([{one.reason: one.client_ms["transcript"]} for one in measured if one.heard])
        ),
        "each": [{"said": one.sentence, "heard": one.heard, "end": one.reason, **one.client_ms} for one in measured],
        "wrong": [
            {"said": one.sentence, "heard": one.heard, "tool": one.tool, "outcome": one.outcome}
            for one in measured
            if not one.is_right
        ],
    }


def _machine() -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
    }


def _percentiles(rows: Sequence[Mapping[str, float]]) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield p50 and p95 of every stage that happened in at least two commands, with how often it did."""
    for stage in dict.fromkeys(stage for row in rows for stage in row):
        values = [row[stage] for row in rows if stage in row]
        if len(values) > 1:
            cuts = statistics.quantiles(values, n=100, method="inclusive")
            yield stage, {"count": len(values)} | {f"p{p}": round(cuts[p - 1], 1) for p in PERCENTILES}


def _print(report: Mapping[str, Any]) -> None:
    print(f"{report['right']} of {report['commands']} commands called the right tool ({report['accuracy']:.1%})")
    print(f"highest load level {report['highest_load_level']}")
    for wrong in report["wrong"]:
        print(f"  said {wrong['said']!r}, heard {wrong['heard']!r}: {wrong['tool'] or 'no tool'}, {wrong['outcome']}")
    tables = {
        "server_ms": "stages on the server",
        "client_ms": "from last voice to event",
        "transcript_ms_by_end": "to transcript, by end",
    }
    for side, title in tables.items():
        print(f"\n{title:<26}{'count':>7}" + "".join(f"{f'p{p} ms':>10}" for p in PERCENTILES))
        for stage, row in report[side].items():
            print(f"  {stage:<24}{row['count']:>7}" + "".join(f"{row[f'p{p}']:>10.0f}" for p in PERCENTILES))


if __name__ == "__main__":
    main()
