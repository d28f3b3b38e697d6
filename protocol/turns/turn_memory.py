"""A session's memory of its turns; written by its dialogue actor alone.

Rules kept here:

* No logic that can fail: it outlives a crash of its actor.
* Everything is bounded, so a session that lives for days does not grow.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice

import attrs

from protocol.messages.hearing import Recognition
from protocol.turns.actions import PendingTurn
from protocol.turns.last_sentence import DoneCall, DoneEvent, LastSentence, followed_by
from protocol.turns.questions import OpenQuestion

MAX_TURNS = 32  # more than any context window of a small model takes
MAX_KEPT_WORDS = 32  # utterances that wait for a request: more is no request
MAX_CALLS = 1_024  # ids are random: this is hours of tool calls


@attrs.frozen(kw_only=True, slots=False)
class TurnMemoryStatistics:
    """A moment's view of what is kept of a session's turns.

    * ``turns``: how many turns are remembered
    * ``calls``: how many tool calls are remembered
    * ``open_turns``: how many turns have not ended
    """

    turns: int
    calls: int
    open_turns: int


@attrs.define
class TurnMemory:
    """The finished turns, and the state of the open ones."""

    waiting: PendingTurn | None = attrs.field(default=None, init=False)
    """The input of the next turn."""
    running: PendingTurn | None = attrs.field(default=None, init=False)
    """The input of the running turn."""
    open_turns: set[str] = attrs.field(factory=set, init=False)
    """Turns that the client knows of and that have not been completed."""
    spoken: dict[str, tuple[int, int]] = attrs.field(factory=dict, init=False)
    """Of the open turns that were spoken, where in the session's audio: from and to, in ms."""
    taken_ms: int = attrs.field(default=-1, init=False)
    """Where the last utterance ended that the dialogue has taken."""
    answered: str | None = attrs.field(default=None, init=False)
    """The turn of which the client has seen a part of the answer last: it is not run again."""
    question: OpenQuestion | None = attrs.field(default=None, init=False)
    """What the user was asked, and may answer in the next turn."""
    sentence: LastSentence | None = attrs.field(default=None, init=False)
    """What the user wanted last, and what was done for it."""
    kept_words: tuple[Recognition, ...] = attrs.field(default=(), init=False)
    """What was said and is answered on request, oldest first."""
    last_reply: str | None = attrs.field(default=None, init=False)
    """What was answered or announced last: what "repeat that" means."""
    is_voiceless: bool = attrs.field(default=False, init=False)
    """Whether the client was told that speech cannot be made."""
    _turns: deque[tuple[str, str]] = attrs.field(factory=lambda: deque(maxlen=MAX_TURNS), init=False)
    """What the user said, and what the user heard in answer."""
    _calls: dict[str, str | None] = attrs.field(factory=dict, init=False)
    """Ids of tool calls begun, and the turn that each belongs to; the oldest are forgotten first."""

    def __len__(self) -> int:
        """Return how many finished turns are remembered."""
        return len(self._turns)

    def remember_turn(self, user: str, assistant: str) -> None:
        """Keep what was said and what was heard in answer."""
        self._turns.append((user, assistant))

    def keep_words(self, heard: Recognition) -> None:
        """Keep what was said for the answer that may be asked for; the oldest words are forgotten first."""
        self.kept_words = (*self.kept_words, heard)[-MAX_KEPT_WORDS:]

    def forget_words(self, answered: tuple[Recognition, ...]) -> None:
        """Forget kept words that have been answered."""
        self.kept_words = tuple(kept for kept in self.kept_words if not any(kept is one for one in answered))

    def recent_turns(self, limit: int) -> tuple[tuple[str, str], ...]:
        """Return at most ``limit`` last turns, oldest first."""
        return tuple(islice(self._turns, max(0, len(self._turns) - max(0, limit)), None))

    def begin_call(self, call_id: str, *, undoes: bool = False) -> bool:
        """Note that the running turn sends the call; return ``False`` if that id was sent before.

        ``undoes``: it takes back a call of the last sentence.

        A question that was open is answered by that, or replaced: no restart has it answered twice.
        """
        if call_id in self._calls:
            return False
        if len(self._calls) >= MAX_CALLS:
            del self._calls[next(iter(self._calls))]
        self.question = None
        self._calls[call_id] = None if self.running is None else self.running.turn_id
        if self.sentence is not None:
            self.sentence = self.sentence.after(DoneEvent.UNDO_SENT if undoes else DoneEvent.CALL_SENT)
        return True

    def sentence_before(self, turn_id: str) -> LastSentence | None:
        """Return the sentence before that turn's, whether or not the turn has begun its own already."""
        sentence = self.sentence
        return sentence.before if sentence is not None and sentence.turn_id == turn_id else sentence

    def begin_sentence(self, sentence: LastSentence) -> None:
        """Note what the running turn's words are, before anything is done for them."""
        self.sentence = followed_by(self.sentence_before(sentence.turn_id), sentence)

    def end_call(self, call: DoneCall, event: DoneEvent) -> None:
        """Note the outcome of the running turn's call."""
        if self.sentence is not None:
            self.sentence = self.sentence.with_outcome(call, event)

    def end_undo(self, undo_id: str, undone_id: str, *, ok: bool) -> None:
        """Note whether the call ``undo_id`` took back the call ``undone_id``.

        A turn that has only taken something back, and knows it, may be run again: it goes on behind that.
        """
        if self.sentence is None:
            return
        if not ok:
            self.sentence = self.sentence.after(DoneEvent.UNDO_FAILED)
            return
        left = self.sentence.without_call(undone_id)
        self.sentence = left.after(DoneEvent.UNDO_DONE if left.all_calls else DoneEvent.ALL_UNDONE)
        self._calls[undo_id] = None

    def take_speech(self, turn_id: str, start_ms: int, end_ms: int) -> None:
        """Note where in the session's audio a turn was spoken; forget those that are over."""
        self.taken_ms = max(self.taken_ms, end_ms)
        self.spoken = {known: span for known, span in self.spoken.items() if known in self.open_turns}
        self.spoken[turn_id] = (start_ms, end_ms)

    def is_settled(self, turn_id: str) -> bool:
        """Whether what was said in that turn must not be heard again: it has acted, or begun to answer."""
        return self.answered == turn_id or self.has_acted(turn_id)

    @property
    def all_calls(self) -> Mapping[str, str | None]:
        """Ids of the calls that were begun, each with the turn it belongs to."""
        return self._calls

    def recall(self, turns: Iterable[tuple[str, str]], calls: Mapping[str, str | None]) -> None:
        """Remember what another replica has remembered."""
        self._turns.extend(turns)
        self._calls.update(calls)

    def has_acted(self, turn_id: str) -> bool:
        """Whether a tool call of that turn was begun: such a turn is not run again."""
        return turn_id in self._calls.values()

    def statistics(self) -> TurnMemoryStatistics:
        """Return the figures of the kept turns."""
        return TurnMemoryStatistics(turns=len(self._turns), calls=len(self._calls), open_turns=len(self.open_turns))
