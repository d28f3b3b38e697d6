"""Who is asked to leave when the server must become smaller: pure, so the time is an argument.

Rules kept here:

* Who has said nothing for half a minute goes before who is in a conversation, the longest silent first; then the
  newest, who have the least to lose. There are no accounts, so nobody is of a better class.
* Few at a time, so that what they free can be seen before more are asked; nobody is asked twice.
"""

from typing import Final

import attrs

IDLE_S: Final = 30.0
PART: Final = 20  # one in so many at a time, and at least one


@attrs.define
class Activity:
    """When each session was last spoken or typed to, in the order in which they began."""

    _last_s: dict[str, float] = attrs.field(factory=dict)
    _asked: set[str] = attrs.field(factory=set)

    def note(self, session_id: str, now_s: float) -> None:
        """Note that something was said, typed or pressed."""
        self._last_s[session_id] = now_s

    def forget(self, session_id: str) -> None:
        """Note that the session has ended."""
        self._last_s.pop(session_id, None)
        self._asked.discard(session_id)

    def next_leavers(self, now_s: float) -> list[str]:
        """Return who is asked now, and remember it."""
        idle: list[str] = []
        busy: list[str] = []
        for session_id, last_s in self._last_s.items():
            if session_id not in self._asked:
                (idle if now_s - last_s > IDLE_S else busy).append(session_id)
        idle.sort(key=self._last_s.__getitem__)
        chosen = [*idle, *reversed(busy)][: max(1, len(self._last_s) // PART)]
        self._asked.update(chosen)
        return chosen
