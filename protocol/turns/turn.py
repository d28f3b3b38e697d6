"""One turn's states; the legal transitions are the table below.

Rules kept here:

* What is not in the table is a bug of ours: ``LocalProtocolError`` names the state and the event.
* ``FINISHED`` ends a turn from every state, with any outcome: done, no speech, refused, failed or interrupted.
* A turn that was cut is only finished; what it had under way changes nothing any more.
* One setter makes every change, and reports it.
"""

import enum
import logging
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from protocol.messages.errors import LocalProtocolError
from protocol.messages.events import Respond, Text
from protocol.messages.hearing import UtteranceEnded
from protocol.messages.session import Announce
from protocol.turns.playback import Playback

log = logging.getLogger("sayso.turn")


class TurnState(enum.Enum):
    """What a turn is doing."""

    LISTENING = "listening"
    """It has not begun."""
    TRANSCRIBING = "transcribing"
    UNDERSTANDING = "understanding"
    CONFIRMING = "confirming"
    TAKING_BACK = "taking back"
    """It takes back what the sentence before has done."""
    ACTING = "acting"
    SPEAKING = "speaking"
    CUT = "cut"
    """Interrupted, and not finished yet."""
    OVER = "over"


class TurnEvent(enum.Enum):
    """Events of a turn."""

    SPEECH_ENDED = "speech ended"
    TEXT_RECEIVED = "text received"
    ANNOUNCED = "announced"
    HEARD = "heard"
    UNDERSTOOD = "understood"
    AMENDS = "amends"
    """What was done before is to be taken back, and perhaps something else done."""
    TAKEN_BACK = "taken back"
    CONFIRMATION_ASKED = "confirmation asked"
    CONFIRMED = "confirmed"
    CALLED = "one of several done"
    """A command of the turn has been dealt with, and others are to come."""
    ANSWERED = "answered"
    INTERRUPTED = "interrupted"
    FINISHED = "finished"


# From any later state: an apology is an answer too.
_LATER: Final = {
    TurnEvent.ANSWERED: TurnState.SPEAKING,
    TurnEvent.INTERRUPTED: TurnState.CUT,
    TurnEvent.FINISHED: TurnState.OVER,
}
_STEPS: Final = (
    TurnEvent.HEARD,
    TurnEvent.UNDERSTOOD,
    TurnEvent.AMENDS,
    TurnEvent.TAKEN_BACK,
    TurnEvent.CONFIRMATION_ASKED,
    TurnEvent.CONFIRMED,
    TurnEvent.CALLED,
    TurnEvent.ANSWERED,
)

TRANSITIONS: Final[Mapping[TurnState, Mapping[TurnEvent, TurnState]]] = {
    TurnState.LISTENING: {
        TurnEvent.SPEECH_ENDED: TurnState.TRANSCRIBING,
        TurnEvent.TEXT_RECEIVED: TurnState.UNDERSTANDING,
        TurnEvent.ANNOUNCED: TurnState.SPEAKING,
    },
    TurnState.TRANSCRIBING: {**_LATER, TurnEvent.HEARD: TurnState.UNDERSTANDING},
    TurnState.UNDERSTANDING: {
        **_LATER,
        TurnEvent.UNDERSTOOD: TurnState.ACTING,
        TurnEvent.AMENDS: TurnState.TAKING_BACK,
        TurnEvent.CONFIRMATION_ASKED: TurnState.CONFIRMING,
    },
    TurnState.TAKING_BACK: {
        **_LATER,
        TurnEvent.CONFIRMATION_ASKED: TurnState.CONFIRMING,
        TurnEvent.TAKEN_BACK: TurnState.ACTING,
    },
    TurnState.CONFIRMING: {
        **_LATER,
        TurnEvent.CONFIRMED: TurnState.ACTING,
        TurnEvent.CALLED: TurnState.ACTING,  # it was refused
    },
    TurnState.ACTING: {
        **_LATER,
        TurnEvent.CONFIRMATION_ASKED: TurnState.CONFIRMING,
        TurnEvent.CALLED: TurnState.ACTING,
        TurnEvent.TAKEN_BACK: TurnState.ACTING,  # what was taken back was asked about
    },
    TurnState.SPEAKING: _LATER,
    TurnState.CUT: {
        **dict.fromkeys(_STEPS, TurnState.CUT),
        TurnEvent.INTERRUPTED: TurnState.CUT,
        TurnEvent.FINISHED: TurnState.OVER,
    },
    TurnState.OVER: {TurnEvent.INTERRUPTED: TurnState.OVER},
}


@attrs.frozen
class Transition:
    """One change of one turn."""

    turn_id: str
    before: TurnState
    event: TurnEvent
    after: TurnState


def log_transition(transition: Transition) -> None:
    """Write one structured line."""
    log.debug(
        "%s -> %s (%s)",
        transition.before.value,
        transition.after.value,
        transition.event.value,
        extra={"turn_id": transition.turn_id},
    )


class TurnMachine:
    """The state machine of one turn."""

    def __init__(self, turn_id: str, on_transition: Callable[[Transition], None] = log_transition) -> None:
        """Begin in ``LISTENING``; ``on_transition`` is called for every change."""
        self.turn_id = turn_id
        self.playback = Playback()
        """The answer, as far as it is spoken."""
        self.calls_left = 0
        """How many commands of the turn are to be begun behind the one that runs."""
        self._on_transition = on_transition
        self._state = TurnState.LISTENING
        self._question: str | None = None
        self._client_call: str | None = None

    def __repr__(self) -> str:
        return f"<TurnMachine {self.turn_id} {self._state.name}>"

    @property
    def state(self) -> TurnState:
        """What the turn is doing now."""
        return self._state

    @property
    def question(self) -> str | None:
        """The call that the turn wants consent for now: its id, until it is answered or not asked any more."""
        return self._question

    @property
    def client_call(self) -> str | None:
        """The call of a tool of the client whose output the turn waits for: its id, until there is one."""
        return self._client_call

    def begin(self, said: UtteranceEnded | Text | Respond | Announce) -> None:
        """Begin with what is to be answered or announced."""
        match said:
            case UtteranceEnded():
                self.advance(TurnEvent.SPEECH_ENDED)
            case Text() | Respond():
                self.advance(TurnEvent.TEXT_RECEIVED)
            case Announce():
                self.advance(TurnEvent.ANNOUNCED)

    def advance(self, event: TurnEvent) -> None:
        """Move on; raises ``LocalProtocolError`` if ``event`` cannot happen in this state."""
        after = TRANSITIONS[self._state].get(event)
        if after is None:
            raise LocalProtocolError(f"turn {self.turn_id}: {event.name} must not happen while {self._state.name}")
        before, self._state = self._state, after
        self._question = self._client_call = None
        self._on_transition(Transition(self.turn_id, before, event, after))

    def ask(self, call_id: str) -> None:
        """Ask for consent to a call."""
        self.advance(TurnEvent.CONFIRMATION_ASKED)
        if self._state is TurnState.CONFIRMING:
            self._question = call_id

    def close_question(self) -> None:
        """Take no more answers: there was one, or it comes too late."""
        self._question = None

    def await_output(self, call_id: str | None) -> None:
        """Wait for the output of a call that the client makes, unless the turn was cut; ``None``: not any more."""
        self._client_call = call_id if self._state is TurnState.ACTING else None

    def finish(self) -> None:
        """End the turn; raises ``LocalProtocolError`` if it has not begun or is over."""
        self.advance(TurnEvent.FINISHED)
