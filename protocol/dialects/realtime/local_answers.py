"""What a dialect answers by itself, in the order of all that the session tells."""

from collections.abc import Callable, Sequence

import attrs

from protocol.dialects.dialect import Frame
from protocol.messages.events import Ping, Pong

LocalAnswer = Callable[[], Sequence[Frame]]
"""Makes the frames when it is their turn."""


@attrs.define
class LocalAnswers:
    """The answers to the client's event that came last.

    Each goes through the session as a ``Ping`` and is given with its ``Pong``. If the session refuses what came before
    it in the same event, it is never given.
    """

    culprit: str | None = attrs.field(default=None, init=False)
    """The client's name of that event."""
    committed_by: str | None = attrs.field(default=None, init=False)
    """The client's name of its last commit."""
    _answers: dict[int, LocalAnswer] = attrs.field(factory=dict, init=False)
    _asked: int = attrs.field(default=0, init=False)

    def begin(self) -> None:
        """Forget what belongs to the event before."""
        self._answers.clear()
        self.culprit = None

    def ask(self, answer: LocalAnswer) -> Ping:
        """Return what brings back the ``Pong`` with which the answer is given."""
        self._asked += 1
        self._answers[self._asked] = answer
        return Ping(self._asked)

    def give(self, pong: Pong) -> Sequence[Frame]:
        """Return the answer that belongs to a ``Pong``; nothing if there is none any more."""
        answer = self._answers.pop(pong.t, None) if isinstance(pong.t, int) else None
        return () if answer is None else answer()
