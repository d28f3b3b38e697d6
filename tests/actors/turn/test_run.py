from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.turn.run import Turn
from protocol.language import phrases
from protocol.messages import events
from protocol.messages.hearing import NoWords, Recognition, Transcribe, UtteranceEnded
from protocol.messages.identity import LOCAL_USER
from protocol.messages.records import Count, TurnRecord
from protocol.messages.session import Announce, DropAudio
from protocol.messages.speaking import Synthesise
from protocol.messages.understanding import (
    AnnouncementTold,
    CallTool,
    CommandMatch,
    CommandSamples,
    Generate,
    ListTools,
    NoModel,
    ToolList,
)
from protocol.turns.actions import GiveConsent, PendingTurn
from protocol.turns.turn import TurnMachine, TurnState
from runtime import DomainError
from tests.actors.dialogue_fixtures import ALL, SESSION_ID, Room, after, outcome_of, says, spec_of, speech_of, spoken
from tests.fakes import FakeGrammar, Grow, command, event_names


class Down(DomainError):
    """The error of a model that is down."""


@attrs.define(eq=False)
class Stage:
    """Turns of one room, without a dialogue around them."""

    room: Room = attrs.field(factory=Room)
    machine: TurnMachine = attrs.field(factory=lambda: TurnMachine("t"))

    async def open(self, grow: Grow) -> None:
        """Start the actors."""
        self.room.tools.answers.setdefault(ListTools, ToolList())
        await self.room.open(grow)

    def turn(self, said: UtteranceEnded | events.Text | Announce, capabilities: tuple[Any, ...] = ALL) -> Turn:
        """Make a turn."""
        self.machine.begin(said)
        pending = PendingTurn("t", said)
        return Turn(pending, self.machine, self.room.turn_context(), self.room.options(capabilities))

    async def end(self) -> TurnRecord:
        """Return how the one turn ended, as client, history and metrics were told alike."""
        await wait_all_tasks_blocked()
        [record] = self.room.history.of(TurnRecord)
        assert self.room.metrics.of(TurnRecord) == [record]
        [completed] = self.room.connection.events(events.TurnCompleted)
        assert self.room.connection.events()[-1] is completed
        assert completed.outcome == record.outcome
        told_ms = attrs.asdict(completed.latency_ms, filter=lambda _, value: value is not None)
        assert told_ms == record.latency_ms
        return record


async def test_a_command_goes_before_the_model(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage(Room(grammar=FakeGrammar(command("set a timer", minutes=5))))
    stage.room.tools.answers[CallTool] = outcome_of("Timer set.")
    await stage.open(grow)
    await stage.turn(events.Text("set a timer")).run()
    record = await stage.end()
    done = "done", "command", record.latency_ms, "en", 1.0
    assert record == TurnRecord(SESSION_ID, "t", LOCAL_USER, 1_000_000.0, "set a timer", "Timer set.", *done)
    assert stage.room.inference.seen == []
    assert stage.room.connection.events(events.Understood) == [
        events.Understood("t", "command", 1.0, "set_timer", {"minutes": 5})
    ]
    assert stage.machine.state is TurnState.OVER


@pytest.mark.parametrize("said", [events.Text("set a timer"), spoken(last_voice_s=0.0)])
async def test_a_client_that_had_too_many_turns_is_told_when_to_go_on(
    said: UtteranceEnded | events.Text, grow: Grow, autojump_clock: MockClock
) -> None:
    stage = Stage(Room(grammar=FakeGrammar(command("set a timer")), limited_s=0.5995))
    await stage.open(grow)
    await stage.turn(said).run()
    record = await stage.end()
    assert (record.outcome, record.heard, record.replied) == ("refused", "", "")
    (error,) = stage.room.connection.events(events.Error)
    assert (error.code, error.turn_id, error.retry_after_ms, error.fatal) == ("rate_limited", "t", 600, False)
    assert error.message == "too many requests: try again in 0.6 s"
    assert (stage.room.transcription.of(Transcribe), stage.room.tools.of(CallTool)) == ([], [])
    assert Count("refusals_total", ("rate",)) in stage.room.metrics.seen
    assert stage.machine.state is TurnState.OVER


async def test_an_announcement_is_no_request_of_the_client(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage(Room(limited_s=60.0))
    await stage.open(grow)
    await stage.turn(Announce("The timer is over.")).run()
    assert (await stage.end()).outcome == "done"


async def test_help_is_a_turn_of_its_own_that_tells_what_can_be_said(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage(Room())
    stage.room.grammar.told = (CommandSamples("en", "Light", "home", "turn_on", ("turn on the light",)),)
    await stage.open(grow)
    await stage.turn(events.Text("What can I say?")).run()
    record = await stage.end()
    assert (record.outcome, record.source) == ("done", "command")
    assert record.replied == 'You can say, for example: "turn on the light".'
    assert stage.room.connection.events(events.Understood) == [events.Understood("t", "command", 1.0)]
    assert (stage.room.inference.seen, stage.room.tools.of(CallTool)) == ([], [])


async def test_a_command_of_the_users_own_goes_before_help(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage(Room(grammar=FakeGrammar(command("help"))))
    stage.room.grammar.told = (CommandSamples("en", "Light", "home", "turn_on", ("turn on the light",)),)
    stage.room.tools.answers[CallTool] = outcome_of("Help is on its way.")
    await stage.open(grow)
    await stage.turn(events.Text("help")).run()
    assert (await stage.end()).replied == "Help is on its way."


async def test_a_command_is_found_among_the_other_hypotheses(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage(Room(grammar=FakeGrammar(command("set a timer"))))
    stage.room.transcription.answers[Transcribe] = Recognition("set a tamer", "en", 0.9, ("set a timer",))
    stage.room.tools.answers[CallTool] = outcome_of("Timer set.")
    await stage.open(grow)
    await stage.turn(spoken()).run()
    assert (await stage.end()).source == "command"


@pytest.mark.parametrize(
    ("confidence", "destructive", "is_asked"), [(1.0, True, False), (0.9, False, False), (0.9, True, True)]
)
async def test_a_command_matched_by_its_sound_asks_before_it_destroys_something(
    grow: Grow, autojump_clock: MockClock, *, confidence: float, destructive: bool, is_asked: bool
) -> None:
    matched = CommandMatch("Intent", "house", "delete_note", {}, confidence, "delete my last note")
    stage = Stage(Room(grammar=FakeGrammar({"delete my last vote": matched})))
    spec = spec_of("delete_note", read_only=False, destructive=destructive)
    stage.room.tools.answers |= {ListTools: ToolList((spec,)), CallTool: outcome_of("Deleted.")}
    await stage.open(grow)
    await stage.turn(events.Text("delete my last vote")).run()
    record = await stage.end()
    assert len(stage.room.connection.events(events.ConfirmRequest)) == is_asked
    assert len(stage.room.tools.of(CallTool)) == (not is_asked)
    assert record.outcome == ("refused" if is_asked else "done")


async def test_a_command_that_fails_is_said_with_its_reason(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage(Room(grammar=FakeGrammar(command("set a timer"))))
    stage.room.tools.answers[CallTool] = outcome_of("", ok=False, error="Too long.")
    await stage.open(grow)
    await stage.turn(events.Text("set a timer")).run()
    record = await stage.end()
    assert (record.outcome, record.replied) == ("failed", "Sorry, that did not work. Too long.")


async def test_without_tools_the_grammar_is_not_asked(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage(Room(grammar=FakeGrammar(command("set a timer"))))
    stage.room.inference.answers[Generate] = says("I have no timer.")
    await stage.open(grow)
    await stage.turn(events.Text("set a timer"), ("llm",)).run()
    assert (await stage.end()).source == "model"
    assert stage.room.tools.seen == []


async def test_without_a_model_what_is_no_command_is_not_understood(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    await stage.open(grow)
    await stage.turn(events.Text("what is love"), ("stt", "tools")).run()
    record = await stage.end()
    assert (record.outcome, record.source) == ("refused", None)
    assert record.replied == f"{phrases.NOT_UNDERSTOOD} You can say, for example: what time is it."


async def test_an_action_for_which_there_is_no_model_is_named_or_not_understood(
    grow: Grow, autojump_clock: MockClock
) -> None:
    stage = Stage()
    stage.room.inference.answers[Generate] = NoModel()
    await stage.open(grow)
    await stage.turn(events.Text("order a pizza")).run()
    record = await stage.end()
    assert (record.outcome, record.replied, record.source) == ("refused", phrases.CANNOT_ORDER, None)
    assert stage.room.connection.events(events.Understood) == []


async def test_a_model_that_claims_an_action_is_contradicted(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.inference.answers[Generate] = says("Your alarm is set.")
    await stage.open(grow)
    await stage.turn(events.Text("set an alarm for 7 am")).run()
    record = await stage.end()
    assert (record.outcome, record.replied) == ("refused", phrases.NOT_REALLY_DONE)
    assert "alarm" not in str([message.text for message in stage.room.speech.of(Synthesise)])


async def test_an_announcement_is_said_and_is_no_part_of_the_conversation(
    grow: Grow, autojump_clock: MockClock
) -> None:
    stage = Stage()
    await stage.open(grow)
    await stage.turn(Announce("Your tea is ready.")).run()
    record = await stage.end()
    assert (record.heard, record.replied, record.outcome) == ("", "Your tea is ready.", "done")
    assert stage.room.memory.turns.recent_turns(5) == ()
    assert [message.text for message in stage.room.speech.of(Synthesise)] == ["Your tea is ready."]


@pytest.mark.parametrize("is_lost", [False, True])
async def test_that_an_announcement_was_said_is_told_unless_the_client_is_lost(
    grow: Grow, autojump_clock: MockClock, is_lost: bool
) -> None:
    stage, told = Stage(), AnnouncementTold("sayso-tools", (7,))
    await stage.open(grow)
    stage.room.memory.client.is_lost = is_lost
    await stage.turn(Announce("Your tea is ready.", told)).run()
    await wait_all_tasks_blocked()
    assert stage.room.tools.of(AnnouncementTold) == ([] if is_lost else [told])


async def test_no_words_are_no_turn_to_remember(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.transcription.answers[Transcribe] = NoWords("noise")
    await stage.open(grow)
    await stage.turn(spoken()).run()
    assert (await stage.end()).outcome == "no_speech"
    assert event_names(stage.room.connection.events()) == ["NoSpeech", "TurnCompleted"]


async def test_a_transcription_that_cannot_be_had_is_apologised_for(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.transcription.answers[Transcribe] = Down("64 utterances are waiting")
    await stage.open(grow)
    await stage.turn(spoken()).run()
    record = await stage.end()
    assert (record.outcome, record.replied) == ("failed", phrases.FAILED)
    error = events.Error("turn_failed", "64 utterances are waiting", turn_id="t")
    assert stage.room.connection.events(events.Error) == [error]


async def test_a_model_that_cannot_answer_is_apologised_for(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.inference.answers[Generate] = Down("no language model is available")
    await stage.open(grow)
    await stage.turn(events.Text("hello")).run()
    record = await stage.end()
    assert (record.outcome, record.replied) == ("failed", phrases.NO_MODEL)
    assert [error.code for error in stage.room.connection.events(events.Error)] == ["model_unavailable"]


async def test_a_model_that_says_nothing_is_apologised_for(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.inference.answers[Generate] = says("")
    await stage.open(grow)
    await stage.turn(events.Text("hello")).run()
    assert (await stage.end()).replied == phrases.NO_MODEL


@pytest.mark.parametrize("slow", ["transcription", "model", "tool"])
async def test_past_its_deadline_the_user_hears_so(grow: Grow, autojump_clock: MockClock, slow: str) -> None:
    stage = Stage(Room(grammar=FakeGrammar(command("set a timer"))))
    words = "set a timer" if slow == "tool" else "hello"
    seconds = {name: 60.0 if name == slow else 6.0 for name in ("transcription", "model", "tool")}
    stage.room.transcription.answers[Transcribe] = after(seconds["transcription"], Recognition(words, "en", 0.9))
    stage.room.inference.answers[Generate] = says("Hi.", before_s=seconds["model"])
    stage.room.tools.answers[CallTool] = after(seconds["tool"], outcome_of())
    await stage.open(grow)
    stage.room.memory.turns.open_turns.clear()
    await stage.turn(spoken(), ("stt", "llm", "tools")).run()
    record = await stage.end()
    assert (record.outcome, record.replied) == ("failed", phrases.TOO_SLOW)
    assert trio.current_time() == pytest.approx(15.0)


async def test_a_long_answer_may_be_spoken_beyond_the_deadline(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.speech.answers[Synthesise] = speech_of(40.0)
    stage.room.inference.answers[Generate] = says("A long story.")
    await stage.open(grow)
    await stage.turn(events.Text("tell me a story")).run()
    assert (await stage.end()).outcome == "done"
    assert stage.room.connection.of(DropAudio) == []
    assert trio.current_time() == pytest.approx(40.0, abs=0.2)  # until it is heard, not only sent


async def test_a_short_answer_can_be_interrupted_although_all_of_it_was_sent(
    grow: Grow, autojump_clock: MockClock
) -> None:
    stage = Stage()
    stage.room.speech.answers[Synthesise] = speech_of(1.5)
    stage.room.inference.answers[Generate] = says("A short story.")
    await stage.open(grow)
    turn = stage.turn(events.Text("tell me a story"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turn.run)
        await stage.room.connection.wait_for_event(events.SpeechAudioEnd)
        await trio.sleep(0.3)
        assert stage.machine.playback.is_audible(trio.current_time())
        turn.interrupt()
    completed = await stage.end()
    assert completed.outcome == "interrupted"
    assert stage.room.connection.of(DropAudio) == [DropAudio()]
    assert completed.latency_ms["total"] == pytest.approx(300, abs=20)


async def test_the_time_to_think_about_a_question_is_not_the_turn_s(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage(Room(grammar=FakeGrammar(command("open the gate", tool="open_gate"))))
    stage.room.transcription.answers[Transcribe] = Recognition("open the gate", "en", 0.1)
    stage.room.tools.answers[CallTool] = outcome_of("Open.")
    await stage.open(grow)
    turn = stage.turn(spoken(), ("stt", "tools"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turn.run)
        await stage.room.connection.wait_for_event(events.ConfirmRequest)
        assert stage.machine.question == "id1"
        await trio.sleep(18.0)
        turn.answer(GiveConsent("id1", approve=True))
    assert (await stage.end()).outcome == "done"
    assert stage.machine.question is None, "nothing is open any more"


async def test_every_stage_is_measured_from_the_last_voice(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.transcription.answers[Transcribe] = after(1.0, Recognition("hello", "en", 0.9, queue_s=0.25))
    stage.room.inference.answers[Generate] = says("Hi.", before_s=0.5)
    stage.room.speech.answers[Synthesise] = after(0.125, speech_of(1.0))
    await stage.open(grow)
    await trio.sleep(1.0)
    await stage.turn(spoken(last_voice_s=0.5)).run()
    assert (await stage.end()).latency_ms == {
        "endpoint": 500.0,
        "queue": 250.0,
        "stt": 750.0,
        "understand": 0.0,
        "first_token": 500.0,
        "first_audio": 2_125.0,
        "total": 2_125.0,
    }


async def test_a_tool_s_time_is_measured(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage(Room(grammar=FakeGrammar(command("set a timer"))))
    stage.room.tools.answers[CallTool] = outcome_of()
    await stage.open(grow)
    await stage.turn(events.Text("set a timer")).run()
    assert (await stage.end()).latency_ms["tool"] == 50.0


async def test_an_interrupt_before_the_answer_leaves_it_unsaid(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage()
    stage.room.inference.answers[Generate] = says("Hi.", before_s=5.0)
    await stage.open(grow)
    turn = stage.turn(events.Text("hello"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turn.run)
        await trio.sleep(1.0)
        assert not stage.machine.playback.is_audible(trio.current_time())
        turn.interrupt()
    record = await stage.end()
    assert (record.outcome, record.replied) == ("interrupted", "")
    assert stage.room.memory.turns.recent_turns(5) == (("hello", ""),)


async def test_a_crash_inside_is_not_hidden(grow: Grow, autojump_clock: MockClock) -> None:
    broken: Any = {"oops": CommandMatch("Intent", "house", "tool", {}, 1.0, "oops")}
    stage = Stage(Room(grammar=FakeGrammar(broken)))
    stage.room.tools.answers[CallTool] = "no outcome at all"
    await stage.open(grow)
    with pytest.raises(ExceptionGroup) as caught:
        await stage.turn(events.Text("oops")).run()
    assert caught.group_contains(AttributeError, match="'str' object")
    assert stage.room.connection.events(events.TurnCompleted) == [], "that is the dialogue's business after a crash"


async def test_a_german_client_is_answered_in_german_by_tools_and_by_the_server(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = Room(grammar=FakeGrammar(command("stell einen timer")))
    room.tools.answers |= {ListTools: ToolList(), CallTool: outcome_of("", ok=False, error="Es gibt schon 100 Timer.")}
    await room.open(grow, capabilities=("tools",), language="de")
    await room.type("stell einen timer")
    await room.type("was ist liebe")
    await room.completed(2)
    assert [call.language for call in room.tools.of(CallTool)] == ["de"]
    assert [text for text, _ in room.replies()] == [
        "Entschuldigung, das hat nicht geklappt. Es gibt schon 100 Timer.",
        "Entschuldigung, das habe ich nicht verstanden. Du kannst zum Beispiel sagen: wie spät ist es.",
    ]
