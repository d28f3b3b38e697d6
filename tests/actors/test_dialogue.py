from typing import Any

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.dialogue import DialogueStatistics
from protocol.messages import events
from protocol.messages.hearing import NoWords, Recognition, Transcribe
from protocol.messages.records import Count, TurnRecord
from protocol.messages.session import Announce, Configured, Hang, Presence
from protocol.messages.speaking import Synthesise
from protocol.messages.understanding import CallTool, CommandSamples, Generate, ListTools, ModelToolCall, ToolList
from tests.actors.dialogue_fixtures import SESSION_ID, Room, after, outcome_of, says, speech_of, spoken
from tests.fakes import Grow, command, event_names


class Bug(Exception):
    """Crashes its handler."""


class BrokenGrammar:
    """Raises a given number of times, then matches nothing."""

    def __init__(self, times: int) -> None:
        self.times = times

    def match(self, hypotheses: Any, language: str) -> None:
        if self.times:
            self.times -= 1
            raise Bug("the grammar breaks, as told")

    def vocabulary(self, language: str) -> tuple[str, ...]:
        return ()

    def samples(self) -> tuple[CommandSamples, ...]:
        return ()

    def automaton(self, language: str) -> None:
        return None


async def test_a_spoken_command_is_heard_done_and_answered(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.grammar.commands = command("set a timer", minutes=5)
    room.transcription.answers[Transcribe] = Recognition("set a timer", "en", 0.9)
    room.tools.answers[CallTool] = outcome_of("Timer set.")
    await room.open(grow)
    await room.begin_to_speak(at_ms=320)
    await room.end_speech()
    assert await room.completed() == [("id1", "done")]
    assert event_names(room.connection.events()) == [
        "SpeechStarted",
        "SpeechStopped",
        "Transcript",
        "Understood",
        "ToolCall",
        "ToolResult",
        "Reply",
        "SpeechAudioStart",
        "SpeechAudioEnd",
        "TurnCompleted",
    ]
    assert room.replies() == [("Timer set.", False)]
    [call] = room.tools.of(CallTool)
    assert (call.session_id, call.tool, call.arguments) == (SESSION_ID, "set_timer", {"minutes": 5})
    assert room.history.of(TurnRecord) == room.metrics.of(TurnRecord)
    room.assert_each_turn_was_completed_once()


async def test_words_are_answered_by_the_model_in_the_client_s_language(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = Recognition("wie geht es dir", "de", 0.9)
    room.tools.answers[ListTools] = ToolList()
    room.inference.answers[Generate] = says("Gut. ", "Und dir?")
    await room.open(grow, language="de")
    await room.dialogue.tell(spoken())
    assert await room.completed() == [("id1", "done")]
    assert room.replies() == [("Gut. Und dir?", False)]
    assert room.transcription.of(Transcribe)[0].language == "de"
    assert [message.text for message in room.speech.of(Synthesise)] == ["Gut.", "Und dir?"]


async def test_nothing_runs_before_the_handshake(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Hi.")
    await room.open(grow, has_made_handshake=False)
    await room.type("hello")
    assert room.connection.events() == []
    await room.configure(capabilities=("llm",))
    await room.type("again")
    assert await room.completed(2) == [("id1", "interrupted"), ("id2", "done")]


# --- one turn at a time --------------------------------------------------------------------------


async def test_a_second_utterance_waits_and_a_third_replaces_it(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = after(3.0, Recognition("hello", "en", 0.9))
    room.inference.answers[Generate] = says("Hi.")
    await room.open(grow, capabilities=("stt", "llm"))
    for at_ms in (0, 1_000, 2_000):
        await room.begin_to_speak(at_ms)
        await room.end_speech()
    assert len(room.transcription.of(Transcribe)) == 1, "one turn at a time"
    assert await room.completed(1) == [("id2", "interrupted")]
    assert await room.completed(3) == [("id2", "interrupted"), ("id1", "done"), ("id3", "done")]
    assert len(room.transcription.of(Transcribe)) == 2
    room.assert_each_turn_was_completed_once()


async def test_what_is_typed_while_a_turn_is_being_worked_out_does_not_interrupt_it(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Hi.", before_s=2.0)
    await room.open(grow, capabilities=("llm",))
    await room.type("first")
    await room.type("second")
    assert await room.completed(2) == [("id1", "done"), ("id2", "done")]
    assert [message.messages[-1].content for message in room.inference.of(Generate)] == ["first", "second"]


async def test_silence_taken_for_speech_ends_its_turn_without_running_it(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    await room.begin_to_speak()
    await room.drop_speech()
    assert event_names(room.connection.events()) == ["SpeechStarted", "NoSpeech", "TurnCompleted"]
    assert await room.completed() == [("id1", "no_speech")]
    assert room.transcription.seen == []
    room.assert_each_turn_was_completed_once()


async def test_an_utterance_without_words_ends_as_no_speech(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = NoWords("hallucination")
    await room.open(grow)
    await room.begin_to_speak()
    await room.end_speech()
    assert await room.completed() == [("id1", "no_speech")]
    assert room.connection.events(events.NoSpeech) == [events.NoSpeech("id1", "hallucination")]
    assert room.memory.turns.recent_turns(5) == ()


async def test_the_same_speech_heard_again_is_the_same_turn(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = NoWords("noise")
    await room.open(grow)
    await room.begin_to_speak()
    await room.begin_to_speak()
    await room.end_speech()
    assert await room.completed() == [("id1", "no_speech")]
    room.assert_each_turn_was_completed_once()


async def test_speech_dropped_out_of_nothing_is_ignored(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    await room.drop_speech()
    assert room.connection.events() == []


async def test_a_turn_speaks_with_the_voice_and_is_about_the_task_of_its_session(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Hi.")
    await room.open(grow, capabilities=("llm", "tts"))
    options = room.memory.client.options
    assert options is not None
    await room.dialogue.tell(Configured(options, voice="amy", task="chat"))
    await room.type("hello")
    await room.completed()
    assert [message.voice for message in room.speech.of(Synthesise)] == ["amy"]
    assert [message.task for message in room.inference.of(Generate)] == ["chat"]


# --- announcements and the end -------------------------------------------------------------------


async def test_a_tool_of_the_client_is_called_by_the_client_within_the_turn(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = Room()
    call = ModelToolCall("m1", "get_weather", {"city": "Paris"})
    room.inference.answers[Generate] = [says("Let me see.", calls=(call,)), says("It is sunny in Paris.")]
    await room.open(grow, has_made_handshake=False)
    await room.configure(tools=(events.ClientTool("get_weather"),))
    await room.type("what is the weather in paris")
    [called] = room.connection.events(events.ToolCall)
    assert (called.server, called.tool, called.arguments) == ("client", "get_weather", {"city": "Paris"})
    await room.dialogue.tell(events.ToolOutput("another"))
    await room.dialogue.tell(events.ToolOutput(called.call_id, "sunny"))
    await room.dialogue.tell(events.ToolOutput(called.call_id, "twice"))
    assert await room.completed() == [("id1", "done")]
    unwanted = [error.message for error in room.connection.events(events.Error)]
    assert unwanted == [f"no call {name!r} waits for its output" for name in ("another", called.call_id)]
    assert room.inference.of(Generate)[1].messages[-1].content == '{"data_from_tool": "sunny"}'
    assert room.replies() == [("Let me see. It is sunny in Paris.", False)]
    assert room.tools.of(CallTool) == []


async def test_a_turn_waits_for_its_client_longer_than_for_itself(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.tune(turn_timeout_s=5.0)
    room.inference.answers[Generate] = [says(calls=(ModelToolCall("m1", "ring", {}),)), says("It rings.")]
    await room.open(grow, has_made_handshake=False)
    await room.configure(tools=(events.ClientTool("ring"),))
    await room.type("please call somebody")
    await trio.sleep(20.0)
    await room.dialogue.tell(events.ToolOutput(room.connection.events(events.ToolCall)[0].call_id, "ringing"))
    assert await room.completed() == [("id1", "done")]
    assert room.replies() == [("It rings.", False)]


async def test_a_session_listens_while_its_client_is_there(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow, capabilities=("llm",))
    user = room.memory.client.user
    seen = [dict(room.listeners.sessions())]
    for is_there in (False, True):
        await room.dialogue.tell(Presence(is_there=is_there))
        await wait_all_tasks_blocked()
        seen.append(dict(room.listeners.sessions()))
    await room.tree.stop("done")
    assert [*seen, dict(room.listeners.sessions())] == [{SESSION_ID: user}, {}, {SESSION_ID: user}, {}]


async def test_a_session_that_wants_no_announcements_is_none_of_the_listeners(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = Room()
    await room.open(grow, has_made_handshake=False)
    await room.configure(capabilities=("llm",), announcements=False)
    assert dict(room.listeners.sessions()) == {}
    await crash(room)
    assert dict(room.listeners.sessions()) == {}


async def test_an_announcement_waits_until_the_turn_is_over(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Hi.", before_s=2.0)
    await room.open(grow, capabilities=("llm",))
    await room.type("hello")
    await room.dialogue.tell(Announce("Your tea is ready."))
    await room.completed(2)
    assert [text for text, _ in room.replies()] == ["Hi.", "Your tea is ready."]
    room.assert_each_turn_was_completed_once()


async def test_an_announcement_waits_during_speech_and_words_come_first(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = Recognition("hello", "en", 0.9)
    room.inference.answers[Generate] = says("Hi.")
    await room.open(grow, capabilities=("stt", "llm"))
    await room.begin_to_speak()
    await room.dialogue.tell(Announce("Your tea is ready."))
    await wait_all_tasks_blocked()
    assert room.replies() == []
    await room.end_speech()
    await room.completed(2)
    assert [text for text, _ in room.replies()] == ["Hi.", "Your tea is ready."]


async def test_an_announcement_that_waited_for_a_cough_is_made_after_it(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow, capabilities=("stt",))
    await room.begin_to_speak()
    await room.dialogue.tell(Announce("Your tea is ready."))
    await room.drop_speech()
    assert [outcome for _, outcome in await room.completed(2)] == ["no_speech", "done"]
    assert room.replies() == [("Your tea is ready.", False)]


async def test_of_too_many_announcements_the_oldest_are_forgotten(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow, capabilities=("stt",))
    await room.begin_to_speak()
    for number in range(9):
        await room.dialogue.tell(Announce(f"Number {number}."))
    await room.drop_speech()
    await room.completed(9)
    assert [text for text, _ in room.replies()] == [f"Number {number}." for number in range(1, 9)]


async def test_bye_hangs_up_when_everything_has_been_said(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Hi.", before_s=2.0)
    await room.open(grow, capabilities=("llm",))
    await room.type("hello")
    await room.dialogue.tell(events.Bye())
    await wait_all_tasks_blocked()
    assert room.connection.of(Hang) == []
    hang = await room.connection.wait_for(Hang)
    assert hang == Hang(1000, "bye")
    assert await room.completed() == [("id1", "done")]


async def test_bye_in_the_silence_hangs_up_at_once(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    await room.dialogue.tell(events.Bye())
    await wait_all_tasks_blocked()
    assert room.connection.of(Hang) == [Hang(1000, "bye")]


async def test_a_returning_client_is_counted(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    await room.dialogue.tell(Presence(is_there=False))
    await room.dialogue.tell(Presence(is_there=True))
    await wait_all_tasks_blocked()
    assert room.metrics.of(Count) == [Count("resumed_total")]


async def test_a_session_is_found_by_its_id_while_it_lives(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    assert room.sessions.lookup(SESSION_ID) is room.dialogue


async def test_a_long_silent_session_leaves_before_others(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    room.activity.note("another", trio.current_time() + 1.0)
    await trio.sleep(60.0)
    await room.dialogue.tell(events.Text("hello"))
    await wait_all_tasks_blocked()
    assert room.activity.next_leavers(trio.current_time()) == ["another"]


async def test_a_session_without_any_input_can_be_asked_to_leave(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    assert room.activity.next_leavers(trio.current_time()) == [SESSION_ID]


async def test_a_session_that_has_ended_is_asked_no_more(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    await room.dialogue.tell(events.Bye())
    await wait_all_tasks_blocked()
    await room.tree.stop("over")
    assert room.activity.next_leavers(trio.current_time()) == []


# --- crashes of the dialogue ---------------------------------------------------------------------


async def crash(room: Room) -> None:
    """Crash the dialogue by a message that it cannot handle."""
    await trio.sleep(6.0)
    await room.dialogue.tell("nonsense")
    await wait_all_tasks_blocked()


async def test_a_turn_that_crashed_before_it_acted_runs_once_more(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Hi.")
    grammar: Any = BrokenGrammar(times=1)
    room.grammar = grammar
    room.transcription.answers[Transcribe] = Recognition("hello", "en", 0.9)
    await room.open(grow, capabilities=("stt", "llm", "tools"))
    room.tools.answers[ListTools] = ToolList()
    await room.begin_to_speak()
    await room.end_speech()
    assert await room.completed() == [("id1", "done")]
    assert len(room.transcription.of(Transcribe)) == 2
    room.assert_each_turn_was_completed_once()


async def test_a_turn_that_crashes_twice_is_given_up(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    grammar: Any = BrokenGrammar(times=2)
    room.grammar = grammar
    room.transcription.answers[Transcribe] = Recognition("hello", "en", 0.9)
    await room.open(grow, capabilities=("stt", "tools"))
    await room.begin_to_speak()
    await room.end_speech()
    assert await room.completed() == [("id1", "failed")]
    await trio.sleep(60.0)
    assert len(room.transcription.of(Transcribe)) == 2
    room.assert_each_turn_was_completed_once()


async def test_a_turn_that_has_acted_is_not_repeated_after_a_crash(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.grammar.commands = command("set a timer")
    room.tools.answers[CallTool] = after(8.0, outcome_of("Timer set."))
    await room.open(grow, capabilities=("tools",))
    await room.type("set a timer")
    await crash(room)
    assert await room.completed() == [("id1", "failed")]
    await trio.sleep(60.0)
    assert len(room.tools.of(CallTool)) == 1, "no call is made twice"
    room.assert_each_turn_was_completed_once()


async def test_a_turn_whose_answer_has_begun_is_not_answered_again_after_a_crash(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = Room()
    room.inference.answers[Generate] = says("It is ", "late.", before_s=1.0)
    room.speech.answers[Synthesise] = speech_of(30.0)
    await room.open(grow, capabilities=("llm", "tts"))
    await room.type("hello")
    await crash(room)
    assert await room.completed() == [("id1", "failed")]
    await trio.sleep(60.0)
    assert [reply.text for reply in room.connection.events(events.Reply)] == ["It is late."]
    room.assert_each_turn_was_completed_once()


async def test_speech_that_was_being_heard_at_a_crash_ends_as_failed(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    await room.begin_to_speak()
    await crash(room)
    assert await room.completed() == [("id1", "failed")]
    room.assert_each_turn_was_completed_once()


async def test_what_waited_at_a_crash_runs_after_it(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.inference.answers[Generate] = [says("Never heard.", before_s=14.0), says("Hi.")]
    await room.open(grow, capabilities=("llm",))
    await room.type("first")
    await room.type("second")
    await crash(room)
    assert await room.completed(2) == [("id1", "failed"), ("id2", "done")]
    assert [text for text, _ in room.replies()] == ["Hi."]


async def test_an_announcement_that_crashes_twice_is_completed_too(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.speech.answers[Synthesise] = speech_of(60.0)
    await room.open(grow, capabilities=("tts",))
    await room.dialogue.tell(Announce("Your tea is ready."))
    await crash(room)
    await crash(room)
    assert await room.completed() == [("id1", "failed")]
    room.assert_each_turn_was_completed_once()


async def test_options_survive_a_crash(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Hi.")
    await room.open(grow, capabilities=("llm",))
    await crash(room)
    await room.type("hello")
    assert await room.completed() == [("id1", "done")]
    assert room.sessions.lookup(SESSION_ID) is room.dialogue


async def test_a_wanted_voice_and_a_task_survive_a_crash(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Hi.")
    await room.open(grow, capabilities=("llm", "tts"))
    client = room.memory.client
    assert client.options is not None
    client.voice, client.task = "amy", "coding"
    await room.dialogue.tell(Configured(client.options, "amy", "coding"))
    await crash(room)
    await room.type("hello")
    assert await room.completed() == [("id1", "done")]
    assert [asked.voice for asked in room.speech.of(Synthesise)] == ["amy"]
    assert [asked.task for asked in room.inference.of(Generate)] == ["coding"]


async def test_statistics_show_what_goes_on(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Hi.", before_s=2.0)
    await room.open(grow, capabilities=("llm",))
    assert room.statistics() == DialogueStatistics(state="LISTENING", announcements=0)
    await room.type("hello")
    await room.dialogue.tell(Announce("Tea."))
    await wait_all_tasks_blocked()
    assert room.statistics() == DialogueStatistics(state="ACTING", announcements=1)
