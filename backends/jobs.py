"""What workers can be asked to do, and what they reply: the data of ``runtime.workers.jobs`` for each kind of worker.

Server and worker import these classes from here, so a field is spelt in one place.
"""

from typing import Literal

import msgspec

from protocol.messages.events import NoSpeechReason
from protocol.messages.hearing import SpokenWord
from protocol.messages.searching import FoundSentences, SentenceAutomaton
from runtime.workers.jobs import Job

# --- speech to text (backends/speech/whisper.py, remote.py) ---------------------------------------


class Clip(msgspec.Struct, frozen=True):
    """One utterance; its samples (16 kHz mono s16le) lie in the job's blob, behind those of the clips before it."""

    size_bytes: int
    language: str | None = None
    """BCP 47 tag; ``None`` for the setting's language, or to have it detected."""
    vocabulary: tuple[str, ...] = ()
    """Words and phrases to expect, most telling first."""
    wants_words: bool = False
    """Whether to say when each word was spoken."""
    translate: bool = False
    """Whether the text is wanted in English, whatever was spoken."""


class ClipTranscript(msgspec.Struct, frozen=True, kw_only=True):
    """What was heard in one clip, or why nothing was."""

    text: str
    """Empty if there is a ``no_speech``."""
    language: str
    confidence: float
    """0 to 1."""
    alternatives: tuple[str, ...] = ()
    """Other texts, the likeliest first."""
    no_speech: NoSpeechReason | None
    compute_s: float
    """The clip's share of the time that was needed."""
    words: tuple[SpokenWord, ...] = ()
    window_s: int | None = None
    """Length of the window in which it was decoded; ``None`` of a server elsewhere."""
    attempts: int = 1
    """How often it was decoded."""
    first_tokens: tuple[int, ...] = ()
    """Of the first decode's best text, which is under the prompt; of a server elsewhere there are none."""


class ClipTranscripts(msgspec.Struct, frozen=True):
    """The reply to ``TranscribeClips``, in its order; no blob."""

    clips: tuple[ClipTranscript, ...]


class TranscribeClips(Job[ClipTranscripts], frozen=True):
    """Transcribe a batch."""

    clips: tuple[Clip, ...]


class ModelDescription(msgspec.Struct, frozen=True):
    """The reply to ``DescribeModel``; no blob."""

    device: str
    """``cpu`` or ``cuda``."""
    compute_type: str
    """What it computes with, such as ``int8``."""
    is_multilingual: bool
    max_batch: int
    """How many clips are decoded together at most, for the memory that there is."""


class DescribeModel(Job[ModelDescription], frozen=True):
    """Say what is loaded."""


class SentenceSearchReply(msgspec.Struct, frozen=True):
    """The reply to ``SearchSentences``; no blob."""

    found: FoundSentences | None = None
    problem: Literal["unknown_grammar", "late", "unsupported"] | None = None
    """Why nothing was found: the worker has not had the grammar, took too long, or has a model that it cannot read."""


class SearchSentences(Job[SentenceSearchReply], frozen=True):
    """Say which sentences of a grammar fit the utterance in the blob (16 kHz mono s16le) best; English only."""

    version: str
    """Of the grammar."""
    within_s: float
    """Seconds that it may take."""
    automaton: SentenceAutomaton | None = None
    """The grammar, if the worker has not had it."""
    vocabulary: tuple[str, ...] = ()
    """Words and phrases to expect, as in the utterance's ``Clip``."""
    first_tokens: tuple[int, ...] = ()
    """Of its ``ClipTranscript``."""


# --- text to speech (backends/speech/piper.py, remote.py) -----------------------------------------


class SpokenText(msgspec.Struct, frozen=True):
    """The reply to ``SpeakText``; the blob holds mono s16le samples, none for a text without words."""

    sample_rate_hz: int


class SpeakText(Job[SpokenText], frozen=True):
    """Speak a sentence."""

    text: str
    voice: str | None = None
    """``None`` for the setting's voice."""
    speed: float = 1.0
    """1 is the voice's own pace."""


# --- recordings (backends/speech/media.py) --------------------------------------------------------


class RecordingBlock(msgspec.Struct, frozen=True):
    """The reply to ``DecodeRecording``; the blob holds mono s16le samples at 16 kHz."""

    is_last: bool
    refusal: str | None = None
    """Why the file cannot be decoded; there are no samples then."""


class DecodeRecording(Job[RecordingBlock], frozen=True):
    """Decode the next block of a file."""

    recording_id: str
    path: str
    from_sample: int
    """How many samples have been decoded before, at 16 kHz."""


class RecordingForgotten(msgspec.Struct, frozen=True):
    """The reply to ``ForgetRecording``; no blob."""


class ForgetRecording(Job[RecordingForgotten], frozen=True):
    """Close a file."""

    recording_id: str


# --- the meaning of sentences (backends/understanding/worker.py) ----------------------------------


class SentenceReading(msgspec.Struct, frozen=True):
    """What one sentence is about."""

    classes: dict[str, float]
    """The likeliest classes of the head with their probabilities, 0 to 1, the likeliest first."""


class SentenceReadings(msgspec.Struct, frozen=True):
    """The reply to ``ReadSentences``, in its order; the blob holds the embeddings, float32 (sentences, 384)."""

    sentences: tuple[SentenceReading, ...]


class ReadSentences(Job[SentenceReadings], frozen=True):
    """Say what sentences are about."""

    texts: tuple[str, ...]


# --- the embedded language model (backends/llm/llamacpp.py) ---------------------------------------


class ModelAddress(msgspec.Struct, frozen=True):
    """The reply to ``LocateModel``; no blob."""

    url: str
    """Base of an OpenAI-compatible API."""


class LocateModel(Job[ModelAddress], frozen=True):
    """Say where the model's HTTP server listens."""
