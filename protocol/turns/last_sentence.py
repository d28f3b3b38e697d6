"""What the last sentence has done, and whether it may still be amended or taken back: a table; pure.

Rules kept here:

* A sentence may go on: what begins within ``AMEND_WITHIN_S`` after its end, and makes another whole command with it,
  amends it. What it had done is taken back first, and then the whole is done: once, in the end.
* Only calls that can be taken back are: those whose tool said how (``Undo``), and those that only read.
* A call whose outcome is not known is never repeated and never taken back; a call is taken back at most once.
* "Undo that" takes back what was done last, for ``TAKE_BACK_WITHIN_S``.

The record is kept in the session's memory, so it outlives a restart of the dialogue. ``docs/turn.md`` is drawn from the
table.
"""

import enum
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

import attrs

from protocol.language.joints import without_lead
from protocol.language.languages import primary
from protocol.messages.errors import LocalProtocolError
from protocol.messages.understanding import CommandMatch, ToolOutcome, Undo

AMEND_WITHIN_S: Final = 1.5
"""From the end of a sentence to the beginning of its rest.

Who thinks of a word pauses for up to a second or so. The answer is heard from about half a second on, and who reacts to
it needs half a second more: what begins later is meant as something of its own, unless it says "undo".
"""
FREE_TEXT_WITHIN_S: Final = 1.0  # for the rest of a text, such as a note's, which would take any words in
TYPING_S: Final = 10.0  # typed words are known when they are whole, so the time to type them is added
TAKE_BACK_WITHIN_S: Final = 120.0  # as long as one remembers what "that" was


class DoneState(enum.Enum):
    """What a sentence has done."""

    NOTHING = "nothing done"
    SENT = "a call is under way"
    DONE = "done, may be amended"
    """All outcomes are known. The deadlines are above: first it may be amended, then only taken back."""
    TAKING_BACK = "being taken back"
    LASTING = "done for good"
    """Or not known: what cannot be taken back is not amended either."""


class DoneEvent(enum.Enum):
    """What happens to it."""

    CALL_SENT = "call sent"
    CALL_DONE = "call done"
    CALL_ASKED = "call not made, its tool asks"
    CALL_FAILED = "call failed"
    UNDO_SENT = "undo sent"
    UNDO_DONE = "undo done"
    ALL_UNDONE = "last undo done"
    UNDO_FAILED = "undo failed"


_S, _E = DoneState, DoneEvent

DONE: Final[Mapping[DoneState, Mapping[DoneEvent, DoneState]]] = {
    _S.NOTHING: {_E.CALL_SENT: _S.SENT},
    _S.SENT: {
        _E.CALL_SENT: _S.LASTING,  # what became of the one before was never known
        _E.CALL_DONE: _S.DONE,
        _E.CALL_ASKED: _S.DONE,
        _E.CALL_FAILED: _S.LASTING,
    },
    _S.DONE: {_E.CALL_SENT: _S.SENT, _E.UNDO_SENT: _S.TAKING_BACK},
    _S.TAKING_BACK: {_E.UNDO_DONE: _S.DONE, _E.ALL_UNDONE: _S.NOTHING, _E.UNDO_FAILED: _S.LASTING},
    _S.LASTING: dict.fromkeys((_E.CALL_SENT, _E.CALL_DONE, _E.CALL_ASKED, _E.CALL_FAILED), _S.LASTING),
}


@attrs.frozen
class DoneCall:
    """A call that was made, and how it is taken back."""

    call_id: str
    server: str
    tool: str
    arguments: Mapping[str, Any]
    undo: Undo | None = None
    told: str = ""
    """What the tool answered."""

    def is_call_of(self, match: CommandMatch) -> bool:
        """Return whether a command would make the same call."""
        return (self.server, self.tool, self.arguments) == (match.server, match.tool, match.arguments)


def event_of(outcome: ToolOutcome) -> DoneEvent:
    """Return what the outcome of a call means for its sentence."""
    if not outcome.ok:
        return DoneEvent.CALL_FAILED
    return DoneEvent.CALL_ASKED if outcome.choices else DoneEvent.CALL_DONE


@attrs.frozen
class LastSentence:
    """The last thing that the user wanted, and what was done for it."""

    turn_id: str
    text: str
    """All of it, if it is the rest of the one before."""
    ended_s: float
    """When it ended, by ``trio.current_time()``."""
    state: DoneState = DoneState.NOTHING
    calls: tuple[DoneCall, ...] = ()
    """In order; what was taken back is left out."""
    asked: CommandMatch | None = None
    """The command whose question it has answered."""
    is_cut: bool = False
    """Whether its answer was not heard to the end."""
    goes_on: bool = False
    """Whether it began with the sentence before."""
    before: "LastSentence | None" = None

    @property
    def all_calls(self) -> tuple[DoneCall, ...]:
        """Its calls, and those of the sentence that it goes on with."""
        earlier = self.before.all_calls if self.goes_on and self.before is not None else ()
        return (*earlier, *self.calls)

    @property
    def is_known(self) -> bool:
        """Whether all that was done is known, and can be taken back as far as its tools allow it."""
        is_known = self.state in (DoneState.NOTHING, DoneState.DONE)
        return is_known and (not self.goes_on or self.before is None or self.before.is_known)

    def after(self, event: DoneEvent) -> "LastSentence":
        """Return the sentence after an event; raises ``LocalProtocolError`` for one that cannot happen."""
        state = DONE[self.state].get(event)
        if state is None:
            raise LocalProtocolError(f"sentence {self.turn_id}: {event.name} must not happen while {self.state.name}")
        return attrs.evolve(self, state=state)

    def with_outcome(self, call: DoneCall, event: DoneEvent) -> "LastSentence":
        """Return the sentence after the outcome of a call."""
        calls = (*self.calls, call) if event is DoneEvent.CALL_DONE else self.calls
        return attrs.evolve(self.after(event), calls=calls)

    def without_call(self, call_id: str) -> "LastSentence":
        """Return the sentence without a call that was taken back, whichever sentence of the chain had made it."""
        before = None if self.before is None else self.before.without_call(call_id)
        calls = tuple(call for call in self.calls if call.call_id != call_id)
        return attrs.evolve(self, calls=calls, before=before)

    def may_go_on(self, said_s: float, *, is_typed: bool) -> bool:
        """Return whether words that began, or were typed, at ``said_s`` may be its rest."""
        return said_s - self.ended_s <= AMEND_WITHIN_S + (TYPING_S if is_typed else 0.0)


@attrs.frozen
class Amendment:
    """What the rest of a sentence changes."""

    text: str
    """The whole sentence."""
    undone: tuple[DoneCall, ...] = ()
    """The calls to take back, the last one first."""
    commands: tuple[CommandMatch, ...] = ()
    """The commands to carry out."""


def amendment_of(sentence: LastSentence, text: str, commands: Sequence[CommandMatch]) -> Amendment:
    """Return what is to be done so that ``commands``, the whole sentence ``text``, are in effect once."""
    done = sentence.all_calls
    same = sum(1 for _ in takewhile(lambda pair: pair[0].is_call_of(pair[1]), zip(done, commands, strict=False)))
    return Amendment(text, tuple(reversed(done[same:])), tuple(commands[same:]))


def is_whole_of(sentence: LastSentence, commands: Sequence[CommandMatch], *, takes_text: bool = False) -> bool:
    """Return whether ``commands`` may be the whole of which ``sentence`` was the beginning.

    Free text takes any words in: it is believed where nothing was done before, and, if ``takes_text``, where the same
    tool is called with more of it.
    """
    if not any(match.has_free_text for match in commands):
        return True
    done = sentence.all_calls
    if not done:
        return sentence.state is DoneState.NOTHING
    tools = [[(each.server, each.tool) for each in calls] for calls in (done, commands)]
    return takes_text and tools[0] == tools[1]


def joined(before: str, text: str, language: str) -> Sequence[str]:
    """Return the sentences that ``text`` may make with the one before it, the likeliest first.

    >>> joined("Set a timer for an hour.", "And thirty minutes.", "en")
    ['Set a timer for an hour and thirty minutes.', 'Set a timer for an hour thirty minutes.']
    """
    begun, rest = before.rstrip(" .,;:!?\u2026-"), without_lead(text, language).strip()
    if not begun or not rest:
        return ()
    word = {"en": "and", "de": "und"}.get(primary(language))
    ways = [f"{begun} {rest}", *([f"{begun} {word} {rest}"] if word else [])]
    return ways if without_lead(text, language) == text else ways[::-1]


def to_take_back(sentence: LastSentence | None, said_s: float) -> LastSentence | None:
    """Return the sentence that "undo that" means at ``said_s``: the last that has done what can be taken back.

    One that is not known in full is returned too: nothing before it is meant.
    """
    while sentence is not None and said_s - sentence.ended_s <= TAKE_BACK_WITHIN_S:
        if not sentence.is_known or any(call.undo is not None for call in sentence.all_calls):
            return sentence
        sentence = sentence.before
    return None


def followed_by(before: LastSentence | None, sentence: LastSentence) -> LastSentence:
    """Return ``sentence`` behind the one before it; of older ones only what "undo that" may mean is kept."""
    if before is None:
        return sentence
    first = before
    while first.goes_on and first.before is not None:
        first = first.before
    older = to_take_back(first.before, before.ended_s)
    kept = None if older is None else attrs.evolve(_as_one(older), before=None)
    return attrs.evolve(sentence, before=attrs.evolve(_as_one(before), before=kept))


def _as_one(sentence: LastSentence) -> LastSentence:
    """Return a sentence and the one that it goes on with as one."""
    state = sentence.state if sentence.is_known else DoneState.LASTING
    return attrs.evolve(sentence, state=state, calls=sentence.all_calls, goes_on=False)
