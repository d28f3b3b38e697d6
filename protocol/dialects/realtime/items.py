"""The items of a conversation in OpenAI's Realtime API: what was said, in order; bounded."""

from typing import Any, Final

import attrs

from protocol.dialects.realtime.client_events import JsonObject

MAX_ITEMS: Final = 256  # a client that goes on for hours has its own list; older ones cannot be asked for


@attrs.define
class ConversationItems:
    """The newest items by their ids, oldest first."""

    _items: dict[str, JsonObject] = attrs.field(factory=dict, init=False)
    _last_id: str | None = attrs.field(default=None, init=False)

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._items)

    def add(self, item: JsonObject) -> str | None:
        """Keep an item at the end; return the id of the one before it, ``None`` for the first."""
        before, self._last_id = self._last_id, item["id"]
        self._items[item["id"]] = item
        if len(self._items) > MAX_ITEMS:
            del self._items[next(iter(self._items))]
        return before

    def get(self, item_id: str) -> JsonObject | None:
        """Return an item, ``None`` if there is none or it was forgotten."""
        return self._items.get(item_id)

    def delete(self, item_id: str) -> bool:
        """Forget an item; return whether there was one."""
        found = self._items.pop(item_id, None)
        if item_id == self._last_id:
            self._last_id = next(reversed(self._items), None)
        return found is not None

    @property
    def last_id(self) -> str | None:
        """The id of the newest item."""
        return self._last_id


def spoken_item(item_id: str, transcript: str | None = None) -> JsonObject:
    """Return the item of an utterance of the user, whose transcript may be known later."""
    return message_item(item_id, "user", {"type": "input_audio", "transcript": transcript})


def message_item(item_id: str, role: str, *content: dict[str, Any], status: str = "completed") -> JsonObject:
    """Return the item of a message."""
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "message",
        "status": status,
        "role": role,
        "content": list(content),
    }


def call_item(item_id: str, call_id: str, name: str, arguments: str, *, status: str = "completed") -> JsonObject:
    """Return the item of a call of the client's; ``arguments`` are JSON."""
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "function_call",
        "status": status,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


def output_item(item_id: str, call_id: str, output: str) -> JsonObject:
    """Return the item of what a call has returned."""
    return {
        "id": item_id,
        "object": "realtime.item",
        "type": "function_call_output",
        "status": "completed",
        "call_id": call_id,
        "output": output,
    }
