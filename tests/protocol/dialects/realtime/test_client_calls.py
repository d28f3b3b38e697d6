"""The call that a turn leaves to its client."""

from protocol.dialects.realtime.client_calls import ClientCalls
from protocol.messages import events

CALL = events.ToolCall("t1", "c1", "client", "ring", {})
OUTPUT = events.ToolOutput("c1", "It rings.")


def open_calls() -> ClientCalls:
    calls = ClientCalls()
    calls.note(CALL)
    return calls


def test_a_call_of_another_server_is_none_of_the_clients() -> None:
    calls = ClientCalls()
    calls.note(events.ToolCall("t1", "c1", "home", "ring", {}))
    assert not calls.is_open
    assert not calls.awaits("c1")


def test_an_output_is_taken_once() -> None:
    calls = open_calls()
    assert calls.take() is None
    assert calls.is_open, "there is no output yet"
    assert calls.awaits("c1")
    assert not calls.awaits("c2")
    calls.hold(OUTPUT)
    assert not calls.awaits("c1")
    assert calls.take() == OUTPUT
    assert calls.take() is None
    assert not calls.is_open


def test_a_call_is_over_with_its_result_or_its_turn() -> None:
    for over in (
        events.ToolResult("t1", "c1", ok=False, duration_ms=1),
        events.TurnCompleted("t1", "failed", events.LatencyMs()),
    ):
        calls = open_calls()
        calls.hold(OUTPUT)
        calls.note(over)
        assert calls.take() is None


def test_other_calls_and_turns_end_nothing() -> None:
    calls = open_calls()
    calls.note(events.ToolResult("t1", "c2", ok=True, duration_ms=1))
    calls.note(events.TurnCompleted("t2", "done", events.LatencyMs()))
    assert calls.awaits("c1")
