"""The inputs of a conversation that are no messages between actors, and its actions; plain records."""

import attrs

from protocol.messages.events import Outcome, Respond, ServerEvent, Text, ToolOutput
from protocol.messages.hearing import NoWords, Recognition, Utterance, UtteranceEnded, UtterancePaused
from protocol.messages.records import Count
from protocol.messages.session import Announce, Hang, Leave
from protocol.turns.turn import TurnMachine


@attrs.frozen
class PendingTurn:
    """An utterance or a typed text that becomes a turn, or answers a question."""

    turn_id: str
    said: UtteranceEnded | Text | Respond | Announce
    attempt: int = 1
    heard: Recognition | NoWords | None = None
    """What was transcribed of it before its turn."""


# --- inputs ---------------------------------------------------------------------------------------


@attrs.frozen
class Restored:
    """The dialogue has started: what its last incarnation left, if there was one."""

    open_turns: frozenset[str] = frozenset()
    """Turns that the client knows of and that have not been completed."""
    waiting: PendingTurn | None = None
    running: PendingTurn | None = None
    has_begun: bool = False
    """Whether the turn that was running has acted, or has shown a part of its answer."""


@attrs.frozen
class SpeechLasted:
    """Speech has lasted for ``barge_in_ms`` since it began during this turn."""

    turn_id: str


@attrs.frozen
class Weighed:
    """The transcript of speech during a turn, by the turn that it may become; ``None`` if it failed, or was typed."""

    turn_id: str
    heard: Recognition | NoWords | None
    is_barge_in: bool = True
    """Whether it was said into the answer, and not before it."""
    goes_on: bool = False
    """Whether it is the rest of the running turn's sentence."""


@attrs.frozen
class AnswerHeard:
    """The transcript of an answer to a question."""

    turn_id: str
    """Of what was said."""
    call_id: str
    """The question."""
    text: str = ""
    """Empty if there were no words."""
    error: str | None = None
    """Why it could not be transcribed."""


@attrs.frozen
class OnlyHeard:
    """An utterance that is not answered was transcribed, or could not be, and the client was told."""

    turn_id: str


@attrs.frozen
class TurnEnded:
    """A turn has ended, and the client was told."""

    turn_id: str


# --- actions -------------------------------------------------------------------------------------


@attrs.frozen
class ShowEvent:
    """Send this event to the client."""

    event: ServerEvent


@attrs.frozen
class ShowNoSpeech:
    """Tell the client that there were no words, and count it."""

    turn_id: str
    heard: NoWords


@attrs.frozen
class ShowTranscript:
    """Show what was said, where it does not become a turn."""

    turn_id: str
    heard: Recognition
    utterance: Utterance


@attrs.frozen
class ShowLeaving:
    """Tell the client that the server leaves."""

    leave: Leave


@attrs.frozen
class CompleteTurn:
    """Show the end of a turn that did not run."""

    turn_id: str
    outcome: Outcome


@attrs.frozen
class TimeSpeech:
    """Say ``SpeechLasted`` with this turn after ``barge_in_ms``, unless ``StopTiming`` comes first."""

    turn_id: str


@attrs.frozen
class StopTiming:
    """Forget ``TimeSpeech``."""


@attrs.frozen
class TranscribeEarly:
    """Transcribe what was said if that was all."""

    paused: UtterancePaused


@attrs.frozen
class GiveUpEarly:
    """The speech goes on: stop transcribing it early."""


@attrs.frozen
class TranscribePart:
    """Transcribe what was said so far, and show what is certain."""

    turn_id: str
    utterance: Utterance


@attrs.frozen
class EndPartial:
    """The speech has ended: show no more of it in part."""


@attrs.frozen
class WeighWords:
    """Transcribe this unless it was typed, see whether it goes on with the running turn's sentence, say ``Weighed``."""

    pending: PendingTurn
    running_id: str
    """The running turn."""
    is_barge_in: bool = True


@attrs.frozen
class HearAnswer:
    """Transcribe this unless it was typed, and say ``AnswerHeard``."""

    pending: PendingTurn
    call_id: str


@attrs.frozen
class OnlyHear:
    """Transcribe this behind earlier ones, show and keep the words, complete its turn, and say ``OnlyHeard``."""

    pending: PendingTurn


@attrs.frozen
class GiveConsent:
    """Answer the running turn's question."""

    call_id: str
    approve: bool
    stops: bool = False
    """Whether nothing else of the turn shall be done either."""


@attrs.frozen
class GiveOutput:
    """Hand what a tool of the client has returned to the running turn."""

    output: ToolOutput


@attrs.frozen
class StartTurn:
    """Run this in a task, and say ``TurnEnded``."""

    pending: PendingTurn
    turn: TurnMachine


@attrs.frozen
class HoldAnswer:
    """Let the running turn's answer fall silent."""


@attrs.frozen
class ResumeAnswer:
    """Let the running turn's answer go on."""


@attrs.frozen
class CutTurn:
    """End the running turn now."""

    heard_ms: int | None = None
    """How much of the answer's speech was heard; by the clock if ``None``."""
    lets_call_end: bool = False
    """Whether a tool call that was sent comes to its end before."""


@attrs.frozen
class HangUp:
    """Close the socket behind all that was shown."""

    hang: Hang


ShowAction = ShowEvent | ShowNoSpeech | ShowTranscript | ShowLeaving | CompleteTurn | HangUp | Count
HearAction = (
    TimeSpeech
    | StopTiming
    | TranscribeEarly
    | GiveUpEarly
    | TranscribePart
    | EndPartial
    | WeighWords
    | HearAnswer
    | OnlyHear
)
TurnAction = StartTurn | HoldAnswer | ResumeAnswer | CutTurn | GiveConsent | GiveOutput
Action = ShowAction | HearAction | TurnAction
"""What ``ConversationMachine.receive`` returns."""
