"""sayso's extension of OpenAI's transcription API, by which one sayso recognises utterances for another; pure data.

Rules kept here:

* The request is JSON in a form field of its own, and the answer a member of ``verbose_json``, both with the name
  ``sayso``: other servers and clients ignore them.
* Fields are added, never changed: what a server of another version sends besides is ignored. A change of their meaning
  has a new ``VERSION``; a server refuses those that it does not know, and is then asked as any other server.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from protocol.messages.events import NoSpeechReason
from protocol.messages.hearing import SpokenWord

FIELD: Final = "sayso"
HEADER: Final = "sayso-utterance"
"""Says before the body that an utterance comes, so that it is not refused as a recording is under load."""
VERSION: Final = 1
MOST_WITHIN_S: Final = 60.0
MOST_PHRASES: Final = 1_000  # of a vocabulary: some 300 are made of the commands at hand
MOST_CHARS: Final = 200  # of a phrase


class Versioned(msgspec.Struct, frozen=True):
    """What a request or an answer of any version has."""

    version: int


class UtteranceRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an utterance is recognised with; its samples are the form's file, a WAV file of 16 kHz, mono, 16 bits."""

    version: int
    within_s: Annotated[float, msgspec.Meta(gt=0, le=MOST_WITHIN_S)]
    """How long the asking server waits for the answer, in seconds."""
    language: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    """BCP 47 tag; ``None`` for the setting's language, or to have it detected."""
    vocabulary: Annotated[
        tuple[Annotated[str, msgspec.Meta(max_length=MOST_CHARS)], ...], msgspec.Meta(max_length=MOST_PHRASES)
    ] = ()
    """Words and phrases to expect, most telling first."""
    wants_words: bool = False
    """Whether to say when each word was spoken."""


class UtteranceAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was recognised, judged already by the rules of ``protocol/audio/transcripts.py``."""

    version: int
    text: str
    """Empty if there is a ``no_speech``."""
    language: str
    confidence: float
    """0 to 1."""
    compute_s: float
    """The time that was needed, without waiting."""
    no_speech: NoSpeechReason | None = None
    alternatives: tuple[str, ...] = ()
    """Other texts, the likeliest first."""
    words: tuple[SpokenWord, ...] = ()


def sendable(vocabulary: Sequence[str]) -> tuple[str, ...]:
    """Return the phrases that a request may have: long ones are left out, and those beyond the most."""
    return tuple(phrase for phrase in vocabulary if len(phrase) <= MOST_CHARS)[:MOST_PHRASES]
