import json
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.turn.conversing import (
    LIST_WITHIN_S,
    ModelConversation,
    NoSuitableModel,
    UnfoundedClaim,
    chosen_tools,
    filled,
)
from actors.turn.tool_caller import ToolCaller
from actors.turn.turn_context import Heard, TurnRefused
from protocol.messages import events
from protocol.messages.understanding import (
    CallTool,
    ChatMessage,
    Generate,
    Generation,
    ListTools,
    ModelToolCall,
    NoModel,
    ToolList,
    ToolSpec,
)
from protocol.turns.turn import TurnEvent, TurnMachine
from runtime import DomainError
from tests.actors.dialogue_fixtures import ALL, Room, after, outcome_of, says, spec_of
from tests.fakes import Grow, Notes

CLOCK = spec_of("clock", read_only=True)
CALL = ModelToolCall("m1", "clock", {"zone": "UTC"})


class Down(DomainError):
    """The error of a model that is down."""


@attrs.define(eq=False)
class Talk:
    """A conversation of one turn."""

    room: Room = attrs.field(factory=Room)
    said: list[str] = attrs.field(factory=list)
    first_tokens: int = 0
    begun: int = 0
    say_s: float = 0.0
    """How long a sentence is spoken."""
    wanted: dict[str, Any] = attrs.field(factory=dict)
    """Options of the client."""

    async def open(self, grow: Grow, *answers: Any, tools: tuple[ToolSpec, ...] = (CLOCK,)) -> None:
        """Start the actors; ``answers`` are the completions."""
        self.room.inference.answers[Generate] = list(answers)
        self.room.tools.answers |= {ListTools: ToolList(tools), CallTool: outcome_of("noon")}
        await self.room.open(grow)

    async def run(self, text: str = "what time is it", capabilities: tuple[Any, ...] = ALL) -> str:
        """Run it."""
        machine = TurnMachine("t")
        machine.advance(TurnEvent.TEXT_RECEIVED)
        machine.advance(TurnEvent.UNDERSTOOD)
        turn_context, heard = self.room.turn_context(), Heard(text)
        hands = ToolCaller(
            machine,
            turn_context,
            heard,
            ask_aloud=self._say,
            on_tool_s=lambda _: None,
            deadline=trio.CancelScope(),
            until_said=trio.lowlevel.checkpoint,
        )
        options = self.room.options(capabilities, task="chat")
        options = attrs.evolve(options, options=attrs.evolve(options.options, **self.wanted))
        conversation = ModelConversation(
            "t", turn_context, options, hands, say=self._say, on_begin=self._begin, on_first_token=self._first_token
        )
        answer = await conversation.run(heard)
        await wait_all_tasks_blocked()
        return answer

    async def _say(self, sentence: str) -> None:
        self.said.append(sentence)
        await trio.sleep(self.say_s)

    async def _begin(self) -> None:
        self.begun += 1

    def _first_token(self) -> None:
        self.first_tokens += 1

    def asked(self) -> list[Generate]:
        """Return what the model was asked."""
        return self.room.inference.of(Generate)


async def test_text_goes_on_as_it_comes_and_is_said_by_sentences(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    await talk.open(grow, says("It is", " noon. The", " sun shines."))
    assert await talk.run("tell me a story") == "It is noon. The sun shines."
    deltas = talk.room.connection.events(events.ReplyDelta)
    assert [delta.text for delta in deltas] == ["It is", " noon. The", " sun shines."]
    assert talk.said == ["It is noon.", "The sun shines."]
    assert talk.first_tokens == 1


async def test_a_slow_speaker_slows_the_model_down(grow: Grow, autojump_clock: MockClock) -> None:
    talk, sent = Talk(say_s=10.0), Notes[str]()

    async def generate(message: Generate) -> Generation:
        for number in range(20):
            await message.text_sink.send(f"Sentence {number}. ")
            sent.add(f"{trio.current_time():.0f}")
        return Generation("", (), "fake", "tiny")

    await talk.open(grow, generate)
    with trio.move_on_after(35.0):
        await talk.run("tell me a story")
    assert talk.said == ["Sentence 0.", "Sentence 1.", "Sentence 2.", "Sentence 3."]
    assert len(sent) == 4, "the model waits with the next one"


async def test_what_a_model_thinks_is_neither_shown_nor_said(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    await talk.open(grow, says("<thi", "nk>Noon? Yes.</th", "ink>", "\n\nIt is", " noon."))

    assert await talk.run("tell me a story") == "It is noon."
    assert "".join(delta.text for delta in talk.room.connection.events(events.ReplyDelta)) == "It is noon."
    assert talk.said == ["It is noon."]
    assert talk.first_tokens == 1


async def test_the_prompt_holds_the_last_turns_as_they_were_heard(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    talk.room.tune(history_turns=2)
    for number in range(3):
        talk.room.memory.turns.remember_turn(f"question {number}", f"answer {number}")
    await talk.open(grow, says("Noon."))
    await talk.run()
    [asked] = talk.asked()
    assert [(message.role, message.content) for message in asked.messages] == [
        ("system", talk.room.settings.dialogue.system_prompt),
        ("user", "question 1"),
        ("assistant", "answer 1"),
        ("user", "question 2"),
        ("assistant", "answer 2"),
        ("user", "what time is it"),
    ]
    assert (asked.task, asked.tools) == ("chat", (CLOCK,))


async def test_what_a_tool_answers_reaches_the_model_as_data(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    await talk.open(grow, says(calls=(CALL,)), says("It is noon."))
    assert await talk.run() == "It is noon."
    assert [call.arguments for call in talk.room.tools.of(CallTool)] == [{"zone": "UTC"}]
    *_, assistant, tool = talk.asked()[1].messages
    assert assistant == ChatMessage("assistant", "", tool_calls=(CALL,))
    assert (tool.role, tool.tool_call_id, tool.tool_name) == ("tool", "m1", "clock")
    assert json.loads(tool.content) == {"data_from_tool": "noon"}


async def test_what_is_said_before_a_tool_call_stays_apart_from_what_comes_after(
    grow: Grow, autojump_clock: MockClock
) -> None:
    talk = Talk()
    await talk.open(grow, says("Let me see.", calls=(CALL,)), says("It is noon."))
    assert await talk.run() == "Let me see. It is noon."
    assert talk.said == ["Let me see.", "It is noon."]
    assert talk.begun > 0
    assert talk.first_tokens == 1


async def test_a_tool_that_fails_is_told_to_the_model(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    await talk.open(grow, says(calls=(CALL,)), says("I do not know."))
    talk.room.tools.answers[CallTool] = outcome_of("", ok=False, error="no such zone")
    await talk.run()
    assert json.loads(talk.asked()[1].messages[-1].content) == {"error": "no such zone"}


async def test_a_model_that_claims_what_no_tool_has_done_is_not_believed(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    await talk.open(grow, says("Of course! I've ", "set a timer. Anything else?"))
    with pytest.raises(UnfoundedClaim):
        await talk.run("set a timer for the eggs")
    await wait_all_tasks_blocked()
    assert talk.said == ["Of course!"]
    assert [delta.text for delta in talk.room.connection.events(events.ReplyDelta)] == ["Of course! "]


async def test_a_claim_comes_true_by_the_call_that_goes_with_it(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    await talk.open(grow, says("I've set it.", calls=(CALL,)), says("I've set your timer."))
    assert await talk.run("set a timer for the eggs") == "I've set your timer."
    assert talk.said == ["I've set your timer."]


async def test_a_claim_after_a_call_that_failed_is_not_believed(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    await talk.open(grow, says(calls=(CALL,)), says("Done."))
    talk.room.tools.answers[CallTool] = outcome_of("", ok=False, error="no such zone")
    with pytest.raises(UnfoundedClaim):
        await talk.run("set a timer for the eggs")
    assert talk.said == []


async def test_where_no_action_is_asked_for_a_model_may_say_what_it_likes(
    grow: Grow, autojump_clock: MockClock
) -> None:
    talk = Talk()
    await talk.open(grow, says("I've turned to stone, said the troll. Done."))
    assert await talk.run("tell me a story") == "I've turned to stone, said the troll. Done."


@pytest.mark.parametrize(
    ("text", "asked"),
    [("good morning", "talk"), ("write a letter to my bank", "work"), ("set a timer for the eggs", "action")],
)
async def test_inference_is_told_what_is_asked_for(
    grow: Grow, autojump_clock: MockClock, text: str, asked: str
) -> None:
    talk = Talk()
    await talk.open(grow, says("Well."))
    await talk.run(text)
    assert [message.asked_for for message in talk.asked()] == [asked]


async def test_without_a_suitable_model_there_is_an_apology(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    await talk.open(grow, NoModel())
    with pytest.raises(NoSuitableModel):
        await talk.run("set a timer for the eggs")
    assert talk.begun == 0


async def test_a_tool_that_does_not_exist_is_not_called(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    await talk.open(grow, says(calls=(ModelToolCall("m1", "rm_rf", {}),)), says("Sorry."))
    await talk.run()
    assert talk.room.tools.of(CallTool) == []
    assert json.loads(talk.asked()[1].messages[-1].content) == {"error": "there is no tool 'rm_rf'"}


async def test_a_name_that_two_servers_share_gets_the_server_s_name(grow: Grow, autojump_clock: MockClock) -> None:
    twins = (CLOCK, spec_of("clock", read_only=True, server="tower"))
    talk = Talk()
    await talk.open(grow, says(calls=(ModelToolCall("m1", "tower__clock", {}),)), says("Noon."), tools=twins)
    await talk.run()
    assert [tool.name for tool in talk.asked()[0].tools] == ["house__clock", "tower__clock"]
    assert [(call.server, call.tool) for call in talk.room.tools.of(CallTool)] == [("tower", "clock")]


async def test_a_model_gets_so_many_rounds_of_tools_and_no_more(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    talk.room.tune(max_tool_steps=2)
    await talk.open(grow, says(calls=(CALL,)))  # for ever
    assert await talk.run() == ""
    assert [len(asked.tools) for asked in talk.asked()] == [1, 1, 0]
    assert len(talk.room.tools.of(CallTool)) == 2, "what was not offered is not called"


async def test_without_the_capability_no_tools_are_offered(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    await talk.open(grow, says("Hi."))
    await talk.run(capabilities=("llm",))
    assert talk.asked()[0].tools == ()
    assert talk.room.tools.seen == []


async def test_a_refused_call_ends_the_conversation(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    await talk.open(grow, says(calls=(ModelToolCall("m1", "gate", {}),)), tools=(spec_of("gate"),))
    with pytest.raises(TurnRefused):
        await talk.run()  # the question is not answered
    assert len(talk.asked()) == 1


async def test_a_model_that_cannot_answer_is_the_caller_s_business(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    await talk.open(grow, Down("no model"))
    with pytest.raises(Down):
        await talk.run()


async def test_without_a_list_of_tools_there_is_still_an_answer(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    await talk.open(grow, says("Noon."))
    talk.room.tools.answers[ListTools] = Down("restarting")
    assert await talk.run() == "Noon."
    [asked] = talk.asked()
    assert asked.tools == ()
    assert asked.messages[0].content.endswith(
        "Tools that do not answer now: all. Say so only if the request needs them."
    )


async def test_a_tool_server_that_is_slow_costs_a_question_two_seconds_at_most(
    grow: Grow, autojump_clock: MockClock
) -> None:
    talk = Talk()
    await talk.open(grow, says("Noon."))
    talk.room.tools.answers[ListTools] = after(30.0, ToolList((CLOCK,)))
    start_s = trio.current_time()
    assert await talk.run() == "Noon."
    assert trio.current_time() - start_s == pytest.approx(LIST_WITHIN_S)


async def test_the_model_is_told_which_servers_are_missing_and_keeps_the_others(
    grow: Grow, autojump_clock: MockClock
) -> None:
    talk = Talk()
    await talk.open(grow, says("Noon."))
    talk.room.tools.answers[ListTools] = ToolList((CLOCK,), missing=("lights", "music"))
    assert await talk.run() == "Noon."
    [asked] = talk.asked()
    assert asked.tools == (CLOCK,)
    assert "do not answer now: lights, music." in asked.messages[0].content


async def test_a_tool_that_the_operator_denies_is_not_even_offered(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk()
    talk.room.permit(**{"house/lock": "deny"})
    await talk.open(grow, says("Noon."), tools=(CLOCK, spec_of("lock")))
    await talk.run()
    assert [tool.name for tool in talk.asked()[0].tools] == ["clock"]


def test_the_date_and_the_language_are_filled_in_and_other_braces_stay():
    text = filled("It is {date}. Answer in {language}. {other}", 1_000_000_000.0, "de")
    assert text == "It is Sunday, 09 September 2001. Answer in de. {other}"


# --- tools of the client ---------------------------------------------------------------------------

OWN = events.ClientTool("get_weather", "Tell the weather.", {"type": "object"})


async def test_the_clients_tools_are_offered_beside_the_servers(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk(wanted={"tools": (OWN, events.ClientTool("clock"))})
    await talk.open(grow, says("Hello."))
    await talk.run("tell me a story")
    [asked] = talk.asked()
    assert [(spec.server, spec.name) for spec in asked.tools] == [
        ("house", "house__clock"),
        ("client", "get_weather"),
        ("client", "client__clock"),
    ]
    assert asked.tools[1].input_schema == {"type": "object"}
    assert not asked.must_call


async def test_tools_of_a_client_that_wants_none_of_the_servers(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk(wanted={"tools": (OWN,)})
    talk.room.permit(**{"client/get_weather": "deny"})
    await talk.open(grow, says("Hello."), says("Hello."))
    await talk.run("tell me a story", ("llm",))
    talk.room.permit()
    await talk.run("tell me a story", ("llm",))
    assert [[spec.name for spec in asked.tools] for asked in talk.asked()] == [[], ["get_weather"]]


async def test_a_call_that_must_be_made_is_made_once(grow: Grow, autojump_clock: MockClock) -> None:
    talk = Talk(wanted={"tool_choice": "required"})
    await talk.open(grow, says(calls=(CALL,)), says("It is noon."))
    assert await talk.run("tell me a story") == "It is noon."
    assert [(asked.must_call, asked.asked_for) for asked in talk.asked()] == [(True, "action"), (False, "action")]


@pytest.mark.parametrize(
    ("choice", "names", "must_call"),
    [
        ("auto", ["a", "b", "house__c", "client__c"], False),
        ("none", [], False),
        ("required", ["a", "b", "house__c", "client__c"], True),
        ("b", ["b"], True),
        ("c", ["client__c"], True),
        ("d", ["a", "b", "house__c", "client__c"], False),
    ],
)
def test_a_choice_leaves_some_of_the_tools(choice: str, names: list[str], must_call: bool) -> None:
    tools = {
        "a": spec_of("a"),
        "b": spec_of("b", server="client"),
        "house__c": spec_of("c"),
        "client__c": spec_of("c", server="client"),
    }
    chosen, must = chosen_tools(tools, choice)
    assert (list(chosen), must) == (names, must_call)


def test_of_no_tools_none_can_be_required() -> None:
    assert chosen_tools({}, "required") == ({}, False)
