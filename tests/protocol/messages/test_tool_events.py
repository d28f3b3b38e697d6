"""The events of tool calls are parts of ``events.py``, for the native dialect and everyone else."""

from protocol.messages import events, tool_events
from protocol.messages.events import event_name


def test_the_events_of_calls_are_known_as_parts_of_all_events() -> None:
    for name in ("Confirm", "ConfirmRequest", "ToolCall", "ToolOutput", "ToolProgress", "ToolResult"):
        assert getattr(events, name) is getattr(tool_events, name)
        assert name in events.__all__


def test_an_output_may_be_empty_and_is_no_error_then() -> None:
    assert tool_events.ToolOutput("c") == tool_events.ToolOutput("c", output="", error=None)
    assert event_name(tool_events.ToolOutput) == "tool_output"
