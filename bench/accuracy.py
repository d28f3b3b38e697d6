"""Spoken orders with all their arguments: how many reach the tool exactly, through the whole server.

The corpus holds ``clips/*.wav`` (16 kHz mono) and ``labels.json`` (file name to ``{"slots": {name: value}}``). The
commands are ``bench/orders/drinks.yaml``, written as a user writes them; the tool is ``bench/orders/server.py``, and an
order counts only if the arguments that *it* got are those of the label, all of them and in one call.

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
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any, Final

import attrs

from bench._offline import OfflineRecogniser
from bench._report import heading, write
from bench.load.callers import run
from bench.load.records import Clip, Plan, Turn
from bench.load.server import running
from cli.sound import FRAME_S, Sound, read_wav

ORDERS: Final = Path(__file__).resolve().parent / "orders"
TAIL_S: Final = 1.2  # of silence behind each order: more than the server waits for
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


def main() -> None:
    """Measure each variant, print a table, write bench/results/accuracy.json."""
    options = _options()
    orders = _corpus(options.corpus)
    if options.count is not None:
        orders = random.Random(options.seed).sample(orders, min(options.count, len(orders)))
    report = heading(options, "faster-whisper", "ctranslate2")
    report["variants"] = {}
    for name in VARIANTS if options.variants == "all" else ["as shipped"]:
        settings = {"model": options.model, **VARIANTS[name]}
        taken = _offline(orders, settings) if options.offline else _served(orders, settings, options.sessions)
        report["variants"][name] = _summary(orders, taken)
        _print(name, report["variants"][name])
    write("accuracy", report)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="folder with clips/*.wav and labels.json")
    parser.add_argument("--model", default="tiny.en")
    parser.add_argument("--variants", choices=("shipped", "all"), default="shipped")
    parser.add_argument("--offline", action="store_true", help="engine and grammar only, in this process")
    parser.add_argument("--sessions", type=int, default=6, help="callers at once")
    parser.add_argument("--count", type=int, help="a sample of the corpus")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    options = parser.parse_args()
    if not (options.corpus / "labels.json").is_file():
        parser.error(f"--corpus must hold labels.json and clips/*.wav, and {options.corpus} does not")
    return options


def _corpus(folder: Path) -> list[Order]:
    labels = json.loads((folder / "labels.json").read_text())
    return [
        Order(name, read_wav(folder / "clips" / name), {slot: text.strip() for slot, text in label["slots"].items()})
        for name, label in sorted(labels.items())
    ]


# --- without a server ----------------------------------------------------------------------------


def _offline(orders: Sequence[Order], settings: Mapping[str, object]) -> list[Taken]:
    recogniser = OfflineRecogniser(ORDERS, **settings)
    taken = []
    for number, order in enumerate(orders, start=1):
        heard = list(recogniser.hear(order.sound.with_silence(TAIL_S).pcm))
        got: list[Mapping[str, str]] = [dict(each.match.arguments) for each in heard if each.match is not None]
        taken.append(Taken([each.text for each in heard], got))
        if sys.stderr.isatty():
            print(f"\r{number}/{len(orders)}", end="", file=sys.stderr, flush=True)
    return taken


# --- through a server ----------------------------------------------------------------------------


def _served(orders: Sequence[Order], settings: Mapping[str, object], sessions: int) -> list[Taken]:
    with tempfile.TemporaryDirectory() as scratch:
        book = Path(scratch) / "orders.jsonl"
        bar = {"command": sys.executable, "args": [str(ORDERS / "server.py"), str(book)]}
        flags = {f"transcription.{name}": value for name, value in settings.items()}
        with running({**flags, "dialogue.commands_dir": ORDERS, "tools.servers": json.dumps({"bar": bar})}) as server:
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


if __name__ == "__main__":
    main()
