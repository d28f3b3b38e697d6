"""Which parts of the server have lost the ability to work, and have it again, as clients are told; pure.

Rules kept here:

* A part is reported when it fails after it has worked: what was never there is missed by nobody.
* Each failure is reported once, and so is its end. Failures that end between two looks are not reported.
* The voice is not among the parts: a session that it fails is told by its own turn (``actors/turn/spoken_answer.py``).
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from protocol.admission.notices import DOWN, ActorLook
from protocol.messages.events import Degraded, Recovered

TOLD: Final = frozenset({"transcription", "inference", "meaning", "history"})
TOLD_BELOW: Final = "tools."
ROUTER: Final = "tools.router"
REASON_CHARS: Final = 300


@attrs.define(eq=False)
class ServiceParts:
    """What is known of the parts, and what clients were told."""

    _has_worked: set[str] = attrs.field(factory=set, init=False)
    _told: set[str] = attrs.field(factory=set, init=False)

    def look(self, actors: Mapping[str, ActorLook]) -> Sequence[Degraded | Recovered]:
        """Return what clients are to be told, by a look at the permanent actors."""
        events: list[Degraded | Recovered] = []
        for name, actor in actors.items():
            if not is_told(name):
                continue
            trouble = trouble_of(actor)
            if trouble is None and actor.state == "ready":
                self._has_worked.add(name)
                if name in self._told:
                    self._told.discard(name)
                    events.append(Recovered(name, "it works again"))
            elif trouble is not None and name in self._has_worked and name not in self._told:
                self._told.add(name)
                events.append(Degraded(name, trouble[:REASON_CHARS]))
        return events


def is_told(name: str) -> bool:
    """Return whether clients are told of an actor: it does their work, by itself."""
    return name in TOLD or (name.startswith(TOLD_BELOW) and name != ROUTER)


def trouble_of(actor: ActorLook) -> str | None:
    """Return why an actor cannot work; ``None`` if it can, or is about to start."""
    return "it is being started again" if actor.state in DOWN else actor.trouble
