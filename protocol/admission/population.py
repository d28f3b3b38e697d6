"""How many sessions there may be, and which one ends when a newcomer needs its place: pure.

Rules kept here:

* Sessions whose client is connected and sessions that wait for theirs count together.
* A newcomer is never turned away for a session that only waits: of those, one ends for each newcomer beyond the limit,
  and none while there is room.
* It is one of the tenant that has the most of them, and of its sessions the one that has waited longest: a tenant that
  loses many clients takes no place from others.
* A chosen session is no longer counted, though it takes a moment to end.
"""

from collections import Counter

import attrs


@attrs.define
class Population:
    """All sessions that have made their handshake."""

    limit: int
    _sessions: set[str] = attrs.field(factory=set, init=False)
    _awaited: dict[str, str] = attrs.field(factory=dict, init=False)
    """Tenants of the sessions that wait for their client, by session, the longest wait first."""

    def __len__(self) -> int:
        return len(self._sessions)

    def admit(self, session_id: str) -> str | None:
        """Count a newcomer; return the session that has to end for it, ``None`` if none has."""
        self.count(session_id)
        if len(self._sessions) <= self.limit or not self._awaited:
            return None
        held = Counter(self._awaited.values())
        most = max(held.values())
        chosen = next(awaited for awaited, tenant in self._awaited.items() if held[tenant] == most)
        self.forget(chosen)
        return chosen

    def count(self, session_id: str) -> None:
        """Count a session that was there before: its connection has crashed and started again."""
        self._sessions.add(session_id)

    def lose(self, session_id: str, tenant: str) -> None:
        """Note that the session waits for its client from now on."""
        self._awaited.pop(session_id, None)
        self._awaited[session_id] = tenant

    def regain(self, session_id: str) -> None:
        """Note that its client is back, perhaps just before it was to end."""
        self._awaited.pop(session_id, None)
        self._sessions.add(session_id)

    def forget(self, session_id: str) -> None:
        """Note that the session has ended."""
        self._sessions.discard(session_id)
        self._awaited.pop(session_id, None)
