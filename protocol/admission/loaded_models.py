"""Speech models: which of them stay loaded; pure.

A time to live and a memory budget; the least recently used one is unloaded first.

A pinned model (the default) or a busy one is never unloaded.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

EXPECTED_MB: Final[Mapping[str, int]] = {
    "tiny": 190, "tiny.en": 190, "base": 300, "base.en": 300, "small": 700, "small.en": 700, "distil-small.en": 500,
    "medium": 1_900, "medium.en": 1_900, "distil-medium.en": 1_000, "large-v1": 3_400, "large-v2": 3_400,
    "large-v3": 3_400, "large": 3_400, "distil-large-v2": 1_800, "distil-large-v3": 1_800,
    "distil-large-v3.5": 1_800, "large-v3-turbo": 1_900, "turbo": 1_900,
}  # fmt: skip
"""MB of a worker with 8-bit weights: the file's half (it has 16 bits) for big ones, measured for tiny and base."""


# --- the policy -----------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Held:
    """One loaded model."""

    name: str
    last_used_s: float
    memory_bytes: int
    is_busy: bool = False
    is_pinned: bool = False


@attrs.frozen(kw_only=True)
class ModelPolicy:
    """Time to live and memory budget; 0 is no limit."""

    unload_after_s: float
    budget_bytes: int


def expired(held: Sequence[Held], policy: ModelPolicy, now_s: float) -> tuple[str, ...]:
    """Return the models that were not used for too long."""
    if not policy.unload_after_s:
        return ()
    return tuple(one.name for one in held if _may_go(one) and now_s - one.last_used_s >= policy.unload_after_s)


def to_unload(held: Sequence[Held], policy: ModelPolicy, needed_bytes: int = 0) -> tuple[str, ...] | None:
    """Return the models to unload for ``needed_bytes`` more, or ``None`` if those in use take too much."""
    if not policy.budget_bytes:
        return ()
    excess_bytes = sum(one.memory_bytes for one in held) + needed_bytes - policy.budget_bytes
    going = []
    for one in sorted(filter(_may_go, held), key=lambda one: one.last_used_s):
        if excess_bytes <= 0:
            break
        going.append(one.name)
        excess_bytes -= one.memory_bytes
    return tuple(going) if excess_bytes <= 0 else None


def expected_bytes(name: str, workers: int) -> int:
    """Return the expected memory of a model; 0 for an unknown one, which is measured once it is loaded."""
    return (EXPECTED_MB.get(name, 0) << 20) * workers


def _may_go(held: Held) -> bool:
    return not held.is_busy and not held.is_pinned
