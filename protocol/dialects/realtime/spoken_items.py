"""The user's utterances in OpenAI's Realtime API: what the session tells of speech, as the client's events.

Rules kept here:

* Every utterance that a client is told of becomes an item, and its transcription ends in ``completed`` or ``failed``:
  clients wait for one of them. Without words the transcript is empty.
* Without turn detection a client is told of its own commits only, not of speech.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from protocol.dialects.realtime.items import ConversationItems, spoken_item
from protocol.dialects.realtime.wire import ServerFrames, problem_of
from protocol.messages import events

NOT_TRANSCRIBED: Final = "not_transcribed"


@attrs.define
class SpokenTurn:
    """One utterance, as far as its client knows of it."""

    item_id: str
    is_announced: bool
    """Whether its beginning is told, so that its end must be."""
    began_ms: int = 0
    stopped_ms: int | None = None
    is_withheld: bool = False
    """Whether nothing is told of it before there are words in it."""
    is_dropped: bool = False
    """Whether the client has cleared it away in mid-speech."""
    shown: str = ""
    """Its transcript, as far as it was told."""
    is_committed: bool = False
    is_transcribed: bool = False


@attrs.define
class SpokenItems:
    """The utterances that are not over, by their turns."""

    wire: ServerFrames
    items: ConversationItems
    heard_ms: Callable[[], int]
    """Returns how much audio has come, in ms."""
    withholds: Callable[[], bool]
    """Returns whether a client is told of speech that begins now only if there are words in it."""
    detects_turns: bool = True
    tells_text: bool = True
    """Whether the client wants transcripts."""
    _turns: dict[str, SpokenTurn] = attrs.field(factory=dict, init=False)

    def encode(self, event: events.ServerEvent) -> Sequence[str]:
        """Return the frames for an event of the session that is about speech."""
        handler = _HANDLERS.get(type(event))
        return () if handler is None else handler(self, event)

    def is_spoken(self, turn_id: str) -> bool:
        """Return whether a turn that is not over was begun by speech."""
        return turn_id in self._turns

    # --- what happens ----------------------------------------------------------------------------

    def _started(self, event: events.SpeechStarted) -> list[str]:
        turn = SpokenTurn(self.wire.new_id("item"), self.detects_turns, event.at_ms)
        self._turns[event.turn_id] = turn
        turn.is_withheld = self.detects_turns and self.withholds()
        return [] if turn.is_withheld else self._begin(turn)

    def _begin(self, turn: SpokenTurn) -> list[str]:
        if not turn.is_announced:
            return []
        name = "input_audio_buffer.speech_started"
        return [self.wire.frame(name, audio_start_ms=turn.began_ms, item_id=turn.item_id)]

    def _reveal(self, turn: SpokenTurn) -> list[str]:
        """Tell what was withheld, because there are words."""
        if not turn.is_withheld or turn.is_dropped:
            return []
        turn.is_withheld = False
        frames = self._begin(turn)
        return frames if turn.stopped_ms is None else [*frames, *self._commit(turn, turn.stopped_ms)]

    def _stopped(self, event: events.SpeechStopped) -> list[str]:
        turn = self._turns.get(event.turn_id)
        if turn is None:  # it was split off from the one before
            turn = self._turns[event.turn_id] = SpokenTurn(self.wire.new_id("item"), is_announced=False)
        turn.stopped_ms = event.at_ms
        return [] if turn.is_withheld else self._commit(turn, event.at_ms)

    def _commit(self, turn: SpokenTurn, at_ms: int) -> list[str]:
        """Tell that the utterance is an item now, once."""
        if turn.is_committed or turn.is_dropped:
            return []
        turn.is_committed = True
        item = spoken_item(turn.item_id)
        before = self.items.add(item)
        frames = []
        if turn.is_announced:
            name = "input_audio_buffer.speech_stopped"
            frames.append(self.wire.frame(name, audio_end_ms=at_ms, item_id=turn.item_id))
        committed = "input_audio_buffer.committed"
        frames.append(self.wire.frame(committed, item_id=turn.item_id, previous_item_id=before))
        both = ("conversation.item.added", "conversation.item.done")
        return [*frames, *(self.wire.frame(name, previous_item_id=before, item=item) for name in both)]

    def _grown(self, event: events.TranscriptPartial) -> list[str]:
        turn = self._turns.get(event.turn_id)
        return [] if turn is None or turn.is_dropped else [*self._reveal(turn), *self._delta(turn, event.text)]

    def _delta(self, turn: SpokenTurn, text: str) -> list[str]:
        """Tell what is new of a transcript that goes on as it was told; one that was corrected is told whole, later."""
        if not self.tells_text or not text.startswith(turn.shown) or text == turn.shown:
            return []
        delta, turn.shown = text.removeprefix(turn.shown), text
        name = "conversation.item.input_audio_transcription.delta"
        return [self.wire.frame(name, item_id=turn.item_id, content_index=0, delta=delta)]

    def _transcribed(self, event: events.Transcript) -> list[str]:
        turn = self._turns.get(event.turn_id)
        return [] if turn is None else self._complete(turn, event.text, event.audio)

    def _without_words(self, event: events.NoSpeech) -> list[str]:
        turn = self._turns.get(event.turn_id)
        now_ms = self.heard_ms()
        if turn is not None and event.reason == "discarded":
            turn.is_dropped = True
        return [] if turn is None else self._complete(turn, "", events.AudioSpan(now_ms, now_ms))

    def _complete(self, turn: SpokenTurn, text: str, span: events.AudioSpan) -> list[str]:
        turn.is_dropped = turn.is_dropped or (turn.is_withheld and not text)
        if turn.is_dropped or turn.is_transcribed:
            return []
        frames = [*self._reveal(turn), *self._commit(turn, span.end_ms), *self._delta(turn, text)]
        turn.is_transcribed = True
        if not self.tells_text:
            return frames
        item = self.items.get(turn.item_id)
        if item is not None:
            item["content"][0]["transcript"] = text
        usage = {"type": "duration", "seconds": (span.end_ms - span.start_ms) / 1000}
        name = "conversation.item.input_audio_transcription.completed"
        done = self.wire.frame(name, item_id=turn.item_id, content_index=0, transcript=text, usage=usage)
        return [*frames, done]

    def _failed(self, event: events.Error) -> list[str]:
        turn = None if event.turn_id is None else self._turns.get(event.turn_id)
        return [] if turn is None else self._give_up(turn, event)

    def _give_up(self, turn: SpokenTurn, error: events.Error) -> list[str]:
        """Tell that there will be no transcript, if there was none."""
        if turn.is_dropped or turn.is_transcribed or turn.is_withheld:
            return []
        frames = self._commit(turn, self.heard_ms())
        turn.is_transcribed = True
        if not self.tells_text:
            return frames
        problem = problem_of(error)
        told = {"type": problem.type, "code": problem.code, "message": problem.message, "param": None}
        name = "conversation.item.input_audio_transcription.failed"
        return [*frames, self.wire.frame(name, item_id=turn.item_id, content_index=0, error=told)]

    def _ended(self, event: events.TurnCompleted) -> list[str]:
        turn = self._turns.pop(event.turn_id, None)
        if turn is None:
            return []
        message = f"the utterance was not transcribed: {event.outcome}"
        return self._give_up(turn, events.Error(NOT_TRANSCRIBED, message, turn_id=event.turn_id))


_HANDLERS: Final[Mapping[type, Callable[[SpokenItems, Any], Sequence[str]]]] = {
    events.SpeechStarted: SpokenItems._started,  # noqa: SLF001 - the table is a part of the class
    events.SpeechStopped: SpokenItems._stopped,  # noqa: SLF001
    events.TranscriptPartial: SpokenItems._grown,  # noqa: SLF001
    events.Transcript: SpokenItems._transcribed,  # noqa: SLF001
    events.NoSpeech: SpokenItems._without_words,  # noqa: SLF001
    events.Error: SpokenItems._failed,  # noqa: SLF001
    events.TurnCompleted: SpokenItems._ended,  # noqa: SLF001
}
