"""Maps a message to an event of the table ``CONVERSATION``, by the running turn and the waiting ones; pure.

What a message is may depend on what came before it: speech that began twice, words of a turn that waits no more, a
confirmation of no question. What then follows is decided by the table alone.
"""

from collections.abc import Callable
from typing import Final

import attrs

from protocol.audio.transcripts import is_backchannel
from protocol.messages import events
from protocol.messages.errors import CloseCode
from protocol.messages.hearing import (
    NothingOpen,
    NoWords,
    Recognition,
    SpeechBegan,
    Utterance,
    UtteranceDropped,
    UtteranceEnded,
    UtteranceGrew,
    UtterancePaused,
)
from protocol.messages.records import Count
from protocol.messages.session import Announce, Configured, Hang, Leave, Presence
from protocol.turns.actions import (
    Action,
    AnswerHeard,
    CutTurn,
    GiveConsent,
    GiveOutput,
    OnlyHeard,
    PendingTurn,
    Restored,
    ShowEvent,
    ShowLeaving,
    ShowNoSpeech,
    ShowTranscript,
    SpeechLasted,
    TranscribeEarly,
    TranscribePart,
    TurnEnded,
    Weighed,
)
from protocol.turns.last_sentence import AMEND_WITHIN_S
from protocol.turns.rules import ConversationEvent
from protocol.turns.tools import consent_of, stops_all

HeardMessage = SpeechBegan | UtterancePaused | UtteranceGrew | UtteranceDropped | UtteranceEnded | NothingOpen
ClientMessage = events.Text | events.Respond | events.Interrupt | events.Confirm | events.ToolOutput | Presence
TurnMessage = SpeechLasted | Weighed | AnswerHeard | OnlyHeard | TurnEnded
SessionMessage = Restored | Configured | Announce | events.Bye | Leave
ConversationMessage = HeardMessage | ClientMessage | TurnMessage | SessionMessage
"""What ``ConversationMachine.receive`` takes."""

SHOWN_CHARS: Final = 40  # of what a client sent, in an error message

_E = ConversationEvent


@attrs.frozen
class Standing:
    """The state by which a message is interpreted."""

    hearing: str | None = None
    """The turn that the speech going on now has opened."""
    waiting: PendingTurn | None = None
    running: PendingTurn | None = None
    """The input of the turn that runs."""
    question: str | None = None
    """The call that it wants consent for."""
    client_call: str | None = None
    """The call that it has left to the client."""
    is_on_request: bool = False
    """Whether speech is answered on request only."""


@attrs.frozen
class Occurrence:
    """A message that has been understood: the row of the table, and what its steps need."""

    event: ConversationEvent
    actions: tuple[Action, ...] = ()
    """What ``Step.TELL`` hands out."""
    turn_id: str = ""
    """The turn that the message is about."""
    pending: PendingTurn | None = None
    """What may be queued."""
    cut: CutTurn = attrs.field(factory=CutTurn)
    consent: GiveConsent | None = None
    output: GiveOutput | None = None
    announcement: Announce | None = None
    farewell: Hang | None = None
    restored: Restored | None = None


def occurrence_of(message: ConversationMessage, standing: Standing, new_id: Callable[[], str]) -> Occurrence:
    """Return the occurrence of ``message``; ``new_id`` names the turn that begins with it."""
    match message:
        case SpeechBegan() | UtterancePaused() | UtteranceEnded():
            return _of_speech(message, standing, new_id)
        case UtteranceGrew() | UtteranceDropped() | NothingOpen():
            return _of_known_speech(message, standing.hearing)
        case events.Confirm() | events.ToolOutput():
            return _of_call(message, standing)
        case events.Text() | events.Respond() | events.Interrupt() | Presence():
            return _of_client(message, new_id)
        case Weighed() | AnswerHeard() | SpeechLasted():
            return _of_turn(message, standing)
        case _:
            return _of_session(message, standing.hearing)


def _of_speech(
    message: SpeechBegan | UtterancePaused | UtteranceEnded, standing: Standing, new_id: Callable[[], str]
) -> Occurrence:
    hearing = standing.hearing
    match message:
        case SpeechBegan() if hearing is not None:
            return Occurrence(_E.SPEECH_REPEATED)
        case SpeechBegan(at_ms):
            turn_id = new_id()
            return Occurrence(_E.SPEECH_BEGAN, (ShowEvent(events.SpeechStarted(turn_id, at_ms)),), turn_id)
        case UtterancePaused():
            return Occurrence(_E.SPEECH_PAUSED, (TranscribeEarly(message),))
        case UtteranceEnded(utterance, reason):
            turn_id = hearing or new_id()
            shown = ShowEvent(events.SpeechStopped(turn_id, utterance.end_ms, reason))
            event = _E.UTTERANCE_FOLLOWS if _follows(utterance, standing.running) else _E.UTTERANCE_ENDED
            event = _E.UTTERANCE_KEPT if standing.is_on_request else event
            return Occurrence(event, (shown,), turn_id, PendingTurn(turn_id, message))


def _follows(utterance: Utterance, running: PendingTurn | None) -> bool:
    """Return whether speech began so soon after the running turn's that it may be the rest of its sentence."""
    if running is None or not isinstance(running.said, UtteranceEnded):
        return False
    return 0 <= utterance.start_ms - running.said.utterance.end_ms <= AMEND_WITHIN_S * 1000


def _of_known_speech(message: UtteranceGrew | UtteranceDropped | NothingOpen, hearing: str | None) -> Occurrence:
    if isinstance(message, NothingOpen):
        return Occurrence(_E.NOTHING_OPEN, (ShowEvent(events.NothingCommitted(message.at_ms)),))
    if hearing is None:
        return Occurrence(_E.SPEECH_UNKNOWN)
    if isinstance(message, UtteranceGrew):
        return Occurrence(_E.SPEECH_GREW, (TranscribePart(hearing, message.utterance),))
    return Occurrence(_E.SPEECH_DROPPED, (ShowNoSpeech(hearing, NoWords(message.reason)),), hearing)


def _of_client(
    message: events.Text | events.Respond | events.Interrupt | Presence, new_id: Callable[[], str]
) -> Occurrence:
    match message:
        case events.Text() | events.Respond():
            turn_id = new_id()
            event = _E.TEXT_TYPED if isinstance(message, events.Text) else _E.ANSWER_WANTED
            return Occurrence(event, turn_id=turn_id, pending=PendingTurn(turn_id, message))
        case events.Interrupt(heard_ms):
            return Occurrence(_E.INTERRUPTED, cut=CutTurn(heard_ms))
        case Presence(is_there=True):
            return Occurrence(_E.CLIENT_BACK, (Count("resumed_total"),))
        case Presence():
            return Occurrence(_E.CLIENT_LOST)


def _of_call(message: events.Confirm | events.ToolOutput, standing: Standing) -> Occurrence:
    """Return whether the running turn waits for what the client says about a call."""
    match message:
        case events.Confirm(call_id, approve) if call_id == standing.question:
            return Occurrence(_E.CONFIRMED, consent=GiveConsent(call_id, approve))
        case events.Confirm(call_id):
            error = events.Error("unexpected_event", f"no confirmation is open for call {call_id!r}")
            return Occurrence(_E.CONFIRMED_NOTHING, (ShowEvent(error),))
        case events.ToolOutput(call_id) if call_id == standing.client_call:
            return Occurrence(_E.OUTPUT_GIVEN, output=GiveOutput(message))
        case events.ToolOutput(call_id):
            error = events.Error("unexpected_event", f"no call {call_id[:SHOWN_CHARS]!r} waits for its output")
            return Occurrence(_E.OUTPUT_UNWANTED, (ShowEvent(error),))


def _of_turn(message: Weighed | AnswerHeard | SpeechLasted, standing: Standing) -> Occurrence:
    match message:
        case Weighed():
            return _of_weighed(message, standing.waiting)
        case AnswerHeard():
            return _of_answer(message)
        case SpeechLasted(turn_id):
            is_running = standing.running is not None and turn_id == standing.running.turn_id
            return Occurrence(_E.SPEECH_LASTED if is_running else _E.OUTDATED)


def _of_weighed(message: Weighed, waiting: PendingTurn | None) -> Occurrence:
    """Return whether speech during an answer had words."""
    turn_id, heard = message.turn_id, message.heard
    if waiting is None or waiting.turn_id != turn_id:  # the answer was cut by hand, or more was said meanwhile
        return Occurrence(_E.OUTDATED)
    if isinstance(heard, NoWords):
        return Occurrence(_E.BARGE_IN_NOTHING, (ShowNoSpeech(turn_id, heard),), turn_id)
    if (
        message.is_barge_in
        and isinstance(heard, Recognition)
        and isinstance(waiting.said, UtteranceEnded)
        and is_backchannel(heard.text)
    ):
        return Occurrence(_E.BARGE_IN_NOTHING, (ShowTranscript(turn_id, heard, waiting.said.utterance),), turn_id)
    event = _E.BARGE_IN_WORDS if message.is_barge_in else _E.NOT_THE_REST
    event = _E.GOES_ON if message.goes_on else event
    return Occurrence(event, turn_id=turn_id, pending=attrs.evolve(waiting, heard=heard))


def _of_answer(message: AnswerHeard) -> Occurrence:
    """Return whether the answer to a question is a yes or a no."""
    turn_id = message.turn_id
    if message.error is not None:
        error = events.Error("turn_failed", message.error, turn_id=turn_id)
        return Occurrence(_E.ANSWER_FAILED, (ShowEvent(error),), turn_id)
    if not message.text:
        return Occurrence(_E.ANSWER_EMPTY, turn_id=turn_id)
    agreed = consent_of(message.text)
    consent = GiveConsent(message.call_id, agreed is True, agreed is False and stops_all(message.text))
    if agreed is not None:
        return Occurrence(_E.ANSWER_CLEAR, turn_id=turn_id, consent=consent)
    pending = PendingTurn(turn_id, events.Text(message.text))
    return Occurrence(_E.ANSWER_OTHER, turn_id=turn_id, pending=pending, consent=consent)


def _of_session(message: SessionMessage | OnlyHeard | TurnEnded, hearing: str | None) -> Occurrence:
    match message:
        case Restored():
            return Occurrence(_E.RESTORED, restored=message)
        case Configured():
            return Occurrence(_E.OPTIONS_GIVEN)
        case OnlyHeard(turn_id) | TurnEnded(turn_id):
            event = _E.TURN_ENDED if isinstance(message, TurnEnded) else _E.ONLY_HEARD
            return Occurrence(event, turn_id=turn_id)
        case Announce():
            return Occurrence(_E.ANNOUNCED, announcement=message)
        case events.Bye():
            event = _E.BYE if hearing is None else _E.BYE_IN_SPEECH
            return Occurrence(event, turn_id=hearing or "", farewell=Hang(CloseCode.NORMAL, "bye"))
        case Leave(reason):
            return Occurrence(_E.LEAVING, (ShowLeaving(message),), farewell=Hang(CloseCode.SERVICE_RESTART, reason))
