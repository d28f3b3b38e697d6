"""From samples to words: the messages between ``audio``, ``dialogue`` and ``transcription``."""

from typing import ClassVar, Literal

import attrs

from protocol.messages.ask import Ask
from protocol.messages.events import NoSpeechReason, StopReason

INTERNAL_RATE_HZ = 16_000  # what Whisper, earshot and Silero all expect

Verdict = Literal["awaited", "undecided", "amendable", "complete", "unfinished", "begun"]
"""On a pause: its words are still being transcribed; they say nothing about it; nothing more is to be expected;
something more is; or they are half a command."""
Urgency = Literal["final", "early", "partial", "background"]
"""Kinds of transcription: final, early (if the utterance has ended), partial, background (a recording)."""


@attrs.frozen
class Utterance:
    """One stretch of speech, with its pre-roll."""

    pcm: bytes
    """s16le mono samples at 16 kHz."""
    start_ms: int
    """Where it starts in the session's audio."""
    end_ms: int

    @property
    def duration_s(self) -> float:
        """Length of the samples, in seconds."""
        return len(self.pcm) / 2 / INTERNAL_RATE_HZ


@attrs.frozen
class AudioReceived:
    """Connection to audio: one binary frame as the client sent it."""

    frame: bytes


@attrs.frozen
class AudioRefused:
    """Audio to connection: a frame was no audio; ``message`` says what was expected."""

    message: str


@attrs.frozen
class SpeechBegan:
    """Audio to dialogue: speech began."""

    at_ms: int


@attrs.frozen
class SpokenBefore:
    """An utterance that another one has followed closely."""

    last_voice_s: float
    """As in its ``UtteranceEnded``."""
    both: Utterance
    """From its beginning to the end of the other one."""


@attrs.frozen
class UtteranceEnded:
    """Audio to dialogue: an utterance is complete."""

    utterance: Utterance
    reason: StopReason
    last_voice_s: float
    """Clock time at which the last voiced frame was processed: latencies count from here."""
    before: SpokenBefore | None = None
    """The one before it, if its speaker has only paused and it is short."""


@attrs.frozen
class UtterancePaused:
    """Audio to dialogue: speech has paused; this is the utterance if it stays silent."""

    utterance: Utterance
    end_sample: int
    """Which pause: where the utterance ends if this is its end."""


@attrs.frozen
class PauseJudged:
    """Dialogue to audio: the verdict of the words before a pause."""

    end_sample: int
    """Which pause (``UtterancePaused``)."""
    verdict: Verdict


@attrs.frozen
class ReplyExpected:
    """A turn to audio: the user was answered or asked, and may speak without the wake word now."""

    for_s: float = 0.0
    """For so long at least; if 0, for the time that follows any answer."""


@attrs.frozen
class NothingHeard:
    """A turn to audio: the utterance had no words, so the wake word's window goes on."""


@attrs.frozen
class UtteranceGrew:
    """Audio to dialogue: speech goes on; this is the utterance so far."""

    utterance: Utterance


@attrs.frozen
class NothingOpen:
    """Audio to dialogue: the client ended its audio, and no speech was open that ends with it."""

    at_ms: int


@attrs.frozen
class UtteranceDropped:
    """Audio to dialogue: the sound that began was no speech."""

    reason: NoSpeechReason
    at_ms: int


@attrs.frozen
class Transcribe(Ask["Recognition | NoWords"]):
    """Dialogue to transcription; answered by ``Recognition`` or ``NoWords``."""

    has_steady_cost: ClassVar[bool] = True

    session_id: str
    utterance: Utterance
    language: str | None = None
    vocabulary: tuple[str, ...] = ()
    """Words worth expecting, most likely first; used as a prompt of at most 200 tokens."""
    urgency: Urgency = "final"
    """Early and partial work is refused unless a worker is idle; background work waits until there is no other."""
    model: str | None = None
    """Name of the model; ``None`` is the usual one."""
    words: bool = False
    """Whether the times of the words are wanted; they cost a tenth of a decode more."""
    translate: bool = False
    """Whether the words are wanted in English, whatever was spoken."""
    tenant: str = ""
    """The session's tenant: tenants take turns first, then their sessions."""


@attrs.frozen
class SpokenWord:
    """One word with its punctuation; times count from the beginning of the utterance, ``confidence`` is 0..1."""

    text: str
    start_ms: int
    end_ms: int
    confidence: float


@attrs.frozen
class Recognition:
    """The recogniser's result."""

    text: str
    language: str
    confidence: float
    """0..1, ``exp`` of the mean token log-probability."""
    alternatives: tuple[str, ...] = ()
    """Further hypotheses, best first, without ``text`` itself."""
    queue_s: float = 0.0
    compute_s: float = 0.0
    words: tuple[SpokenWord, ...] = ()
    """Only where they were asked for."""
    first_tokens: tuple[int, ...] = ()
    """The recogniser's tokens of its first text; none of a server elsewhere."""


@attrs.frozen
class NoWords:
    """The audio had no words."""

    reason: NoSpeechReason
    first_tokens: tuple[int, ...] = ()
    """Of the text that was rejected, as in ``Recognition``."""
