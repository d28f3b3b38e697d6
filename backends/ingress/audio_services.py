"""What the audio API calls: the server's functions behind it."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

import attrs

from backends.protocols import SpeechDetector
from backends.speech.recordings import Read
from config.settings import Role
from protocol.messages.hearing import NoWords, Recognition, Utterance
from protocol.messages.recordings import CloseRecording
from protocol.messages.speaking import SpokenAudio

RETRY_AFTER_S: Final = 10.0
BOTH: Final[Collection[Role]] = ("recognise", "speak")


@attrs.frozen
class LiveUtterance:
    """What is known besides of an utterance that a person at another server has said just now."""

    tenant: str
    """Of the asking server, which takes turns as one session."""
    vocabulary: tuple[str, ...]
    within_s: float
    """How long the answer is waited for, in seconds."""


@attrs.frozen
class TranscriptionOptions:
    """Options for transcribing a recording, or an utterance of another server."""

    language: str | None = None
    model: str | None = None
    words: bool = False
    """Whether the answer has the times of the words."""
    translate: bool = False
    """Whether the text is wanted in English, whatever is spoken."""
    vocabulary: tuple[str, ...] = ()
    """Names and terms worth expecting, most likely first."""
    live: LiveUtterance | None = None
    """``None`` of a recording."""


@attrs.frozen
class RecordingDecoder:
    """Decodes recordings: the ``media`` actor's reference, behind two functions."""

    read: Read
    """Raises ``AskError`` or ``MailboxError``."""
    close: Callable[[CloseRecording], None]
    count: Callable[[str], None]
    """Counts a recording that was not decoded, by its outcome."""


@attrs.frozen
class RecordingPace:
    """How much of the recogniser recordings have, beside sessions."""

    at_once: int
    """How many segments of one recording may be in work: fewer than there are workers, if there are several."""
    rest_s: Callable[[], float | None]
    """Returns the seconds for which a recording must rest under load; ``None`` if it goes on."""


@attrs.frozen
class AudioServices:
    """The server's functions that the API calls."""

    media: RecordingDecoder
    transcribe: Callable[[Utterance, TranscriptionOptions], Awaitable[Recognition | NoWords]]
    """Raises ``AskError`` or ``MailboxError``."""
    synthesise: Callable[[str, str | None, float], Awaitable[SpokenAudio]]
    """Takes text, voice and speed; raises as ``transcribe`` does."""
    make_detector: Callable[[], SpeechDetector]
    pace: RecordingPace
    models: Callable[[], Sequence[str]] = tuple
    """Returns the names of the models that transcribe recordings."""
    hearing_problem: Callable[[str | None, str | None], str | None] = lambda _language, _model: None
    """Returns why a language cannot be transcribed, by the given model if any; ``None`` if it can."""
    voices: Callable[[], Sequence[str] | None] = lambda: None
    """Returns the voices, the default first; ``None`` if any name may be one, empty without speech. Reads the disk."""
    translator: Callable[[str | None], str | None] = lambda _model: None
    """Returns the model that translates into English, the given one if any; ``None`` if there is none."""
    does: Collection[Role] = BOTH
    """Whether speech is recognised here, and made here."""
