"""The sessions that can be told something between turns, and whose they are; no logic that can fail."""

from collections.abc import Mapping

import attrs


@attrs.define
class Listeners:
    """The user of each session whose client is there."""

    version: int = attrs.field(default=0, init=False)
    """Another number after each change."""
    _users: dict[str, str] = attrs.field(factory=dict, init=False)

    def enter(self, session_id: str, user: str) -> None:
        """Note that a session's client is there, the newest last."""
        if self._users.get(session_id) != user:
            self.version += 1
        self._users.pop(session_id, None)
        self._users[session_id] = user

    def leave(self, session_id: str) -> None:
        """Note that a session's client is gone."""
        if self._users.pop(session_id, None) is not None:
            self.version += 1

    def session_for(self, user: str, asked: str) -> str | None:
        """Return the session by which ``user`` is told: the one that asked, else the newest; None if nobody is there.

        A session of another user is never the one.
        """
        if self._users.get(asked) == user:
            return asked
        return next((session_id for session_id, whose in reversed(self._users.items()) if whose == user), None)

    def sessions(self) -> Mapping[str, str]:
        """Return the user of each session."""
        return dict(self._users)

    def has(self, session_id: str) -> bool:
        """Return whether a session's client is there."""
        return session_id in self._users
