"""Who did what, as it is kept for operators; pure, time is an argument.

Rules kept here:

* An entry has no key, no token and nothing that somebody said: identifiers, addresses, routes and causes.
* The same thing done again before the entries are written is counted, not listed; beyond a bound only the number of
  what was left out is kept. So a flood of refusals fills neither memory nor the disk.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal

import attrs

PENDING_MAX: Final = 256
SHOWN_CHARS: Final = 100  # of a name or a path

AuditKind = Literal["refused", "login", "token", "operate", "keys", "left_out"]


@attrs.frozen
class AuditAct:
    """One thing that was done or refused."""

    kind: AuditKind
    what: str
    """The cause of a refusal, the route of a request, or the change of a key."""
    who: str
    """An address, or ``command line``."""
    key_id: str | None = None


@attrs.frozen
class AuditEntry:
    """An act, when it was last seen, and how often since the entry before."""

    at_s: float
    """Unix time."""
    act: AuditAct
    count: int = 1


@attrs.define
class AuditNotes:
    """The acts that were not written yet."""

    limit: int = PENDING_MAX
    _counts: Counter[AuditAct] = attrs.field(factory=Counter, init=False)
    _left_out: int = attrs.field(default=0, init=False)

    def note(self, act: AuditAct) -> None:
        """Count an act."""
        self._add(attrs.evolve(act, what=act.what[:SHOWN_CHARS]), 1)

    def give_back(self, entries: Iterable[AuditEntry]) -> None:
        """Count again what was taken and could not be written."""
        for entry in entries:
            if entry.act.kind == "left_out":
                self._left_out += entry.count
            else:
                self._add(entry.act, entry.count)

    def _add(self, act: AuditAct, count: int) -> None:
        if act in self._counts or len(self._counts) < self.limit:
            self._counts[act] += count
        else:
            self._left_out += count

    def take(self, now_s: float) -> tuple[AuditEntry, ...]:
        """Return the entries to write, and forget them; ``now_s`` is Unix time."""
        entries = [AuditEntry(now_s, act, count) for act, count in self._counts.items()]
        if self._left_out:
            entries.append(AuditEntry(now_s, AuditAct("left_out", "too many at once", ""), self._left_out))
        self._counts.clear()
        self._left_out = 0
        return tuple(entries)
