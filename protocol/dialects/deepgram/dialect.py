"""Deepgram's live transcription, ``/v1/listen``, on one connection: its messages and the session's events.

Rules kept here:

* A session hears and does not answer; what it tells of speech is in ``listen_turns.py``.
* ``CloseStream`` is answered by all that was said, then ``Metadata``, then the close.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from protocol.dialects.deepgram.listen_audio import ListenAudio
from protocol.dialects.deepgram.listen_frames import BAD_QUERY, ListenFrames, error_body
from protocol.dialects.deepgram.listen_messages import ControlMessage, parsed
from protocol.dialects.deepgram.listen_query import BadListenQuery, ListenQuery, terms_of
from protocol.dialects.deepgram.listen_turns import ListenTurns
from protocol.dialects.dialect import Frame, HandshakeRefused, OpeningRequest
from protocol.dialects.realtime.local_answers import LocalAnswers
from protocol.messages import events
from protocol.messages.event_values import MAX_VOCABULARY

CLIENT_ID: Final = "deepgram"
HEARS: Final[tuple[events.Capability, ...]] = ("stt",)
SUBPROTOCOLS: Final = ("token", "bearer")
"""Behind one of them a page offers its key."""
BAD_REQUEST: Final = 400
SHOWN_MESSAGE_CHARS: Final = 1_000
TOO_MANY_TERMS: Final = "CONFIGURE_KEYTERM_LIMIT_EXCEEDED"
UNSERVED_CHANNELS: Final = "multichannel is not served: open a stream for each channel"

Said = events.ClientEvent | bytes


def stream_query(request: OpeningRequest) -> ListenQuery:
    """Return the parameters of a stream; raises ``BadListenQuery``."""
    query = ListenQuery.read(request.all_values)
    if query.sound.is_multichannel and query.sound.channels > 1:
        raise BadListenQuery(UNSERVED_CHANNELS)
    return query


@attrs.define
class DeepgramDialect:
    """One stream of ``/v1/listen``; raises ``HandshakeRefused`` for parameters that cannot be served."""

    may_resume = False
    max_frame_bytes = None

    request: OpeningRequest
    new_id: Callable[[], str]
    """Returns a random UUID."""
    unix_time: Callable[[], float]
    query: ListenQuery = attrs.field(init=False)
    _frames: ListenFrames = attrs.field(init=False)
    _audio: ListenAudio = attrs.field(init=False)
    _answers: LocalAnswers = attrs.field(factory=LocalAnswers, init=False)
    _digest: Any = attrs.field(factory=hashlib.sha256, init=False)
    """Of all audio, as it came."""
    _turns: ListenTurns = attrs.field(init=False)
    _is_closing: bool = attrs.field(default=False, init=False)
    """Whether the client has ended its stream."""
    _is_over: bool = attrs.field(default=False, init=False)
    """Whether ``Metadata`` was sent."""
    _last_message: str = attrs.field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        request_id = self.new_id()
        try:
            self.query = stream_query(self.request)
        except BadListenQuery as error:
            body = error_body(BAD_REQUEST, str(error), request_id, BAD_QUERY)
            told = str(error).encode("ascii", errors="backslashreplace").decode("ascii")  # it may name what came
            headers = (("dg-error", told), ("dg-request-id", request_id))
            raise HandshakeRefused(BAD_REQUEST, body, headers) from error
        self._frames = ListenFrames(request_id, self.query.named_model)
        self._audio = ListenAudio.of(self.query.sound)
        self._turns = ListenTurns(self.query, self._frames, lambda: self._audio.received_s)

    @property
    def subprotocol(self) -> str | None:
        """What a page offers beside its key."""
        return next((name for name in self.request.subprotocols if name.lower() in SUBPROTOCOLS), None)

    def open(self) -> events.ConnectionRequest:
        """Return the options that the parameters ask for."""
        query, stream = self.query, self._audio.format
        return events.ConnectionRequest(
            CLIENT_ID,
            HEARS,
            events.AudioFormat() if stream is None else stream.session_format,
            query.language,
            interim=query.interim,
            stt_model=query.model,
            word_times=True,
            wake="",  # who connects by this API expects to be heard
            answers="on_request",
            vocabulary=query.vocabulary,
            announcements=False,
        )

    # --- from the client -------------------------------------------------------------------------

    def decode(self, frame: Frame) -> Sequence[Said]:
        """Return what a frame asks of the session; raises ``RemoteProtocolError``."""
        if self._is_closing:
            return ()  # the client has said that nothing more comes
        if isinstance(frame, bytes):
            return self._take_audio(frame) if frame else self._close_stream()
        self._last_message = frame[:SHOWN_MESSAGE_CHARS]
        self._answers.begin()
        message = parsed(frame)
        match message.type:
            case "Finalize":
                self._turns.commit("finalize")
                return (events.AudioEnd(),)
            case "CloseStream":
                return self._close_stream()
            case "Configure":
                return self._configure(message)
            case _:  # a KeepAlive has done its work by coming
                return ()

    def _take_audio(self, data: bytes) -> Sequence[Said]:
        self._digest.update(data)
        before = self._audio.format
        samples = self._audio.take(data)
        said: list[Said] = []
        if before is None and self._audio.format is not None:
            said.append(events.SessionUpdate(audio=self._audio.format.session_format))
        if samples:
            said.append(samples)
        if self._turns.is_silent():
            said.append(self._answers.ask(self._turns.end_of_speech))
        return said

    def _close_stream(self) -> Sequence[Said]:
        self._is_closing = True
        self._turns.commit("close")
        return (events.AudioEnd(), events.Bye())

    def _configure(self, message: ControlMessage) -> Sequence[Said]:
        terms = message.keyterms
        if terms is None:
            return (self._answers.ask(self._configured),)
        if len(terms) > MAX_VOCABULARY:
            return (self._answers.ask(self._too_many_terms),)
        update = events.SessionUpdate(vocabulary=terms_of(terms))
        return (update, self._answers.ask(lambda: self._configured(keyterms=terms)))

    def _configured(self, **fields: Any) -> Sequence[Frame]:
        return (self._frames.frame("ConfigureSuccess", request_id=self._frames.request_id, **fields),)

    def _too_many_terms(self) -> Sequence[Frame]:
        told = {"code": TOO_MANY_TERMS, "description": f"at most {MAX_VOCABULARY} keyterms are taken"}
        return (self._frames.frame("ConfigureFailure", request_id=self._frames.request_id, **told),)

    # --- to the client ---------------------------------------------------------------------------

    def encode(self, event: events.ServerEvent, _seq: int) -> Sequence[Frame]:
        """Return the frames that tell a client of ``event``; most of them tell it nothing."""
        match event:
            case events.Pong():
                return self._answers.give(event)
            case events.ConnectionRefused(reason, retry_after_ms):
                told = f"{reason}; try again in {retry_after_ms / 1_000:g} s"
                return (self._frames.error("SERVICE_UNAVAILABLE", told),)
            case events.AudioOverrun():
                return (self._frames.error("TOO_FAST", "audio came faster than it could be taken"),)
            case events.Error(code=code, message=message, turn_id=None):
                return (self._frames.error(code, message, self._last_message),)
        return [*self._turns.encode(event), *self._end_of_stream()]

    def speech(self, _audio: bytes) -> Sequence[Frame]:
        """Return nothing: a session here never speaks."""
        return ()

    def _end_of_stream(self) -> list[str]:
        """Tell the figures of a stream of which everything is told."""
        if self._is_over or not (self._turns.is_closed and self._turns.is_all_told):
            return []
        self._is_over = True
        frame = self._frames.metadata(
            sha256=self._digest.hexdigest(),
            created_s=self.unix_time(),
            duration_s=self._audio.received_s,
            channels=self.query.sound.channels,
        )
        return [frame]
