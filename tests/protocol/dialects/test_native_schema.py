"""The schema of the native dialect agrees with what the dialect reads and writes."""

import json
from typing import Any, Final, get_args

import attrs
import jsonschema
import pytest

from protocol.dialects import native
from protocol.dialects.native_schema import native_schema
from protocol.messages import events
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.events import ClientEvent, ServerEvent, event_name

SCHEMA: Final = native_schema()
EVENTS: Final = [
    events.ConnectionAccepted(
        "s", "r", 30.0, events.ServerInfo("sayso", "1"), events.AudioFormat(), events.SessionLimits(1, 2.0, 3.0)
    ),
    events.Transcript("t", "hello", "en", 0.9, events.AudioSpan(0, 10), (events.Word("hello", 0, 10, 0.9),)),
    events.Transcript("t", "hello", "en", 0.9, events.AudioSpan(0, 10)),
    events.ToolCall("t", "c", "lights", "on", {"room": {"name": None}}),
    events.TurnCompleted("t", "done", events.LatencyMs(total=1.5)),
    events.Error("bad_field", "no"),
    events.Pong("x"),
]


def checker(name: str) -> Any:
    return jsonschema.Draft202012Validator({**SCHEMA, "anyOf": [{"$ref": f"#/$defs/{name}"}]})


def fault(name: str, frame: object) -> str | None:
    found = next(checker(name).iter_errors(frame), None)
    return None if found is None else found.message


def test_it_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("name", "kinds"), [("ClientFrame", ClientEvent), ("ServerFrame", ServerEvent)])
def test_it_has_every_event_under_its_name_on_the_wire(name: str, kinds: Any) -> None:
    frames = SCHEMA["$defs"][name]["oneOf"]
    assert [frame["properties"]["type"]["const"] for frame in frames] == [event_name(kind) for kind in get_args(kinds)]


@pytest.mark.parametrize("kind", get_args(ClientEvent) + get_args(ServerEvent), ids=event_name)
def test_it_has_every_field_of_an_event_and_its_docstring(kind: type) -> None:
    definition = SCHEMA["$defs"][kind.__name__]
    assert list(definition["properties"]) == [field.name for field in attrs.fields(kind)]
    assert definition["description"]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event_name(type(event)))
def test_a_frame_of_the_server_agrees_with_it(event: ServerEvent) -> None:
    assert fault("ServerFrame", json.loads(native.encode(event, 3))) is None


@pytest.mark.parametrize(
    ("frame", "is_valid"),
    [
        ({"type": "bye"}, True),
        ({"type": "bye", "data": {}}, True),
        ({"type": "text", "data": {"text": "hello"}}, True),
        ({"type": "text"}, False),
        ({"type": "text", "data": {"text": 1}}, False),
        ({"type": "ping", "data": {"t": 1.5}}, True),
        ({"type": "ping", "data": {"t": [1]}}, False),
        ({"type": "dance"}, False),
        ({"type": "connection_request", "data": {"client_id": "c", "capabilities": ["stt"], "audio": {}}}, True),
        ({"type": "connection_request", "data": {"client_id": "c", "capabilities": ["fly"]}}, False),
        ({"type": "session_update", "data": {"mode": "push_to_talk"}}, True),
        ({"type": "session_update", "data": {"mode": "shout"}}, False),
    ],
)
def test_it_takes_and_refuses_what_the_dialect_takes_and_refuses(frame: dict[str, Any], is_valid: bool) -> None:
    if is_valid:
        native.decode(json.dumps(frame))
    else:
        with pytest.raises(RemoteProtocolError):
            native.decode(json.dumps(frame))
    assert (fault("ClientFrame", frame) is None) is is_valid


def test_the_server_always_tells_what_is_never_none_and_a_client_may_leave_out_what_has_a_default() -> None:
    defs = SCHEMA["$defs"]
    assert "truncated" in defs["Reply"]["required"]
    assert "words" not in defs["Transcript"]["required"]
    assert defs["ServerAudioFormat"]["required"] == ["format", "sample_rate", "channels"]
    assert defs["AudioFormat"]["required"] == []
    assert defs["ConnectionAccepted"]["properties"]["audio"] == {"$ref": "#/$defs/ServerAudioFormat"}


def test_null_is_nowhere_because_absent_fields_are_left_out() -> None:
    assert '"null"' not in json.dumps(SCHEMA)
