"""OpenAI's Realtime API, by the names of its general availability, on one connection: its events and the session's.

Rules kept here:

* What the client sends becomes events of the session, and what the session tells becomes frames. What only the client's
  own view of things answers (its session's document, an item) is answered here, in its turn (``local_answers.py``).
* A mistake in an event's form is the session's to count and tell. What is well-formed and cannot be done now is told
  here, and costs the client nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from protocol.dialects.dialect import Frame, OpeningRequest
from protocol.dialects.realtime import client_events as said
from protocol.dialects.realtime.client_calls import ClientCalls
from protocol.dialects.realtime.client_items import added_item
from protocol.dialects.realtime.input_buffer import MIN_COMMIT_S, InputBuffer
from protocol.dialects.realtime.items import ConversationItems
from protocol.dialects.realtime.local_answers import LocalAnswers
from protocol.dialects.realtime.responses import RealtimeResponses
from protocol.dialects.realtime.session_document import (
    ANSWERS,
    SPEAKS,
    SessionDocument,
    SessionType,
    TurnDetectionFields,
    new_document,
    update_between,
)
from protocol.dialects.realtime.speech_deltas import MakeResampler
from protocol.dialects.realtime.spoken_items import SpokenItems
from protocol.dialects.realtime.tools import choice_name, client_tools
from protocol.dialects.realtime.wire import ApiProblem, ServerFrames, problem_of
from protocol.messages import events
from protocol.messages.errors import RemoteProtocolError

MAX_FRAME_BYTES: Final = 17 * 2**20  # more than an event may have, so that one that is too large is told so
NO_SPEECH: Final = ApiProblem("input_audio_buffer_commit_empty", "there was no speech to commit")

Taken = Sequence[events.ClientEvent | bytes]


@attrs.define
class RealtimeDialect:
    """One client of the Realtime API."""

    subprotocol = "realtime"
    may_resume = False
    max_frame_bytes = MAX_FRAME_BYTES

    request: OpeningRequest
    random_id: Callable[[], str]
    """Returns another short text each time."""
    make_resampler: MakeResampler
    _wire: ServerFrames = attrs.field(init=False)
    _items: ConversationItems = attrs.field(factory=ConversationItems, init=False)
    _answers: LocalAnswers = attrs.field(factory=LocalAnswers, init=False)
    _calls: ClientCalls = attrs.field(factory=ClientCalls, init=False)
    _document: SessionDocument = attrs.field(init=False)
    _buffer: InputBuffer = attrs.field(init=False)
    _spoken: SpokenItems = attrs.field(init=False)
    _responses: RealtimeResponses = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        query = self.request.query
        kind: SessionType = "transcription" if query.get("intent") == "transcription" else "realtime"
        self._document = SessionDocument(new_document(kind, query.get("model", "sayso")[: said.SHOWN_CHARS]))
        self._wire = ServerFrames(self.random_id)
        audio = self._document.fields.audio
        self._buffer = InputBuffer(audio.input.format)
        self._responses = RealtimeResponses(self._wire, self._items, self.make_resampler, audio.output.format)
        self._spoken = SpokenItems(self._wire, self._items, self._heard_ms, self._withholds_speech)
        self._apply(self._document)

    def open(self) -> events.ConnectionRequest:
        """Return the options of a session of the type that was asked for."""
        return self._document.wanted()

    def decode(self, frame: Frame) -> Taken:
        """Return what an event means to the session; raises ``RemoteProtocolError``."""
        self._answers.begin()
        if isinstance(frame, bytes):
            raise RemoteProtocolError("bad_json", "an event must be a text frame; audio is base64 in it")
        event = said.parsed(frame)
        self._answers.culprit = event.event_id
        try:
            return _CLIENT_EVENTS[type(event)](self, event)
        except RemoteProtocolError as error:
            error.event_id = event.event_id
            raise

    def encode(self, event: events.ServerEvent, seq: int) -> Sequence[Frame]:  # noqa: ARG002 - nothing is numbered
        """Return the frames for an event of the session."""
        match event:
            case events.Pong():
                return self._answers.give(event)
            case events.ConnectionAccepted(session_id=session_id):
                self._document = self._document.named(f"sess_{session_id}")
                return (self._wire.frame("session.created", session=self._document.content),)
            case events.ConnectionRefused() | events.AudioOverrun() | events.Error(turn_id=None):
                return (self._wire.error(problem_of(event, self._answers.culprit)),)
            case events.NothingCommitted() if self._spoken.detects_turns:
                return (self._wire.error(attrs.evolve(NO_SPEECH, event_id=self._answers.committed_by)),)
            case _:
                return self._of_turn(event)

    def speech(self, audio: bytes) -> Sequence[Frame]:
        """Return the frames of more speech."""
        return self._responses.speech(audio)

    # --- what the session tells of turns -----------------------------------------------------------

    def _of_turn(self, event: events.ServerEvent) -> Sequence[Frame]:
        self._calls.note(event)
        is_spoken = self._spoken.is_spoken(getattr(event, "turn_id", ""))
        spoken = self._spoken.encode(event)
        if self._document.fields.type == "transcription":
            return spoken
        return [*spoken, *self._responses.encode(event, is_spoken=is_spoken)]

    def _heard_ms(self) -> int:
        return round(1000 * self._buffer.gone_s)

    @property
    def _detection(self) -> TurnDetectionFields | None:
        return self._document.fields.audio.input.turn_detection

    def _withholds_speech(self) -> bool:
        """Return whether a client is told of speech only once it has words: it would end an answer that it hears."""
        return self._detection is not None and self._detection.type == "semantic_vad" and self._responses.is_audible

    # --- the client's events -----------------------------------------------------------------------

    def _refuse(self, code: str, message: str) -> Taken:
        """Answer with an error for what cannot be done now."""
        error = self._wire.error(ApiProblem(code, message, event_id=self._answers.culprit))
        return (self._answers.ask(lambda: (error,)),)

    def _apply(self, document: SessionDocument) -> None:
        """Go on with a document that the session has taken."""
        audio = document.fields.audio
        self._document = document
        self._buffer.format = audio.input.format
        self._spoken.detects_turns = audio.input.turn_detection is not None
        self._spoken.tells_text = audio.input.transcription is not None or document.fields.type == "transcription"
        self._responses.format, self._responses.speaks = audio.output.format, document.fields.speaks
        detection = audio.input.turn_detection
        self._responses.drops_on_speech = detection is not None and detection.type == "server_vad"

    def _update(self, event: said.UpdateSession) -> Taken:
        is_new = self._buffer.gone_s == 0 and not len(self._buffer) and not len(self._items)
        document = self._document.changed(event.session, is_new=is_new)
        heard, before = document.fields.audio.input, self._document.fields.audio.input
        update = update_between(self._document.wanted(), document.wanted())
        voice, voice_before = (one.fields.audio.output.voice_name for one in (document, self._document))
        if voice is not None and voice != voice_before:
            update = attrs.evolve(update or events.SessionUpdate(), voice=voice)
        if heard.format != before.format and len(self._buffer):
            return self._refuse("invalid_value", "audio.input.format must not change while audio waits for a commit")

        def answer() -> Sequence[Frame]:
            self._apply(document)
            return (self._wire.frame("session.updated", session=document.content),)

        waiting = () if heard.turn_detection is None else self._buffer.take()
        return (*(() if update is None else (update,)), self._answers.ask(answer), *waiting)

    def _append(self, event: said.AppendAudio) -> Taken:
        return self._buffer.append(event.audio, goes_on=self._spoken.detects_turns)

    def _commit(self, event: said.CommitAudio) -> Taken:
        if self._buffer.appended_s < MIN_COMMIT_S:
            message = f"a commit needs at least {MIN_COMMIT_S * 1000:g} ms of audio"
            return self._refuse("input_audio_buffer_commit_empty", message)
        self._answers.committed_by = event.event_id
        if self._spoken.detects_turns:
            self._buffer.clear()
            return (events.AudioEnd(),)
        return (events.AudioStart(), *self._buffer.take(), events.AudioEnd())

    def _clear(self, _event: said.ClearAudio) -> Taken:
        self._buffer.clear()
        told = self._answers.ask(lambda: (self._wire.frame("input_audio_buffer.cleared"),))
        return (events.AudioDiscard(), told) if self._spoken.detects_turns else (told,)

    def _create_item(self, event: said.CreateItem) -> Taken:
        item = added_item(event.item, self._wire.new_id("item"))
        if self._document.fields.type == "transcription":
            return self._refuse("invalid_event", "a session that transcribes has no items but speech")
        if self._items.get(item.content["id"]) is not None:
            return self._refuse("item_already_exists", f"there is an item {item.content['id']!r}")
        if item.role == "tool" and not self._calls.awaits(item.call_id):
            message = f"no call {item.call_id[: said.SHOWN_CHARS]!r} waits for its output"
            return self._refuse("invalid_tool_call_id", message)

        def answer() -> Sequence[Frame]:
            before = self._items.add(item.content)
            names = ("conversation.item.added", "conversation.item.done")
            return [self._wire.frame(name, previous_item_id=before, item=item.content) for name in names]

        told = self._answers.ask(answer)
        if item.role == "tool":
            self._calls.hold(events.ToolOutput(item.call_id, item.text))
        if item.role == "user" and item.text.strip():
            return (events.Text(item.text, "on_request"), told)
        if item.role == "system":
            instructions = f"{self._document.fields.instructions or ''}\n{item.text}".strip()
            document = self._document.changed({"instructions": instructions})
            self._document = document
            return (events.SessionUpdate(instructions=instructions), told)
        return (told,)

    def _retrieve(self, event: said.RetrieveItem) -> Taken:
        item = self._items.get(event.item_id)
        if item is None:
            return self._refuse("item_not_found", f"there is no item {event.item_id[: said.SHOWN_CHARS]!r}")
        return (self._answers.ask(lambda: (self._wire.frame("conversation.item.retrieved", item=item),)),)

    def _truncate(self, event: said.TruncateItem) -> Taken:
        if self._items.get(event.item_id) is None:
            return self._refuse("item_not_found", f"there is no item {event.item_id[: said.SHOWN_CHARS]!r}")
        name, heard_ms = "conversation.item.truncated", event.audio_end_ms
        fields = {"item_id": event.item_id, "content_index": event.content_index, "audio_end_ms": heard_ms}
        told = self._answers.ask(lambda: (self._wire.frame(name, **fields),))
        cut_ms = self._responses.truncate(event.item_id, heard_ms)
        return (told,) if cut_ms is None else (told, events.Interrupt(cut_ms))

    def _delete(self, event: said.DeleteItem) -> Taken:
        if not self._items.delete(event.item_id):
            return self._refuse("item_not_found", f"there is no item {event.item_id[: said.SHOWN_CHARS]!r}")
        return (self._answers.ask(lambda: (self._wire.frame("conversation.item.deleted", item_id=event.item_id),)),)

    def _create_response(self, event: said.CreateResponse) -> Taken:
        options = event.response or said.ResponseOptions()
        if self._document.fields.type == "transcription":
            return self._refuse("invalid_event", "a session that transcribes does not answer")
        if self._responses.is_active:
            return self._refuse("conversation_already_has_active_response", "an answer goes on; cancel it first")
        if options.conversation != "auto" or options.input is not None:
            return self._refuse("invalid_value", "an answer is always about the session's own conversation")
        modalities = options.output_modalities
        speaks = self._document.fields.speaks if modalities is None else "audio" in modalities
        wanted = _request(options, SPEAKS if speaks else ANSWERS)
        gives_up, output = self._calls.is_open, self._calls.take()
        goes_on = output is not None
        told = self._answers.ask(
            lambda: self._responses.create(speaks=speaks, metadata=options.metadata, goes_on=goes_on)
        )
        if output is not None:
            return (told, output)
        return (told, events.Interrupt(), wanted) if gives_up else (told, wanted)

    def _cancel(self, event: said.CancelResponse) -> Taken:
        told = self._responses.cancel(event.response_id)
        if told is None:
            return self._refuse("response_cancel_not_active", "there is no answer to cancel")
        return (self._answers.ask(lambda: told), events.Interrupt())


def _request(options: said.ResponseOptions, capabilities: tuple[events.Capability, ...]) -> events.Respond:
    """Return the request for an answer; raises ``RemoteProtocolError`` for tools that no model can be offered."""
    tools = None if options.tools is None else client_tools(options.tools)
    choice = None if options.tool_choice is None else choice_name(options.tool_choice)
    try:
        return events.Respond(options.instructions, capabilities, tools, choice)
    except ValueError as error:
        raise RemoteProtocolError("bad_field", f"response.tools: {error}") from error


_CLIENT_EVENTS: Final[Mapping[type, Callable[[RealtimeDialect, Any], Taken]]] = {
    said.UpdateSession: RealtimeDialect._update,  # noqa: SLF001 - the table is a part of the class
    said.AppendAudio: RealtimeDialect._append,  # noqa: SLF001
    said.CommitAudio: RealtimeDialect._commit,  # noqa: SLF001
    said.ClearAudio: RealtimeDialect._clear,  # noqa: SLF001
    said.CreateItem: RealtimeDialect._create_item,  # noqa: SLF001
    said.RetrieveItem: RealtimeDialect._retrieve,  # noqa: SLF001
    said.TruncateItem: RealtimeDialect._truncate,  # noqa: SLF001
    said.DeleteItem: RealtimeDialect._delete,  # noqa: SLF001
    said.CreateResponse: RealtimeDialect._create_response,  # noqa: SLF001
    said.CancelResponse: RealtimeDialect._cancel,  # noqa: SLF001
}
