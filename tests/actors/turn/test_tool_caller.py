import random
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.tool_server import ToolServer
from actors.tools import Tools
from actors.turn.tool_caller import ToolCaller, WantedCall
from actors.turn.turn_context import Heard, TurnRefused
from protocol.messages import events
from protocol.messages.hearing import NoWords, Recognition, Transcribe
from protocol.messages.inboxes import ToolServerMessage, ToolsMessage
from protocol.messages.records import ToolRecord
from protocol.messages.understanding import CallProgress, CallTool, ListTools, ToolList, ToolOutcome, ToolSpec
from protocol.turns.listeners import Listeners
from protocol.turns.turn import TurnEvent, TurnMachine, TurnState
from runtime import Backoff, ChildSpec, DomainError, Ref, Registry
from tests.actors.dialogue_fixtures import Room, outcome_of, spec_of
from tests.fake_tool_servers import FakeConnector, FakeToolServer
from tests.fakes import Grow, command, event_names


class Down(DomainError):
    """What a server that is down says."""


class TranscriptionFull(DomainError):
    """What a full queue says."""


@attrs.define(eq=False)
class Pair:
    """ToolCaller in a turn that has understood what is wanted."""

    room: Room = attrs.field(factory=Room)
    confidence: float = 1.0
    machine: TurnMachine = attrs.field(factory=lambda: TurnMachine("t"))
    asked: list[str] = attrs.field(factory=list)
    durations_s: list[float] = attrs.field(factory=list)
    deadline: trio.CancelScope = attrs.field(factory=lambda: trio.CancelScope(deadline=100.0))
    caller: ToolCaller = attrs.field(init=False)

    async def open(self, grow: Grow) -> None:
        """Make them."""
        await self.room.open(grow)
        self.machine.advance(TurnEvent.TEXT_RECEIVED)
        self.machine.advance(TurnEvent.UNDERSTOOD)
        heard = Heard("do it", confidence=self.confidence)
        self.caller = ToolCaller(
            self.machine,
            self.room.turn_context(),
            heard,
            ask_aloud=self._ask_aloud,
            on_tool_s=self.durations_s.append,
            deadline=self.deadline,
            until_said=trio.lowlevel.checkpoint,
        )

    async def _ask_aloud(self, question: str) -> None:
        self.asked.append(question)

    async def call(self, source: events.Source = "command", spec: ToolSpec | None = None) -> ToolOutcome:
        """Want the lamp on."""
        return await self.caller.call(WantedCall("house", "lamp_on", {"room": "hall"}, source, spec))

    async def answer_when_asked(self, *, approve: bool) -> None:
        """Be the user."""
        request = await self.room.connection.wait_for_event(events.ConfirmRequest)
        assert not self.caller.answer("another", approve=True)
        assert self.caller.answer(request.call_id, approve=approve)


async def test_a_call_is_noted_shown_made_and_recorded(grow: Grow, autojump_clock: MockClock) -> None:
    pair = Pair()
    pair.room.tools.answers[CallTool] = outcome_of("It is on.")
    await pair.open(grow)
    assert await pair.call() == outcome_of("It is on.")
    await wait_all_tasks_blocked()
    assert event_names(pair.room.connection.events()) == ["ToolCall", "ToolResult"]
    result = pair.room.connection.events(events.ToolResult)[0]
    assert (result.ok, result.duration_ms, result.content, result.error) == (True, 50, "It is on.", None)
    [call] = pair.room.tools.of(CallTool)
    assert (call.call_id, call.language) == ("id1", "en")
    assert not pair.room.memory.turns.begin_call("id1"), "the id is in the vault"
    [record] = pair.room.history.of(ToolRecord)
    assert (record.ok, record.result, record.transcript, record.confidence) == (True, "It is on.", "do it", 1.0)
    assert pair.room.metrics.of(ToolRecord) == [record]
    assert pair.durations_s == [0.05]


async def test_a_call_that_cannot_be_sent_is_a_failed_outcome(grow: Grow, autojump_clock: MockClock) -> None:
    pair = Pair()
    pair.room.tools.answers[CallTool] = Down("server is down")
    await pair.open(grow)
    outcome = await pair.call()
    assert (outcome.ok, outcome.error) == (False, "server is down")
    await wait_all_tasks_blocked()
    assert pair.room.connection.events(events.ToolResult)[0].error == "server is down"
    assert pair.room.history.of(ToolRecord)[0].result == "server is down"


async def test_no_call_id_is_used_twice(grow: Grow, autojump_clock: MockClock) -> None:
    pair = Pair()
    await pair.open(grow)
    pair.room.memory.turns.begin_call("id1")
    with pytest.raises(AssertionError, match="call id id1 was used before"):
        await pair.call()
    assert pair.room.tools.of(CallTool) == []


@pytest.mark.parametrize(
    ("case", "is_asked"),
    [
        (("command", None, 1.0), False),
        (("command", None, 0.2), True),
        (("command", True, 0.2), False),
        (("model", True, 1.0), False),
        (("model", True, 0.2), False),
        (("model", False, 1.0), True),
        (("model", None, 1.0), True),
    ],
)
async def test_consent_is_asked_for_where_it_is_needed(
    grow: Grow, autojump_clock: MockClock, case: tuple[Any, bool | None, float], is_asked: bool
) -> None:
    source, read_only, confidence = case
    pair = Pair(confidence=confidence)
    spec = spec_of("lamp_on", read_only=read_only)
    pair.room.tools.answers |= {ListTools: ToolList((spec_of("other"), spec)), CallTool: outcome_of()}
    await pair.open(grow)
    async with trio.open_nursery() as nursery:
        if is_asked:
            nursery.start_soon(lambda: pair.answer_when_asked(approve=True))
        await pair.call(source, spec if source == "model" else None)
    assert pair.asked == (["Shall I do this: lamp on?"] if is_asked else [])
    assert len(pair.room.tools.of(CallTool)) == 1
    assert pair.machine.state is TurnState.ACTING


@pytest.mark.parametrize(
    ("title", "sentence", "is_inexact", "language", "asked"),
    [
        ("Switch the lamp on", "", False, "en", "Shall I do this: Switch the lamp on?"),
        ("Switch the lamp on", "lamp on", False, "en", "Shall I do this: Switch the lamp on?"),
        ("", "switch on the lamp", False, "en", 'I understood "switch on the lamp". Shall I do that?'),
        ("", "mach das Licht an", False, "de", "Ich habe „mach das Licht an“ verstanden. Soll ich das tun?"),
        ("", "switch on the lamb", True, "en", "Shall I do this: lamp on?"),
        ("", "", False, "de", "Soll ich das tun: lamp on?"),
    ],
)
def test_the_user_is_asked_in_words_and_not_by_a_tools_name(
    title: str, sentence: str, is_inexact: bool, language: str, asked: str
) -> None:
    wanted = WantedCall("house", "lamp_on", {}, "command", is_inexact=is_inexact, sentence=sentence)
    spec = attrs.evolve(spec_of("lamp_on"), title=title) if title else None
    assert wanted.question(language, spec) == asked


async def test_while_the_list_of_tools_cannot_be_had_a_doubtful_call_is_asked_about(
    grow: Grow, autojump_clock: MockClock
) -> None:
    pair = Pair(confidence=0.2)
    pair.room.tools.answers |= {ListTools: Down("no list"), CallTool: outcome_of()}
    await pair.open(grow)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: pair.answer_when_asked(approve=True))
        await pair.call()
    assert len(pair.asked) == 1


async def test_without_consent_nothing_is_done(grow: Grow, autojump_clock: MockClock) -> None:
    pair = Pair()
    await pair.open(grow)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: pair.answer_when_asked(approve=False))
        with pytest.raises(TurnRefused, match="I will not do that"):
            await pair.call("model", spec_of("lamp_on"))
    assert pair.room.tools.of(CallTool) == []
    assert pair.machine.state is TurnState.CONFIRMING


async def test_what_the_operator_denies_is_not_done_and_goes_on_record(grow: Grow, autojump_clock: MockClock) -> None:
    pair = Pair()
    pair.room.permit(**{"house/*": "deny"})
    await pair.open(grow)
    with pytest.raises(TurnRefused, match="not allowed"):
        await pair.call()
    await wait_all_tasks_blocked()
    assert pair.room.tools.of(CallTool) == []
    assert pair.asked == []
    [record] = pair.room.history.of(ToolRecord)
    assert (record.ok, record.result) == (False, "denied by the configuration")


async def test_no_secret_is_written_down(grow: Grow, autojump_clock: MockClock) -> None:
    pair = Pair()
    pair.room.tools.answers[CallTool] = outcome_of("your token is ghp_" + "a1b2c3d4e5f6g7h8i9j0")
    await pair.open(grow)
    wanted = WantedCall("house", "login", {"user": "anna", "password": "hunter2"}, "command")
    await pair.caller.call(wanted)
    await wait_all_tasks_blocked()
    [call] = pair.room.tools.of(CallTool)
    assert call.arguments["password"] == "hunter2"
    [record] = pair.room.history.of(ToolRecord)
    assert record.arguments == {"user": "anna", "password": "[redacted]"}
    assert record.result == "your token is [redacted]"


async def test_each_hop_has_the_time_of_the_one_before_and_the_tool_server_gives_up_first(
    grow: Grow, autojump_clock: MockClock
) -> None:
    server: Ref[ToolServerMessage] = Ref("tools.house")
    router: Ref[ToolsMessage] = Ref("tools.router")
    pair, hanging = Pair(), FakeToolServer("house", (spec_of("lamp_on"),))
    settings = pair.room.settings.tools
    connector, backoff = FakeConnector([hanging]), Backoff(base_s=0.2, cap_s=1.0)

    def make_server() -> ToolServer:
        return ToolServer("house", settings, connector, Registry(), Listeners(), backoff=backoff, rng=random.Random(0))

    async def pass_on(call: CallTool) -> ToolOutcome:
        return await router.ask(call, linked=True)

    pair.room.tools.answers[CallTool] = pass_on
    await pair.open(grow)
    await grow(ChildSpec(server, make_server), ChildSpec(router, lambda: Tools(settings, {"house": server})))
    start_s = trio.current_time()
    outcome = await pair.call()
    assert trio.current_time() - start_s == pytest.approx(settings.call_timeout_s)
    assert (outcome.ok, outcome.error) == (False, "lamp_on took longer than 10 s and was cancelled")
    assert len(hanging.calls) == 1


async def test_progress_is_shown_now_and_then(grow: Grow, autojump_clock: MockClock) -> None:
    pair = Pair()

    async def work(call: CallTool) -> ToolOutcome:
        assert call.progress_sink is not None
        for step in range(10):
            await call.progress_sink.send(CallProgress(step, 10, "x" * 1_000))
            await trio.sleep(0.125)
        return outcome_of("Done.")

    pair.room.tools.answers[CallTool] = work
    await pair.open(grow)
    await pair.call()
    await wait_all_tasks_blocked()
    shown = pair.room.connection.events(events.ToolProgress)
    assert [event.done for event in shown] == [0, 4, 8]
    assert {(event.call_id, event.total, len(event.message or "")) for event in shown} == {("id1", 10, 200)}


async def test_a_question_expires(grow: Grow, autojump_clock: MockClock) -> None:
    pair = Pair()
    await pair.open(grow)
    with pytest.raises(TurnRefused):
        await pair.call("model", spec_of("lamp_on"))
    assert trio.current_time() == pytest.approx(20.0)
    assert pair.machine.question is None
    assert not pair.caller.answer("id1", approve=True), "too late"


# --- consent, with a dialogue around it ----------------------------------------------------------


async def asking(grow: Grow, *, capabilities: tuple[Any, ...] = ("stt", "tools", "tts")) -> Room:
    """Return a room in which a doubtful command waits for consent; the call would be ``id2``."""
    room = Room()
    room.grammar.commands = command("open the gate", tool="open_gate")
    room.transcription.answers[Transcribe] = [Recognition("open the gate", "en", 0.2)]
    room.tools.answers |= {ListTools: ToolList((spec_of("open_gate"),)), CallTool: outcome_of("The gate is open.")}
    await room.open(grow, capabilities=capabilities)
    await room.begin_to_speak()
    await room.end_speech()
    request = await room.connection.wait_for_event(events.ConfirmRequest)
    assert (request.turn_id, request.call_id, request.tool) == ("id1", "id2", "open_gate")
    return room


async def test_a_doubtful_command_is_made_after_a_yes_by_hand(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    assert room.tools.of(CallTool) == []
    await room.dialogue.tell(events.Confirm("id2", approve=True))
    assert await room.completed() == [("id1", "done")]
    assert [call.call_id for call in room.tools.of(CallTool)] == ["id2"]


async def test_a_no_by_hand_refuses_it(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    await room.dialogue.tell(events.Confirm("id2", approve=False))
    assert await room.completed() == [("id1", "refused")]
    assert room.tools.of(CallTool) == []


async def test_no_answer_is_a_no(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    asked_s = trio.current_time()
    assert await room.completed() == [("id1", "refused")]
    assert trio.current_time() - asked_s >= 20.0
    assert room.tools.of(CallTool) == []


async def test_an_answer_to_no_question_is_an_error(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    await room.dialogue.tell(events.Confirm("id9", approve=True))
    error = await room.connection.wait_for_event(events.Error)
    assert (error.code, error.fatal) == ("unexpected_event", False)
    assert "'id9'" in error.message
    assert room.tools.of(CallTool) == [], "the question is still open"


@pytest.mark.parametrize(("words", "outcome", "calls"), [("yes please", "done", 1), ("no thanks", "refused", 0)])
async def test_a_question_is_answered_by_voice(
    grow: Grow, autojump_clock: MockClock, words: str, outcome: str, calls: int
) -> None:
    room = await asking(grow)
    room.transcription.answers[Transcribe] = Recognition(words, "en", 0.9)
    await trio.sleep(2.0)
    await room.begin_to_speak()
    await trio.sleep(0.5)
    await room.end_speech()
    assert await room.completed(2) == [("id3", "done"), ("id1", outcome)]
    assert len(room.tools.of(CallTool)) == calls
    room.assert_each_turn_was_completed_once()


async def test_a_yes_before_the_question_was_heard_to_its_end_is_no_barge_in(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await asking(grow)
    room.transcription.answers[Transcribe] = Recognition("yes", "en", 0.9)
    await trio.sleep(0.1)  # the question takes a second
    await room.begin_to_speak()
    await trio.sleep(0.4)
    await room.end_speech()
    assert await room.completed(2) == [("id3", "done"), ("id1", "done")]
    assert len(room.tools.of(CallTool)) == 1


async def test_a_question_is_answered_by_typing(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    await room.type("ok")
    assert await room.completed(2) == [("id3", "done"), ("id1", "done")]


async def test_another_command_instead_of_an_answer_is_a_no_and_then_a_turn(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await asking(grow)
    room.grammar.commands |= command("what time is it", tool="clock")
    await trio.sleep(2.0)
    await room.type("what time is it")
    assert await room.completed(2) == [("id1", "refused"), ("id3", "done")]
    assert [call.tool for call in room.tools.of(CallTool)] == ["clock"]
    room.assert_each_turn_was_completed_once()


async def test_an_answer_without_words_leaves_the_question_open(grow: Grow, autojump_clock: MockClock) -> None:
    room = await asking(grow)
    room.transcription.answers[Transcribe] = NoWords("noise")
    await trio.sleep(2.0)
    await room.begin_to_speak()
    await room.end_speech()
    assert await room.completed() == [("id3", "no_speech")]
    assert room.tools.of(CallTool) == []
    await room.type("yes")
    assert dict(await room.completed(3)) == {"id3": "no_speech", "id4": "done", "id1": "done"}


async def test_an_answer_that_cannot_be_transcribed_leaves_the_question_open(
    grow: Grow, autojump_clock: MockClock
) -> None:
    room = await asking(grow)
    room.transcription.answers[Transcribe] = TranscriptionFull("64 utterances are waiting")
    await trio.sleep(2.0)
    await room.begin_to_speak()
    await room.end_speech()
    assert await room.completed() == [("id3", "failed")]
    await room.dialogue.tell(events.Confirm("id2", approve=True))
    assert await room.completed(2) == [("id3", "failed"), ("id1", "done")]


# --- tools of the client ---------------------------------------------------------------------------

LAMP = events.ToolCall("t", "id1", "client", "lamp_on", {"room": "hall"})


@attrs.define(eq=False)
class ClientCall(Pair):
    """A call of a tool that the client has."""

    outcomes: list[ToolOutcome] = attrs.field(factory=list)

    async def make(self) -> None:
        """Make it."""
        spec = spec_of("lamp_on", server="client")
        self.outcomes.append(
            await self.caller.call(WantedCall("client", "lamp_on", {"room": "hall"}, "model", spec, is_influenced=True))
        )


async def test_a_tool_of_the_client_is_left_to_the_client(grow: Grow, autojump_clock: MockClock) -> None:
    pair = ClientCall(confidence=0.1)
    await pair.open(grow)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pair.make)
        assert await pair.room.connection.wait_for_event(events.ToolCall) == LAMP
        assert pair.machine.client_call == "id1"
        pair.caller.give_output(events.ToolOutput("another", "no"))
        await trio.sleep(3.0)
        pair.caller.give_output(events.ToolOutput("id1", "It is on."))
        pair.caller.give_output(events.ToolOutput("id1", "twice"))
    await wait_all_tasks_blocked()
    [outcome] = pair.outcomes
    assert (outcome.ok, outcome.content) == (True, "It is on.")
    assert outcome.duration_s == pytest.approx(3.0)
    assert pair.machine.client_call is None
    assert pair.room.tools.of(CallTool) == [], "no server is asked"
    assert pair.room.connection.events(events.ToolResult)[0].content == "It is on."
    assert pair.room.history.of(ToolRecord)[0].server == "client"
    assert pair.deadline.deadline == pytest.approx(103.0), "the turn is given the time that the client took"


async def test_a_client_that_gives_no_output_is_not_waited_for_for_ever(grow: Grow, autojump_clock: MockClock) -> None:
    pair = ClientCall()
    await pair.open(grow)
    await pair.make()
    limit_s = pair.room.settings.tools.client_timeout_s
    assert pair.outcomes[0].error == f"the client gave no output within {limit_s:g} s"
    pair.caller.give_output(events.ToolOutput("id1", "too late"))


async def test_what_a_client_could_not_do_has_failed_and_long_output_is_cut(
    grow: Grow, autojump_clock: MockClock
) -> None:
    pair = ClientCall()
    await pair.open(grow)
    limit = pair.room.settings.tools.result_max_chars
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pair.make)
        await pair.room.connection.wait_for_event(events.ToolCall)
        pair.caller.give_output(events.ToolOutput("id1", "x" * (limit + 1), error="the lamp is broken"))
    assert (pair.outcomes[0].ok, pair.outcomes[0].error) == (False, "the lamp is broken")
    assert len(pair.outcomes[0].content) == limit


async def test_the_operator_may_deny_the_tools_of_clients(grow: Grow, autojump_clock: MockClock) -> None:
    pair = ClientCall()
    pair.room.permit(**{"client/*": "deny"})
    await pair.open(grow)
    with pytest.raises(TurnRefused):
        await pair.make()
    assert pair.room.connection.events(events.ToolCall) == []


async def test_a_cut_turn_does_not_wait_for_its_client(grow: Grow, autojump_clock: MockClock) -> None:
    pair = ClientCall()
    await pair.open(grow)
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pair.make)
            await pair.room.connection.wait_for_event(events.ToolCall)
            began_s = trio.current_time()
            pair.caller.let_call_end()
            scope.cancel()
    assert trio.current_time() == began_s
    assert pair.outcomes == []
