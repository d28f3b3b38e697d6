"""A transcribed recording in the forms that OpenAI's API has for it; pure."""

import math
import zlib
from collections.abc import Sequence
from typing import Any, Final

import attrs

from protocol.messages.hearing import Recognition, SpokenWord, Utterance

WHISPER_FRAMES_PER_S: Final = 100  # what its "seek" counts
LEAST_CONFIDENCE: Final = 1e-6
FORMATS: Final = ("json", "text", "srt", "vtt", "verbose_json")


@attrs.frozen
class Caption:
    """The text between two times, in seconds from the beginning."""

    start_s: float
    end_s: float
    text: str
    confidence: float
    words: tuple[SpokenWord, ...] = ()

    @classmethod
    def of(cls, utterance: Utterance, transcript: Recognition) -> "Caption":
        """Return the caption of one part of the recording."""
        start_s, end_s = utterance.start_ms / 1000, utterance.end_ms / 1000
        return cls(start_s, end_s, transcript.text, transcript.confidence, transcript.words)


def whole_text(captions: Sequence[Caption]) -> str:
    """Return the whole text in one line."""
    return " ".join(caption.text for caption in captions)


def to_srt(captions: Sequence[Caption]) -> str:
    """Return SubRip subtitles."""
    return "".join(
        f"{number}\n{_clock(caption.start_s, ',')} --> {_clock(caption.end_s, ',')}\n{caption.text}\n\n"
        for number, caption in enumerate(captions, start=1)
    )


def to_vtt(captions: Sequence[Caption]) -> str:
    """Return WebVTT subtitles (W3C); an arrow or an angle bracket in the text would end a cue."""
    cues = (
        f"{_clock(caption.start_s, '.')} --> {_clock(caption.end_s, '.')}\n{_escaped(caption.text)}\n\n"
        for caption in captions
    )
    return "WEBVTT\n\n" + "".join(cues)


def to_verbose(
    captions: Sequence[Caption], *, language: str, duration_s: float, translate: bool = False
) -> dict[str, Any]:
    """Return OpenAI's ``verbose_json``; ``confidence`` is ours.

    Clients calculate with Whisper's figures: ``avg_logprob`` is the logarithm of the confidence, ``no_speech_prob`` is
    0 because what has no speech is left out, and there are no tokens.
    """
    segments = [
        {
            "id": number,
            "seek": round(caption.start_s * WHISPER_FRAMES_PER_S),
            "start": round(caption.start_s, 3),
            "end": round(caption.end_s, 3),
            "text": caption.text,
            "tokens": [],
            "temperature": 0.0,
            "avg_logprob": round(math.log(max(caption.confidence, LEAST_CONFIDENCE)), 3),
            "compression_ratio": round(_compression_ratio(caption.text), 3),
            "no_speech_prob": 0.0,
            "confidence": round(caption.confidence, 3),
        }
        for number, caption in enumerate(captions)
    ]
    return {
        "task": "translate" if translate else "transcribe",
        "language": language,
        "duration": round(duration_s, 3),
        "text": whole_text(captions),
        "segments": segments,
    }


def to_words(captions: Sequence[Caption]) -> list[dict[str, Any]]:
    """Return OpenAI's list of words, with times in seconds from the beginning of the recording."""
    return [
        {
            "word": word.text,
            "start": round(caption.start_s + word.start_ms / 1000, 3),
            "end": round(caption.start_s + word.end_ms / 1000, 3),
        }
        for caption in captions
        for word in caption.words
    ]


def _compression_ratio(text: str) -> float:
    """Return how well a text compresses; repetitions do, above 2.4 (Radford et al. 2022, the reference code)."""
    data = text.encode()
    return len(data) / len(zlib.compress(data))


def _clock(seconds: float, mark: str) -> str:
    minutes, ms = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02}{mark}{ms % 1000:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
