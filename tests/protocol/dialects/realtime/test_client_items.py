"""Items that a client adds."""

from typing import Any

import pytest

from protocol.dialects.realtime.client_items import MAX_OUTPUT_CHARS, MAX_TEXT_CHARS, AddedItem, added_item
from protocol.messages.errors import RemoteProtocolError


def message(role: str, *parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(parts), **fields}


def test_a_message_has_its_words_and_an_id() -> None:
    found = added_item(message("user", {"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}), "new")
    assert isinstance(found, AddedItem)
    assert (found.role, found.text, found.content["id"]) == ("user", "a\nb", "new")
    assert added_item(message("system", id="mine"), "new").content["id"] == "mine"


@pytest.mark.parametrize("kind", ["output_text", "text"])
def test_an_answer_may_come_from_the_client(kind: str) -> None:
    found = added_item(message("assistant", {"type": kind, "text": "Four."}), "new")
    assert found.content["content"] == [{"type": "output_text", "text": "Four."}]


def test_an_output_names_its_call() -> None:
    found = added_item({"type": "function_call_output", "call_id": "c9", "output": "sunny"}, "new")
    assert (found.role, found.text, found.call_id) == ("tool", "sunny", "c9")
    assert (found.content["id"], found.content["call_id"], found.content["output"]) == ("new", "c9", "sunny")


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"type": "function_call_output", "call_id": "c9"}, "missing required field `output`"),
        ({"type": "function_call_output", "call_id": 5 * [9], "output": ""}, "item.call_id: Expected `str`"),
        (
            {"type": "function_call_output", "call_id": "c9", "output": "x" * (MAX_OUTPUT_CHARS + 1)},
            "length <= 262144",
        ),
        ({"type": "mcp_call"}, "item.type must be message or function_call_output, not 'mcp_call'"),
        ({"type": {"a": 1}}, "item.type must be message"),
        ({}, "missing required field `role`"),
        (message("king"), "item.role"),
        (message("user", {"type": "input_audio", "audio": ""}), "'input_audio' must be input_text"),
        (message("user", {"text": "a"}), "item.content"),
        (message("user", {"type": "input_text", "text": "x" * (MAX_TEXT_CHARS + 1)}), "length <= 32768"),
        (message("user", *({"type": "input_text", "text": ""} for _ in range(17))), "length <= 16"),
    ],
)
def test_what_cannot_be_added_is_said(item: dict[str, Any], words: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        added_item(item, "new")
    assert caught.value.code == "bad_field"
    assert words in str(caught.value)
