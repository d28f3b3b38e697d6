"""Does what a conversation decides, in memory alone: for tests that let anything happen in any order."""

import itertools
from collections import Counter
from collections.abc import Iterator

import attrs

from protocol.messages import events
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
from protocol.messages.session import Announce, Configured, Leave, Presence
from protocol.messages.speaking import SpokenAudio
from protocol.turns import actions
from protocol.turns.conversation import ConversationMachine, Moment
from protocol.turns.occurrence import ConversationMessage
from protocol.turns.rules import ConversationState
from protocol.turns.turn import TRANSITIONS, TurnEvent, TurnMachine, TurnState

UTTERANCE = Utterance(b"", 0, 1_000)
ENDED = UtteranceEnded(UTTERANCE, "silence", 0.0)
OPTIONS = events.ConnectionRequest("tester", ("stt", "llm", "tools", "tts"))
WORDS, HUM, NOISE = Recognition("stop it", "en", 0.9), Recognition("Mhm.", "en", 0.9), NoWords("noise")
SOUND = SpokenAudio(bytes(32_000), 16_000)

FROM_OUTSIDE: dict[str, ConversationMessage] = {
    "speech began": SpeechBegan(0),
    "speech paused": UtterancePaused(UTTERANCE, 16_000),
    "speech grew": UtteranceGrew(UTTERANCE),
    "speech dropped": UtteranceDropped("too_short", 0),
    "utterance ended": ENDED,
    "text": events.Text("what time is it"),
    "interrupt": events.Interrupt(),
    "confirm nothing": events.Confirm("no call", approve=True),
    "output of nothing": events.ToolOutput("no call"),
    "announcement": Announce("Your tea is ready."),
    "options": Configured(OPTIONS),
    "options on request": Configured(attrs.evolve(OPTIONS, answers="on_request")),
    "answer asked for": events.Respond(),
    "nothing open": NothingOpen(0),
    "bye": events.Bye(),
    "leave": Leave("deploy", 60.0, 5.0),
}
ANSWERS = {"yes": "yes", "no": "no", "other words": "tell me a story", "a cough": ""}
WEIGHED: dict[str, Recognition | NoWords | None] = {
    "words": WORDS,
    "hum": HUM,
    "noise": NOISE,
    "silence": None,
    "the rest": WORDS,
}
STEPS = ("understood", "asks", "agreed", "leaves a call", "answered", "speaks", "sent", "turn ends")
WHATEVER = (
    *FROM_OUTSIDE,
    *ANSWERS,
    *WEIGHED,
    *STEPS,
    "timer",
    "confirm",
    "output",
    "only heard",
    "not transcribed",
    "lost",
    "back",
    "crash",
)


@attrs.define(eq=False)
class Driver:
    """One conversation, and everything around it."""

    conversation: ConversationMachine = attrs.field(init=False)
    done: list[actions.Action] = attrs.field(factory=list)
    now_s: float = 0.0
    is_lost: bool = False
    opened: set[str] = attrs.field(factory=set)
    completed: Counter[str] = attrs.field(factory=Counter)
    started: Counter[str] = attrs.field(factory=Counter)
    consents: Counter[str] = attrs.field(factory=Counter)
    outputs: Counter[str] = attrs.field(factory=Counter)
    crashes: int = 0
    timers: list[str] = attrs.field(factory=list)
    weighing: list[actions.WeighWords] = attrs.field(factory=list)
    questions: list[tuple[str, str]] = attrs.field(factory=list)
    only_hearing: list[str] = attrs.field(factory=list)
    turn: TurnMachine | None = None
    _turn_ids: Iterator[int] = attrs.field(factory=itertools.count)
    _call_ids: Iterator[int] = attrs.field(factory=itertools.count)

    def __attrs_post_init__(self) -> None:
        self.conversation = ConversationMachine(self._new_id)

    def _new_id(self) -> str:
        return f"turn {next(self._turn_ids)}"

    # --- telling it ------------------------------------------------------------------------------

    def tell(self, message: ConversationMessage) -> list[actions.Action]:
        """Let it happen, and do what is decided; return that."""
        decided = list(self.conversation.receive(message, Moment(self.now_s, self.is_lost)))
        self.opened |= self.conversation.open_turns
        for action in decided:
            self._perform(action)
        self.done += decided
        return decided

    def happen(self, what: str) -> None:
        """Let one of ``WHATEVER`` happen, if it can happen now."""
        self.now_s += 0.3
        if what in FROM_OUTSIDE:
            self.tell(FROM_OUTSIDE[what])
        elif what in WEIGHED and self.weighing:
            asked = self.weighing.pop(0)
            told = actions.Weighed(asked.pending.turn_id, WEIGHED[what], asked.is_barge_in, goes_on=what == "the rest")
            self.tell(told)
        elif what in (*ANSWERS, "not transcribed") and self.questions:
            turn_id, call_id = self.questions.pop(0)
            error = "no worker" if what == "not transcribed" else None
            self.tell(actions.AnswerHeard(turn_id, call_id, ANSWERS.get(what, ""), error))
        elif what == "only heard" and self.only_hearing:
            turn_id = self.only_hearing.pop(0)
            self.completed[turn_id] += 1
            self.tell(actions.OnlyHeard(turn_id))
        elif what in ("lost", "back"):
            self.is_lost = what == "lost"
            self.tell(Presence(is_there=not self.is_lost))
        elif what == "timer" and self.timers:
            self.tell(actions.SpeechLasted(self.timers.pop(0)))
        elif what == "crash":
            self.crash()
        elif self.turn is not None:
            self._go_on(self.turn, what)

    def _go_on(self, turn: TurnMachine, what: str) -> None:
        """Let the running turn take a step."""
        steps = {"understood": TurnEvent.UNDERSTOOD, "agreed": TurnEvent.CONFIRMED, "answered": TurnEvent.ANSWERED}
        if what in steps and steps[what] in TRANSITIONS[turn.state]:
            turn.advance(steps[what])
        elif what == "asks" and TurnEvent.CONFIRMATION_ASKED in TRANSITIONS[turn.state]:
            turn.ask(f"call {next(self._call_ids)}")
        elif what == "confirm" and turn.question is not None:
            self.tell(events.Confirm(turn.question, approve=True))
        elif what == "leaves a call":
            turn.await_output(f"call {next(self._call_ids)}")
        elif what == "output" and turn.client_call is not None:
            self.tell(events.ToolOutput(turn.client_call))
        elif what == "speaks" and turn.state is not TurnState.CUT and not turn.playback.is_held:
            self._speak(turn)
        elif what == "sent" and turn.playback.is_drained:
            turn.playback.finish()
        elif what == "turn ends":
            self.end_turn(turn)

    def _speak(self, turn: TurnMachine) -> None:
        """Send a second of the answer."""
        assert not self.is_lost, "nothing is said to a client that is lost"
        playback = turn.playback
        playback.add("One.", SOUND)
        if playback.state.name in ("SILENT", "SPEAKING"):
            playback.start()
            playback.begin(self.now_s)
            playback.sent_s += 1.0

    def end_turn(self, turn: TurnMachine) -> None:
        """Let the running turn end as in the dialogue: first the event to the client, then the conversation's input."""
        turn.finish()
        self.completed[turn.turn_id] += 1
        self.turn = None
        self.tell(actions.TurnEnded(turn.turn_id))

    def crash(self) -> None:
        """Let the next incarnation take up what the session remembers."""
        was = self.conversation
        self.crashes += 1
        self.timers, self.weighing, self.questions, self.only_hearing, self.turn = [], [], [], [], None
        is_open = was.state(self.now_s) is not ConversationState.CLOSED
        self.conversation = ConversationMachine(
            self._new_id, is_open=is_open, is_on_request=was.is_on_request and is_open
        )
        self.tell(actions.Restored(was.open_turns, was.waiting, was.running, has_begun=self.crashes % 2 == 0))

    # --- doing what it decides -------------------------------------------------------------------

    def _perform(self, action: actions.Action) -> None:
        match action:
            case actions.CompleteTurn(turn_id):
                self.completed[turn_id] += 1
            case actions.StartTurn(pending, turn):
                assert self.turn is None, "one turn at a time"
                self.turn = turn
                self.started[pending.turn_id] += 1
            case actions.HoldAnswer() | actions.ResumeAnswer() | actions.CutTurn():
                assert self.turn is not None, "there is an answer"
                self._steer(action, self.turn)
            case actions.GiveConsent() | actions.GiveOutput():
                self._answer(action)
            case actions.TimeSpeech(turn_id):
                self.timers.append(turn_id)
            case actions.StopTiming():
                self.timers.clear()
            case actions.WeighWords():
                self.weighing.append(action)
            case actions.HearAnswer(pending, call_id):
                self.questions.append((pending.turn_id, call_id))
            case actions.OnlyHear(pending):
                self.only_hearing.append(pending.turn_id)

    def _answer(self, action: actions.GiveConsent | actions.GiveOutput) -> None:
        match action:
            case actions.GiveConsent(call_id):
                self.consents[call_id] += 1
            case actions.GiveOutput(output):
                self.outputs[output.call_id] += 1

    def _steer(self, action: actions.HoldAnswer | actions.ResumeAnswer | actions.CutTurn, turn: TurnMachine) -> None:
        match action:
            case actions.HoldAnswer():
                turn.playback.hold(self.now_s)
            case actions.ResumeAnswer():
                turn.playback.resume(self.now_s)
            case actions.CutTurn():
                turn.playback.cut(self.now_s)

    def come_to_rest(self) -> None:
        """Let everything that is under way end."""
        for what in ("back", "options", "speech dropped", "announcement"):
            self.happen(what)
        while self.weighing or self.questions or self.only_hearing or self.turn is not None:
            for what in ("noise", "a cough", "only heard", "turn ends"):
                self.happen(what)
