"""Items that a client of OpenAI's Realtime API adds to the conversation."""

from typing import Annotated, Final, Literal

import attrs
import msgspec

from protocol.dialects.realtime.client_events import SHOWN_CHARS, JsonObject
from protocol.dialects.realtime.items import message_item
from protocol.messages.errors import RemoteProtocolError

MAX_TEXT_CHARS: Final = 32_768  # of one item; a typed command is a line
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


@attrs.frozen
class AddedItem:
    """An item, and what it says."""

    role: str
    text: str
    content: JsonObject


def added_item(item: JsonObject, new_id: str) -> AddedItem:
    """Return the item that a client adds, called ``new_id`` if it has no id; raises ``RemoteProtocolError``."""
    kind = item.get("type", "message")
    if kind == "function_call_output":
        raise RemoteProtocolError("bad_field", f"item: there is no call {str(item.get('call_id'))[:SHOWN_CHARS]!r}")
    if kind != "message":
        raise RemoteProtocolError("bad_field", f"item.type must be message, not {str(kind)[:SHOWN_CHARS]!r}")
    try:
        message = msgspec.convert(item, ClientMessageItem)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        raise RemoteProtocolError("bad_field", f"item{path.rstrip('`')}: {what[: 4 * SHOWN_CHARS]}") from error
    name = TEXT_PARTS[message.role]
    allowed = ASSISTANT_TEXTS if message.role == "assistant" else {name}
    for part in message.content:
        if part.type not in allowed:
            raise RemoteProtocolError("bad_field", f"item.content: {part.type[:SHOWN_CHARS]!r} must be {name}")
    text = "\n".join(part.text for part in message.content)
    parts = [{"type": name, "text": part.text} for part in message.content]
    return AddedItem(message.role, text, message_item(message.id or new_id, message.role, *parts))
