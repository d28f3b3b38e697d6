"""Commands, tools and language models: the messages of a turn, and their answers."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from protocol.messages.ask import Ask, PartSink
from protocol.messages.identity import LOCAL_USER

Asked = Literal["talk", "work", "action"]
"""Of a model; ``work`` is writing and translating (``protocol/language/requests.py``)."""
OUTCOME_WITHIN_S: Final = 1.0
"""Of the time that an asker waits for a tool call: kept for the way back of its outcome."""


@attrs.frozen
class SlotQuestion:
    """What a sentence of the grammar leaves out, and how it is asked for."""

    slot: str
    text: str
    """Such as "For how long?"."""
    is_free_text: bool = False
    """Whether any words may be the answer."""


@attrs.frozen
class Guess:
    """How a call was understood that no sentence of the grammar stands for."""

    question: str
    """Asks the user whether it is to be made: "Shall I set a timer for ten minutes?"."""
    is_sure: bool
    """Whether a call that only reads may be made without the question."""


@attrs.frozen
class CommandMatch:
    """A sentence of the grammar, or of the same meaning as some, and its tool call."""

    intent: str
    server: str
    tool: str
    arguments: Mapping[str, Any]
    confidence: float
    text: str
    """The hypothesis that matched, normalised."""
    may_continue: bool = True
    """Whether a longer sentence of the grammar begins like this."""
    slots: Mapping[str, Any] = attrs.field(factory=dict)
    """What the sentence says, by slot; the arguments are made of it."""
    question: SlotQuestion | None = None
    """What has to be asked before the call can be made."""
    guess: Guess | None = None
    """``None`` for a sentence of the grammar."""
    has_free_text: bool = False
    """Whether a slot took words that may be anything, such as a note's."""


@attrs.frozen
class CommandSamples:
    """What can be said for one intent of the command files."""

    language: str
    intent: str
    server: str
    tool: str
    samples: tuple[str, ...]
    """Whole sentences; ``…`` stands for free text."""


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
    title: str = ""
    """Its name for people, if its author gave it one."""
    is_reversible: bool = False
    """Whether its server promises a way to take each call back (``Undo``)."""

    @property
    def is_amendable(self) -> bool:
        """Whether a call leaves nothing behind that cannot be taken back."""
        return self.read_only is True or self.is_reversible


@attrs.frozen
class McpOffer:
    """A resource or prompt of an MCP server; shown to users, not used by the server itself."""

    server: str
    kind: Literal["resource", "prompt"]
    name: str
    description: str
    uri: str | None = None


@attrs.frozen
class ListTools(Ask["ToolList"]):
    """To tools, or to one server; answered by a ``ToolList``."""


@attrs.frozen
class AwaitFirstTry(Ask[None]):
    """The router to a tool server: answer when its first attempt to connect has succeeded or failed."""


@attrs.frozen
class ToolList:
    """The tools that can be called now, and the configured servers that are down or did not answer in time."""

    tools: tuple[ToolSpec, ...] = ()
    missing: tuple[str, ...] = ()
    offers: tuple[McpOffer, ...] = ()
    notes: tuple[str, ...] = ()
    """The tools that were left out, each with the reason."""

    def find(self, server: str, tool: str) -> ToolSpec | None:
        """Return a tool's description, if its server is up."""
        return next((spec for spec in self.tools if (spec.server, spec.name) == (server, tool)), None)


@attrs.frozen
class CallProgress:
    """The progress of a tool call, in the tool's own unit."""

    done: float
    total: float | None = None
    message: str | None = None


@attrs.frozen
class CallTool(Ask["ToolOutcome"]):
    """Dialogue to tools; answered by ``ToolOutcome``.

    The call is given up ``OUTCOME_WITHIN_S`` before its asker stops waiting, so that its outcome is told.
    """

    session_id: str
    call_id: str
    server: str
    tool: str
    arguments: Mapping[str, Any]
    progress_sink: PartSink[CallProgress] | None = None
    """Where the server's progress goes."""
    language: str = "en"
    user: str = LOCAL_USER
    """Whose things the call reads and changes."""


@attrs.frozen
class ToolAnnouncement:
    """A text that a tool server wants to be said between calls."""

    session_id: str
    """Who asked for it; it may be gone."""
    text: str
    user: str | None = None
    """Whose it is: any session of this user may be told. None for the session alone."""
    receipts: tuple[int, ...] = ()
    """What the server wants back when it was said; until then it announces it again."""


@attrs.frozen
class AnnouncementTold:
    """Dialogue to tools, and to one server: an announcement was said."""

    server: str
    receipts: tuple[int, ...]


@attrs.frozen
class Choice:
    """One of several things that a call may have meant, as its tool says; untrusted."""

    title: str
    arguments: Mapping[str, Any]
    """Those that the same call is made with again, besides its own, if this is the one."""


@attrs.frozen
class Undo:
    """The call of the same server that takes back what a call has done, as its tool says; untrusted."""

    tool: str
    arguments: Mapping[str, Any]


@attrs.frozen
class ToolOutcome:
    """The tool's result; ``content`` is untrusted text."""

    ok: bool
    content: str
    duration_s: float
    error: str | None = None
    choices: tuple[Choice, ...] = ()
    """Nothing was done: ``content`` asks which of these is meant."""
    undo: Undo | None = None
    """How it is taken back; ``None`` if it cannot be."""
    told: str | None = None
    """A whole sentence for the user about a failure, in the call's language; ``None``: ``error`` is told."""


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
    """Dialogue to inference; text goes to ``text_sink`` as it comes, the answer is a ``Generation``."""

    session_id: str
    messages: tuple[ChatMessage, ...]
    text_sink: PartSink[str]
    """Where each piece of text goes, in order."""
    tools: tuple[ToolSpec, ...] = ()
    task: str | None = None
    max_tokens: int | None = None
    user: str = LOCAL_USER
    """Whose question it is: an answer is kept for the same user only."""
    asked_for: Asked = "talk"
    """Which models may answer: an action needs one with tools, and the embedded one only talks."""
    must_call: bool = False
    """Whether the answer has to be a call of one of ``tools``, where the model's server can be told so."""


@attrs.frozen
class CompletionRequest:
    """Inference to one language model: the conversation to complete."""

    messages: tuple[ChatMessage, ...]
    text_sink: PartSink[str]
    """Where each piece of text goes, in order."""
    max_tokens: int
    tools: tuple[ToolSpec, ...] = ()
    model: str | None = None
    """Another model of the same server; ``None`` is its usual one."""
    must_call: bool = False
    """Whether the answer has to be a call of one of ``tools``."""


@attrs.frozen
class NoModel:
    """Inference's answer to ``Generate`` if no model can serve the request."""


@attrs.frozen
class Generation:
    """The model's answer."""

    text: str
    tool_calls: tuple[ModelToolCall, ...]
    provider: str
    model: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    first_token_s: float | None = None
    is_cached: bool = False
    """Whether it is from the cache; no model was asked."""
