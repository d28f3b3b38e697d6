"""Runs that once found a fault: they run first, for ever.

What is kept is the whole plan with its seed, not the seed alone: a seed means another plan as soon as something is
drawn differently.
"""

from collections.abc import Sequence
from pathlib import Path

import attrs
import msgspec

from tests.simulation.world import Plan

FILE = Path(__file__).with_name("failing_seeds.json")


@attrs.frozen
class Kept:
    """A run and what it has found."""

    found: str
    plan: Plan


def kept_runs(file: Path = FILE) -> list[Kept]:
    """Return the kept runs."""
    return msgspec.json.decode(file.read_bytes(), type=list[Kept]) if file.exists() else []


def keep(runs: Sequence[Kept], file: Path = FILE) -> None:
    """Add runs, one a line; what is known of an old one stays."""
    old = kept_runs(file)
    known = [kept.plan for kept in old]
    lines = [msgspec.json.encode(kept).decode() for kept in (*old, *(new for new in runs if new.plan not in known))]
    file.write_text("[\n" + ",\n".join(lines) + "\n]\n")
