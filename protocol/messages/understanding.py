"""Commands, tools and language models: what a turn asks, and what it is answered."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import attrs

from protocol.messages.ask import Ask

Asked = Literal["talk", "work", "action"]
"""Of a model; ``work`` is writing and translating (``protocol/language/requests.py``)."""


@attrs.frozen
class CommandMatch:
    """A sentence of the grammar, and the call that it stands for."""

    intent: str
    server: str
    tool: str
    arguments: Mapping[str, Any]
    confidence: float
    text: str
    """The hypothesis that matched, normalised."""
    may_continue: bool = True
    """Whether a longer sentence of the grammar begins like this."""


@attrs.frozen
class ToolSpec:
    """One tool of one MCP server."""

    server: str
    name: str
    description: str
    input_schema: Mapping[str, Any]
    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None


@attrs.frozen
class McpOffer:
    """What an MCP server has besides tools; people see it, nothing here uses it by itself."""

    server: str
    kind: Literal["resource", "prompt"]
    name: str
    description: str
    uri: str | None = None


@attrs.frozen
class ListTools(Ask["ToolList"]):
    """Anybody to tools, or to one server; answered by a ``ToolList``."""


@attrs.frozen
class AwaitFirstTry(Ask[None]):
    """The toolbox to a tool server: answer when its first attempt to connect is over, whatever came of it."""


@attrs.frozen
class ToolList:
    """What can be called now, and the configured servers that are down or did not answer in time."""

    tools: tuple[ToolSpec, ...] = ()
    missing: tuple[str, ...] = ()
    offers: tuple[McpOffer, ...] = ()
    notes: tuple[str, ...] = ()
    """What servers list and is not taken, in words."""


@attrs.frozen
class CallProgress:
    """How far a tool call has come, in whatever the tool counts."""

    done: float
    total: float | None = None
    message: str | None = None


@attrs.frozen
class CallTool(Ask["ToolOutcome"]):
    """Dialogue to tools; answered by ``ToolOutcome``."""

    session_id: str
    call_id: str
    server: str
    tool: str
    arguments: Mapping[str, Any]
    timeout_s: float
    on_progress: Callable[[CallProgress], None] | None = None
    """Called whenever the server tells; must not wait."""
    language: str = "en"


@attrs.frozen
class ToolOutcome:
    """What the tool answered; ``content`` is untrusted text."""

    ok: bool
    content: str
    duration_s: float
    error: str | None = None


@attrs.frozen
class ChatMessage:
    """One message of a conversation with a language model."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple["ModelToolCall", ...] = ()
    tool_call_id: str | None = None
    tool_name: str | None = None


@attrs.frozen
class ModelToolCall:
    """A call that the model asks for."""

    call_id: str
    name: str
    arguments: Mapping[str, Any]


@attrs.frozen
class Generate(Ask["Generation | NoModel"]):
    """Dialogue to inference; text goes to ``on_text`` as it comes, the answer is a ``Generation``."""

    session_id: str
    messages: tuple[ChatMessage, ...]
    on_text: Callable[[str], Awaitable[None]]
    """Called with each piece of text, in order; may block, which slows the stream down."""
    tools: tuple[ToolSpec, ...] = ()
    task: str | None = None
    max_tokens: int | None = None
    asked_for: Asked = "talk"
    """Which models may answer: an action needs one with tools, and the embedded one only talks."""


@attrs.frozen
class NoModel:
    """Inference's answer to ``Generate`` where there is no model for what is asked for."""


@attrs.frozen
class Generation:
    """What the model said."""

    text: str
    tool_calls: tuple[ModelToolCall, ...]
    provider: str
    model: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_token_s: float | None = None
    is_cached: bool = False
    """Given before; no model was asked."""
