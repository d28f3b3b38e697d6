"""Shared by the benchmarks: interleaved samples, ratios, tables, and JSON in bench/results.

Rules kept here:

* Compared cases run interleaved in one run, and none is always first: a machine that slows down slows all.
* A figure stands beside the one that it is compared with: the ratio is taken round by round, then its median and its
  lowest and highest, because the microseconds are those of one machine on one day.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console
from rich.table import Table

RESULTS: Final = Path(__file__).resolve().parent / "results"
FILE_WIDTH: Final = 160  # of tables that go to no terminal
Case = Callable[[], Awaitable[float]]
"""Measures once and returns the figure, lower is better."""


def heading(options: argparse.Namespace, *packages: str) -> dict[str, Any]:
    """Return the head of every result: when, where, with which ``packages`` and how it was measured."""
    return {
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine(*packages),
        "options": {name: str(value) for name, value in vars(options).items() if name != "corpus"},
    }


def machine(*packages: str) -> dict[str, Any]:
    """Return a description of the machine, with the versions of ``packages`` that are installed."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "load_average": [round(value, 2) for value in psutil.getloadavg()],
        "packages": {name: found for name in packages if (found := installed(name))},
    }


def installed(package: str) -> str | None:
    """Return the version of ``package``, ``None`` if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


async def by_turns(cases: Mapping[str, Case], rounds: int) -> dict[str, list[float]]:
    """Return ``rounds`` figures of each case; the case that begins changes from round to round."""
    names = list(cases)
    found: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for name in rotated(names, number):
            found[name].append(await cases[name]())
    return found


def rotated(names: Iterable[str], number: int) -> list[str]:
    """Return the names in the order of a round: another one comes first each time."""
    made = list(names)
    return made[number % len(made) :] + made[: number % len(made)]


def compared(samples: Mapping[str, Sequence[float]], base: str) -> dict[str, dict[str, float]]:
    """Return median, lowest and highest of each case, and of its ratio to ``base`` in the same round."""
    return {
        name: {
            **_spread(figures, ""),
            **_spread([mine / other for mine, other in zip(figures, samples[base], strict=True)], "ratio_"),
        }
        for name, figures in samples.items()
    }


def _spread(figures: Sequence[float], prefix: str) -> dict[str, float]:
    picked = {"median": statistics.median(figures), "lowest": min(figures), "highest": max(figures)}
    return {prefix + name: float(f"{figure:.4g}") for name, figure in picked.items()}


def show(title: str, unit: str, rows: Mapping[str, Mapping[str, float]], base: str) -> None:
    """Print one comparison."""
    columns = ("median", "lowest", "highest", f"x {base}", "from", "to")
    table(f"{title} ({unit})", columns, [[name, *(f"{row[key]:.4g}" for key in row)] for name, row in rows.items()])


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows; the first of their columns is text and has no name, the others stand to the right."""
    made = Table("", title=title, title_justify="left")
    for column in columns:
        made.add_column(column, justify="right")
    for row in rows:
        made.add_row(*("-" if cell is None else str(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else FILE_WIDTH).print(made)


def write(name: str, report: Mapping[str, Any]) -> bool:
    """Write bench/results/``name``.json; returns whether it could. A report that cannot be kept leaves the older one.

    On a full disk the figures are still on the terminal, so that a measurement of hours is not lost with its file.
    """
    return keep(f"{name}.json", (json.dumps(report, indent=1) + "\n").encode())


def keep(name: str, content: bytes) -> bool:
    """Write a file into bench/results, whole or not at all; says on the standard error which it was."""
    target = RESULTS / name
    part = target.with_name(f"{name}.part")
    try:
        RESULTS.mkdir(exist_ok=True)
        part.write_bytes(content)
        part.replace(target)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        print(f"bench/results/{name} could not be written: {error.strerror or error}", file=sys.stderr)
        return False
    print(f"written to bench/results/{name}", file=sys.stderr)
    return True


def read(name: str) -> dict[str, Any]:
    """Return bench/results/``name``.json; empty where there is none."""
    source = RESULTS / f"{name}.json"
    report: dict[str, Any] = json.loads(source.read_text()) if source.exists() else {}
    return report
