import types
import typing
from collections.abc import Iterator
from typing import Any, get_args

import attrs
import msgspec
import pytest

from protocol.dialects.native import encode
from protocol.messages import events as server
from sayso_client import BadFrame, Pong, Transcript, UnknownEvent, Word, events
from sayso_client.events import AudioSpan, as_data, decode, wire_name


def fields_of(event_class: type) -> dict[str, bool]:
    """Return the names of a class's fields, and whether each must be there."""
    if attrs.has(event_class):
        return {field.name: field.default is attrs.NOTHING for field in attrs.fields(event_class)}
    return {field.name: field.required for field in msgspec.structs.fields(event_class)}


def classes_in(annotation: Any) -> Iterator[type]:
    """Yield the classes with fields that an annotation names."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and not isinstance(kind, types.GenericAlias):
            if attrs.has(kind) or issubclass(kind, msgspec.Struct):
                yield kind
        elif kind is not annotation:
            yield from classes_in(kind)


def shape_of(event_class: type) -> dict[str, Any]:
    """Return the fields of a class and, by name, the shapes of the classes inside it."""
    hints = typing.get_type_hints(event_class)
    inner = {name: [shape_of(kind) for kind in classes_in(hints[name])] for name in fields_of(event_class)}
    return {"fields": set(fields_of(event_class)), "inner": {name: shapes for name, shapes in inner.items() if shapes}}


SERVER_CLASSES = {server.event_name(kind): kind for kind in get_args(server.ServerEvent)}
CLIENT_CLASSES = {name: kind for kind, name in events._names.items()}


def test_the_client_knows_every_event_of_the_server() -> None:
    assert set(CLIENT_CLASSES) == set(SERVER_CLASSES)


@pytest.mark.parametrize("name", sorted(SERVER_CLASSES))
def test_an_event_has_the_fields_that_the_server_sends(name: str) -> None:
    shape = shape_of(SERVER_CLASSES[name])
    shape["fields"] -= {"event_id"}  # for dialects in which a client names its events
    assert shape_of(CLIENT_CLASSES[name]) == shape


@pytest.mark.parametrize("name", sorted(SERVER_CLASSES))
def test_a_field_that_the_server_may_leave_out_is_not_required(name: str) -> None:
    optional = {field for field, is_required in fields_of(SERVER_CLASSES[name]).items() if not is_required}
    required = {field for field, is_required in fields_of(CLIENT_CLASSES[name]).items() if is_required}
    assert not optional & required


def test_a_frame_of_the_server_is_read_back() -> None:
    words = (server.Word("hi", 0, 200, 0.5),)
    sent = server.Transcript("t1", "hi", "en", 0.5, server.AudioSpan(0, 200), words)
    event, seq = decode(encode(sent, 9))
    assert event == Transcript("t1", "hi", "en", 0.5, AudioSpan(0, 200), (Word("hi", 0, 200, 0.5),))
    assert seq == 9


def test_what_a_newer_server_sends_is_understood_as_far_as_it_is_known() -> None:
    assert decode('{"type": "pong", "data": {"t": 1, "new": 2}, "seq": 3, "more": 4}') == (Pong(1), 3)
    unknown, _ = decode('{"type": "applause", "data": {"hands": 2}}')
    assert unknown == UnknownEvent("applause", {"hands": 2})
    assert wire_name(unknown) == "applause"
    assert as_data(unknown) == {"hands": 2}


def test_data_may_be_left_out() -> None:
    assert decode('{"type": "pong"}') == (Pong(), 0)


@pytest.mark.parametrize(
    "frame",
    ["", "[]", "{}", "nonsense", '{"type": "reply", "data": {"text": "hi"}}', '{"type": "new", "data": 3}', "\ud800"],
)
def test_a_frame_that_is_no_event_is_said_in_words(frame: str) -> None:
    with pytest.raises(BadFrame, match="no event"):
        decode(frame)


def test_fields_that_are_absent_stay_absent() -> None:
    assert as_data(events.ToolResult("t", "c", ok=True, duration_ms=3)) == {
        "turn_id": "t",
        "call_id": "c",
        "ok": True,
        "duration_ms": 3,
    }
