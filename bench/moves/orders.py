"""What is said in these benchmarks, and the ledger that knows how often each order was carried out.

Rules kept here:

* Every order has one right answer, the same at all times, so that any difference is a mistake.
* The ledger is a file that both replicas' tool servers append to: it knows what was done, whatever was told.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs

from bench.load.clips import spoken
from bench.load.records import Clip

WRITTEN: Final = ("green apples", "red candles", "blue pencils", "coffee and sugar")
ASKED: Final = (
    "What is twelve times seven?",
    "What is fifteen percent of eighty?",
    "Convert five miles to kilometers.",
    "What is thirty plus twelve?",
)
LEDGER: Final = Path(__file__).with_name("ledger.py")


def orders() -> list[Clip]:
    """Return all orders as Piper says them."""
    return spoken([*(f"Write down {what}." for what in WRITTEN), *ASKED])


def write_config(folder: Path) -> Path:
    """Write the settings and the command file of servers that have the ledger; return the settings' file."""
    commands = folder / "commands"
    commands.mkdir()
    lines = ["language: en", "intents:"]
    for number, what in enumerate(WRITTEN):
        lines += [f"  Write{number}:", "    tool: ledger/enter", f'    arguments: {{ what: "{what}" }}', "    data:"]
        lines += [f'      - sentences: ["write down {what}"]']
    (commands / "ledger.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = folder / "sayso.toml"
    server = f'command = "{sys.executable}"\nargs = ["{LEDGER}", "{folder / "ledger.txt"}"]\n'
    config.write_text(f"[mcpServers.ledger]\n{server}", encoding="utf-8")
    return config


@attrs.frozen
class Entry:
    """One call that was made."""

    at_s: float
    """Unix time."""
    session_id: str
    call_id: str
    what: str


def entries(folder: Path) -> list[Entry]:
    """Return all calls that were made, in order."""
    ledger = folder / "ledger.txt"
    lines = ledger.read_text(encoding="utf-8").splitlines() if ledger.exists() else []
    return [Entry(float(at), *rest) for at, *rest in (line.split(" ", 3) for line in lines)]


def wanted(clip: str) -> str | None:
    """Return what the ledger must get for a clip; ``None`` where that is nothing."""
    return next((what for what in WRITTEN if f"Write down {what}." == clip), None)


def made_twice(said: Sequence[tuple[str, float]], made: Sequence[Entry]) -> list[Entry]:
    """Return the calls of one speaker beyond the first of each order.

    ``said`` has the clips with the Unix times at which they began; a call belongs to the order that was said last.
    """
    kept: set[int] = set()
    more: list[Entry] = []
    for entry in made:
        number = max((number for number, (_, at_s) in enumerate(said) if at_s <= entry.at_s), default=-1)
        if number < 0 or wanted(said[number][0]) != entry.what or number in kept:
            more.append(entry)
        kept.add(number)
    return more


def by_session(made: Sequence[Entry]) -> Mapping[str, list[Entry]]:
    """Return the calls of each session."""
    found: dict[str, list[Entry]] = {}
    for entry in made:
        found.setdefault(entry.session_id, []).append(entry)
    return found
