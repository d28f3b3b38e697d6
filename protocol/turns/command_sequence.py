"""The commands of one turn, in order, and what came of each; pure.

Rules kept here:

* What is whole is done first, in the order of the sentence; then the first that lacks something is asked for it, and
  the others wait for that answer.
* A failure of one hides nothing of the others: all are told in one answer.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

import attrs

from protocol.language.phrases import DID_NOT_WORK, PART_DID_NOT_WORK, STOPPED_BEFORE, phrase
from protocol.messages.events import Outcome
from protocol.messages.understanding import CommandMatch

_WORST_FIRST: Final[tuple[Outcome, ...]] = ("failed", "refused", "done")


@attrs.define
class CommandSequence:
    """What a turn has to do, and what was told of it."""

    language: str
    commands: Sequence[CommandMatch]
    _to_do: deque[CommandMatch] = attrs.field(init=False)
    _told: list[str] = attrs.field(factory=list, init=False)
    _outcomes: set[Outcome] = attrs.field(factory=set, init=False)
    _running: CommandMatch | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._to_do = deque(match for match in self.commands if match.question is None)

    @property
    def lacking(self) -> tuple[CommandMatch, ...]:
        """The commands that lack something, in order."""
        return tuple(match for match in self.commands if match.question is not None)

    @property
    def left(self) -> int:
        """How many are to be begun."""
        return len(self._to_do)

    @property
    def outcome(self) -> Outcome:
        """The worst of all outcomes so far."""
        return next((outcome for outcome in _WORST_FIRST if outcome in self._outcomes), "done")

    @property
    def answer(self) -> str:
        """What is said of all of them, in order."""
        return " ".join(_ended(text) for text in self._told if text.strip())

    def begin(self) -> CommandMatch | None:
        """Take the next one; ``None`` if all have been begun."""
        self._running = self._to_do.popleft() if self._to_do else None
        return self._running

    def end(self, told: str, outcome: Outcome = "done") -> None:
        """Note what came of the running one."""
        self._running = None
        self._told.append(told)
        self._outcomes.add(outcome)

    def fail(self, why: str, told: str | None = None) -> None:
        """Note that the running one failed; among several it is named. ``told`` is said instead, if it is given."""
        if told is not None:
            self.end(told, "failed")
            return
        is_alone = self._running is None or len(self.commands) == 1
        sentence = DID_NOT_WORK if is_alone else PART_DID_NOT_WORK
        part = "" if self._running is None else self._running.text
        self.end(phrase(sentence, self.language, part=part, why=why), "failed")

    def stop(self) -> tuple[CommandMatch, ...]:
        """Begin no more; return what is left undone, without the running one."""
        left = tuple(self._to_do)
        self._to_do.clear()
        return left


def stopped_before(left: Sequence[CommandMatch], language: str) -> str:
    """Return what the history says of commands that an interruption has stopped; empty for none."""
    if not left:
        return ""
    return phrase(STOPPED_BEFORE, language, parts=", ".join(f'"{match.text}"' for match in left))


def _ended(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", "\u2026", '"', "\u201c")) else f"{text}."
