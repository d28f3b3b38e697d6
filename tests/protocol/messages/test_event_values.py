from typing import Any

import pytest

from protocol.messages.event_values import (
    MAX_INSTRUCTIONS_CHARS,
    MAX_TERM_CHARS,
    MAX_TOOLS,
    MAX_TOOLS_BYTES,
    MAX_VOCABULARY,
    ClientTool,
)
from protocol.messages.events import ConnectionRequest, SessionUpdate


@pytest.mark.parametrize("terms", [("a",) * (MAX_VOCABULARY + 1), ("a" * (MAX_TERM_CHARS + 1),)])
def test_a_vocabulary_is_bounded_in_its_number_and_length(terms: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="must be at most 64 terms of at most 100 characters"):
        ConnectionRequest("c", ("stt",), vocabulary=terms)
    with pytest.raises(ValueError, match="must be at most 64 terms"):
        SessionUpdate(vocabulary=terms)


def test_an_update_need_not_name_a_vocabulary() -> None:
    assert SessionUpdate().vocabulary is None
    assert SessionUpdate(vocabulary=()).vocabulary == ()


def test_instructions_have_a_limit() -> None:
    assert SessionUpdate(instructions="x" * MAX_INSTRUCTIONS_CHARS).instructions
    for make in (SessionUpdate, lambda instructions: ConnectionRequest("c", ("llm",), instructions=instructions)):
        with pytest.raises(ValueError, match="must have at most 32768 characters"):
            make(instructions="x" * (MAX_INSTRUCTIONS_CHARS + 1))


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    ("tools", "problem"),
    [
        ((ClientTool(""),), "a tool's name must be 1 to 64 letters"),
        ((ClientTool("ring the bell"),), "not 'ring the bell'"),
        ((ClientTool("a" * 65),), "a tool's name"),
        ((ClientTool("none"),), "and no choice, not 'none'"),
        ((ClientTool("ring"), ClientTool("ring")), "with different names"),
        (tuple(ClientTool(f"ring{number}") for number in range(MAX_TOOLS + 1)), "must be at most 128 tools"),
        ((ClientTool("ring", "x" * MAX_TOOLS_BYTES),), "must have at most 65536 bytes as JSON"),
        ((ClientTool("ring", parameters={"maximum": 2**64}),), "must be plain JSON"),
        ((ClientTool("ring", "\ud800"),), "must be plain JSON"),
        ((ClientTool("ring", parameters=nested(100_000)),), "must be plain JSON"),
    ],
)
def test_tools_are_bounded_and_can_be_offered_to_a_model(tools: tuple[ClientTool, ...], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        SessionUpdate(tools=tools)


def test_an_update_need_not_name_tools() -> None:
    assert SessionUpdate().tools is None
    assert SessionUpdate(tools=()).tools == ()
    assert ConnectionRequest("c", (), tools=(ClientTool("ring"),)).tool_choice == "auto"


def test_a_choice_is_a_word_or_the_name_of_a_tool() -> None:
    assert [SessionUpdate(tool_choice=name).tool_choice for name in ("none", "required", "ring")]
    with pytest.raises(ValueError, match="must be auto, none, required or the name of a tool"):
        SessionUpdate(tool_choice="ring the bell")
