"""Runs a benchmark: ``python -m bench PROGRAM [PART] [FLAGS]``, which is ``sayso bench PROGRAM [PART] [FLAGS]``.

Each part is a module with a ``PART``. The name of a part alone is enough, and a program alone runs its first part.
"""

import ast
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.part import Part

PROGRAMS: Final[Mapping[str, Mapping[str, str]]] = {
    "load": {
        **{name: f"bench.load.{name}" for name in ("voice", "commands", "crowd", "overload", "chaos")},
        "capacity": "bench.capacity.benchmark",
        "soak": "bench.soak.benchmark",
    },
    "guide": {"benchmark": "bench.guide.benchmark"},
    "accuracy": {
        "orders": "bench.accuracy.orders",
        "noise": "bench.accuracy.noise",
        "pauses": "bench.accuracy.pauses",
        "stt": "bench.engine.stt",  # measures words and speed
    },
    "engine": {name: f"bench.engine.{name}" for name in ("throughput", "stt", "gpu")},
    "runtime": {"comparisons": "bench.runtime.comparisons", "ingest": "bench.runtime.ingest"},
    "history": {"rows": "bench.history.rows"},
    "sessions": {"idle": "bench.sessions.idle"},
    "moves": {name: f"bench.moves.{name}" for name in ("cuts", "replicas", "rolling", "limits")},
    "hostile": {name: f"bench.hostile.{name}" for name in ("fuzz", "attacks")},
    "scrape": {"scrape": "bench.scrape.benchmark"},
    "page": {"first_sound": "bench.page.first_sound"},
    "llm": {"cache": "bench.llm.cache"},
    "understanding": {"sentences": "bench.understanding.sentences", "training": "bench.understanding.training"},
}
"""The parts of each program, and their modules."""


def main(arguments: Sequence[str]) -> None:
    """Run a part, or list all."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        usage = "Usage: sayso bench PROGRAM [PART] [FLAGS]...  (PROGRAM PART --help tells its flags)"
        print("\n".join([usage, *listed()]))
        return
    if (found := resolved(arguments)) is None:
        names = dict.fromkeys([*PROGRAMS, *(part for parts in PROGRAMS.values() for part in parts)])
        sys.exit(f"sayso bench: expected one of {', '.join(names)}, not {arguments[0]!r}")
    program, name, flags = found
    module = importlib.import_module(PROGRAMS[program][name])
    part: Part = module.PART
    epilog = f"parts of {program}: {', '.join(PROGRAMS[program])}"
    part.run(part.parser(f"sayso bench {program} {name}", description=module.__doc__, epilog=epilog).parse_args(flags))


def resolved(arguments: Sequence[str]) -> tuple[str, str, Sequence[str]] | None:
    """Return the program, its part and the part's flags; ``None`` where the first name is neither."""
    first, *rest = arguments
    if first in PROGRAMS:
        parts = PROGRAMS[first]
        return (first, rest[0], rest[1:]) if rest and rest[0] in parts else (first, next(iter(parts)), rest)
    return next(((program, first, rest) for program, parts in PROGRAMS.items() if first in parts), None)


def listed() -> list[str]:
    """Return a line for each program, and below it one for each part."""
    lines: list[str] = []
    for program, parts in PROGRAMS.items():
        lines += ["", program, *(f"  {name:<12} {summary(module)}" for name, module in parts.items())]
    return lines


def summary(module: str) -> str:
    """Return the first line of a module's docstring, read without running it."""
    path = (Path(__file__).parent.parent / module.replace(".", "/")).with_suffix(".py")
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def run(arguments: Sequence[str]) -> None:
    """Run ``main``; the end of a reader such as ``head`` is the end of this, without a word and with exit code 1."""
    try:
        main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        sys.exit(1)


if __name__ == "__main__":
    run(sys.argv[1:])
