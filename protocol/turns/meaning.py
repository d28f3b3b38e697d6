"""What a turn does with the meaning of a sentence that is none of the grammar's: a table; pure.

Rules kept here:

* A call that only reads is made at once if its class is sure. Any other call, and one that is not so sure, is made
  after the user was asked (``protocol/turns/tools.py`` has the policy).
* What the call lacks is asked for.
* What people ask for and this server cannot do is named, if no language model can do it either.
* A user's own command is taken if its example is near, and nearer than those of the user's other commands.
"""

import enum
from collections.abc import Mapping
from typing import Final

import attrs

from protocol.language.phrases import (
    CANNOT_BANK,
    CANNOT_CALENDAR,
    CANNOT_CALL,
    CANNOT_CONTROL,
    CANNOT_LOCATE,
    CANNOT_MAIL,
    CANNOT_NEWS,
    CANNOT_ORDER,
    CANNOT_PLAY,
    CANNOT_TRANSLATE,
    CANNOT_VOLUME,
    CANNOT_WEATHER,
)
from protocol.messages.meaning import Certainty, Meaning
from protocol.messages.understanding import CommandMatch, Guess
from protocol.turns.questions import QuestionState, Reaction, WordsDecision

MIN_LEAD: Final = 0.04  # of a user's own command before the user's next one, as a difference of cosines

CANNOT: Final[Mapping[str, str]] = {
    "bank": CANNOT_BANK,
    "calendar": CANNOT_CALENDAR,
    "call": CANNOT_CALL,
    "control": CANNOT_CONTROL,
    "locate": CANNOT_LOCATE,
    "mail": CANNOT_MAIL,
    "news": CANNOT_NEWS,
    "order": CANNOT_ORDER,
    "play": CANNOT_PLAY,
    "translate": CANNOT_TRANSLATE,
    "volume": CANNOT_VOLUME,
    "weather": CANNOT_WEATHER,
}
"""What is said of the classes for which there may be no tool."""
HELP: Final = "help"


class MeaningEvent(enum.Enum):
    """What a meaning comes to."""

    WHOLE = "a call, and nothing is missing"
    LACKING = "a call that lacks something"
    MISSING = "something that cannot be done here"
    HELP = "what can be said"
    OTHER = "anything else"


class MeaningStep(enum.Enum):
    """What a turn does about it."""

    CALL = "call, asking first where it changes something"
    ASK_FIRST = "ask whether to call"
    ASK = "ask for what is missing"
    NAME = "a model with tools, else say what cannot be done"
    HELP = "tell what can be said"
    GO_ON = "go on"


_S, _E, _C = MeaningStep, MeaningEvent, Certainty
STEPS: Final[Mapping[MeaningEvent, Mapping[Certainty, MeaningStep]]] = {
    _E.WHOLE: {_C.SURE: _S.CALL, _C.LIKELY: _S.ASK_FIRST, _C.DOUBTFUL: _S.GO_ON},
    _E.LACKING: {_C.SURE: _S.ASK, _C.LIKELY: _S.ASK, _C.DOUBTFUL: _S.GO_ON},
    _E.MISSING: {_C.SURE: _S.NAME, _C.LIKELY: _S.NAME, _C.DOUBTFUL: _S.GO_ON},
    _E.HELP: {_C.SURE: _S.HELP, _C.LIKELY: _S.GO_ON, _C.DOUBTFUL: _S.GO_ON},
    _E.OTHER: dict.fromkeys(_C, _S.GO_ON),
}


@attrs.frozen
class Thresholds:
    """The settings of the decision, each 0 to 1."""

    sure: float
    """Probability from which a call that only reads is made at once."""
    likely: float
    """Probability from which the user is asked."""
    own: float
    """Nearness (cosine) from which an example of a user's own command counts."""


@attrs.frozen
class MeantDecision:
    """What a turn does with a meaning."""

    step: MeaningStep = MeaningStep.GO_ON
    match: CommandMatch | None = None
    cannot: str | None = None
    """The sentence that names what cannot be done (``protocol/language/phrases.py``)."""

    @property
    def words(self) -> WordsDecision | None:
        """The decision about the turn's words; ``None`` to go on."""
        if self.step in (_S.CALL, _S.ASK_FIRST):
            return WordsDecision(Reaction.CALL, self.match)
        if self.step is _S.ASK:
            return WordsDecision(Reaction.ASK, self.match, QuestionState.ASKED)
        return None

    @property
    def is_action(self) -> bool:
        """Whether only a model with tools may answer."""
        return self.step is _S.NAME


GO_ON: Final = MeantDecision()


def meaning_of(classes: Mapping[str, float], own: Mapping[str, float], thresholds: Thresholds) -> Meaning | None:
    """Return what a sentence is about; ``None`` if neither has anything.

    ``classes`` are probabilities of the head, ``own`` the nearness of the user's intents, by their nearest examples. An
    example that is near enough to count is a reason to ask, and no more.
    """
    nearest = sorted(own, key=lambda intent: -own[intent])[:2]
    if nearest and own[nearest[0]] >= thresholds.own:
        lead = own[nearest[0]] - max((own[other] for other in nearest[1:]), default=0.0)
        if lead >= MIN_LEAD:
            return Meaning(nearest[0], own[nearest[0]], _C.LIKELY, is_own=True)
    name = max(classes, key=lambda name: classes[name], default=None)
    return None if name is None else Meaning(name, classes[name], _certainty(classes[name], thresholds))


def decide_meaning(meaning: Meaning | None, match: CommandMatch | None) -> MeantDecision:
    """Return what is done; ``match`` is the call that the meaning stands for, with what was said of its slots."""
    if meaning is None:
        return GO_ON
    step = STEPS[_event_of(meaning, match)][meaning.certainty]
    if step is _S.GO_ON:
        return GO_ON
    if match is not None and step is _S.ASK:
        match = attrs.evolve(match, guess=None)  # who answers the question wants the call
    elif match is not None and match.guess is not None:
        guess = Guess(match.guess.question, is_sure=step is _S.CALL)
        match = attrs.evolve(match, guess=guess, confidence=round(meaning.confidence, 3))
    return MeantDecision(step, match, CANNOT.get(meaning.name) if step is _S.NAME else None)


def _certainty(probability: float, thresholds: Thresholds) -> Certainty:
    if probability >= thresholds.sure:
        return _C.SURE
    return _C.LIKELY if probability >= thresholds.likely else _C.DOUBTFUL


def _event_of(meaning: Meaning, match: CommandMatch | None) -> MeaningEvent:
    if match is not None:
        return _E.WHOLE if match.question is None else _E.LACKING
    if meaning.is_own:
        return _E.OTHER
    return _E.HELP if meaning.name == HELP else _E.MISSING if meaning.name in CANNOT else _E.OTHER
