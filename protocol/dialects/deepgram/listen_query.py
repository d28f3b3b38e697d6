"""The parameters of Deepgram's ``/v1/listen``, of streams and of recordings; pure.

Rules kept here:

* A parameter whose absence from the result would mislead is refused by its name: who asks for redaction must not get
  the numbers. What only shapes the text (``smart_format``, ``punctuate``) has no effect: it is punctuated always.
* Of Deepgram's own models each means the server's usual one.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, get_args

import attrs

from protocol.language.languages import normalised
from protocol.messages.event_values import MAX_TERM_CHARS, MAX_VOCABULARY

Encoding = Literal["linear16", "linear32", "mulaw", "alaw", "opus"]
ENCODINGS: Final[tuple[Encoding, ...]] = get_args(Encoding)
MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 48_000
MAX_CHANNELS: Final = 2
OPUS_RATE_HZ: Final = 48_000  # of a stream that names none: Opus decodes at any of its rates
MAX_UTTERANCE_END_MS: Final = 60_000
SHOWN_CHARS: Final = 40
BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}
OWN_MODELS: Final = re.compile(r"(nova|enhanced|flux|whisper)(-[\w-]{1,40})?|base-[\w-]{1,40}|general", re.ASCII)
"""Deepgram's names of models. Its old "base" is left out: a model of Whisper has that name, too."""
INTENSIFIER: Final = re.compile(r":-?[\d.]+$")
UNSERVED: Final[Mapping[str, str]] = {
    "callback": "results go to the client that asks, and nowhere else",
    "redact": "nothing is taken out of transcripts",
    "diarize": "speakers are not told apart",
    "summarize": "transcripts are not summarised",
    "topics": "topics are not looked for",
    "intents": "intents are not looked for",
    "sentiment": "moods are not looked for",
    "search": "words are not searched for",
    "replace": "words are not replaced",
    "detect_entities": "entities are not looked for",
}
"""What is not served, and why; a ``false`` asks for nothing."""


class BadListenQuery(ValueError):
    """A parameter is wrong or not served; the message begins with its name."""


@attrs.frozen
class ListenSound:
    """What a client says of its samples."""

    encoding: Encoding | None = None
    """``None`` for a container, whose head says what is in it."""
    sample_rate_hz: int | None = None
    channels: int = 1
    is_multichannel: bool = False
    """Whether each channel is wanted by itself."""


@attrs.frozen(kw_only=True)
class ListenQuery:
    """What a client wants of its audio."""

    sound: ListenSound = attrs.field(factory=ListenSound)
    language: str | None = None
    model: str | None = None
    """``None`` for the usual one."""
    named_model: str = "general"
    """As the client wrote it, for its results."""
    vocabulary: tuple[str, ...] = ()
    interim: bool = False
    tells_speech: bool = False
    """Whether the client wants ``SpeechStarted``."""
    ends_speech: bool = True
    """Whether the end of an utterance is told as ``speech_final``."""
    utterance_end_ms: int | None = None
    """Silence after which the client wants ``UtteranceEnd``."""
    has_utterances: bool = False
    """Whether the result of a recording lists its utterances."""

    @classmethod
    def read(cls, values: Mapping[str, Sequence[str]]) -> "ListenQuery":
        """Check the values of each parameter; raises ``BadListenQuery``."""
        parameters = _Parameters(values)
        for name, why in UNSERVED.items():
            if parameters.text(name).lower() not in {"", "false"}:
                raise BadListenQuery(f"{name} is not served here: {why}")
        model = parameters.text("model")
        return cls(
            sound=_sound_of(parameters),
            language=_language_of(parameters),
            model=None if not model or OWN_MODELS.fullmatch(model) else model,
            named_model=model[:SHOWN_CHARS] or "general",
            vocabulary=terms_of((*parameters.all("keyterm"), *parameters.all("keywords"))),
            interim=parameters.flag("interim_results"),
            tells_speech=parameters.flag("vad_events"),
            ends_speech=_ends_speech(parameters),
            utterance_end_ms=parameters.number("utterance_end_ms", 1, MAX_UTTERANCE_END_MS),
            has_utterances=parameters.flag("utterances"),
        )


def terms_of(words: Sequence[str]) -> tuple[str, ...]:
    """Return words worth expecting, each once, without the weights that ``keywords`` may have.

    >>> terms_of(["Zoe:2", "kitchen lamp", "Zoe"])
    ('Zoe', 'kitchen lamp')
    """
    plain = dict.fromkeys(INTENSIFIER.sub("", word).strip() for word in words)
    return tuple(term for term in plain if 0 < len(term) <= MAX_TERM_CHARS)[:MAX_VOCABULARY]


@attrs.frozen
class _Parameters:
    """The values of each parameter, which may be given several times."""

    values: Mapping[str, Sequence[str]]

    def all(self, name: str) -> Sequence[str]:
        """Return every value; the SDKs write a list with or without brackets."""
        return (*self.values.get(name, ()), *self.values.get(f"{name}[]", ()))

    def text(self, name: str) -> str:
        """Return the last value, empty if there is none."""
        found = self.values.get(name)
        return found[-1].strip() if found else ""

    def flag(self, name: str) -> bool:
        """Return a boolean, false if it is not given; raises ``BadListenQuery``."""
        text = self.text(name).lower()
        if text and text not in BOOLEANS:
            raise BadListenQuery(f"{name} must be true or false, not {text[:SHOWN_CHARS]!r}")
        return BOOLEANS.get(text, False)

    def number(self, name: str, least: int, most: int) -> int | None:
        """Return a whole number within bounds, ``None`` if it is not given; raises ``BadListenQuery``."""
        text = self.text(name)
        if not text:
            return None
        value = int(text) if text.isascii() and text.isdigit() and len(text) < SHOWN_CHARS else -1
        if not least <= value <= most:
            raise BadListenQuery(f"{name} must be a whole number from {least} to {most}, not {text[:SHOWN_CHARS]!r}")
        return value


def _sound_of(parameters: _Parameters) -> ListenSound:
    encoding = _encoding_of(parameters)
    channels = parameters.number("channels", 1, MAX_CHANNELS) or 1
    return ListenSound(encoding, _rate_of(parameters, encoding), channels, parameters.flag("multichannel"))


def _encoding_of(parameters: _Parameters) -> Encoding | None:
    text = parameters.text("encoding").lower()
    found = next((encoding for encoding in ENCODINGS if encoding == text), None)
    if text and found is None:
        raise BadListenQuery(f"encoding must be one of {', '.join(ENCODINGS)}, not {text[:SHOWN_CHARS]!r}")
    return found


def _rate_of(parameters: _Parameters, encoding: Encoding | None) -> int | None:
    rate_hz = parameters.number("sample_rate", MIN_RATE_HZ, MAX_RATE_HZ)
    if encoding == "opus":
        return rate_hz or OPUS_RATE_HZ
    if encoding is not None and rate_hz is None:
        raise BadListenQuery(f"sample_rate must be given with encoding {encoding}")
    return rate_hz


def _language_of(parameters: _Parameters) -> str | None:
    text = parameters.text("language")
    if text.lower() == "multi" or parameters.text("detect_language").lower() == "true":
        return None
    try:
        return normalised(text)
    except ValueError as error:
        raise BadListenQuery(str(error)) from error


def _ends_speech(parameters: _Parameters) -> bool:
    """Return whether ``endpointing`` is on: it is a boolean, or ms of silence."""
    text = parameters.text("endpointing").lower()
    if text in BOOLEANS:
        return BOOLEANS[text]
    parameters.number("endpointing", 0, MAX_UTTERANCE_END_MS)
    return True
