"""The rest of a sentence that was acted upon, and "undo that"."""

from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.language import phrases
from protocol.messages import events
from protocol.messages.hearing import (
    NoWords,
    Recognition,
    SpeechBegan,
    SpokenBefore,
    Transcribe,
    Utterance,
    UtteranceEnded,
)
from protocol.messages.records import Count
from protocol.messages.understanding import (
    CallTool,
    CommandMatch,
    Generate,
    ListTools,
    NoModel,
    SlotQuestion,
    ToolList,
    ToolOutcome,
    Undo,
)
from protocol.turns.last_sentence import AMEND_WITHIN_S, TAKE_BACK_WITHIN_S, TYPING_S
from runtime import DomainError
from tests.actors.dialogue_fixtures import Room, outcome_of, spec_of
from tests.fakes import FakeGrammar, Grow, command

HOUR, REST, WHOLE = "set a timer for an hour", "and thirty minutes", "set a timer for an hour and thirty minutes"


class QueueFull(DomainError):
    """What a full queue says."""


LACKING = CommandMatch(
    "SetTimer", "house", "set_timer", {}, 1.0, "set a timer", question=SlotQuestion("seconds", "How long?")
)


@attrs.define(eq=False)
class House:
    """A tool server: what is in effect, by what was said to it."""

    effects: list[str] = attrs.field(factory=list)
    calls: list[str] = attrs.field(factory=list)
    delay_s: float = 0.0
    fails: str = ""
    """The tool that fails."""
    lasting: bool = False
    """Whether nothing can be taken back."""

    async def call(self, request: CallTool) -> ToolOutcome:
        await trio.sleep(self.delay_s)
        self.calls.append(request.tool)
        if request.tool == self.fails:
            return outcome_of("", ok=False, error="It broke.")
        if request.tool == "take_back":
            self.effects.remove(str(request.arguments["effect"]))
            return outcome_of("Timer cancelled.")
        if request.tool == "get_time":
            return outcome_of("It is noon.")
        effect = " ".join([request.tool, *(str(value) for value in request.arguments.values())])
        self.effects.append(effect)
        undo = None if self.lasting else Undo("take_back", {"effect": effect})
        return ToolOutcome(ok=True, content=f"Done: {effect}.", duration_s=0.05, undo=undo)


async def room_of(
    grow: Grow, house: House, *, capabilities: Any = ("stt", "llm", "tools", "tts"), **options: Any
) -> Room:
    """Return a room with the house; a model that cannot act."""
    known = command(HOUR, seconds=3600) | command(WHOLE, seconds=5400) | command("what time is it", "get_time")
    known |= command("what time is it in tokyo", "get_time", place="tokyo") | command("turn on the light", "light")
    known |= command("turn on the light and set the heating", "both") | {"set a timer": LACKING}
    known |= command("stelle einen timer auf eine stunde", seconds=3600)
    known |= command("stelle einen timer auf eine stunde und dreißig minuten", seconds=5400)
    room = Room(grammar=FakeGrammar(known))
    room.grammar.answers |= {
        "for an hour": attrs.evolve(LACKING, arguments={"seconds": 3600}, question=None),
        "for an hour and thirty minutes": attrs.evolve(LACKING, arguments={"seconds": 5400}, question=None),
    }
    reading = spec_of("get_time", read_only=True)
    room.tools.answers |= {
        CallTool: house.call,
        ListTools: ToolList((reading, spec_of("set_timer"), spec_of("light", destructive=False))),
    }
    room.inference.answers[Generate] = NoModel()
    await room.open(grow, capabilities=capabilities, **options)
    return room


async def say(room: Room, text: str, wait_s: float = 0.3) -> None:
    await room.type(text)
    await trio.sleep(wait_s)
    await wait_all_tasks_blocked()


async def speak(
    room: Room,
    text: str,
    start_ms: int,
    end_ms: int,
    *,
    before_ms: tuple[int, int] | None = None,
    as_one: object = None,
) -> None:
    """Say something aloud between these times of the session's audio, which began at 0 s.

    ``before_ms``: with what was said between those, it is heard ``as_one``.
    """
    await trio.sleep_until(start_ms / 1000)

    async def hear(request: Transcribe) -> object:
        if before_ms is None or request.utterance.start_ms != before_ms[0]:
            return Recognition(text, "en", 0.9)
        if isinstance(as_one, Exception):
            raise as_one
        return as_one

    room.transcription.answers[Transcribe] = hear
    await room.dialogue.tell(SpeechBegan(start_ms))
    await trio.sleep_until(end_ms / 1000)
    utterance = Utterance(bytes(32), start_ms, end_ms)
    before = None
    if before_ms is not None:
        before = SpokenBefore(before_ms[1] / 1000, Utterance(bytes(32), before_ms[0], end_ms))
    await room.dialogue.tell(UtteranceEnded(utterance, "silence", last_voice_s=end_ms / 1000, before=before))
    await wait_all_tasks_blocked()


def whole_replies(room: Room) -> list[str]:
    return [reply.text for reply in room.connection.events(events.Reply) if not reply.truncated]


@pytest.mark.parametrize("rest", [REST, "thirty minutes", "And thirty minutes."])
async def test_the_rest_of_a_sentence_amends_it_and_is_shown_so(
    grow: Grow, autojump_clock: MockClock, rest: str
) -> None:
    house = House()
    room = await room_of(grow, house)
    room.grammar.commands["set a timer for an hour and thirty minutes."] = room.grammar.commands[WHOLE]
    await say(room, HOUR)
    await say(room, rest, 5.0)
    assert house.effects == ["set_timer 5400"]
    assert house.calls == ["set_timer", "take_back", "set_timer"]
    assert whole_replies(room)[-1] == "Done: set_timer 5400."
    first, undo, second = room.connection.events(events.ToolCall)
    assert (first.undoes, undo.undoes, second.undoes) == (None, first.call_id, None)
    marks = [shown.amends for shown in room.connection.events(events.Understood)]
    assert marks == [None, first.turn_id, None]
    assert Count("amended_turns_total") in room.metrics.of(Count)
    assert Count("undone_calls_total") in room.metrics.of(Count)
    room.assert_each_turn_was_completed_once()


async def test_a_spoken_rest_stops_the_answer_of_the_first_half(grow: Grow, autojump_clock: MockClock) -> None:
    house = House()
    room = await room_of(grow, house)
    await speak(room, HOUR, 0, 1_000)
    await speak(room, "thirty minutes", 1_600, 2_400)
    await trio.sleep(5.0)
    assert house.effects == ["set_timer 5400"]
    assert [outcome for _, outcome in await room.completed(2)] == ["interrupted", "done"]
    assert whole_replies(room)[-1] == "Done: set_timer 5400."


IN_TOKYO = Recognition("what time is it in tokyo", "en", 0.9)


async def test_halves_whose_words_make_no_command_are_heard_as_one(grow: Grow, autojump_clock: MockClock) -> None:
    house = House()
    room = await room_of(grow, house)
    await speak(room, "what time is it", 0, 1_000)
    await speak(room, "and tow key oh", 1_600, 2_400, before_ms=(0, 1_000), as_one=IN_TOKYO)
    await trio.sleep(5.0)
    assert [dict(call.arguments) for call in room.tools.of(CallTool)] == [{}, {"place": "tokyo"}]
    assert [outcome for _, outcome in await room.completed(2)] == ["interrupted", "done"]
    assert whole_replies(room)[-1] == "It is noon."


@pytest.mark.parametrize("as_one", [NoWords("noise"), Recognition("what time is it oh", "en", 0.9), QueueFull("full")])
async def test_halves_that_are_no_command_as_one_stay_two(
    grow: Grow, autojump_clock: MockClock, as_one: object
) -> None:
    house = House()
    room = await room_of(grow, house)
    await speak(room, "what time is it", 0, 1_000)
    await speak(room, "and tow key oh", 1_600, 2_400, before_ms=(0, 1_000), as_one=as_one)
    await trio.sleep(15.0)
    assert [dict(call.arguments) for call in room.tools.of(CallTool)] == [{}]
    assert len(await room.completed(2)) == 2


async def test_what_follows_ordinary_words_or_another_utterance_is_not_heard_as_one(
    grow: Grow, autojump_clock: MockClock
) -> None:
    house = House()
    room = await room_of(grow, house)
    await speak(room, "how are you", 0, 1_000)
    await speak(room, "and tow key oh", 1_600, 2_400, before_ms=(0, 1_000), as_one=IN_TOKYO)
    await trio.sleep(15.0)
    await speak(room, "what time is it", 20_000, 21_000)
    await speak(room, "and tow key oh", 21_600, 22_400, before_ms=(19_000, 19_500), as_one=IN_TOKYO)
    await trio.sleep(15.0)
    assert house.calls == ["get_time"]


@pytest.mark.parametrize(("rest_ms", "notes"), [(1_600, ["the car needs oil"]), (2_200, ["the car"])])
async def test_a_note_takes_its_rest_in_only_at_once(
    grow: Grow, autojump_clock: MockClock, rest_ms: int, notes: list[str]
) -> None:
    house = House()
    room = await room_of(grow, house)
    for text in ("the car", "the car needs oil"):
        known = CommandMatch("Note", "house", "add_note", {"text": text}, 1.0, f"note {text}", has_free_text=True)
        room.grammar.commands[known.text] = known
    whole = Recognition("note the car needs oil", "en", 0.9)
    await speak(room, "note the car", 0, 1_000)
    await speak(room, "needs oil", rest_ms, rest_ms + 800, before_ms=(0, 1_000), as_one=whole)
    await trio.sleep(15.0)
    assert house.effects == [f"add_note {text}" for text in notes]


async def test_a_call_that_is_under_way_is_waited_for_and_its_answer_is_not_said(
    grow: Grow, autojump_clock: MockClock
) -> None:
    house = House(delay_s=3.0)
    room = await room_of(grow, house)
    await speak(room, HOUR, 0, 1_000)
    await speak(room, "thirty minutes", 1_600, 2_400)
    assert house.calls == []
    await trio.sleep(15.0)
    assert house.effects == ["set_timer 5400"]
    assert whole_replies(room) == ["Done: set_timer 5400."]
    assert [outcome for _, outcome in await room.completed(2)] == ["interrupted", "done"]


async def test_typed_words_supersede_a_call_that_is_under_way_as_spoken_ones_do(
    grow: Grow, autojump_clock: MockClock
) -> None:
    house = House(delay_s=3.0)
    room = await room_of(grow, house)
    await say(room, HOUR)
    await say(room, REST, 15.0)
    assert house.effects == ["set_timer 5400"]
    assert whole_replies(room) == ["Done: set_timer 5400."]


@pytest.mark.parametrize("text", ["what time is it", "tell me a story"])
async def test_other_words_wait_for_the_answer_as_ever(grow: Grow, autojump_clock: MockClock, text: str) -> None:
    house = House(delay_s=3.0)
    room = await room_of(grow, house)
    await speak(room, HOUR, 0, 1_000)
    await speak(room, text, 1_600, 2_400)
    await trio.sleep(15.0)
    assert house.effects == ["set_timer 3600"]
    assert whole_replies(room)[0] == "Done: set_timer 3600."
    assert (await room.completed(2))[0][1] == "done"


async def test_what_comes_too_late_amends_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    house = House()
    room = await room_of(grow, house)
    await say(room, HOUR, AMEND_WITHIN_S + TYPING_S + 0.1)
    await say(room, REST, 5.0)
    assert house.effects == ["set_timer 3600"]


async def test_a_question_that_only_reads_is_asked_again_as_a_whole(grow: Grow, autojump_clock: MockClock) -> None:
    house = House()
    room = await room_of(grow, house)
    await say(room, "what time is it")
    await say(room, "in tokyo", 5.0)
    assert house.calls == ["get_time", "get_time"]
    assert room.tools.of(CallTool)[-1].arguments == {"place": "tokyo"}


async def test_what_cannot_be_taken_back_is_not_amended(grow: Grow, autojump_clock: MockClock) -> None:
    house = House(lasting=True)
    room = await room_of(grow, house)
    await say(room, HOUR)
    await say(room, REST, 5.0)
    assert house.effects == ["set_timer 3600"]
    assert whole_replies(room)[-1] == phrases.ALREADY_DONE


@pytest.mark.parametrize(("fails", "effects"), [("take_back", ["set_timer 3600"]), ("set_timer", [])])
async def test_after_a_failure_nothing_is_done_twice(
    grow: Grow, autojump_clock: MockClock, fails: str, effects: list[str]
) -> None:
    house = House()
    room = await room_of(grow, house)
    await say(room, HOUR)
    house.fails = fails
    await say(room, REST, 5.0)
    house.fails = ""
    assert house.effects == effects
    assert "It broke." in whole_replies(room)[-1]
    await say(room, REST, 5.0)
    assert house.effects == effects, "what is not known is left alone"
    room.assert_each_turn_was_completed_once()


async def test_a_third_part_goes_on_with_both(grow: Grow, autojump_clock: MockClock) -> None:
    house = House()
    room = await room_of(grow, house)
    room.grammar.commands |= command(f"{WHOLE} called tea", seconds=5400, name="tea")
    for text in (HOUR, REST, "called tea"):
        await say(room, text)
    await trio.sleep(5.0)
    assert house.effects == ["set_timer 5400 tea"]


@pytest.mark.parametrize(("rest", "effects"), [("what is love", ["note milk"]), ("and eggs", ["note milk and eggs"])])
async def test_free_text_takes_in_no_words_that_do_not_say_that_they_go_on(
    grow: Grow, autojump_clock: MockClock, rest: str, effects: list[str]
) -> None:
    house = House()
    room = await room_of(grow, house)
    for text in ("milk", f"milk {rest}"):
        known = command(f"take a note {text}", "note", what=text)[f"take a note {text}"]
        room.grammar.commands[known.text] = attrs.evolve(known, has_free_text=True)
    await say(room, "take a note milk")
    await say(room, rest, 5.0)
    assert house.effects == effects


async def test_a_first_half_that_was_not_understood_is_made_whole(grow: Grow, autojump_clock: MockClock) -> None:
    house = House()
    room = await room_of(grow, house)
    await say(room, "set a timer for")
    await say(room, "an hour", 5.0)
    assert house.effects == ["set_timer 3600"]
    assert house.calls == ["set_timer"]


async def test_an_answer_to_a_question_may_go_on(grow: Grow, autojump_clock: MockClock) -> None:
    house = House()
    room = await room_of(grow, house)
    for text in ("set a timer", "for an hour", REST):
        await say(room, text)
    await trio.sleep(5.0)
    assert house.effects == ["set_timer 5400"]


async def test_a_further_command_of_the_same_sentence_undoes_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    house = House()
    room = await room_of(grow, house)
    room.grammar.commands |= {
        "turn on the hall light": attrs.evolve(LIGHT, slots={"where": "hall"}, arguments={"where": "hall"})
    }
    room.grammar.commands["turn on the light"] = LIGHT
    await say(room, "turn on the light")
    await say(room, "and the hall light", 5.0)
    assert house.calls == ["light", "light"]
    await say(room, "undo that", 5.0)
    assert house.effects == []
    assert house.calls == ["light", "light", "take_back", "take_back"]


LIGHT = CommandMatch("Light", "house", "light", {}, 1.0, "turn on the light")


async def test_what_changes_nothing_is_done_once_and_its_answer_said_again_if_it_was_cut(
    grow: Grow, autojump_clock: MockClock
) -> None:
    house = House()
    room = await room_of(grow, house)
    room.grammar.commands[f"{HOUR} from now"] = room.grammar.commands[HOUR]
    await say(room, HOUR)
    await say(room, "from now", 5.0)
    assert house.calls == ["set_timer"]
    assert whole_replies(room)[-1] == "Done: set_timer 3600."
    room.grammar.commands[f"{HOUR} from now on"] = room.grammar.commands[HOUR]
    await say(room, "on", 5.0)
    assert whole_replies(room)[-1] == phrases.ALL_RIGHT
    assert house.calls == ["set_timer"]


async def test_undo_takes_back_the_last_thing_that_was_done_once(grow: Grow, autojump_clock: MockClock) -> None:
    house = House()
    room = await room_of(grow, house)
    await say(room, HOUR, 5.0)
    await say(room, "what time is it", 5.0)
    await say(room, "Undo that.", 5.0)
    assert house.effects == []
    assert whole_replies(room)[-1] == "Timer cancelled."
    await say(room, "take that back", 5.0)
    assert whole_replies(room)[-1] == phrases.NOTHING_TO_TAKE_BACK
    assert house.calls == ["set_timer", "get_time", "take_back"]


async def test_in_german_too(grow: Grow, autojump_clock: MockClock) -> None:
    house = House()
    room = await room_of(grow, house, language="de")
    await say(room, "stelle einen timer auf eine stunde")
    await say(room, "und dreißig minuten", 5.0)
    assert house.effects == ["set_timer 5400"]
    await say(room, "mach das rückgängig", 5.0)
    assert house.effects == []


async def test_undo_lapses_and_what_cannot_be_undone_is_said_so(grow: Grow, autojump_clock: MockClock) -> None:
    house = House()
    room = await room_of(grow, house)
    await say(room, HOUR, TAKE_BACK_WITHIN_S + 1.0)
    await say(room, "undo that", 5.0)
    assert house.effects == ["set_timer 3600"]
    assert whole_replies(room)[-1] == phrases.NOTHING_TO_TAKE_BACK


async def test_the_operator_may_deny_what_an_undo_would_call(grow: Grow, autojump_clock: MockClock) -> None:
    house = House()
    room = await room_of(grow, house)
    room.permit(**{"house/take_back": "deny"})
    house.effects.clear()
    await room.open(grow)
    await say(room, HOUR, 5.0)
    await say(room, "undo that", 5.0)
    assert house.effects == ["set_timer 3600"]
    assert whole_replies(room)[-1] == phrases.NOT_ALLOWED


@pytest.mark.parametrize("words", ["stop", "never mind", "help"])
async def test_remarks_are_no_rest_of_a_sentence(grow: Grow, autojump_clock: MockClock, words: str) -> None:
    house = House()
    room = await room_of(grow, house)
    room.grammar.commands |= command(f"{HOUR} {words}", seconds=1)
    await say(room, HOUR)
    await say(room, words, 5.0)
    assert house.effects == ["set_timer 3600"]


class Lost(DomainError):
    """What is told of a server that is gone."""


async def test_a_call_whose_outcome_is_not_known_is_neither_repeated_nor_taken_back(
    grow: Grow, autojump_clock: MockClock
) -> None:
    house = House()
    room = await room_of(grow, house)
    room.tools.answers[CallTool] = Lost("the server is gone")
    await say(room, HOUR, 1.0)
    room.tools.answers[CallTool] = house.call
    for words in (REST, "undo that"):
        await say(room, words, 1.0)
        assert whole_replies(room)[-1] == phrases.ALREADY_DONE
    assert house.calls == []
