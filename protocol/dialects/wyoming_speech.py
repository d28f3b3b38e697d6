"""Wyoming's text to speech: which text is spoken when, and the events around the audio; pure.

Rules kept here:

* ``synthesize`` is a whole text. Between ``synthesize-start`` and ``synthesize-stop`` the text comes in chunks, and is
  spoken as sentences are ready; the ``synthesize`` among them is the same text again, for older servers.
* One ``audio-start`` and one ``audio-stop`` stand around all audio of a request.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from protocol.dialects.wyoming_frames import WyomingEvent, bad_field
from protocol.dialects.wyoming_info import ANY_VOICE
from protocol.language.sentences import SentenceCutter
from protocol.messages.speaking import SpokenAudio

MAX_TEXT_CHARS: Final = 16_384
CHUNK_BYTES: Final = 8_192  # of audio in one event: some 0.2 s
WIDTH_BYTES, CHANNELS = 2, 1

SPEECH_EVENTS: Final = frozenset({"synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop"})
"""The client's events that are about speech."""


@attrs.define
class SpeechRequest:
    """One text that is to be spoken, as it comes."""

    voice: str | None
    is_streamed: bool
    _cutter: SentenceCutter
    _chars: int = 0
    _rate_hz: int | None = None
    """Of the audio; ``None`` before the first."""

    def add(self, text: str) -> Sequence[str]:
        """Return the sentences that are complete now; raises ``RemoteProtocolError`` for more text than is spoken."""
        self._chars += len(text)
        if self._chars > MAX_TEXT_CHARS:
            raise bad_field(f"a text to be spoken must have at most {MAX_TEXT_CHARS} characters")
        return self._cutter.feed(text)

    def finish(self) -> Sequence[str]:
        """Return what is left."""
        return self._cutter.flush()

    def audio(self, spoken: SpokenAudio) -> Sequence[WyomingEvent]:
        """Return the events of one sentence's audio."""
        told = []
        if self._rate_hz != spoken.sample_rate:
            told = [] if self._rate_hz is None else [WyomingEvent("audio-stop")]
            self._rate_hz = spoken.sample_rate
            told.append(WyomingEvent("audio-start", self._format))
        pieces = range(0, len(spoken.pcm), CHUNK_BYTES)
        told += [WyomingEvent("audio-chunk", self._format, spoken.pcm[at : at + CHUNK_BYTES]) for at in pieces]
        return told

    def end(self) -> Sequence[WyomingEvent]:
        """Return the events after the last audio."""
        began = [] if self._rate_hz is not None else [WyomingEvent("audio-start", self._format)]
        stopped = [WyomingEvent("synthesize-stopped")] if self.is_streamed else []
        return [*began, WyomingEvent("audio-stop"), *stopped]

    @property
    def _format(self) -> Mapping[str, Any]:
        return {"rate": self._rate_hz or 22_050, "width": WIDTH_BYTES, "channels": CHANNELS}


def request_of(event: WyomingEvent, voices: Mapping[str, Sequence[str]]) -> SpeechRequest:
    """Return the request that a ``synthesize`` or ``synthesize-start`` begins; raises ``RemoteProtocolError``."""
    wanted = event.data.get("voice")
    if wanted is not None and not isinstance(wanted, dict):
        raise bad_field(f"{event.type}.voice must be an object")
    voice = voice_of(wanted or {}, voices)
    spoken = voice if voice is not None else next(iter(voices), "")
    languages = voices.get(spoken, ())
    language = languages[-1] if languages else "en"
    name = None if voice == ANY_VOICE else voice
    return SpeechRequest(name, event.type == "synthesize-start", SentenceCutter(language))


def voice_of(wanted: Mapping[str, Any], voices: Mapping[str, Sequence[str]]) -> str | None:
    """Return the name of the wanted voice, ``None`` for the usual one; raises ``RemoteProtocolError`` for no voice.

    A voice that is wanted by its language alone is the first that speaks it.
    """
    name, language = wanted.get("name"), wanted.get("language")
    if name is not None:
        if not isinstance(name, str) or name not in voices:
            raise bad_field(f"voice must be one of {', '.join(voices)}, not {str(name)[:40]!r}")
        return name
    if isinstance(language, str):
        wanted_codes = {language, language.replace("-", "_"), language.replace("-", "_").partition("_")[0]}
        return next((voice for voice, spoken in voices.items() if wanted_codes & set(spoken)), None)
    return None
