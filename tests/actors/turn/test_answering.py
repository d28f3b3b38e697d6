"""Speech that is heard without an answer, and the answer that is asked for later."""

import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.turn.answering import options_of, words_kept
from protocol.messages import events
from protocol.messages.hearing import NoWords, Recognition, Transcribe
from protocol.messages.understanding import CallTool, Generate, NoModel
from runtime import DomainError
from tests.actors.dialogue_fixtures import Room, after, outcome_of, says
from tests.actors.test_dialogue import crash
from tests.fakes import Grow, command, event_names

ON_REQUEST = {"answers": "on_request"}


async def open_on_request(room: Room, grow: Grow, *capabilities: str, **options: object) -> None:
    """Open a session in which speech is answered on request."""
    await room.open(grow, has_made_handshake=False)
    await room.configure(capabilities=capabilities or ("stt", "llm", "tools"), **ON_REQUEST, **options)


async def test_what_is_said_is_transcribed_and_not_answered(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.grammar.commands = command("set a timer", minutes=5)
    room.transcription.answers[Transcribe] = Recognition("set a timer", "en", 0.9)
    await open_on_request(room, grow)
    await room.begin_to_speak()
    await room.end_speech()
    assert await room.completed() == [("id1", "done")]
    assert event_names(room.connection.events()) == ["SpeechStarted", "SpeechStopped", "Transcript", "TurnCompleted"]
    assert room.tools.of(CallTool) == []
    assert room.connection.events(events.TurnCompleted)[0].latency_ms.stt == 0.0
    room.assert_each_turn_was_completed_once()


async def test_no_utterance_is_lost_while_others_are_transcribed(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = after(3.0, Recognition("hello", "en", 0.9))
    await open_on_request(room, grow)
    for at_ms in (0, 1_000, 2_000):
        await room.begin_to_speak(at_ms)
        await room.end_speech()
    assert len(room.transcription.of(Transcribe)) == 1, "one at a time"
    assert await room.completed(3) == [("id1", "done"), ("id2", "done"), ("id3", "done")]
    room.assert_each_turn_was_completed_once()


async def test_a_request_answers_all_that_was_said(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.grammar.commands = command("set a timer for tea", minutes=5)
    room.tools.answers[CallTool] = outcome_of("Timer set.")
    await open_on_request(room, grow)
    for text in ("set a timer", "for tea"):
        room.transcription.answers[Transcribe] = Recognition(text, "en", 0.9)
        await room.end_speech()
    await room.dialogue.tell(events.Respond())
    assert await room.completed(3) == [("id1", "done"), ("id2", "done"), ("id3", "done")]
    assert room.replies() == [("Timer set.", False)]
    assert room.memory.turns.kept_words == ()
    assert room.memory.turns.recent_turns(1) == (("set a timer for tea", "Timer set."),)


async def test_a_request_waits_until_what_was_said_is_transcribed(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = after(2.0, Recognition("how are you", "en", 0.9))
    room.inference.answers[Generate] = says("Fine.")
    await open_on_request(room, grow, "stt", "llm")
    await room.end_speech()
    await room.dialogue.tell(events.Respond("Be brief."))
    await room.completed(2)
    messages = room.inference.of(Generate)[0].messages
    assert messages[0].content.endswith("\nBe brief.")
    assert messages[-1].content == "how are you"


@pytest.mark.parametrize(("instructions", "asked"), [("Greet the user.", "Greet the user."), (None, "Go on.")])
async def test_without_words_the_instructions_are_what_is_answered(
    grow: Grow, autojump_clock: MockClock, instructions: str | None, asked: str
) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Good morning.")
    await open_on_request(room, grow, "llm")
    await room.dialogue.tell(events.Respond(instructions))
    assert await room.completed() == [("id1", "done")]
    messages = room.inference.of(Generate)[0].messages
    assert [(message.role, message.content) for message in messages[1:]] == [("user", asked)]
    assert room.replies() == [("Good morning.", False)]


async def test_without_words_and_without_a_model_there_is_an_apology(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.inference.answers[Generate] = NoModel()
    await open_on_request(room, grow, "tools")
    await room.dialogue.tell(events.Respond())
    assert await room.completed() == [("id1", "refused")]
    assert room.replies() == [("Sorry, I cannot answer that now.", False)]


async def test_an_answer_may_use_other_capabilities_than_the_session(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Good morning.")
    await open_on_request(room, grow, "llm", "tts")
    await room.dialogue.tell(events.Respond("Greet.", capabilities=("llm",)))
    await room.completed()
    assert room.connection.events(events.SpeechAudioStart) == []
    assert options_of(events.Respond(), room.options()) == room.options()
    own = (events.ClientTool("ring"),)
    wanted = options_of(events.Respond(tools=own, tool_choice="ring"), room.options()).options
    assert (wanted.tools, wanted.tool_choice, wanted.capabilities) == (own, "ring", room.options().options.capabilities)


async def test_speech_without_words_is_kept_by_no_one(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = NoWords("noise")
    await open_on_request(room, grow)
    await room.end_speech()
    assert await room.completed() == [("id1", "no_speech")]
    assert event_names(room.connection.events()) == ["SpeechStopped", "NoSpeech", "TurnCompleted"]
    assert room.memory.turns.kept_words == ()


async def test_what_cannot_be_transcribed_has_failed(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = DomainError("no worker")
    await open_on_request(room, grow)
    await room.end_speech()
    assert await room.completed() == [("id1", "failed")]
    [error] = room.connection.events(events.Error)
    assert (error.code, error.turn_id) == ("turn_failed", "id1")


async def test_hearing_counts_as_a_turn(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room(limited_s=3.0)
    await open_on_request(room, grow)
    await room.end_speech()
    assert await room.completed() == [("id1", "refused")]
    assert room.connection.events(events.Error)[0].retry_after_ms == 3_000
    assert room.transcription.of(Transcribe) == []


async def test_what_was_kept_survives_a_crash_and_speech_that_was_being_heard_has_failed(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Fine.")
    room.transcription.answers[Transcribe] = Recognition("how are you", "en", 0.9)
    await open_on_request(room, grow, "stt", "llm")
    await room.end_speech()
    room.transcription.answers[Transcribe] = after(60.0, Recognition("never", "en", 0.9))
    await room.end_speech()
    await crash(room)
    assert await room.completed(2) == [("id1", "done"), ("id2", "failed")]
    await room.dialogue.tell(events.Respond())
    await room.completed(3)
    assert room.inference.of(Generate)[0].messages[-1].content == "how are you"
    room.assert_each_turn_was_completed_once()


async def test_the_client_s_vocabulary_comes_before_that_of_the_commands(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = Recognition("hello", "en", 0.9)
    await open_on_request(room, grow, vocabulary=("Zaphod", "Trillian"))
    await room.end_speech()
    await wait_all_tasks_blocked()
    assert room.transcription.of(Transcribe)[0].vocabulary[:2] == ("Zaphod", "Trillian")


def test_the_alternatives_of_one_utterance_are_kept_and_those_of_several_are_not() -> None:
    one = Recognition("five", "en", 0.9, alternatives=("nine",))
    assert words_kept((one,), "de", 1.0).alternatives == ("nine",)
    both = words_kept((one, Recognition("minutes", "en", 0.7)), "de", 1.0)
    assert (both.text, both.alternatives, both.confidence, both.language) == ("five minutes", (), 0.7, "de")
    assert both.kept[0] is one


async def test_typed_words_can_wait_for_the_request_like_spoken_ones(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Fine.")
    await open_on_request(room, grow, "llm")
    await room.dialogue.tell(events.Text("how", answers="on_request"))
    await room.dialogue.tell(events.Text("are you", answers="on_request"))
    await wait_all_tasks_blocked()
    assert room.connection.events() == []
    await room.dialogue.tell(events.Respond())
    await room.completed(1)
    assert room.inference.of(Generate)[0].messages[-1].content == "how are you"


@pytest.mark.parametrize(("asked", "told"), [(None, "Be kind."), ("Be brief.", "Be brief.")])
async def test_the_sessions_instructions_hold_where_a_request_has_none(
    grow: Grow, autojump_clock: MockClock, asked: str | None, told: str
) -> None:
    room = Room()
    room.inference.answers[Generate] = says("Fine.")
    await open_on_request(room, grow, "llm", instructions="Be kind.")
    await room.dialogue.tell(events.Text("how are you", answers="on_request"))
    await room.dialogue.tell(events.Respond(asked))
    await room.completed(1)
    assert room.inference.of(Generate)[0].messages[0].content.endswith(f"\n{told}")
