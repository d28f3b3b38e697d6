"""Commands that their speaker pauses in: how many are right in the end, and what was heard of answers to half of one.

Forty commands of all kinds are made by Piper with a comma where the speaker thinks, whose silence is stretched to 0.3
to 1.0 s: the voice goes on as that of a speaker who has not finished. They are spoken in real time to the whole server
with the example home, each in a session of its own. What each should do is asked first, by typing the whole sentence.

    sayso bench pauses                        every command once, 0.3 to 1.0 s by turns
    sayso bench pauses --rounds 3             three times, with other pauses
    sayso bench pauses --whole                and once without a pause, which tells what the pauses cost
    sayso bench pauses --count 8 --dry
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import trio

from bench.accuracy.hesitant import (
    PAUSES_MS,
    SENTENCES,
    Hesitant,
    Judged,
    MadeCall,
    course_of,
    show,
    summary,
)
from bench.load.callers import RATE_HZ, run
from bench.load.clips import LEAD_S, SILENT, said, voice
from bench.load.options import SETTINGS
from bench.load.records import Clip, Plan
from bench.load.server import running
from bench.part import Flag, Part, Report, at_least_one
from cli.sound import FRAME_S
from sayso_client import ClientOptions, ClientSession, ConfirmRequest, Event, ToolCall, TurnCompleted, connect

Samples = npt.NDArray[np.int16]
HOME: Final = Path(__file__).resolve().parents[2] / "examples" / "home"
TAIL_S: Final = 1.4  # of silence behind each: more than the server waits for after half a command
TYPED_LIMIT_S: Final = 20.0
TARGET: Final = 0.95
WHOLE: Final = "without a pause"
READING: Final = frozenset({
    "calculate", "convert_units", "get_climate", "get_date", "get_light", "get_time", "list_notes", "list_timers",
    "read_list", "time_left",
})  # fmt: skip


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Say the commands with pauses, and once without if that is wanted."""
    sentences = SENTENCES[: options.count]
    with_comma = [voice(sound) for sound in said([f"{one.first}, {one.rest}" for one in sentences])]
    without = [voice(sound) for sound in said([one.sentence for one in sentences])] if options.whole else []
    home = {"command": sys.executable, "args": [str(HOME / "server.py")]}
    settings = {
        "speech.provider": "piper",
        "dialogue.commands_dir": HOME / "commands",
        "tools.servers": json.dumps({"home": home}),
        **dict(options.set),
    }
    rounds = {WHOLE: [(samples, 0) for samples in without]} if options.whole else {}
    for number in range(options.rounds):
        pauses_ms = [PAUSES_MS[(at + 3 * number) % len(PAUSES_MS)] for at in range(len(sentences))]
        rounds[f"with pauses, {number + 1}"] = [
            (paused(samples, ms / 1000), ms) for samples, ms in zip(with_comma, pauses_ms, strict=True)
        ]
    found: dict[str, Any] = {}
    with running(settings) as server:
        wanted = trio.run(_typed, server.url, sentences)
        for name, spoken in rounds.items():
            judged = [
                Judged(sentence, pause_ms, calls, course_of(_events(server.url, sentence, samples), READING))
                for sentence, (samples, pause_ms), calls in zip(sentences, spoken, wanted, strict=True)
            ]
            found[name] = summary(judged)
            show(name, found[name])
        print(f"\nload level at the end {server.status()['load_level']}")
    yield {"rounds": found, "missed": missed(found)}


def missed(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the targets that were missed."""
    rounds = [figures for name, figures in found.items() if name != WHOLE]
    low = [f"accuracy {figures['accuracy']} < {TARGET}" for figures in rounds if figures["accuracy"] < TARGET]
    return low + [f"done twice {figures['done_twice']}" for figures in rounds if figures["done_twice"]]


def paused(samples: Samples, pause_s: float) -> Samples:
    """Return speech (16 kHz) whose longest silence inside lasts ``pause_s`` instead.

    >>> loud, silence = np.full(1_600, 9_000, dtype="<i2"), np.zeros(800, dtype="<i2")
    >>> len(paused(np.concatenate([loud, silence, loud]), 0.5)) / 16_000
    0.7
    """
    is_quiet = np.abs(samples.astype(np.float64)) <= np.abs(samples).max(initial=1) * SILENT
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_quiet.astype(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2]
    inside = [
        (end - start, start, end) for start, end in zip(starts, ends, strict=True) if start > 0 and end < len(samples)
    ]
    _, start, end = max(inside, default=(0, len(samples), len(samples)))
    return np.concatenate([samples[:start], _silence(pause_s), samples[end:]])


def _events(url: str, sentence: Hesitant, samples: Samples) -> Sequence[Event]:
    """Return the events of one sentence that is said in a session of its own."""
    pcm = np.concatenate([_silence(LEAD_S), samples, _silence(TAIL_S)]).tobytes()
    clip = Clip(sentence.sentence, pcm, LEAD_S + len(samples) / RATE_HZ)
    plan = Plan(
        url, [0.0], [[clip]], limit_s=inf, capabilities=("stt", "tools", "tts"), frame_s=FRAME_S, keeps_events=True
    )
    (call,) = run(plan)
    if call.trouble or len(call.turns) != 1:
        sys.exit(f"the session broke: {call.trouble or call.close_code}")
    return call.turns[0].events


def _silence(length_s: float) -> Samples:
    return np.zeros(round(length_s * RATE_HZ), dtype="<i2")


async def _typed(url: str, sentences: Sequence[Hesitant]) -> list[list[MadeCall]]:
    """Return the calls that each whole sentence stands for; exits if it is none."""
    options = ClientOptions(client_id="typed", capabilities=("stt", "tools"))
    wanted: list[list[MadeCall]] = []
    async with connect(url, options, reconnect=None) as session:
        for one in sentences:
            with trio.fail_after(TYPED_LIMIT_S):
                await session.send_text(one.sentence)
                wanted.append(await _calls(session))
            if not wanted[-1]:
                sys.exit(f"the server does not understand {one.sentence!r}")
    return wanted


async def _calls(session: ClientSession) -> list[MadeCall]:
    """Return the calls of the turn that runs."""
    calls: list[MadeCall] = []
    async for event in session:
        match event:
            case ConfirmRequest():
                await session.confirm(event.call_id, approve=True)
            case ToolCall():
                calls.append(MadeCall(event.tool, event.arguments))
            case TurnCompleted():
                break
    return calls


PART: Final = Part(
    "pauses",
    measure,
    (
        SETTINGS,
        Flag("--count", len(SENTENCES), "commands", at_least_one),
        Flag("--rounds", 1, "each with other pauses", at_least_one),
        Flag("--whole", False, "say them once without a pause too"),
    ),
)
