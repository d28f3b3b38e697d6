"""Spoken orders with all their arguments: how many reach the tool exactly, through the whole server.

The corpus holds ``clips/*.wav`` (16 kHz mono) and ``labels.json`` (file name to ``{"slots": {name: value}}``). The
commands are ``bar/drinks.yaml``, written as a user writes them; the tool is ``bar/server.py``, and an order counts only
if the arguments that *it* got are those of the label, all of them and in one call.

    sayso bench accuracy --corpus DIR                         tiny.en, real time, 6 callers
    sayso bench accuracy --corpus DIR --model base
    sayso bench accuracy --corpus DIR --variants all          and without vocabulary, and without alternatives
    sayso bench accuracy --corpus DIR --offline               without server, sockets and clock: quick

One half of the clips (by a hash of the name) is for looking into mistakes; of the other only the count is shown, so
that nothing is ever made to fit it.
"""

import argparse
import hashlib
import json
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any, Final

import attrs

from bench.accuracy.offline import OfflineRecogniser
from bench.load.callers import run
from bench.load.records import Clip, Plan, Turn
from bench.load.server import running
from bench.part import Flag, Part, Report
from cli.sound import FRAME_S, Sound, read_wav

BAR: Final = Path(__file__).resolve().parent / "bar"
TAIL_S: Final = 1.4  # of silence behind each order: more than the server waits for
VARIANTS: Final[Mapping[str, Mapping[str, object]]] = {
    "as shipped": {},
    "without vocabulary": {"vocabulary": False},
    "without alternatives": {"hypotheses": 1},
}


@attrs.frozen
class Order:
    """One clip, and the arguments that it asks for."""

    name: str
    sound: Sound
    wanted: Mapping[str, str]

    @property
    def clip(self) -> Clip:
        """The samples of the order, with silence behind them."""
        return Clip(self.name, self.sound.with_silence(TAIL_S).pcm, self.sound.duration_s)

    @property
    def half(self) -> str:
        """``open`` or ``held out``, by the name alone."""
        return "held out" if hashlib.sha256(self.name.encode()).digest()[0] % 2 else "open"


@attrs.define
class Taken:
    """The outcome of an order."""

    heard: list[str]
    got: list[Mapping[str, str]]
    """The arguments of each call."""
    confirmed: int = 0

    def is_right(self, order: Order) -> bool:
        """Whether there was one call, with all arguments as in the label."""
        return self.got == [order.wanted]


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Take the orders of each variant."""
    orders = corpus_of(options.corpus)
    if options.count is not None:
        orders = random.Random(options.seed).sample(orders, min(options.count, len(orders)))
    variants: dict[str, Any] = {}
    for name in VARIANTS if options.variants == "all" else ["as shipped"]:
        settings = {"model": options.model, **VARIANTS[name]}
        taken = _offline(orders, settings) if options.offline else _served(orders, settings, options.sessions)
        variants[name] = _summary(orders, taken)
        _print(name, variants[name])
    yield {"variants": variants}


def labelled(text: str) -> Path:
    """Return the folder of a corpus of orders."""
    if not (Path(text) / "labels.json").is_file():
        raise argparse.ArgumentTypeError(f"must hold labels.json and clips/*.wav, and {text} does not")
    return Path(text)


def corpus_of(folder: Path) -> list[Order]:
    """Return its orders, by name."""
    labels = json.loads((folder / "labels.json").read_text())
    return [
        Order(name, read_wav(folder / "clips" / name), {slot: text.strip() for slot, text in label["slots"].items()})
        for name, label in sorted(labels.items())
    ]


# --- without a server ----------------------------------------------------------------------------


def _offline(orders: Sequence[Order], settings: Mapping[str, object]) -> list[Taken]:
    recogniser, taken = OfflineRecogniser(BAR, **settings), []
    for number, order in enumerate(orders, start=1):
        heard = list(recogniser.hear(order.sound.with_silence(TAIL_S).pcm))
        got: list[Mapping[str, str]] = [dict(match.arguments) for _, match in heard if match is not None]
        taken.append(Taken([text for text, _ in heard], got))
        if sys.stderr.isatty():
            print(f"\r{number}/{len(orders)}", end="", file=sys.stderr, flush=True)
    return taken


# --- through a server ----------------------------------------------------------------------------


def _served(orders: Sequence[Order], settings: Mapping[str, object], sessions: int) -> list[Taken]:
    with tempfile.TemporaryDirectory() as scratch:
        book = Path(scratch) / "orders.jsonl"
        bar = {"command": sys.executable, "args": [str(BAR / "server.py"), str(book)]}
        flags = {f"transcription.{name}": value for name, value in settings.items()}
        with running({**flags, "dialogue.commands_dir": BAR, "tools.servers": json.dumps({"bar": bar})}) as server:
            turns = _turns(server.url, orders, sessions)
        written = [json.loads(line) for line in book.read_text().splitlines()] if book.exists() else []
    arguments = {order["call"]: order["arguments"] for order in written}
    return [
        Taken(turn.transcripts, [arguments.get(call, {}) for call in turn.call_ids], turn.confirmed) for turn in turns
    ]


def _turns(url: str, orders: Sequence[Order], sessions: int) -> list[Turn]:
    """Say the orders in real time, ``sessions`` at once; returns a turn for each, in their order."""
    said = [[order.clip for order in orders[first::sessions]] for first in range(min(sessions, len(orders)))]
    plan = Plan(url, [0.0] * len(said), said, limit_s=inf, capabilities=("stt", "tools"), frame_s=FRAME_S)
    calls = run(plan)
    if broken := [call for call in calls if len(call.turns) < call.wanted]:
        sys.exit(f"a session broke: {broken[0].trouble or broken[0].close_code}")
    return [calls[number % len(said)].turns[number // len(said)] for number in range(len(orders))]


# --- the report ----------------------------------------------------------------------------------


def _summary(orders: Sequence[Order], taken: Sequence[Taken]) -> dict[str, Any]:
    pairs = list(zip(orders, taken, strict=True))
    halves = {
        half: _counts([(order, each) for order, each in pairs if order.half == half]) for half in ("open", "held out")
    }
    wrong = [
        {"clip": order.name, "heard": each.heard, "got": each.got, "wanted": order.wanted}
        for order, each in pairs
        if order.half == "open" and not each.is_right(order)
    ]
    return {"all": _counts(pairs), **halves, "wrong": wrong}


def _counts(pairs: Sequence[tuple[Order, Taken]]) -> dict[str, float]:
    right = sum(each.is_right(order) for order, each in pairs)
    return {
        "orders": len(pairs),
        "right": right,
        "accuracy": round(right / max(1, len(pairs)), 4),
        "called_wrongly": sum(bool(each.got) and not each.is_right(order) for order, each in pairs),
        "split": sum(len(each.heard) > 1 for _, each in pairs),
        "confirmed": sum(each.confirmed for _, each in pairs),
    }


def _print(name: str, summary: Mapping[str, Any]) -> None:
    print(f"\n{name}")
    for part in ("all", "open", "held out"):
        row = summary[part]
        counts = "  ".join(f"{key} {row[key]}" for key in ("called_wrongly", "split", "confirmed"))
        print(f"  {part:<9} {row['right']:>3} of {row['orders']:>3} exact ({row['accuracy']:.1%})  {counts}")
    for one in summary["wrong"]:
        print(f"  {one['clip']}: heard {one['heard']}\n    got    {one['got']}\n    wanted {one['wanted']}")


PART: Final = Part(
    "accuracy",
    measure,
    (
        Flag("--corpus", None, "folder with clips/*.wav and labels.json", labelled, {"required": True}),
        Flag("--model", "tiny.en"),
        Flag("--variants", "shipped", more={"choices": ("shipped", "all")}),
        Flag("--offline", False, "engine and grammar only, in this process"),
        Flag("--sessions", 6, "callers at once"),
        Flag("--count", None, "a sample of the corpus", int),
        Flag("--seed", 1, "of the sample"),
    ),
    ("faster-whisper", "ctranslate2"),
)
