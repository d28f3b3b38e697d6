"""Which sessions are asked to end when the load must fall: pure, so the time is an argument.

Rules kept here:

* Sessions that were silent for half a minute come first, the longest silence first; then the newest, which have the
  least to lose. There are no accounts, so there are no classes of users.
* Few at a time, so that their effect can be measured before more are asked; none is asked twice.
"""

from typing import Final

import attrs

IDLE_S: Final = 30.0
PART: Final = 20  # one in so many at a time, at least one


@attrs.define
class Activity:
    """The time of each session's last speech or typing, in the order in which they began."""

    _last_s: dict[str, float] = attrs.field(factory=dict)
    _asked: set[str] = attrs.field(factory=set)

    def note(self, session_id: str, now_s: float) -> None:
        """Note speech, typing or a button."""
        self._last_s[session_id] = now_s

    def forget(self, session_id: str) -> None:
        """Note that the session has ended."""
        self._last_s.pop(session_id, None)
        self._asked.discard(session_id)

    def next_leavers(self, now_s: float) -> list[str]:
        """Return the sessions to ask now; they are not returned again."""
        idle: list[str] = []
        busy: list[str] = []
        for session_id, last_s in self._last_s.items():
            if session_id not in self._asked:
                (idle if now_s - last_s > IDLE_S else busy).append(session_id)
        idle.sort(key=self._last_s.__getitem__)
        chosen = [*idle, *reversed(busy)][: max(1, len(self._last_s) // PART)]
        self._asked.update(chosen)
        return chosen
