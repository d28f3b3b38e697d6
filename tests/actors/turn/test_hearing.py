from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.turn.hearing import EarlyTranscription, PartialTranscription, hear, transcribe
from actors.turn.turn_context import SessionOptions
from protocol.messages import events
from protocol.messages.hearing import (
    NoWords,
    PauseJudged,
    Recognition,
    SpokenWord,
    Transcribe,
    Utterance,
    UtterancePaused,
    Verdict,
)
from protocol.messages.records import Count
from protocol.messages.understanding import Choice, CommandMatch, ListTools, SlotQuestion, ToolList, ToolSpec
from protocol.turns.questions import OpenQuestion
from runtime import DomainError
from tests.actors.dialogue_fixtures import SESSION_ID, Room, after
from tests.fakes import FakeGrammar, Grow

UTTERANCE = Utterance(bytes(32), 500, 1_500)
PAUSED = UtterancePaused(UTTERANCE, 32_000)


class QueueFull(DomainError):
    """What a full queue says."""


async def test_words_are_shown_and_returned(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room(grammar=FakeGrammar(words=("timer",)))
    room.transcription.answers[Transcribe] = Recognition("hello", "en", 0.9, ("hallo",))
    await room.open(grow)
    assert await transcribe(room.turn_context(), room.options(), "t", UTTERANCE) == Recognition(
        "hello", "en", 0.9, ("hallo",)
    )
    assert await hear(room.turn_context(), room.options(), "t", UTTERANCE) == "hello"
    asked = Transcribe(SESSION_ID, UTTERANCE, language=None, vocabulary=("timer",))
    assert room.transcription.of(Transcribe) == [asked, asked]
    await wait_all_tasks_blocked()
    shown = events.Transcript("t", "hello", "en", 0.9, events.AudioSpan(500, 1_500))
    assert room.connection.events() == [shown, shown]


async def test_a_session_names_its_model_and_gets_the_times_of_words(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    heard = Recognition("turn it", "en", 0.9, words=(SpokenWord("turn", 100, 300, 0.9),))
    room.transcription.answers[Transcribe] = heard
    await room.open(grow)
    options = SessionOptions(events.ConnectionRequest("tester", ("stt",), stt_model="base", word_times=True))
    await transcribe(room.turn_context(), options, "t", UTTERANCE)
    [asked] = room.transcription.of(Transcribe)
    assert (asked.model, asked.words) == ("base", True)
    await wait_all_tasks_blocked()
    [shown] = room.connection.events(events.Transcript)
    assert shown.words == (events.Word("turn", 600, 800, 0.9),)


async def test_nothing_said_is_shown_with_its_reason(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = NoWords("noise")
    await room.open(grow)
    assert await transcribe(room.turn_context(), room.options(), "t", UTTERANCE) is None
    assert await hear(room.turn_context(), room.options(), "t", UTTERANCE) is None
    await wait_all_tasks_blocked()
    assert room.connection.events() == [events.NoSpeech("t", "noise")] * 2
    assert room.metrics.of(Count) == [Count("no_speech_total", ("noise",))] * 2


async def test_a_refusal_is_the_caller_s_business(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    room.transcription.answers[Transcribe] = QueueFull("64 utterances are waiting")
    await room.open(grow)
    with pytest.raises(QueueFull):
        await transcribe(room.turn_context(), room.options(), "t", UTTERANCE)
    assert room.connection.events() == []


# --- early ---------------------------------------------------------------------------------------

HELLO = Recognition("hello", "en", 0.9)


async def opened(grow: Grow, answer: Any) -> Room:
    room = Room()
    room.transcription.answers[Transcribe] = answer
    await room.open(grow)
    return room


async def test_what_was_heard_early_is_not_transcribed_again(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow, after(0.2, HELLO))
    early = EarlyTranscription(PAUSED)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(early.run, room.turn_context(), room.options())
        await trio.sleep(0.15)
        assert await transcribe(room.turn_context(), room.options(), "t", UTTERANCE, early) == HELLO
    assert trio.current_time() == pytest.approx(0.2)
    [asked] = room.transcription.of(Transcribe)
    assert asked.urgency == "early"
    await wait_all_tasks_blocked()
    assert len(room.connection.events(events.Transcript)) == 1


async def test_what_was_heard_early_of_something_shorter_is_not_used(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow, HELLO)
    early = EarlyTranscription(attrs.evolve(PAUSED, utterance=attrs.evolve(UTTERANCE, end_ms=1_000)))
    await early.run(room.turn_context(), room.options())
    await transcribe(room.turn_context(), room.options(), "t", UTTERANCE, early)
    assert [asked.urgency for asked in room.transcription.of(Transcribe)] == ["early", "final"]


async def test_without_an_idle_worker_the_utterance_is_transcribed_when_it_has_ended(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await opened(grow, [QueueFull("no worker is idle"), HELLO])
    early = EarlyTranscription(PAUSED)
    await early.run(room.turn_context(), room.options())
    assert await transcribe(room.turn_context(), room.options(), "t", UTTERANCE, early) == HELLO
    assert len(room.transcription.of(Transcribe)) == 2


async def test_when_the_voice_goes_on_the_early_work_is_taken_back(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow, after(5.0, HELLO))
    early = EarlyTranscription(PAUSED)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(early.run, room.turn_context(), room.options())
        await trio.sleep(1.0)
        early.give_up()
    assert trio.current_time() == pytest.approx(1.0)
    assert await early.answer_for(UTTERANCE) is None


async def test_nothing_heard_early_is_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow, NoWords("noise"))
    early = EarlyTranscription(PAUSED)
    await early.run(room.turn_context(), room.options())
    assert await transcribe(room.turn_context(), room.options(), "t", UTTERANCE, early) is None
    assert len(room.transcription.of(Transcribe)) == 1


# --- what the words say about the silence after them ---------------------------------------------


async def verdicts(
    grow: Grow,
    answer: object,
    *,
    capabilities: tuple[Any, ...] = ("stt", "tools"),
    asked: OpenQuestion | None = None,
    tool: ToolSpec | None = None,
) -> list[Verdict]:
    """Return what is concluded from an answer, in a server whose commands are to switch a lamp on and to dim it."""
    lamp_on = CommandMatch("Intent", "house", "lamp_on", {}, 1.0, "lamp on", may_continue=False)
    dim = CommandMatch("Intent", "house", "dim", {}, 1.0, "dim it", may_continue=True)
    grammar = FakeGrammar(commands={"lamp on": lamp_on, "dim it": dim})
    grammar.beginnings |= {"switch the", "lamp"}
    grammar.answers["ten"] = lamp_on
    room = Room(grammar=grammar)
    room.transcription.answers[Transcribe] = Recognition(answer, "en", 0.9) if isinstance(answer, str) else answer
    room.tools.answers[ListTools] = ToolList((tool,)) if tool is not None else QueueFull("no list")
    await room.open(grow)
    room.turn_context().memory.question = asked
    await EarlyTranscription(PAUSED).run(room.turn_context(), room.options(capabilities))
    await wait_all_tasks_blocked()
    told = room.audio.of(PauseJudged)
    assert {judged.end_sample for judged in told} <= {PAUSED.end_sample}
    return [judged.verdict for judged in told]


async def test_a_whole_command_is_complete(grow: Grow, autojump_clock: MockClock) -> None:
    assert await verdicts(grow, "lamp on") == ["awaited", "complete"]


DIM = ToolSpec("house", "dim", "", {})


@pytest.mark.parametrize(
    ("tool", "verdict"),
    [
        (attrs.evolve(DIM, read_only=True), "amendable"),
        (attrs.evolve(DIM, is_reversible=True), "amendable"),
        (DIM, "undecided"),
        (attrs.evolve(DIM, server="other", is_reversible=True), "undecided"),
        (None, "undecided"),
    ],
)
async def test_a_command_that_may_go_on_is_amendable_by_what_its_tool_says(
    tool: ToolSpec | None, verdict: Verdict, grow: Grow, autojump_clock: MockClock
) -> None:
    assert await verdicts(grow, "dim it", tool=tool) == ["awaited", verdict]


@pytest.mark.parametrize("text", ["switch the", "lamp on and", "lamp and"])
async def test_half_a_command_is_begun(text: str, grow: Grow, autojump_clock: MockClock) -> None:
    assert await verdicts(grow, text) == ["awaited", "begun"]


@pytest.mark.parametrize(
    ("reason", "verdict"), [("low_confidence", "begun"), ("hallucination", "begun"), ("noise", "undecided")]
)
async def test_speech_without_clear_words_may_be_half_a_command(
    reason: Any, verdict: Verdict, grow: Grow, autojump_clock: MockClock
) -> None:
    assert await verdicts(grow, NoWords(reason)) == ["awaited", verdict]


async def test_without_an_idle_worker_silence_alone_decides(grow: Grow, autojump_clock: MockClock) -> None:
    assert await verdicts(grow, QueueFull("no worker is idle")) == ["awaited", "undecided"]


async def test_an_answer_to_the_open_question_is_left_to_silence_and_other_words_are_not(
    grow: Grow, autojump_clock: MockClock
) -> None:
    lacking = CommandMatch("Intent", "house", "lamp_on", {}, 1.0, "lamp", question=SlotQuestion("s", "How long?"))
    asked = OpenQuestion("t0", "How long?", lacking, until_s=trio.current_time() + 60.0)
    assert await verdicts(grow, "ten", asked=asked) == ["awaited", "undecided"]
    assert await verdicts(grow, "switch the", asked=asked) == ["awaited", "begun"]
    chosen = attrs.evolve(asked, choices=(Choice("the first", {}),))
    assert await verdicts(grow, "switch the", asked=chosen) == ["awaited", "undecided"]


async def test_words_that_want_others_are_unfinished(grow: Grow, autojump_clock: MockClock) -> None:
    assert await verdicts(grow, "she goes to the") == ["awaited", "unfinished"]


async def test_ordinary_words_say_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    assert await verdicts(grow, "tell me a joke") == ["awaited", "undecided"]


async def test_in_dictation_nothing_is_complete(grow: Grow, autojump_clock: MockClock) -> None:
    assert await verdicts(grow, "lamp on", capabilities=("stt",)) == ["awaited", "undecided"]


# --- partial -------------------------------------------------------------------------------------


def heard(*texts: str) -> list[Recognition]:
    return [Recognition(text, "en", 0.9) for text in texts]


async def test_words_that_two_decodes_agree_in_are_shown(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow, heard("set a", "set a timer", "set a timer for"))
    partial = PartialTranscription("t")
    for _ in range(3):
        await partial.run(room.turn_context(), room.options(), UTTERANCE)
    await wait_all_tasks_blocked()
    shown = [events.TranscriptPartial("t", "set a"), events.TranscriptPartial("t", "set a timer")]
    assert room.connection.events() == shown
    assert {asked.urgency for asked in room.transcription.of(Transcribe)} == {"partial"}


async def test_one_decode_at_a_time_is_enough(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow, after(1.0, HELLO))
    partial = PartialTranscription("t")
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(partial.run, room.turn_context(), room.options(), UTTERANCE)
    assert len(room.transcription.of(Transcribe)) == 1


async def test_no_words_and_a_refusal_show_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow, [HELLO, NoWords("noise"), QueueFull("no worker is idle"), HELLO])
    partial = PartialTranscription("t")
    for _ in range(3):
        await partial.run(room.turn_context(), room.options(), UTTERANCE)
    await wait_all_tasks_blocked()
    assert room.connection.events() == []
    await partial.run(room.turn_context(), room.options(), UTTERANCE)
    await wait_all_tasks_blocked()
    assert room.connection.events() == [events.TranscriptPartial("t", "hello")]


async def test_after_the_end_nothing_partial_is_shown(grow: Grow, autojump_clock: MockClock) -> None:
    room = await opened(grow, [HELLO, after(1.0, HELLO)])
    partial = PartialTranscription("t")
    await partial.run(room.turn_context(), room.options(), UTTERANCE)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial.run, room.turn_context(), room.options(), UTTERANCE)
        await trio.sleep(0.5)
        partial.give_up()
    assert trio.current_time() == pytest.approx(0.5)
    await wait_all_tasks_blocked()
    assert room.connection.events() == []
