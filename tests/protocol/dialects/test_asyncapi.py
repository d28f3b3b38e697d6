"""The AsyncAPI document agrees with the event types, and with the standard."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import jsonschema
import pytest

from protocol.dialects.asyncapi import AUDIO, asyncapi_document
from protocol.messages.errors import CloseCode
from protocol.messages.events import ClientEvent, ServerEvent, event_name

ROOT = Path(__file__).parents[3]
STANDARD = ROOT / ".venv" / "node" / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.0.0.json"
DOCUMENT: Final = asyncapi_document("1.2.3")


def references(found: object) -> Iterator[str]:
    if isinstance(found, dict):
        if isinstance(found.get("$ref"), str):
            yield found["$ref"]
        for value in found.values():
            yield from references(value)
    elif isinstance(found, list):
        for value in found:
            yield from references(value)


def at(reference: str) -> Any:
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_it_is_what_the_standard_wants() -> None:
    if not STANDARD.exists():
        pytest.skip("@asyncapi/specs is not installed: install Node.js with npm, then make test")
    jsonschema.Draft7Validator(json.loads(STANDARD.read_text())).validate(DOCUMENT)


def test_every_reference_leads_somewhere() -> None:
    for reference in references(DOCUMENT):
        assert at(reference)


@pytest.mark.parametrize(("operation", "kinds"), [("clientSends", ClientEvent), ("serverSends", ServerEvent)])
def test_each_operation_has_the_events_of_its_direction_and_audio(operation: str, kinds: Any) -> None:
    messages = [at(at(one["$ref"])["$ref"]) for one in DOCUMENT["operations"][operation]["messages"]]
    assert [message["name"] for message in messages] == [*map(event_name, get_args(kinds)), AUDIO]
    assert all(message["summary"] for message in messages)


def test_a_frame_of_an_event_fits_its_message_and_no_other() -> None:
    frame = {"type": "text", "data": {"text": "what time is it"}}
    fitting = [
        name
        for name, message in DOCUMENT["components"]["messages"].items()
        if jsonschema.Draft202012Validator({**message["payload"], "components": DOCUMENT["components"]}).is_valid(frame)
    ]
    assert fitting == ["text"]


def test_it_names_every_close_code() -> None:
    assert set(DOCUMENT["channels"]["session"]["x-close-codes"]) == {str(int(code)) for code in CloseCode}
