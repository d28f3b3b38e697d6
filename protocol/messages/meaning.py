"""The meaning of a sentence: what a turn asks for, and what it is told."""

import enum

import attrs

from protocol.messages.ask import Ask


class Certainty(enum.Enum):
    """How sure a meaning is, by the thresholds of the settings."""

    SURE = "sure"
    LIKELY = "likely"
    DOUBTFUL = "doubtful"


@attrs.frozen
class OwnSentence:
    """An example of a user's own command."""

    intent: str
    text: str


@attrs.frozen
class Meaning:
    """What a sentence is about."""

    name: str
    """A class of the head, or the intent of a user's own command."""
    confidence: float
    """0 to 1: the probability of the class, or the nearness of the example."""
    certainty: Certainty
    is_own: bool = False
    """Whether it is a user's own command."""


@attrs.frozen
class ReadMeaning(Ask["Meaning | None"]):
    """A turn to meaning: what is a sentence about? ``None`` where nothing can be said, in time or at all."""

    text: str
    language: str
