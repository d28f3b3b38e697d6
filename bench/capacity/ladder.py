"""Rising loads until the target breaks, for one server or for several by turns; the decisions are pure.

Rules kept here:

* Every server gets every load until it broke there; the one that begins changes from load to load.
* A load is not offered that needs more open files than there are: that would be the client's limit, not the server's.
"""

import errno
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import attrs

from bench.report import rotated

UNSERVED: Final = 0.02
"""Share of the callers that may be refused or lost below capacity."""
NO_FILES: Final = os.strerror(errno.EMFILE)
Row = Mapping[str, Any]
Verdict = Literal["held", "late", "not served", "no open files"]
Offer = Callable[[str, float], Row]
"""Offers a load to the server of a name and returns the figures."""


@attrs.frozen
class Ladder:
    """Which loads are offered."""

    first: float
    growth: float
    most: float
    halvings: int
    target_ms: float
    is_whole: bool
    """Whether a load is a number of sessions."""
    affordable: Callable[[float], bool] = lambda _load: True
    """Whether the client has the open files that a load needs."""

    def loads(self) -> Iterator[float]:
        """Yield the rising loads that can be offered."""
        load, before = self.first, 0.0
        while load <= self.most and self.affordable(load):
            if load != before:
                yield load
            before, load = load, self.rounded(load * self.growth)

    def rounded(self, load: float) -> float:
        """Return a load as it is offered."""
        return float(math.ceil(load)) if self.is_whole else round(load, 2)

    def verdict(self, row: Row) -> Verdict:
        """Return whether a load was carried, or why not."""
        unserved = row["offered"] - row["served"]
        if any(NO_FILES in trouble for trouble in row["troubles"]):
            return "no open files"
        if unserved > UNSERVED * row["offered"]:
            return "not served"
        return "held" if row["p95_ms"] is not None and row["p95_ms"] <= self.target_ms else "late"

    def between(self, rows: Sequence[Row]) -> float | None:
        """Return the geometric middle of the highest load that held and the lowest that did not."""
        held = [row["load"] for row in rows if self.verdict(row) == "held"]
        broke = [row["load"] for row in rows if self.verdict(row) != "held"]
        if not held or not broke or max(held) >= min(broke):
            return None
        middle = self.rounded(math.sqrt(max(held) * min(broke)))
        return middle if max(held) < middle < min(broke) else None

    def capacity(self, rows: Sequence[Row]) -> float:
        """Return the highest load that held; 0.0 where none did."""
        return max((row["load"] for row in rows if self.verdict(row) == "held"), default=0.0)

    def ended_by(self, rows: Sequence[Row]) -> str:
        """Return what ended the ladder, in words."""
        broke = [row for row in rows if self.verdict(row) != "held"]
        if broke:
            return self.verdict(min(broke, key=lambda row: row["load"]))
        following = self.rounded(max((row["load"] for row in rows), default=self.first) * self.growth)
        return "no open files" if not self.affordable(following) else "the most that was offered"


def climb(ladder: Ladder, names: Sequence[str], offer: Offer) -> Iterator[dict[str, list[Row]]]:
    """Offer rising loads to all by turns, then halve; yields the rows of each name after every load."""
    rows: dict[str, list[Row]] = {name: [] for name in names}
    for number, load in enumerate(ladder.loads()):
        going = [name for name in names if all(ladder.verdict(row) == "held" for row in rows[name])]
        if not going:
            break
        for name in rotated(going, number):
            rows[name].append(offer(name, load))
        yield rows
    for number in range(ladder.halvings):
        for name in rotated(names, number):
            middle = ladder.between(rows[name])
            if middle is not None:
                rows[name].append(offer(name, middle))
                yield rows
