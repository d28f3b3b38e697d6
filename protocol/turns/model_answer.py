"""Decides which of a language model's text is shown and spoken as it streams; pure.

Rules kept here:

* A model's thoughts are neither shown nor spoken.
* Text goes on at once, and is said by sentences. What comes after a tool call is a sentence of its own.
* Where an action is asked for, text goes on by whole sentences, and none that claims to have acted before a tool has.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from protocol.language.requests import claims_an_action
from protocol.language.sentences import SentenceCutter
from protocol.language.thoughts import ThoughtFilter


class Belief(enum.Enum):
    """Whether a model's claims of actions are believed."""

    BELIEVED = "believed"
    """No action is asked for, or a tool has acted."""
    CHECKED = "checked"
    """An action is asked for, and no tool has acted."""
    DISBELIEVED = "disbelieved"
    """The model claims to have acted, and no tool has."""


class BeliefEvent(enum.Enum):
    """Events that change the belief."""

    CLAIMED = "claimed"
    CALLED = "called"
    """What was claimed before a call may come true by it."""
    ACTED = "acted"


BELIEFS: Final[Mapping[Belief, Mapping[BeliefEvent, Belief]]] = {
    Belief.BELIEVED: dict.fromkeys(BeliefEvent, Belief.BELIEVED),
    Belief.CHECKED: {
        BeliefEvent.CLAIMED: Belief.DISBELIEVED,
        BeliefEvent.CALLED: Belief.CHECKED,
        BeliefEvent.ACTED: Belief.BELIEVED,
    },
    Belief.DISBELIEVED: {
        BeliefEvent.CLAIMED: Belief.DISBELIEVED,
        BeliefEvent.CALLED: Belief.CHECKED,
        BeliefEvent.ACTED: Belief.BELIEVED,
    },
}


@attrs.frozen
class PassedText:
    """The output for a piece of text."""

    shown: str = ""
    sentences: Sequence[str] = ()
    """To be said, in order."""
    is_first: bool = False
    """Nothing of the answer was shown before."""


@attrs.define
class ModelAnswer:
    """One turn's answer of a model, over all its calls."""

    language: str
    belief: Belief
    results: int = attrs.field(default=0, init=False)
    """How many results of tools the model has read."""
    _texts: list[str] = attrs.field(factory=list, init=False)
    _cutter: SentenceCutter = attrs.field(init=False)
    _thoughts: ThoughtFilter = attrs.field(factory=ThoughtFilter, init=False)

    def __attrs_post_init__(self) -> None:
        self._cutter = SentenceCutter(self.language)

    @property
    def text(self) -> str:
        """All that was shown."""
        return "".join(self._texts)

    def feed(self, text: str) -> PassedText:
        """Take text as it comes."""
        text = self._thoughts.feed(text)
        is_first = bool(text) and not self._texts
        return self._pass_on(text, self._cutter.feed(text), is_first=is_first)

    def end_paragraph(self) -> PassedText:
        """Take the end of what the model says before its calls, or at all."""
        rest = self._thoughts.flush()
        passed = self._pass_on(rest, [*self._cutter.feed(rest), *self._cutter.flush()])
        if self._texts and not self._texts[-1].endswith(" "):
            self._texts.append(" ")
        return passed

    def call(self) -> None:
        """Note that the model calls tools."""
        self._believe(BeliefEvent.CALLED)

    def read_result(self, *, ok: bool) -> None:
        """Note the result of a call."""
        self.results += 1
        if ok:
            self._believe(BeliefEvent.ACTED)

    def _pass_on(self, text: str, sentences: Sequence[str], *, is_first: bool = False) -> PassedText:
        if self.belief is not Belief.BELIEVED:
            text = "".join(f"{sentence} " for sentence in sentences)
            if any(claims_an_action(sentence, self.language) for sentence in sentences):
                self._believe(BeliefEvent.CLAIMED)
        if self.belief is Belief.DISBELIEVED:
            return PassedText(is_first=is_first)
        if text:
            self._texts.append(text)
        return PassedText(text, sentences, is_first)

    def _believe(self, event: BeliefEvent) -> None:
        self.belief = BELIEFS[self.belief][event]
