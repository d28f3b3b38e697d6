"""The guide's Performance Targets as a table, and what was measured beside each; pure.

Rules kept here:

* A target whose load was not offered is not judged: ten users tell nothing about a hundred.
* Of the resources only the memory is judged, against the upper end of the guide's range.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

Found = Mapping[str, Any]


@attrs.frozen
class Target:
    """One row of the guide's table."""

    component: str
    response_s: float
    """What the response time must be below."""
    response_text: str
    throughput: float
    throughput_text: str
    unit: str
    memory_gb: float | None
    """The most of its range; ``None`` where the guide says "minimal"."""
    resources_text: str


TARGETS: Final[Sequence[Target]] = (
    Target("Server", 0.1, "< 100ms", 100, "100+ concurrent users", "users", 4, "2-4GB RAM"),
    Target("STT Processing", 0.5, "< 500ms", 50, "50+ requests/minute", "a minute", 2, "1-2GB RAM"),
    Target("LLM Processing", 2.0, "< 2s", 30, "30+ requests/minute", "a minute", 8, "4-8GB RAM"),
    Target("WebSocket Connection", 0.05, "< 50ms", 100, "100+ simultaneous", "open", None, "Minimal"),
    Target("Overall System", 3.0, "< 3s end-to-end", 50, "50+ concurrent sessions", "sessions", 16, "8-16GB RAM total"),
)


@attrs.frozen
class Measured:
    """What one component was measured to do; ``None`` for what was not measured."""

    response_s: float | None = None
    """95 of 100 are at most that."""
    throughput: float | None = None
    offered: float | None = None
    """The throughput that was asked of it; ``None`` where it was asked for as much as it can."""
    memory_gb: float | None = None


@attrs.frozen
class Judgement:
    """A row of the guide's table with ours beside it."""

    target: Target
    measured: Measured

    @property
    def is_met(self) -> bool | None:
        """Whether all that was measured is within the target; ``None`` where that cannot be told."""
        found, target = self.measured, self.target
        if found.response_s is None or found.throughput is None:
            return None
        if found.memory_gb is not None and target.memory_gb is not None and found.memory_gb > target.memory_gb:
            return False
        if found.offered is not None and found.offered < target.throughput:
            return None if found.response_s < target.response_s else False
        return found.response_s < target.response_s and found.throughput >= target.throughput

    def row(self) -> list[str]:
        """Return the cells of a table: each of the guide's figures with ours behind it."""
        found, target = self.measured, self.target
        memory = "-" if found.memory_gb is None else f"{found.memory_gb:.2f} GB"
        response = "-" if found.response_s is None else f"{found.response_s * 1_000:.0f} ms"
        throughput = "-" if found.throughput is None else f"{found.throughput:g} {target.unit}"
        texts = (target.response_text, response, target.throughput_text, throughput, target.resources_text, memory)
        return [target.component, *texts, {True: "yes", False: "no", None: "-"}[self.is_met]]

    def as_json(self) -> dict[str, Any]:
        """Return the row for a report."""
        return {"component": self.target.component, **attrs.asdict(self.measured), "is_met": self.is_met}


COLUMNS: Final = ("response", "ours", "throughput", "ours", "memory", "ours", "met")


def judgements(found: Mapping[str, Measured]) -> list[Judgement]:
    """Return a row for each of the guide's targets, with what was measured by component."""
    return [Judgement(target, found.get(target.component, Measured())) for target in TARGETS]
