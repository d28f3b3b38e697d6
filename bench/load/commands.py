"""Spoken commands from end to end: latency by stage, and whether the right tool was called.

Commands are made by Piper, spoken in real time over a WebSocket in 40 ms frames, one after the other in one session.
The server's stages come from ``turn_completed.latency_ms``; the client's own figures count from the last sample of
the speech to the arrival of an event, so they hold the network and the client too.

    sayso bench commands                      a server of its own, on a free port
    sayso bench commands --url ws://HOST/ws   one that runs already
    sayso bench commands --count 10           fewer commands
    sayso bench commands --pause-ms 400       sentences with a pause in the middle; none may be cut in two
    sayso bench commands --neighbours 2       and once more beside so many other busy processes
"""

import argparse
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from typing import Any, Final

import attrs
import numpy as np
import numpy.typing as npt

from bench.load.callers import RATE_HZ, run
from bench.load.clips import LEAD_S, TAIL_S, said, voice
from bench.load.figures import print_stages, stages
from bench.load.options import SEED, URL
from bench.load.records import Call, Clip, Plan, Turn
from bench.load.server import address
from bench.part import Flag, Part, Report
from cli.sound import FRAME_S

COMMANDS: Final[Mapping[str, str]] = {
    "What time is it?": "get_time",
    "What is the date today?": "get_date",
    "Which day of the week is it?": "get_date",
    "Set a timer for two hours.": "set_timer",
    "Remind me in twenty minutes to check the oven.": "set_reminder",
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
class Command:
    """One command as samples."""

    clip: Clip
    tool: str
    last_word: str
    """The last words of a complete transcript."""

    def is_right(self, turn: Turn) -> bool:
        """Whether the right tool was called after the whole sentence, and the turn ended well."""
        heard = turn.transcripts[-1].lower() if turn.transcripts else ""
        return turn.tools[-1:] == [self.tool] and turn.outcome == "done" and self.last_word in heard


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Say the commands to one server, and once more beside busy processes."""
    commands = spoken_commands(options.count, options.seed, options.pause_ms)
    with address(options.url, {"speech.provider": "piper"}) as url:
        report = _measured(url, commands)
        _print(report)
        if options.neighbours:
            with _neighbours(options.neighbours):
                report["beside_neighbours"] = _measured(url, commands)
            print(f"\nbeside {options.neighbours} busy processes that are not the server's")
            _print(report["beside_neighbours"])
    yield report


@contextmanager
def _neighbours(count: int) -> Iterator[None]:
    """Run the given number of processes that each use a processor, for the block."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


# --- speech --------------------------------------------------------------------------------------


def spoken_commands(count: int, seed: int, pause_ms: int = 0) -> list[Command]:
    """Return ``count`` commands: each sentence as often as any other, in an order that the seed decides."""
    spoken: Mapping[tuple[str, ...], str] = {(sentence,): tool for sentence, tool in COMMANDS.items()}
    wanted = HESITANT if pause_ms else spoken
    parts = [part for sentence in wanted for part in sentence]
    voices = dict(zip(parts, map(voice, said(parts)), strict=True))
    made = [_command(sentence, tool, pause_ms, voices) for sentence, tool in wanted.items()]
    repeated = (made * (count // len(made) + 1))[:count]
    random.Random(seed).shuffle(repeated)
    return repeated


def _command(parts: Sequence[str], tool: str, pause_ms: int, voices: Mapping[str, npt.NDArray[np.int16]]) -> Command:
    pieces = [_silence(LEAD_S)]
    for part in parts:
        pieces += [voices[part], _silence(pause_ms / 1_000)]
    samples = np.concatenate(pieces[:-1])
    pcm = np.concatenate([samples, _silence(TAIL_S)]).tobytes()
    last_word = parts[-1].strip("?.").rpartition(" ")[2].lower() if len(parts) > 1 else ""
    return Command(Clip(" ".join(parts), pcm, len(samples) / RATE_HZ), tool, last_word)


def _silence(duration_s: float) -> npt.NDArray[np.int16]:
    return np.zeros(round(duration_s * RATE_HZ), dtype="<i2")


# --- the report ----------------------------------------------------------------------------------


def _measured(url: str, commands: Sequence[Command]) -> dict[str, Any]:
    """Say all commands in one session and return their outcomes; exits if the session fails."""
    clips = [command.clip for command in commands]
    plan = Plan(url, [0.0], [clips], limit_s=inf, capabilities=("stt", "llm", "tools", "tts"), frame_s=FRAME_S)
    (call,) = run(plan)
    if len(call.turns) < len(commands):
        sys.exit(f"the session broke after {len(call.turns)} commands: {call.trouble or call.close_code}")
    return _report(commands, call)


def _report(commands: Sequence[Command], call: Call) -> dict[str, Any]:
    turns = call.turns
    wrong = [turn for command, turn in zip(commands, turns, strict=True) if not command.is_right(turn)]
    right = len(turns) - len(wrong)
    ends = ({turn.end: turn.transcript_ms} for turn in turns if turn.transcript_ms is not None)
    return {
        "commands": len(turns),
        "right": right,
        "accuracy": round(right / len(turns), 4),
        "highest_load_level": call.load_level,
        "server_ms": stages(turn.server_ms for turn in turns),
        "client_ms": stages(turn.client_ms for turn in turns),
        "transcript_ms_by_end": stages(ends),
        "each": [{"said": one.name, "heard": one.transcripts, "end": one.end, **one.client_ms} for one in turns],
        "wrong": [
            {"said": one.name, "heard": one.transcripts, "tools": one.tools, "outcome": one.outcome} for one in wrong
        ],
    }


def _print(report: Mapping[str, Any]) -> None:
    print(f"{report['right']} of {report['commands']} commands called the right tool ({report['accuracy']:.1%})")
    print(f"highest load level {report['highest_load_level']}")
    for one in report["wrong"]:
        print(f"  said {one['said']!r}, heard {one['heard']}: {one['tools'] or 'no tool'}, {one['outcome']}")
    print_stages("stages on the server", report["server_ms"])
    print_stages("from last voice to event", report["client_ms"])
    print_stages("to transcript, by end", report["transcript_ms_by_end"])


PART: Final = Part(
    "commands",
    measure,
    (
        SEED,
        URL,
        Flag("--count", 50),
        Flag("--pause-ms", 0, "speak sentences with such a pause in the middle"),
        Flag("--neighbours", 0, "busy processes for a second round"),
    ),
)
