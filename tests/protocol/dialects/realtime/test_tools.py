"""How a client describes its tools and chooses among them."""

import msgspec
import pytest

from protocol.dialects.realtime.tools import FunctionChoice, FunctionFields, ToolChoice, choice_name, client_tools
from protocol.messages.events import ClientTool


def test_a_function_may_leave_out_all_but_its_name() -> None:
    functions = [
        FunctionFields(type="function", name="ring"),
        FunctionFields(type="function", name="call", description="Call.", parameters={"type": "object"}),
    ]
    assert client_tools(functions) == (ClientTool("ring"), ClientTool("call", "Call.", {"type": "object"}))


@pytest.mark.parametrize(
    ("choice", "name"),
    [("auto", "auto"), ("required", "required"), ({"type": "function", "name": "ring"}, "ring")],
)
def test_a_choice_is_a_word_or_a_function(choice: object, name: str) -> None:
    read: ToolChoice = msgspec.convert(choice, ToolChoice)
    assert choice_name(read) == name
    assert isinstance(read, FunctionChoice) is isinstance(choice, dict)


@pytest.mark.parametrize("choice", ["always", {"type": "mcp", "name": "ring"}, {"type": "function"}, 5])
def test_nothing_else_is_a_choice(choice: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(choice, ToolChoice)
