"""Decides what a session's conversation does: which turn runs, which waits, what holds or cuts the answer; pure.

Rules kept here:

* One turn at a time. A second utterance while the first is being understood waits, one deep, and a third replaces it.
* Speech during the answer holds it once it has lasted ``barge_in_ms``. Words end it and are the next turn; if there
  were none, the answer goes on.
* Every ``turn_id`` that a client has seen is completed exactly once, also when the dialogue was restarted.
* Speech that is answered on request is transcribed in its order, and a request waits for what was said before it.
* Announcements wait for a pause. While the client is lost, turns go on and nothing is said.

What happens in which state is the table in ``rules.py``; ``occurrence.py`` says which event a message is. Here is what
the table's steps mean.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Final, TypeVar

import attrs

from protocol.messages import events
from protocol.messages.errors import LocalProtocolError
from protocol.messages.hearing import UtteranceEnded
from protocol.messages.session import Announce, Configured, Hang
from protocol.turns.actions import (
    Action,
    CompleteTurn,
    CutTurn,
    EndPartial,
    GiveUpEarly,
    HangUp,
    HearAnswer,
    HoldAnswer,
    OnlyHear,
    PendingTurn,
    Restored,
    ResumeAnswer,
    ShowEvent,
    StartTurn,
    StopTiming,
    TimeSpeech,
    WeighWords,
)
from protocol.turns.occurrence import ConversationMessage, Occurrence, Standing, occurrence_of
from protocol.turns.rules import CONVERSATION, ConversationState, Step
from protocol.turns.turn import TurnEvent, TurnMachine, TurnState

MAX_ANNOUNCEMENTS: Final = 8
MAX_KEPT: Final = 16  # utterances that wait to be transcribed without an answer, each up to max_utterance_s
MAX_ATTEMPTS: Final = 2  # a turn that crashes the dialogue twice is given up, not tried for ever

_FIXED: Final[Mapping[Step, Action]] = {
    Step.GIVE_UP_EARLY: GiveUpEarly(),
    Step.END_PARTIAL: EndPartial(),
    Step.STOP_TIMING: StopTiming(),
    Step.HOLD: HoldAnswer(),
}
_STEERING: Final = frozenset(
    {
        Step.RESUME,
        Step.CUT,
        Step.SUPERSEDE,
        Step.TIME_SPEECH,
        Step.CONSENT,
        Step.GIVE_OUTPUT,
        Step.FORGET_TURN,
    }
)
_OUTCOMES: Final[Mapping[Step, events.Outcome]] = {
    Step.COMPLETE_DONE: "done",
    Step.COMPLETE_NO_SPEECH: "no_speech",
    Step.COMPLETE_FAILED: "failed",
    Step.COMPLETE_INTERRUPTED: "interrupted",
}


@attrs.frozen
class Moment:
    """When something happens, and whether the client is lost then."""

    now_s: float
    is_lost: bool = False


Given = TypeVar("Given")


def given(value: Given | None) -> Given:
    """Return the value that the table promises; ``None`` is a bug of ours."""
    if value is None:
        raise LocalProtocolError("a step of the table does not fit its event")
    return value


class ConversationMachine:
    """One session's conversation."""

    def __init__(self, new_id: Callable[[], str], *, is_open: bool = False, is_on_request: bool = False) -> None:
        """Begin without a turn; it ``is_open`` if the handshake was made before. ``new_id`` makes the ids of turns.

        ``is_on_request``: speech is answered on request only, as it was at the last handshake.
        """
        self._new_id = new_id
        self._resting = ConversationState.IDLE if is_open else ConversationState.CLOSED
        self._turn: TurnMachine | None = None
        self._running: PendingTurn | None = None
        self._waiting: PendingTurn | None = None
        self._hearing: str | None = None
        self._is_on_request = is_on_request
        self._only_heard: set[str] = set()
        """Turns that are transcribed without an answer."""
        self._open_turns: set[str] = set()
        self._announcements: deque[Announce] = deque(maxlen=MAX_ANNOUNCEMENTS)
        self._farewell: Hang | None = None

    @property
    def turn(self) -> TurnMachine | None:
        """The turn that runs."""
        return self._turn

    @property
    def running(self) -> PendingTurn | None:
        """The input of the running turn."""
        return self._running

    @property
    def waiting(self) -> PendingTurn | None:
        """The input of the next turn."""
        return self._waiting

    @property
    def is_on_request(self) -> bool:
        """Whether speech is answered on request only."""
        return self._is_on_request

    @property
    def open_turns(self) -> frozenset[str]:
        """The turns that have begun and not been completed."""
        return frozenset(self._open_turns)

    @property
    def announcements(self) -> int:
        """How many announcements wait."""
        return len(self._announcements)

    def state(self, now_s: float) -> ConversationState:
        """Return the current state."""
        turn = self._turn
        if turn is None:
            return self._resting
        if turn.state in (TurnState.CUT, TurnState.OVER):
            return ConversationState.ENDING
        if turn.question is not None:
            return ConversationState.ASKING
        if turn.state is TurnState.SPEAKING or turn.calls_left or turn.playback.is_audible(now_s):
            return ConversationState.ANSWERING
        return ConversationState.WORKING

    def receive(self, message: ConversationMessage, moment: Moment) -> tuple[Action, ...]:
        """Return the actions to perform now, in order; raises ``LocalProtocolError`` for an illegal input."""
        turn = self._turn
        if isinstance(message, Configured):
            self._is_on_request = message.options.answers == "on_request"
        question, client_call = (None, None) if turn is None else (turn.question, turn.client_call)
        standing = Standing(self._hearing, self._waiting, self._running, question, client_call, self._is_on_request)
        happened = occurrence_of(message, standing, self._new_id)
        state = self.state(moment.now_s)
        steps = CONVERSATION[happened.event].get(state)
        if steps is None:
            raise LocalProtocolError(f"conversation: {happened.event.name} must not happen while {state.name}")
        return tuple(chain.from_iterable(self._take(step, happened, moment) for step in steps))

    # --- what the steps mean ---------------------------------------------------------------------

    def _take(self, step: Step, happened: Occurrence, moment: Moment) -> Iterator[Action]:
        """Take one step; yield its actions."""
        if step in _FIXED:
            yield _FIXED[step]
        elif step in _OUTCOMES:
            yield self._complete(happened.turn_id, _OUTCOMES[step])
        elif step is Step.TELL:
            yield from happened.actions
        elif step in (
            Step.QUEUE,
            Step.KEEP_WORDS,
            Step.UNQUEUE,
            Step.WEIGH,
            Step.WEIGH_REST,
            Step.HEAR_ANSWER,
            Step.ONLY_HEAR,
        ):
            yield from self._arrange(step, happened)
        elif step in _STEERING:
            yield from self._steer(step, happened, moment)
        elif step is Step.START_NEXT:
            yield from self._start_next(moment)
        else:
            yield from self._note(step, happened)

    def _note(self, step: Step, happened: Occurrence) -> Iterator[Action]:
        """Update the memory by the occurrence."""
        match step:
            case Step.OPEN:
                self._resting = ConversationState.IDLE
            case Step.OPEN_HEARING:
                self._hearing = happened.turn_id
                self._open_turns.add(happened.turn_id)
            case Step.CLOSE_HEARING:
                self._hearing = None
                self._open_turns.add(happened.turn_id)
            case Step.FORGET_HEARING:
                self._only_heard.discard(happened.turn_id)
                self._open_turns.discard(happened.turn_id)
            case Step.KEEP_ANNOUNCEMENT:
                self._announcements.append(given(happened.announcement))
            case Step.KEEP_FAREWELL:
                self._farewell = given(happened.farewell)
            case Step.HANG_UP:
                yield HangUp(given(self._farewell))
            case Step.COMPLETE_LOST:
                yield from self._complete_lost(given(happened.restored))
            case _:
                raise AssertionError(f"{step.name} has no meaning")

    def _complete_lost(self, left: Restored) -> Iterator[Action]:
        """Run again what was running, unless something else waits, it has begun to answer, or it has failed twice."""
        self._open_turns = set(left.open_turns)
        self._waiting = left.waiting
        running = left.running
        if running is not None and self._waiting is None and running.attempt < MAX_ATTEMPTS and not left.has_begun:
            self._waiting = attrs.evolve(running, attempt=running.attempt + 1)
        kept = None if self._waiting is None else self._waiting.turn_id
        for turn_id in sorted(self._open_turns - {kept}):
            yield self._complete(turn_id, "failed")

    def _arrange(self, step: Step, happened: Occurrence) -> Iterator[Action]:
        """Decide which input waits."""
        if step is Step.UNQUEUE:
            self._waiting = None
            return
        pending, replaced = given(happened.pending), self._waiting
        match step:
            case Step.KEEP_WORDS:
                self._waiting = pending
            case Step.QUEUE:
                self._waiting = pending
                self._open_turns.add(pending.turn_id)
                if replaced is not None:
                    yield self._complete(replaced.turn_id, "interrupted")
            case Step.ONLY_HEAR:
                yield from self._only_hear(pending)
            case Step.WEIGH | Step.WEIGH_REST:
                yield WeighWords(pending, given(self._turn).turn_id, step is Step.WEIGH)
            case Step.HEAR_ANSWER:
                self._waiting = None
                yield HearAnswer(pending, given(given(self._turn).question))

    def _steer(self, step: Step, happened: Occurrence, moment: Moment) -> Iterator[Action]:
        """Yield actions for the running turn."""
        turn = given(self._turn)
        match step:
            case Step.RESUME if not moment.is_lost:
                yield ResumeAnswer()
            case Step.CUT:
                turn.advance(TurnEvent.INTERRUPTED)
                yield happened.cut
            case Step.SUPERSEDE:
                turn.advance(TurnEvent.INTERRUPTED)
                yield CutTurn(lets_call_end=True)
            case Step.TIME_SPEECH:
                yield TimeSpeech(turn.turn_id)
            case Step.CONSENT if turn.question == given(happened.consent).call_id:
                turn.close_question()
                yield given(happened.consent)
            case Step.GIVE_OUTPUT:
                turn.await_output(None)
                yield given(happened.output)
            case Step.FORGET_TURN:
                self._turn = self._running = None
                self._open_turns.discard(turn.turn_id)

    def _start_next(self, moment: Moment) -> Iterator[Action]:
        """Start the waiting turn, if none runs: speech first, announcements in the pause after, then the end."""
        waiting = self._waiting
        if self._turn is not None or self._resting is ConversationState.CLOSED:
            return
        if waiting is not None and self._is_on_request and isinstance(waiting.said, UtteranceEnded):
            self._waiting = None
            yield from self._only_hear(waiting)
        elif waiting is not None and isinstance(waiting.said, events.Respond) and self._only_heard:
            return
        elif waiting is not None:
            self._waiting = None
            yield from self._start(waiting, moment)
        elif self._announcements and self._hearing is None:
            yield from self._start(PendingTurn(self._new_id(), self._announcements.popleft()), moment)
        elif self._farewell is not None and not self._open_turns:
            yield HangUp(self._farewell)

    def _only_hear(self, pending: PendingTurn) -> Iterator[Action]:
        """Have it transcribed without an answer; of too many the newest is given up."""
        if len(self._only_heard) >= MAX_KEPT:
            error = f"at most {MAX_KEPT} utterances may wait to be transcribed"
            yield ShowEvent(events.Error("turn_failed", error, turn_id=pending.turn_id))
            yield self._complete(pending.turn_id, "failed")
            return
        self._only_heard.add(pending.turn_id)
        yield OnlyHear(pending)

    def _start(self, pending: PendingTurn, moment: Moment) -> Iterator[Action]:
        self._running, self._turn = pending, TurnMachine(pending.turn_id)
        self._open_turns.add(pending.turn_id)
        self._turn.begin(pending.said)
        yield StartTurn(pending, self._turn)
        if moment.is_lost:
            yield HoldAnswer()

    def _complete(self, turn_id: str, outcome: events.Outcome) -> CompleteTurn:
        self._open_turns.discard(turn_id)
        return CompleteTurn(turn_id, outcome)
