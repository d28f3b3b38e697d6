"""The body of OpenAI's ``POST /v1/chat/completions``, checked; pure.

Rules kept here:

* The last message is the turn; what stands before it is the conversation as the client tells it, and nothing else is.
* What cannot be done is refused with the parameter's name. What only shapes a model's text (``temperature``,
  ``max_tokens``) has no effect: the server's own settings hold.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import attrs
import msgspec

from protocol.messages.event_values import MAX_INSTRUCTIONS_CHARS

MODEL: Final = "sayso"
MAX_TEXT_CHARS: Final = 16_384
MAX_MESSAGES: Final = 1_024
MAX_NAME_CHARS: Final = 200
SHOWN_CHARS: Final = 80
SYSTEM_ROLES: Final = frozenset({"system", "developer"})
NO_TOOLS: Final = "tools of a request are not called: this server acts through its own"
UNSERVED: Final[dict[str, str]] = {
    "tools": NO_TOOLS,
    "functions": NO_TOOLS,
    "audio": "answers are text here; /v1/realtime and /v1/audio/speech speak",
    "logprobs": "a turn has no probabilities of tokens",
    "web_search_options": "the web is searched by a tool of the server, if it has one",
}


class BadChatRequest(ValueError):
    """A request that cannot be served; ``param`` is OpenAI's name of what is wrong."""

    def __init__(self, param: str, message: str, *, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.status = status
        self.code = code


class ChatPart(msgspec.Struct):
    """A part of a message's content."""

    type: str
    text: str | None = None


class ClientChatMessage(msgspec.Struct):
    """One message as clients write it."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[ChatPart] | None = None


class StreamOptions(msgspec.Struct):
    """How an answer is streamed."""

    include_usage: bool = False


class ChatBody(msgspec.Struct):
    """What is read of a body; other fields have no effect."""

    messages: list[ClientChatMessage]
    model: str = MODEL
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = None
    n: int | None = None
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    response_format: dict[str, Any] | None = None
    modalities: list[str] | None = None
    audio: dict[str, Any] | None = None
    logprobs: bool | None = None
    web_search_options: dict[str, Any] | None = None


@attrs.frozen(kw_only=True)
class ChatTurn:
    """One turn, and the conversation before it."""

    text: str
    turns: tuple[tuple[str, str], ...] = ()
    """What the user said before, each with what the assistant answered."""
    instructions: str | None = None
    conversation: str | None = None
    """The client's name for the conversation, by which a question is found again."""
    is_streamed: bool = False
    wants_usage: bool = False
    """Whether a stream ends with the usage."""
    prompt_chars: int = 0
    """Characters of all messages."""

    @property
    def last_answer(self) -> str:
        """What the assistant has said last; empty if it has said nothing."""
        return self.turns[-1][1] if self.turns else ""


def read_chat(body: ChatBody, conversation: str | None = None) -> ChatTurn:
    """Return what a body asks for; raises ``BadChatRequest``.

    ``conversation`` is its name in a header, which comes before the field ``user``.
    """
    _refuse_unserved(body)
    if not body.messages or body.messages[-1].role != "user":
        raise BadChatRequest("messages", "the last of messages must be one of the user")
    if len(body.messages) > MAX_MESSAGES:
        raise BadChatRequest("messages", f"messages must be at most {MAX_MESSAGES}, not {len(body.messages)}")
    texts = [_text_of(message, at) for at, message in enumerate(body.messages)]
    text = texts[-1].strip()
    if not 0 < len(text) <= MAX_TEXT_CHARS:
        told = f"the last message must have 1 to {MAX_TEXT_CHARS} characters, not {len(text)}"
        raise BadChatRequest("messages", told)
    said = list(zip((message.role for message in body.messages), texts, strict=True))
    instructions = "\n".join(text for role, text in said if role in SYSTEM_ROLES and text).strip()
    if len(instructions) > MAX_INSTRUCTIONS_CHARS:
        raise BadChatRequest("messages", f"instructions must have at most {MAX_INSTRUCTIONS_CHARS} characters")
    return ChatTurn(
        text=text,
        turns=turns_in(said[:-1]),
        instructions=instructions or None,
        conversation=(conversation or body.user or "")[:MAX_NAME_CHARS] or None,
        is_streamed=bool(body.stream),
        wants_usage=body.stream_options is not None and body.stream_options.include_usage,
        prompt_chars=sum(map(len, texts)),
    )


def turns_in(said: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return what a user said, each with its answer; what is said in several messages is one.

    >>> turns_in([("user", "Hi"), ("user", "there"), ("assistant", "Hello!"), ("user", "Bye")])
    (('Hi there', 'Hello!'), ('Bye', ''))
    """
    turns: list[tuple[str, str]] = []
    for role, text in said:
        if role == "user":
            if turns and not turns[-1][1]:
                turns[-1] = (f"{turns[-1][0]} {text}".strip(), "")
            else:
                turns.append((text, ""))
        elif role == "assistant" and text:
            before = turns.pop() if turns else ("", "")
            turns.append((before[0], f"{before[1]} {text}".strip()))
    return tuple(turns)


def _refuse_unserved(body: ChatBody) -> None:
    if body.model != MODEL:
        told = f"model must be {MODEL}, not {body.model[:SHOWN_CHARS]!r}"
        raise BadChatRequest("model", told, status=404, code="model_not_found")
    for name, why in UNSERVED.items():
        if getattr(body, name):
            raise BadChatRequest(name, f"{name}: {why}", code="unsupported_parameter")
    if body.n not in {None, 1}:
        raise BadChatRequest("n", f"n must be 1: a turn acts, and has one answer, not {body.n}")
    if body.modalities not in (None, ["text"]):
        raise BadChatRequest("modalities", "modalities must be text alone", code="unsupported_parameter")
    if body.response_format is not None and body.response_format.get("type") != "text":
        raise BadChatRequest("response_format", "response_format must be text", code="unsupported_parameter")


def _text_of(message: ClientChatMessage, at: int) -> str:
    if message.role in {"tool", "function"}:
        raise BadChatRequest("messages", f"messages[{at}]: {NO_TOOLS}", code="unsupported_parameter")
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    wrong = next((part.type for part in message.content if part.type != "text"), None)
    if wrong is not None:
        told = f"messages[{at}].content must be text, not {wrong[:SHOWN_CHARS]!r}"
        raise BadChatRequest("messages", told, code="unsupported_content")
    return " ".join(part.text or "" for part in message.content)
