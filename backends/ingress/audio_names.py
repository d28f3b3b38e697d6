"""OpenAI's names of models and voices, which clients send to any server that speaks its API.

Its own models and voices mean the configured ones here, in every dated or smaller edition of theirs.
"""

import re
from typing import Final

import msgspec

MODELS: Final = re.compile(r"(whisper-1|gpt-4o(-mini)?-(transcribe|tts)|tts-1(-hd)?)(-\d{4}-\d{2}-\d{2}|-latest)?")
VOICES: Final = frozenset(
    {"alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse", "marin", "cedar"}
)
VOICE_NAME: Final = re.compile(r"(?P<language>[a-z]{2,3})_[A-Z]{2}-")


class VoiceObject(msgspec.Struct):
    """A voice as newer clients name it."""

    id: str


def model_of(name: str | None) -> str | None:
    """Return the model that is asked for; ``None`` for the usual one, by no name or by one of OpenAI's.

    >>> model_of("gpt-4o-mini-transcribe-2025-12-15"), model_of("base")
    (None, 'base')
    """
    return None if not name or MODELS.fullmatch(name) else name


def voice_of(voice: str | VoiceObject | None) -> str | None:
    """Return the voice that is asked for; ``None`` for the usual one, by no name or by one of OpenAI's."""
    name = voice.id if isinstance(voice, VoiceObject) else voice
    return None if not name or name in VOICES else name


def language_of_voice(name: str) -> str:
    """Return the "de" of Piper's "de_DE-thorsten-medium"; English for a name that does not tell."""
    match = VOICE_NAME.match(name)
    return "en" if match is None else match["language"]
