"""The server's answers in OpenAI's Realtime API: what the session tells of an answer, as the client's events.

Rules kept here:

* One answer at a time. Each has one item with one part: spoken words with their transcript, or text.
* An answer is over when all of it was sent (``SpeechAudioEnd``), not when it has been heard: clients hold their next
  request until then. One that was cut is over when the session says how much was heard.
* Nothing is told of an answer after its ``response.done``.
* A call that the client is to make ends the answer; the turn goes on in the next one, which the client asks for.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from protocol.dialects.realtime.items import ConversationItems
from protocol.dialects.realtime.response_frames import RealtimeResponse, ResponseFrames, ResponseStatus
from protocol.dialects.realtime.session_document import FormatFields
from protocol.dialects.realtime.speech_deltas import MakeResampler, SpeechDeltas
from protocol.dialects.realtime.wire import ServerFrames, problem_of
from protocol.messages import events
from protocol.messages.event_values import CLIENT_SERVER

_BEGINNING: Final = frozenset({events.ConfirmRequest, events.ReplyDelta, events.Reply, events.SpeechAudioStart})
"""Events with which a turn that waited for its client goes on by itself."""


@attrs.define
class RealtimeResponses:
    """The answer that goes on, and the one before it while it is being heard."""

    wire: ServerFrames
    items: ConversationItems
    make_resampler: MakeResampler
    format: FormatFields
    """Of the speech of further answers."""
    speaks: bool = True
    """Whether further answers are spoken."""
    drops_on_speech: bool = True
    """Whether the client drops what it has not played when it is told that somebody speaks."""
    _frames: ResponseFrames = attrs.field(
        init=False, default=attrs.Factory(lambda self: ResponseFrames(self.wire, self.items), takes_self=True)
    )
    _current: RealtimeResponse | None = attrs.field(default=None, init=False)
    _last: RealtimeResponse | None = attrs.field(default=None, init=False)
    """The one that is over for the client; ``None`` once its turn has ended."""
    _calling: RealtimeResponse | None = attrs.field(default=None, init=False)
    """The one that has ended with a call of the client's; ``None`` once its turn has ended."""

    @property
    def is_active(self) -> bool:
        """Whether an answer goes on."""
        return self._current is not None

    @property
    def is_audible(self) -> bool:
        """Whether an answer may be heard now."""
        current = self._current
        return self._last is not None or (current is not None and current.speech is not None and current.is_begun)

    def create(self, *, speaks: bool, metadata: Mapping[str, str] | None = None, goes_on: bool = False) -> list[str]:
        """Begin the answer that the client has asked for; ``goes_on``: with the turn that has made a call."""
        speech = SpeechDeltas(self.format, self.make_resampler) if speaks else None
        current = RealtimeResponse(self.wire.new_id("resp"), self.wire.new_id("item"), speech, metadata)
        if goes_on and self._calling is None:  # the turn has ended meanwhile
            told = self._frames.told("response.created", current)
            return [told, *self._frames.end(current, "failed")]
        if goes_on and self._calling is not None:
            current.follow(self._calling)
        self._current = current
        return [self._frames.told("response.created", current)]

    def cancel(self, response_id: str | None) -> list[str] | None:
        """End the answer at once; ``None`` if there is none of that id."""
        current = self._current
        if current is None or response_id not in (None, current.response_id):
            return None
        current.cut = "client_cancelled"
        return self._finish(current, "cancelled")

    def truncate(self, item_id: str, heard_ms: int) -> int | None:
        """Note how much of an answer was heard; return where that cuts the turn's speech, ``None`` if it does not."""
        heard = next((one for one in (self._current, self._last) if one is not None and one.item_id == item_id), None)
        if heard is None or heard.speech is None or heard_ms >= heard.speech.told_ms:
            return None
        heard.cut = "turn_detected"
        return heard.speech.begin_ms + heard_ms

    def encode(self, event: events.ServerEvent, *, is_spoken: bool) -> list[str]:
        """Return the frames for an event of the session; ``is_spoken``: of a turn that the user's speech began."""
        if self._is_given_up(getattr(event, "turn_id", None)):
            self._calling = None if isinstance(event, events.TurnCompleted) else self._calling
            return []
        match event:
            case events.ToolCall(turn_id=turn_id, server=server) if server == CLIENT_SERVER:
                return self._call(turn_id, event)
            case events.Error(turn_id=str(turn_id)) | events.TurnCompleted(turn_id=turn_id):
                known = self._known(turn_id, is_spoken=is_spoken)
                return [] if known is None else self._end(known, event)
        handler = _HANDLERS.get(type(event))
        if handler is None or (self._is_calling and type(event) not in _BEGINNING):
            return []
        turn_id = getattr(event, "turn_id", "")
        if self._last is not None and self._is_of(self._last, turn_id, is_spoken=is_spoken):
            self._note_heard(self._last, event)
            return []
        frames, response = self._of(turn_id)
        return [*frames, *handler(self, response, event)]

    def speech(self, pcm: bytes) -> list[str]:
        """Return the frames of more speech."""
        current = self._current
        if current is None or current.speech is None or current.turn_id is None:
            return []
        return self._frames.audio(current, current.speech.delta(pcm))

    # --- calls of the client ---------------------------------------------------------------------

    @property
    def _is_calling(self) -> bool:
        """Whether the turn waits for the client, or goes on without it."""
        return self._calling is not None and self._current is None

    def _is_given_up(self, turn_id: str | None) -> bool:
        """Return whether the client has asked for another answer than that of this turn, which waited for a call."""
        waits = self._calling is not None and self._calling.turn_id == turn_id
        return waits and self._current is not None and self._current.turn_id != turn_id

    def _call(self, turn_id: str, call: events.ToolCall) -> list[str]:
        """End the answer with a call."""
        frames, response = self._of(turn_id)
        frames += self._frames.end(response, "completed", call)
        self._current, self._last, self._calling = None, None, response
        return frames

    # --- which answer ----------------------------------------------------------------------------

    def _of(self, turn_id: str) -> tuple[list[str], RealtimeResponse]:
        """Return the answer of a turn, and what is told before that."""
        frames: list[str] = []
        current = self._current
        if current is not None and current.turn_id not in (None, turn_id):
            frames += self._finish(current, "failed")
            current = None
        if current is None:
            goes_on = self._calling is not None and self._calling.turn_id == turn_id
            frames += self.create(speaks=self.speaks, goes_on=goes_on)
            current = self._current
        if current is None:
            raise AssertionError("an answer that was created is not there")
        current.turn_id = turn_id
        return frames, current

    def _known(self, turn_id: str, *, is_spoken: bool) -> RealtimeResponse | None:
        """Return the answer that an end or a failure is about; one that was asked for has no speech of its own."""
        for one in (self._last, self._current, self._calling):
            if one is not None and self._is_of(one, turn_id, is_spoken=is_spoken):
                return one
        return None

    def _is_of(self, response: RealtimeResponse, turn_id: str, *, is_spoken: bool) -> bool:
        """Return whether a turn is the answer's. The first turn without speech is that of an answer asked for."""
        if response is self._last and response.turn_id is None and not is_spoken:
            response.turn_id = turn_id  # it was cancelled before its turn began
        return response.turn_id == turn_id or (response.turn_id is None and not is_spoken)

    # --- what happens ----------------------------------------------------------------------------

    def _asked(self, response: RealtimeResponse, event: events.ConfirmRequest) -> list[str]:
        return self._frames.text(response, event.say)

    def _grown(self, response: RealtimeResponse, event: events.ReplyDelta) -> list[str]:
        frames = self._frames.text(response, event.text, is_joined=bool(response.replied))
        response.replied += event.text
        return frames

    def _replied(self, response: RealtimeResponse, event: events.Reply) -> list[str]:
        if event.truncated:
            response.heard = event.text
            return []
        told = response.replied.strip()
        response.replied = event.text
        if not event.text.startswith(told):
            return []
        return self._frames.text(response, event.text.removeprefix(told), is_joined=bool(told))

    def _speech_started(self, response: RealtimeResponse, event: events.SpeechAudioStart) -> list[str]:
        frames = self._frames.begin(response)
        if response.speech is not None:
            response.speech.start(event.sample_rate)
        return frames

    def _speech_paused(self, response: RealtimeResponse, _event: events.SpeechAudioPaused) -> list[str]:
        response.is_paused = True
        return []

    def _speech_resumed(self, response: RealtimeResponse, event: events.SpeechAudioResumed) -> list[str]:
        response.is_paused = False
        if response.speech is not None:
            response.speech.resume(event.at_ms, again=self.drops_on_speech)
        return []

    def _speech_ended(self, response: RealtimeResponse, _event: events.SpeechAudioEnd) -> list[str]:
        """End the answer, unless it was cut: then the session is about to tell what was heard."""
        if response.cut is None and not response.is_paused:
            return self._finish(response, "completed" if response.problem is None else "failed")
        return self._frames.end_speech(response)

    def _note_heard(self, response: RealtimeResponse, event: events.ServerEvent) -> None:
        """Keep in its item how much was heard of an answer that was cut after all of it was sent."""
        if isinstance(event, events.Reply) and event.truncated:
            response.heard = event.text
            response.text = response.heard_text
            item = self.items.get(response.item_id)
            if item is not None:
                item |= response.item("incomplete")

    def _end(self, response: RealtimeResponse, event: events.Error | events.TurnCompleted) -> list[str]:
        if isinstance(event, events.Error):
            response.problem = problem_of(event)
            return []
        if response is self._last or response is self._calling:
            self._last = self._calling = None
            return []
        frames = self._finish(response, response.status_after(event.outcome))
        self._last = self._calling = None  # its turn is over, so nothing more is heard of it
        return frames

    def _finish(self, response: RealtimeResponse, status: ResponseStatus) -> list[str]:
        self._current, self._last = None, response
        return self._frames.end(response, status)


def _noticed(_responses: RealtimeResponses, _response: RealtimeResponse, _event: events.Understood) -> list[str]:
    """Tell nothing of it but that the answer has begun."""
    return []


_HANDLERS: Final[Mapping[type, Callable[[RealtimeResponses, RealtimeResponse, Any], list[str]]]] = {
    events.Understood: _noticed,
    events.ConfirmRequest: RealtimeResponses._asked,  # noqa: SLF001 - the table is a part of the class
    events.ReplyDelta: RealtimeResponses._grown,  # noqa: SLF001
    events.Reply: RealtimeResponses._replied,  # noqa: SLF001
    events.SpeechAudioStart: RealtimeResponses._speech_started,  # noqa: SLF001
    events.SpeechAudioPaused: RealtimeResponses._speech_paused,  # noqa: SLF001
    events.SpeechAudioResumed: RealtimeResponses._speech_resumed,  # noqa: SLF001
    events.SpeechAudioEnd: RealtimeResponses._speech_ended,  # noqa: SLF001
}
