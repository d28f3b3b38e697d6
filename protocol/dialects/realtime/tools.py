"""Tools of a client of OpenAI's Realtime API: how it describes them, and how it chooses among them."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from protocol.messages.events import ClientTool


class FunctionFields(msgspec.Struct, frozen=True, kw_only=True):
    """A function that the client executes."""

    type: Literal["function"]
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class FunctionChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The function that the model must call."""

    type: Literal["function"]
    name: str


ToolChoice = Literal["auto", "none", "required"] | FunctionChoice


def client_tools(functions: Sequence[FunctionFields]) -> tuple[ClientTool, ...]:
    """Return functions as the session's tools of its client."""
    return tuple(ClientTool(one.name, one.description or "", one.parameters or {}) for one in functions)


def choice_name(choice: ToolChoice) -> str:
    """Return a choice as the session has it: a word, or the name of a tool."""
    return choice if isinstance(choice, str) else choice.name
