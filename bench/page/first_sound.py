"""The page in Chromium: from the last voice into its microphone to the first sound out of its loudspeaker.

A fake microphone says commands in real time, and a server with a voice answers. Beside the time in the browser stands
the server's own of the same turns.

* In the browser: from when the capture worklet handed over the last sample louder than 2 % of full scale, to when the
  audio context puts out the first sample of the answer that is louder than 1 % (`getOutputTimestamp`). Both by the
  page's clock. What lies between a sample and the membrane of a real microphone or loudspeaker is not in it.
* On the server: `latency_ms.first_audio`, from the arrival of the last voiced sample to the first audio of the answer,
  which may begin with silence.

It needs Chromium, Node.js and `npm ci` in tests/browser.

    sayso bench page                      20 commands
    sayso bench page --url ws://HOST/ws   a server that runs already, with TLS unless it is this computer
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from bench.load.clips import SENTENCES, spoken
from bench.load.figures import percentile, rounded
from bench.load.options import SETTINGS, URL
from bench.load.server import address
from bench.part import Flag, Part, Report, at_least_one
from bench.report import table
from cli.sound import Sound, write_wav

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
RATE_HZ: Final = 16_000
LEAD_S: Final = 2.5  # until the page has opened its microphone
PAUSE_S: Final = 6.0  # for an answer to be heard to its end: speech into it would interrupt it
START_S: Final = 30.0  # of the browser and the page
VOICE: Final[Mapping[str, object]] = {"speech.provider": "piper", "load.enabled": False}


@attrs.frozen
class BrowserTurn:
    """One command: its times in ms."""

    browser_ms: float
    """Last voice to first sound in the browser."""
    server_ms: float
    """``first_audio`` of the server."""


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Say the commands to one page, and print both times."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None or shutil.which("node") is None:
        sys.exit("sayso bench page needs Chromium and Node.js: apt-get install chromium nodejs")
    if not (ROOT / "tests" / "browser" / "node_modules" / "playwright-core").is_dir():
        sys.exit("sayso bench page needs playwright-core: run `npm ci` in tests/browser")
    with tempfile.TemporaryDirectory() as scratch, address(options.url, {**VOICE, **dict(options.set)}) as url:
        wav = Path(scratch) / "microphone.wav"
        length_s = write_commands(wav, options.commands)
        found = run_page(browser, url, wav, options.commands, length_s)
    turns = turns_in(found)
    figures = figures_of(turns)
    print_figures(figures, len(turns), options.commands)
    yield {
        "commands": options.commands,
        "answered": len(turns),
        "figures_ms": figures,
        "turns": list(map(attrs.asdict, turns)),
    }


def write_commands(path: Path, count: int) -> float:
    """Write what the microphone hears; return how long it is, in seconds."""
    clips = spoken(SENTENCES)
    said = b"".join(clips[number % len(clips)].pcm + bytes(2 * round(PAUSE_S * RATE_HZ)) for number in range(count))
    sound = Sound(bytes(2 * round(LEAD_S * RATE_HZ)) + said, RATE_HZ)
    write_wav(path, sound)
    return sound.duration_s


def run_page(browser: str, url: str, wav: Path, count: int, length_s: float) -> Sequence[Mapping[str, Any]]:
    """Return what the page has measured of each turn."""
    page = url.replace("ws", "http", 1).removesuffix("/ws") + "/"
    order = {
        "url": page,
        "executable": browser,
        "wav": str(wav),
        "turns": count,
        "limitMs": 1_000 * (length_s + START_S),
    }
    command = ["node", str(HERE / "measure.mjs"), json.dumps(order)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=length_s + 3 * START_S, check=False)
    if done.returncode:
        sys.exit(f"the browser could not measure: exit code {done.returncode}")
    found: Sequence[Mapping[str, Any]] = json.loads(done.stdout)
    return found


def turns_in(found: Sequence[Mapping[str, Any]]) -> list[BrowserTurn]:
    """Return the turns that were spoken and answered aloud.

    >>> turns_in([{"voiceEndedMs": 100.0, "soundedMs": 900.0, "latency": {"first_audio": 700.0}}, {"latency": {}}])
    [BrowserTurn(browser_ms=800.0, server_ms=700.0)]
    """
    return [
        BrowserTurn(turn["soundedMs"] - turn["voiceEndedMs"], turn["latency"]["first_audio"])
        for turn in found
        if {"soundedMs", "voiceEndedMs"} <= set(turn) and "first_audio" in turn.get("latency", {})
    ]


def figures_of(turns: Sequence[BrowserTurn]) -> dict[str, dict[str, float | None]]:
    """Return p50 and p95 in the browser, on the server, and of what the browser adds to each turn."""
    rows = {
        "in the browser": [turn.browser_ms for turn in turns],
        "on the server": [turn.server_ms for turn in turns],
        "difference": [turn.browser_ms - turn.server_ms for turn in turns],
    }
    return {name: {f"p{p}": rounded(percentile(values, p)) for p in (50, 95)} for name, values in rows.items()}


def print_figures(figures: Mapping[str, Mapping[str, float | None]], answered: int, count: int) -> None:
    """Print both times."""
    print(f"last voice to first sound, {answered} of {count} commands")
    table("", ("p50 ms", "p95 ms"), [[name, *row.values()] for name, row in figures.items()])


PART: Final = Part(
    "page", measure, (URL, SETTINGS, Flag("--commands", 20, "that are said, one after the other", at_least_one))
)
