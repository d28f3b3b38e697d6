"""OpenAI's Realtime API, by the names of its general availability, on one connection: its events and the session's.

Rules kept here:

* What the client sends becomes events of the session, and what the session tells becomes frames. What only the client's
  own view of things answers (its session's document, an item) is answered here.
* Such an answer has its place in the order of all others: a ``Ping`` goes through the session, and the answer is sent
  with its ``Pong``. If the session refuses what came before in the same event, there is none.
* A mistake in an event's form is the session's to count and tell. What is well-formed and cannot be done now is told
  here, and costs the client nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from protocol.dialects.dialect import Frame, OpeningRequest
from protocol.dialects.realtime import client_events as said
from protocol.dialects.realtime.input_buffer import MIN_COMMIT_S, InputBuffer
from protocol.dialects.realtime.items import ConversationItems
from protocol.dialects.realtime.session_document import SessionDocument, update_between
from protocol.dialects.realtime.spoken_items import SpokenItems
from protocol.dialects.realtime.wire import ApiProblem, ServerFrames, problem_of
from protocol.messages import events
from protocol.messages.errors import RemoteProtocolError

SUBPROTOCOL: Final = "realtime"
MAX_FRAME_BYTES: Final = 17 * 2**20  # more than an event may have, so that one that is too large is told so
ONLY_TRANSCRIPTION: Final = "this server takes sessions that transcribe: connect with ?intent=transcription"

Taken = Sequence[events.ClientEvent | bytes]
Answer = Callable[[], Sequence[Frame]]


@attrs.define
class RealtimeDialect:
    """One client of the Realtime API."""

    request: OpeningRequest
    random_id: Callable[[], str]
    """Returns another short text each time."""
    subprotocol: str | None = attrs.field(default=SUBPROTOCOL, init=False)
    may_resume: bool = attrs.field(default=False, init=False)
    max_frame_bytes: int | None = attrs.field(default=MAX_FRAME_BYTES, init=False)
    _wire: ServerFrames = attrs.field(init=False)
    _items: ConversationItems = attrs.field(factory=ConversationItems, init=False)
    _document: SessionDocument = attrs.field(factory=SessionDocument, init=False)
    _buffer: InputBuffer = attrs.field(init=False)
    _spoken: SpokenItems = attrs.field(init=False)
    _heard_s: float = attrs.field(default=0.0, init=False)
    """Audio that went on to the session, in seconds."""
    _culprit: str | None = attrs.field(default=None, init=False)
    """The client's name of the event that came last."""
    _answers: dict[int, Answer] = attrs.field(factory=dict, init=False)
    """What is sent with the ``Pong`` of that number; only of the event that came last."""
    _asked: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._wire = ServerFrames(self.random_id)
        self._buffer = InputBuffer(self._document.fields.audio.input.format)
        self._spoken = SpokenItems(self._wire, self._items, lambda: round(1000 * self._heard_s))

    def open(self) -> events.ConnectionRequest:
        """Return the options of a session that transcribes; raises ``RemoteProtocolError`` for another one."""
        if self.request.query.get("intent") != "transcription":
            raise RemoteProtocolError("bad_field", ONLY_TRANSCRIPTION, fatal=True)
        return self._document.wanted()

    def decode(self, frame: Frame) -> Taken:
        """Return what an event means to the session; raises ``RemoteProtocolError``."""
        self._answers.clear()
        self._culprit = None
        if isinstance(frame, bytes):
            raise RemoteProtocolError("bad_json", "an event must be a text frame; audio is base64 in it")
        event = said.parsed(frame)
        self._culprit = event.event_id
        try:
            return _CLIENT_EVENTS[type(event)](self, event)
        except RemoteProtocolError as error:
            error.event_id = event.event_id
            raise

    def encode(self, event: events.ServerEvent, seq: int) -> Sequence[Frame]:  # noqa: ARG002 - nothing is numbered
        """Return the frames for an event of the session."""
        match event:
            case events.Pong(t=int(number)) if number in self._answers:
                return self._answers.pop(number)()
            case events.ConnectionAccepted(session_id=session_id):
                self._document = self._document.named(f"sess_{session_id}")
                return (self._wire.frame("session.created", session=self._document.content),)
            case events.ConnectionRefused(reason=reason, retry_after_ms=retry_after_ms):
                message = f"{reason}; try again in {retry_after_ms} ms"
                return (self._wire.error(ApiProblem("server_overloaded", message, "server_error")),)
            case events.AudioOverrun():
                message = "audio came faster than it could be taken"
                return (self._wire.error(ApiProblem("audio_overrun", message, "server_error")),)
            case events.Error() if not self._spoken.is_spoken(event.turn_id or ""):
                return (self._wire.error(problem_of(event, self._culprit)),)
            case _:
                return self._spoken.encode(event)

    def speech(self, audio: bytes) -> Sequence[Frame]:  # noqa: ARG002
        """Return nothing: a session that transcribes has no voice."""
        return ()

    # --- the client's events -----------------------------------------------------------------------

    def _answer(self, answer: Answer) -> events.Ping:
        """Return what brings back a ``Pong``, with which the answer is sent."""
        self._asked += 1
        self._answers[self._asked] = answer
        return events.Ping(self._asked)

    def _refuse(self, code: str, message: str) -> Taken:
        """Answer with an error for what cannot be done now."""
        error = self._wire.error(ApiProblem(code, message, event_id=self._culprit))
        return (self._answer(lambda: (error,)),)

    def _update(self, event: said.UpdateSession) -> Taken:
        document = self._document.changed(event.session)
        heard, before = document.fields.audio.input, self._document.fields.audio.input
        update = update_between(self._document.wanted(), document.wanted())
        if heard.format != before.format and len(self._buffer):
            return self._refuse("invalid_value", "audio.input.format must not change while audio waits for a commit")
        waiting = () if heard.turn_detection is None else self._go_on(self._buffer.take())

        def answer() -> Sequence[Frame]:
            self._document = document
            self._buffer.format = heard.format
            self._spoken.detects_turns = heard.turn_detection is not None
            return (self._wire.frame("session.updated", session=document.content),)

        return (*(() if update is None else (update,)), self._answer(answer), *waiting)

    def _append(self, event: said.AppendAudio) -> Taken:
        return self._go_on(self._buffer.append(event.audio, goes_on=self._spoken.detects_turns))

    def _commit(self, _event: said.CommitAudio) -> Taken:
        if self._buffer.appended_s < MIN_COMMIT_S:
            message = f"a commit needs at least {MIN_COMMIT_S * 1000:g} ms of audio"
            return self._refuse("input_audio_buffer_commit_empty", message)
        # pressed just before, so that the end is told even if no speech is open
        return (events.AudioStart(), *self._go_on(self._buffer.take()), events.AudioEnd())

    def _clear(self, _event: said.ClearAudio) -> Taken:
        self._buffer.clear()
        self._spoken.drop_open()
        return (self._answer(lambda: (self._wire.frame("input_audio_buffer.cleared"),)),)

    def _retrieve(self, event: said.RetrieveItem) -> Taken:
        item = self._items.get(event.item_id)
        if item is None:
            return self._refuse("item_not_found", f"there is no item {event.item_id[: said.SHOWN_CHARS]!r}")
        return (self._answer(lambda: (self._wire.frame("conversation.item.retrieved", item=item),)),)

    def _delete(self, event: said.DeleteItem) -> Taken:
        if not self._items.delete(event.item_id):
            return self._refuse("item_not_found", f"there is no item {event.item_id[: said.SHOWN_CHARS]!r}")
        return (self._answer(lambda: (self._wire.frame("conversation.item.deleted", item_id=event.item_id),)),)

    def _go_on(self, frames: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Count the audio that goes on to the session."""
        self._heard_s += sum(map(len, frames)) / 2 / self._buffer.format.rate_hz
        return frames


_CLIENT_EVENTS: Final[Mapping[type, Callable[[RealtimeDialect, Any], Taken]]] = {
    said.UpdateSession: RealtimeDialect._update,  # noqa: SLF001 - the table is a part of the class
    said.AppendAudio: RealtimeDialect._append,  # noqa: SLF001
    said.CommitAudio: RealtimeDialect._commit,  # noqa: SLF001
    said.ClearAudio: RealtimeDialect._clear,  # noqa: SLF001
    said.RetrieveItem: RealtimeDialect._retrieve,  # noqa: SLF001
    said.DeleteItem: RealtimeDialect._delete,  # noqa: SLF001
}
