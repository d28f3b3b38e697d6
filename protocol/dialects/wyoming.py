"""Wyoming, the protocol of Home Assistant's voice services: its events to a session's and back; sans-IO.

A frame here is one whole Wyoming event as bytes (``wyoming_frames.py``). ``describe``, ``ping``, ``recognize`` and the
``synthesize`` family need no session and never come here: the listener answers them.

Rules kept here:

* Every transcription that was asked for is answered by one ``transcript``, an empty one if nothing was said or it
  failed, and every text by ``handled`` or ``not-handled``: clients wait for these alone.
* An utterance that ends while the client speaks is the answer; the audio after it is dropped. In audio that comes
  faster than it was spoken, which is a recording, everything until ``audio-stop`` is.
* What is not in the table is ignored, as the protocol wants.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from protocol.dialects.dialect import Frame, OpeningRequest
from protocol.dialects.wyoming_audio import WyomingAudio, sound_of
from protocol.dialects.wyoming_frames import WyomingEvent, bad_field, packed, parsed
from protocol.language.languages import normalised
from protocol.messages import events
from protocol.messages.event_values import MAX_TERM_CHARS, MAX_VOCABULARY

CLIENT_ID: Final = "wyoming"
HEARS: Final[tuple[events.Capability, ...]] = ("stt", "llm", "tools")
READS: Final[tuple[events.Capability, ...]] = ("llm", "tools")
RECORDING_MS: Final = 3_000
"""Audio so far beyond the end of an utterance whose transcript is there has not been spoken since."""
MAX_TEXT_CHARS: Final = 16_384
TEXT_EVENT: Final = "transcript"
"""Of a client: carry this text out. Of the server: what was heard."""

Said = events.ClientEvent | bytes


@attrs.define
class Hearing:
    """One transcription that a client has asked for."""

    language: str | None = None
    texts: list[str] = attrs.field(factory=list)
    open_turns: set[str] = attrs.field(factory=set)
    """Utterances that have begun, and not been transcribed."""
    ended_ms: int = 0
    """Where in the session's audio the last utterance ended."""
    is_stopped: bool = False
    """Whether the client has sent ``audio-stop``."""
    is_committed: bool = False
    """Whether that was taken, so that no further utterance begins."""
    has_failed: bool = False
    """Whether an utterance could not be transcribed, so that nothing is waited for any more."""


@attrs.define
class TextRequest:
    """One text that a client wants carried out."""

    context: Mapping[str, Any] | None
    reply: str = ""


class WyomingDialect:
    """One Wyoming connection."""

    subprotocol: str | None = None
    may_resume: bool = False
    max_frame_bytes: int | None = None

    def __init__(self, _request: OpeningRequest) -> None:
        """Wait for the first event; nothing of the request that opened the connection matters."""
        self._hearing: Hearing | None = None
        self._handling: TextRequest | None = None
        self._asking: str | None = None
        """The turn that waits for a yes or no."""
        self._spoken: set[str] = set()
        """Turns of speech that have not been completed."""
        self._audio = WyomingAudio()

    def open(self) -> events.ConnectionRequest:
        """Return what every connection asks for: to hear without answering, and to carry out texts."""
        return events.ConnectionRequest(CLIENT_ID, HEARS, wake="", answers="on_request", announcements=False)

    # --- from the client -------------------------------------------------------------------------

    def decode(self, frame: Frame) -> Sequence[Said]:
        """Return what a frame asks of the session; raises ``RemoteProtocolError``."""
        event = parsed(frame.encode() if isinstance(frame, str) else frame)
        take = _CLIENT_EVENTS.get(event.type)
        return () if take is None else take(self, event)

    def _transcribe(self, event: WyomingEvent) -> Sequence[Said]:
        self._hearing = Hearing()
        names = dict.fromkeys((*event.terms("transcript_names"), *event.terms("transcript_terms")))
        vocabulary = tuple(term for term in names if len(term) <= MAX_TERM_CHARS)[:MAX_VOCABULARY]
        model = event.text("name") or None
        return (
            events.SessionUpdate(
                capabilities=HEARS, language=language_of(event), vocabulary=vocabulary, stt_model=model
            ),
        )

    def _audio_start(self, event: WyomingEvent) -> Sequence[Said]:
        if self._hearing is None:
            self._hearing = Hearing()
        self._audio.begin()
        return self._audio.take_format(sound_of(event))

    def _audio_chunk(self, event: WyomingEvent) -> Sequence[Said]:
        if self._hearing is None or self._hearing.is_stopped:
            return ()  # it was answered before
        changes = self._audio.take_format(sound_of(event, self._audio.sound))
        samples = self._audio.samples(event.payload)
        return (*changes, samples) if samples else changes

    def _audio_stop(self, _event: WyomingEvent) -> Sequence[Said]:
        if self._hearing is None or self._hearing.is_stopped:
            return ()
        self._hearing.is_stopped = True
        return (events.AudioEnd(),)

    def _text(self, event: WyomingEvent) -> Sequence[Said]:
        text, context = event.text("text"), event.data.get("context")
        if text is None or len(text) > MAX_TEXT_CHARS:
            raise bad_field(f"{event.type}.text must be a string of at most {MAX_TEXT_CHARS} characters")
        self._handling = TextRequest(context if isinstance(context, dict) else None)
        update = events.SessionUpdate(capabilities=READS, language=language_of(event))
        return (update, events.Text(text))

    # --- to the client ---------------------------------------------------------------------------

    def encode(self, event: events.ServerEvent, _seq: int) -> Sequence[bytes]:
        """Return the frames that tell a client of ``event``; most of them tell it nothing."""
        match event:
            case events.ConnectionRefused(reason, retry_after_ms):
                told = f"{reason}; try again in {retry_after_ms / 1_000:g} s"
                return self._tell_error(events.Error("refused", told, fatal=True))
            case events.Error():
                return self._tell_error(event)
            case events.ConfirmRequest(turn_id, say=say) if self._handling is not None:
                self._asking = turn_id
                self._handling.reply = say
                return self._answer(self._handling, is_handled=True)
            case events.Reply(turn_id, text) if self._handling is not None and turn_id not in self._spoken:
                self._handling.reply = text
                return ()
            case events.TurnCompleted(turn_id, outcome) if turn_id not in self._spoken:
                return self._end_text(turn_id, outcome)
            case _:
                return self._hear(event)

    def speech(self, _audio: bytes) -> Sequence[Frame]:
        """Return nothing: a session here never speaks."""
        return ()

    def _hear(self, event: events.ServerEvent) -> Sequence[bytes]:
        hearing = self._hearing
        match event:
            case events.SpeechStarted(turn_id) | events.SpeechStopped(turn_id):
                self._spoken.add(turn_id)
        if isinstance(event, events.TurnCompleted):
            self._spoken.discard(event.turn_id)
        if hearing is None:
            return ()
        match event:
            case events.SpeechStarted(turn_id):
                hearing.open_turns.add(turn_id)
            case events.SpeechStopped(turn_id, at_ms, reason):
                hearing.open_turns.add(turn_id)
                hearing.ended_ms = at_ms
                hearing.is_committed = hearing.is_committed or reason == "manual"
            case events.NothingCommitted():
                hearing.is_committed = hearing.is_stopped
            case events.Transcript(_, text, language):
                hearing.texts.append(text)
                hearing.language = language
            case events.TurnCompleted(turn_id, outcome):
                hearing.open_turns.discard(turn_id)
                hearing.has_failed = hearing.has_failed or outcome in {"failed", "refused"}
            case _:
                return ()
        return self._transcript(hearing) if self._is_over(hearing) else ()

    def _is_over(self, hearing: Hearing) -> bool:
        """Return whether all is transcribed that is to be: the whole of a recording, of speech the first utterance."""
        if hearing.open_turns:
            return False
        is_recording = self._audio.received_ms - hearing.ended_ms > RECORDING_MS
        return (
            hearing.is_committed
            or hearing.has_failed
            or (bool(hearing.texts) and not hearing.is_stopped and not is_recording)
        )

    def _transcript(self, hearing: Hearing) -> Sequence[bytes]:
        """Answer a transcription, and wait for the next one."""
        self._hearing = None
        language = {} if hearing.language is None else {"language": hearing.language}
        text = " ".join(hearing.texts)
        told = [WyomingEvent("transcript-start", language)]
        told += [WyomingEvent("transcript-chunk", {"text": part}) for part in with_joints(hearing.texts)]
        told += [WyomingEvent("transcript", {"text": text, **language}), WyomingEvent("transcript-stop")]
        return [packed(event) for event in told]

    def _end_text(self, turn_id: str, outcome: events.Outcome) -> Sequence[bytes]:
        handling = self._handling
        if turn_id == self._asking:
            self._asking = None
        elif self._asking is not None and handling is not None and not handling.reply:
            return ()  # a yes or no is a turn, too; the one that has asked gives the answer
        if handling is None:
            return ()
        return self._answer(handling, is_handled=outcome == "done")

    def _answer(self, handling: TextRequest, *, is_handled: bool) -> Sequence[bytes]:
        self._handling = None
        context = {} if handling.context is None else {"context": handling.context}
        kind = "handled" if is_handled else "not-handled"
        return (packed(WyomingEvent(kind, {"text": handling.reply, **context})),)

    def _tell_error(self, error: events.Error) -> Sequence[bytes]:
        """Tell a mistake or a failure; what a client waits for comes all the same."""
        told = [error_frame(error.message, error.code)]
        if error.turn_id is not None:
            return told  # the end of that turn follows
        if self._hearing is not None:
            told += self._transcript(attrs.evolve(self._hearing, texts=[]))
        if self._handling is not None:
            self._handling.reply = error.message
            told += self._answer(self._handling, is_handled=False)
        return told


def with_joints(texts: Sequence[str]) -> list[str]:
    """Return pieces that make the whole text when they are put together.

    >>> with_joints(["Turn on", "the light."])
    ['Turn on', ' the light.']
    """
    return [text if index == 0 else f" {text}" for index, text in enumerate(texts)]


def language_of(event: WyomingEvent) -> str | None:
    """Return the language that an event names, as it is written here; raises ``RemoteProtocolError``."""
    language = event.text("language")
    if not language:
        return None
    try:
        return normalised(language)
    except ValueError as error:
        raise bad_field(f"{event.type}.language: {error}") from error


def error_frame(text: str, code: str) -> bytes:
    """Return the frame that says what went wrong."""
    return packed(WyomingEvent("error", {"text": text, "code": code}))


_CLIENT_EVENTS: Final[Mapping[str, Callable[[WyomingDialect, WyomingEvent], Sequence[Said]]]] = {
    "transcribe": WyomingDialect._transcribe,  # noqa: SLF001 - the table of this class
    "audio-start": WyomingDialect._audio_start,  # noqa: SLF001
    "audio-chunk": WyomingDialect._audio_chunk,  # noqa: SLF001
    "audio-stop": WyomingDialect._audio_stop,  # noqa: SLF001
    TEXT_EVENT: WyomingDialect._text,  # noqa: SLF001
}
SESSION_EVENTS: Final = frozenset(_CLIENT_EVENTS)
"""The client's events that need a session."""
