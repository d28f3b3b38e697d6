"""Shared by the dialects of language-model servers: names of tools on the wire, conversations without tools."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import attrs
import msgspec

from backends.json_faults import JSON_FAULTS
from backends.protocols import ProviderError
from config.settings import InferenceSettings
from protocol.messages.understanding import ChatMessage, CompletionRequest, ToolSpec

NAME_MAX_CHARS: Final = 64  # OpenAI's limit for a function's name


@attrs.frozen
class Sampling:
    """How the next token is chosen."""

    temperature: float
    top_p: float
    top_k: int
    """0 means no limit; not every server knows it."""

    @classmethod
    def from_settings(cls, settings: InferenceSettings) -> Self:
        """Return the configured one."""
        return cls(temperature=settings.temperature, top_p=settings.top_p, top_k=settings.top_k)


class WireNames:
    """Names of tools as servers take them (letters, digits, ``_``, ``-``; at most 64), and back to ours."""

    def __init__(self, tools: Sequence[ToolSpec]) -> None:
        self._ours: dict[str, str] = {}
        self._wire: dict[str, str] = {}
        for tool in tools:
            wire = self._free(re.sub(r"[^A-Za-z0-9_-]", "_", tool.name)[:NAME_MAX_CHARS])
            self._ours[wire] = tool.name
            self._wire[tool.name] = wire

    def to_wire(self, name: str) -> str:
        """Return the name on the wire; a tool that is not offered any more keeps its own."""
        return self._wire.get(name, name)

    def to_ours(self, wire: str) -> str:
        """Return our name of a tool; a name that the model made up is returned unchanged."""
        return self._ours.get(wire, wire)

    def _free(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self._ours:
            suffix = f"_{number}"
            name, number = wanted[: NAME_MAX_CHARS - len(suffix)] + suffix, number + 1
        return name


def tool_definitions(tools: Sequence[ToolSpec], names: WireNames) -> list[dict[str, Any]]:
    """Return the tools as both dialects take them: functions with a JSON Schema."""
    return [
        {
            "type": "function",
            "function": {
                "name": names.to_wire(tool.name),
                "description": tool.description,
                "parameters": tool.input_schema,
            },
        }
        for tool in tools
    ]


def without_tools(request: CompletionRequest) -> CompletionRequest:
    """Return the request for a model without tools: their results become data in a message of the user."""
    plain: list[ChatMessage] = []
    for message in request.messages:
        if message.role == "tool":
            plain.append(ChatMessage("user", f"Data from {message.tool_name or 'a tool'}: {message.content}"))
        elif message.content or not message.tool_calls:
            plain.append(attrs.evolve(message, tool_calls=()))
    return attrs.evolve(request, messages=tuple(plain), tools=())


def parse_arguments(name: str, text: str) -> Mapping[str, Any]:
    """Return the arguments that a model wrote as JSON; raises ``ProviderError`` if they are no object."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except JSON_FAULTS as error:
        raise ProviderError(f"the model's arguments for {name} must be a JSON object, not {text[:80]!r}") from error
