"""The server's figures of the last 24 hours, in memory: fine for the last minutes, coarse for the day; pure.

Rules kept here:

* Time is an argument, in seconds of one monotonic clock. A row begins at a multiple of its tier's step.
* Memory is bounded and taken at once: 4 bytes for each figure and row, ``HISTORY_BYTES`` for all.
* A coarse row is no average: it has the worst of its time, or the sum of a count, so that no peak is lost.
* What was not measured is NaN, and never zero.
"""

import enum
import math
from array import array
from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from typing import Final

import attrs

from protocol.admission.load import SIGNALS


class Fold(enum.Enum):
    """How the values of one row become one."""

    LARGEST = "largest"
    SMALLEST = "smallest"
    SUM = "sum"


@attrs.frozen
class HistoryFigure:
    """One figure of the history."""

    name: str
    unit: str
    fold: Fold = Fold.LARGEST


@attrs.frozen
class HistoryRange:
    """One tier: ``rows`` of ``step_s`` seconds each."""

    name: str
    step_s: int
    rows: int


POOLS: Final = ("transcription", "speech", "inference", "meaning", "media")
"""The actors with worker processes."""
FIGURES: Final = (
    HistoryFigure("sessions", "sessions"),
    HistoryFigure("load_level", "level"),
    HistoryFigure("cpu", "%"),
    HistoryFigure("memory", "bytes"),
    HistoryFigure("queued", "messages"),
    HistoryFigure("oldest", "s"),
    HistoryFigure("turns", "turns", Fold.SUM),
    HistoryFigure("turns_failed", "turns", Fold.SUM),
    HistoryFigure("slowest_turn", "ms"),
    HistoryFigure("refused", "requests", Fold.SUM),
    HistoryFigure("restarts", "restarts", Fold.SUM),
    HistoryFigure("worker_crashes", "processes", Fold.SUM),
    *(HistoryFigure(f"busy.{name}", "share") for name in POOLS),
    *(
        HistoryFigure(f"signal.{one.name}", one.unit, Fold.SMALLEST if one.is_scarce else Fold.LARGEST)
        for one in SIGNALS
    ),
)
RANGES: Final = (HistoryRange("5m", 1, 300), HistoryRange("1h", 10, 360), HistoryRange("24h", 60, 1_440))
VALUE_BYTES: Final = 4
HISTORY_BYTES: Final = VALUE_BYTES * len(FIGURES) * sum(one.rows for one in RANGES)  # some 270 kB


@attrs.frozen
class HistoryPart:
    """The rows of one range that were asked for, oldest first; the newest row may still grow."""

    step_s: int
    newest_age_s: float
    """Seconds since the newest row began."""
    values: Mapping[str, Sequence[float | None]]
    """By figure; ``None`` where nothing was measured."""


@attrs.define(eq=False)
class _Tier:
    """A ring of rows."""

    range: HistoryRange
    newest: int | None = None
    """Number of the newest row, counted in steps from the clock's zero."""
    columns: Mapping[str, "array[float]"] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.columns = {one.name: array("f", repeat(math.nan, self.range.rows)) for one in FIGURES}

    def add(self, now_s: float, values: Mapping[str, float]) -> None:
        row = int(now_s // self.range.step_s)
        before = row - 1 if self.newest is None else self.newest
        if row < before:
            return  # of a clock that went back: the row is another one's by now
        for skipped in range(max(before, row - self.range.rows) + 1, row + 1):
            for column in self.columns.values():
                column[skipped % self.range.rows] = math.nan
        self.newest = row
        slot = row % self.range.rows
        for figure in FIGURES:
            if figure.name in values:
                column = self.columns[figure.name]
                column[slot] = _folded(figure.fold, column[slot], values[figure.name])

    def part(self, now_s: float, names: Sequence[str]) -> HistoryPart:
        if self.newest is None:
            return HistoryPart(self.range.step_s, 0.0, dict.fromkeys(names, ()))
        first = (self.newest + 1) % self.range.rows
        values = {
            name: tuple(map(_shown, chain(self.columns[name][first:], self.columns[name][:first]))) for name in names
        }
        return HistoryPart(self.range.step_s, round(now_s - self.newest * self.range.step_s, 3), values)


def _folded(fold: Fold, kept: float, new: float) -> float:
    if math.isnan(kept) or math.isnan(new):
        return new if math.isnan(kept) else kept
    match fold:
        case Fold.LARGEST:
            return max(kept, new)
        case Fold.SMALLEST:
            return min(kept, new)
        case Fold.SUM:
            return kept + new


def _shown(value: float) -> float | None:
    """Return a value with as many digits as are worth sending."""
    return None if math.isnan(value) else float(f"{value:.5g}")


@attrs.define(eq=False)
class FigureHistory:
    """The tiers; all take every sample."""

    _tiers: Mapping[str, _Tier] = attrs.field(factory=lambda: {one.name: _Tier(one) for one in RANGES}, init=False)

    def add(self, now_s: float, values: Mapping[str, float]) -> None:
        """Take the figures of one moment, by name; raises ``ValueError`` for a name that is not in ``FIGURES``."""
        unknown = values.keys() - NAMES
        if unknown:
            raise ValueError(f"figures must be in FIGURES, not {', '.join(sorted(unknown))}")
        for tier in self._tiers.values():
            tier.add(now_s, values)

    def part(self, now_s: float, range_name: str, names: Sequence[str]) -> HistoryPart:
        """Return rows of some figures; raises ``KeyError`` for an unknown range or figure."""
        return self._tiers[range_name].part(now_s, names)


NAMES: Final = frozenset(one.name for one in FIGURES)
