"""Items that a client of OpenAI's Realtime API adds to the conversation."""

from typing import Annotated, Final, Literal, TypeVar

import attrs
import msgspec

from protocol.dialects.realtime.client_events import SHOWN_CHARS, JsonObject
from protocol.dialects.realtime.items import message_item, output_item
from protocol.messages.errors import RemoteProtocolError

MAX_TEXT_CHARS: Final = 32_768  # of one item; a typed command is a line
MAX_OUTPUT_CHARS: Final = 262_144  # of a call; the model gets ``tools.result_max_chars`` of it
TEXT_PARTS: Final = {"user": "input_text", "system": "input_text", "assistant": "output_text"}
ASSISTANT_TEXTS: Final = frozenset({"output_text", "text"})


class ItemPart(msgspec.Struct, frozen=True):
    """A part of a message."""

    type: str
    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT_CHARS)] = ""


class ClientMessageItem(msgspec.Struct, frozen=True):
    """A message."""

    role: Literal["user", "system", "assistant"]
    content: Annotated[tuple[ItemPart, ...], msgspec.Meta(max_length=16)]
    type: Literal["message"] = "message"
    id: Annotated[str, msgspec.Meta(max_length=128)] | None = None


class FunctionOutputItem(msgspec.Struct, frozen=True):
    """What a call that the client made has returned."""

    call_id: str
    output: Annotated[str, msgspec.Meta(max_length=MAX_OUTPUT_CHARS)]
    type: Literal["function_call_output"]
    id: Annotated[str, msgspec.Meta(max_length=128)] | None = None


Item = TypeVar("Item", ClientMessageItem, FunctionOutputItem)


@attrs.frozen
class AddedItem:
    """An item, and what it says."""

    role: str
    """Of whom; ``tool`` for the output of a call."""
    text: str
    content: JsonObject
    call_id: str = ""
    """Of an output."""


def added_item(item: JsonObject, new_id: str) -> AddedItem:
    """Return the item that a client adds, called ``new_id`` if it has no id; raises ``RemoteProtocolError``."""
    kind = item.get("type", "message")
    if kind == "function_call_output":
        output = _converted(item, FunctionOutputItem)
        content = output_item(output.id or new_id, output.call_id, output.output)
        return AddedItem("tool", output.output, content, output.call_id)
    if kind != "message":
        known = "message or function_call_output"
        raise RemoteProtocolError("bad_field", f"item.type must be {known}, not {str(kind)[:SHOWN_CHARS]!r}")
    return _message(_converted(item, ClientMessageItem), new_id)


def _converted(item: JsonObject, kind: type[Item]) -> Item:
    try:
        return msgspec.convert(item, kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        raise RemoteProtocolError("bad_field", f"item{path.rstrip('`')}: {what[: 4 * SHOWN_CHARS]}") from error


def _message(message: ClientMessageItem, new_id: str) -> AddedItem:
    name = TEXT_PARTS[message.role]
    allowed = ASSISTANT_TEXTS if message.role == "assistant" else {name}
    for part in message.content:
        if part.type not in allowed:
            raise RemoteProtocolError("bad_field", f"item.content: {part.type[:SHOWN_CHARS]!r} must be {name}")
    text = "\n".join(part.text for part in message.content)
    parts = [{"type": name, "text": part.text} for part in message.content]
    return AddedItem(message.role, text, message_item(message.id or new_id, message.role, *parts))
