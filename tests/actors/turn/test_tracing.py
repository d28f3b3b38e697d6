from typing import Any

import attrs
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.turn.run import Turn
from protocol.messages import events
from protocol.messages.hearing import Recognition, Transcribe
from protocol.messages.speaking import Synthesise
from protocol.messages.traces import TurnTrace
from protocol.messages.understanding import CallTool
from protocol.turns.actions import PendingTurn
from protocol.turns.turn import TurnMachine
from tests.actors.dialogue_fixtures import SESSION_ID, Room, after, outcome_of, speech_of, spoken
from tests.fakes import FakeGrammar, Grow, Script, command, scripted


@attrs.define(eq=False)
class TracedRoom:
    """A room whose turns are traced."""

    room: Room
    traces: Script = attrs.field(factory=Script)

    async def turn(self, grow: Grow, said: Any, *, is_traced: bool = True) -> Turn:
        """Return a turn that has yet to run."""
        spec = scripted("traces", self.traces)
        await grow(spec)
        await self.room.open(grow)
        context = self.room.turn_context()
        peers = attrs.evolve(context.peers, traces=spec.ref if is_traced else None)
        machine = TurnMachine("t")
        machine.begin(said)
        return Turn(PendingTurn("t", said), machine, attrs.evolve(context, peers=peers), self.room.options())

    async def run(self, grow: Grow, said: Any, *, is_traced: bool = True) -> None:
        """Run one turn to its end."""
        turn = await self.turn(grow, said, is_traced=is_traced)
        async with trio.open_nursery() as nursery:  # a task of its own, as the dialogue gives it
            nursery.start_soon(turn.run)
        await wait_all_tasks_blocked()

    def trace(self) -> TurnTrace:
        """Return the one trace that was sent."""
        [trace] = self.traces.of(TurnTrace)
        return trace


def timer_room() -> Room:
    """Return a room in which "set a timer" is a command, and everything takes its time."""
    room = Room(grammar=FakeGrammar(command("set a timer", minutes=5)))
    heard = Recognition("set a timer", "en", 0.9, queue_s=0.2)
    room.transcription.answers[Transcribe] = after(0.5, heard)
    room.tools.answers[CallTool] = after(2.0, outcome_of("Timer set."))
    room.speech.answers[Synthesise] = after(0.25, speech_of(1.0))
    return room


async def test_a_spoken_turn_is_traced_from_the_last_voice_to_the_end_of_its_answer(
    grow: Grow, autojump_clock: MockClock
) -> None:
    traced = TracedRoom(timer_room())
    await trio.sleep(10.0)
    last_voice_s = trio.current_time() - 0.3
    await traced.run(grow, spoken(last_voice_s=last_voice_s))
    trace = traced.trace()
    assert (trace.session_id, trace.turn_id, trace.outcome, trace.source, trace.language) == (
        *(SESSION_ID, "t", "done", "command", "en"),
    )
    found = {
        span.name: (round(span.start_s - last_voice_s, 3), round(span.end_s - span.start_s, 3)) for span in trace.spans
    }
    assert found == {
        "endpoint": (0.0, 0.3),
        "queue": (0.3, 0.2),
        "recognise": (0.5, 0.3),
        "understand": (0.8, 0.0),
        "tool set_timer": (0.8, 2.0),
        "synthesise": (2.8, 0.25),
        "first sound": (2.8, 0.25),
        "play": found["play"],
    }
    assert round(trace.end_s - last_voice_s, 3) == round(sum(found["play"]), 3) >= 3.9
    assert trace.start_s == last_voice_s
    assert round(trace.unix_offset_s + trace.end_s) == 1_000_000
    assert {span.parent for span in trace.spans} == {0}


async def test_a_tool_call_says_which_tool_and_how_it_ended_and_no_arguments(
    grow: Grow, autojump_clock: MockClock
) -> None:
    traced = TracedRoom(timer_room())
    await traced.run(grow, events.Text("set a timer"))
    [tool] = [span for span in traced.trace().spans if span.name.startswith("tool ")]
    assert tool.attributes == {"tool": "set_timer", "server": "house", "call_id": "id1", "ok": True}


async def test_a_turn_that_is_cut_is_traced_as_far_as_it_came(grow: Grow, autojump_clock: MockClock) -> None:
    traced = TracedRoom(timer_room())
    turn = await traced.turn(grow, events.Text("set a timer"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turn.run)
        await trio.sleep(1.0)
        turn.interrupt()
    await wait_all_tasks_blocked()
    trace = traced.trace()
    assert trace.outcome == "interrupted"
    [tool] = [span for span in trace.spans if span.name == "tool set_timer"]
    assert (tool.end_s - tool.start_s, "ok" in tool.attributes) == (1.0, False)


async def test_a_turn_is_not_traced_if_nothing_takes_traces(grow: Grow, autojump_clock: MockClock) -> None:
    traced = TracedRoom(timer_room())
    await traced.run(grow, events.Text("set a timer"), is_traced=False)
    assert traced.traces.seen == []
