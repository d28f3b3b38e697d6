"""The native protocol's codec."""

import json
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.dialects import native
from protocol.messages import events
from protocol.messages.errors import ErrorCode, RemoteProtocolError
from protocol.messages.events import ClientEvent, ServerEvent, event_name

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "protocol.md"
DECODE_CODES = {"bad_json", "unknown_type", "bad_field", "too_large"}


def refusal(text: str) -> RemoteProtocolError:
    with pytest.raises(RemoteProtocolError) as caught:
        native.decode(text)
    return caught.value


def frame(name: str, **data: object) -> str:
    return json.dumps({"type": name, "data": data})


# --- names ---------------------------------------------------------------------------------------


def test_wire_names_are_the_class_names_in_snake_case() -> None:
    names = {event_name(kind) for kind in get_args(ClientEvent)}
    documented = "connection_request audio_start audio_end audio_discard text respond interrupt confirm tool_output"
    assert names == {*documented.split(), "session_update", "ping", "bye"}
    assert event_name(events.SpeechAudioStart) == "speech_audio_start"


def documented_rows(section: str) -> dict[str, str]:
    """Return the rows of a section's first table, by each event that the first column names."""
    text = DOCUMENTATION.read_text().partition(f"## {section}\n")[2].strip()
    rows = [line for line in text.split("\n\n")[0].splitlines() if line.startswith("| `")]
    return {name: row for row in rows for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}


@pytest.mark.parametrize(("section", "kinds"), [("Client to server", ClientEvent), ("Server to client", ServerEvent)])
def test_the_documentation_names_exactly_the_events_that_there_are(section: str, kinds: Any) -> None:
    assert set(documented_rows(section)) == {event_name(kind) for kind in get_args(kinds)}


OF_OTHER_DIALECTS = {"event_id"}  # a native client's events have no names, so none is told


@pytest.mark.parametrize("kind", get_args(ClientEvent) + get_args(ServerEvent), ids=event_name)
def test_the_documentation_names_every_field_of_an_event(kind: type) -> None:
    row = {**documented_rows("Client to server"), **documented_rows("Server to client")}[event_name(kind)]
    fields = {field.name for field in attrs.fields(kind)} - OF_OTHER_DIALECTS
    assert fields <= set(re.findall(r"[a-z_]+", row))


# --- decoding ------------------------------------------------------------------------------------


def test_the_smallest_connection_request_needs_client_and_capabilities_only() -> None:
    event = native.decode(
        '{"type": "connection_request", "data": {"client_id": "b_1", "capabilities": ["stt", "llm"]}}'
    )
    assert event == events.ConnectionRequest("b_1", ("stt", "llm"))
    assert event.audio == events.AudioFormat("pcm_s16le", 16_000, 1)


def test_every_option_of_a_connection_request_is_read() -> None:
    text = frame(
        "connection_request",
        client_id="phone",
        capabilities=["stt", "tools"],
        audio={"format": "opus", "sample_rate": 48_000, "channels": 2},
        language="de",
        mode="push_to_talk",
        interim=True,
        resume={"token": "abc", "last_seq": 17},
    )
    assert native.decode(text) == events.ConnectionRequest(
        "phone",
        ("stt", "tools"),
        audio=events.AudioFormat("opus", 48_000, 2),
        language="de",
        mode="push_to_talk",
        interim=True,
        resume=events.Resume("abc", 17),
    )


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ('{"type": "audio_start"}', events.AudioStart()),
        ('{"type": "audio_end", "data": {}}', events.AudioEnd()),
        ('{"type": "bye", "data": null}', events.Bye()),
        ('{"type": "bye", "data": {"mood": "good"}, "seq": 4}', events.Bye()),
        ('{"type": "text", "data": {"text": "what time is it"}}', events.Text("what time is it")),
        ('{"type": "interrupt", "data": {"heard_ms": 1200}}', events.Interrupt(1_200)),
        ('{"type": "interrupt"}', events.Interrupt()),
        ('{"type": "confirm", "data": {"call_id": "c", "approve": false}}', events.Confirm("c", approve=False)),
        ('{"type": "session_update", "data": {"voice": "joe"}}', events.SessionUpdate(voice="joe")),
        ('{"type": "ping", "data": {"t": 1.5}}', events.Ping(1.5)),
        ('{"type": "ping", "data": {"t": "now"}}', events.Ping("now")),
        ('{"data": {"text": "a\\u0000b"}, "type": "text"}', events.Text("a\0b")),
    ],
)
def test_every_event_of_a_client_is_understood(text: str, event: ClientEvent) -> None:
    assert native.decode(text) == event


@pytest.mark.parametrize(
    "text", ["", "hello", "{", '{"type": "bye"', "{'type': 'bye'}", '{"type": "bye"} x', "NaN", "\ud800"]
)
def test_what_is_not_json_is_refused_as_such(text: str) -> None:
    error = refusal(text)
    assert error.code == "bad_json"
    assert str(error).startswith("frame must be ")


@pytest.mark.parametrize(("text", "found"), [("[]", "array"), ("5", "int"), ('"bye"', "str"), ("null", "null")])
def test_a_frame_that_is_no_object_is_told_what_was_expected(text: str, found: str) -> None:
    error = refusal(text)
    assert (error.code, str(error)) == ("bad_json", f"frame: expected object, got {found}")


def test_an_unknown_type_is_told_the_known_ones() -> None:
    error = refusal('{"type": "hello"}')
    assert error.code == "unknown_type"
    assert str(error).startswith("unknown type 'hello', expected one of audio_discard, audio_end, ")


def test_a_client_cannot_send_a_server_s_event() -> None:
    assert refusal(frame("reply", turn_id="t", text="x")).code == "unknown_type"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "frame: object missing required field type"),
        ('{"type": 5}', "frame.type: expected str, got int"),
        (frame("text"), "text.data: object missing required field text"),
        ('{"type": "text", "data": []}', "text.data: expected object, got array"),
        (frame("text", text=5), "text.data.text: expected str, got int"),
        (frame("confirm", call_id="c", approve="yes"), "confirm.data.approve: expected bool, got str"),
        (
            frame("connection_request", client_id="a"),
            "connection_request.data: object missing required field capabilities",
        ),
        (
            frame("connection_request", client_id="a", capabilities=["stt", "fly"]),
            "connection_request.data.capabilities[1]: invalid enum value 'fly', expected one of stt, llm, tools, tts",
        ),
        (
            frame("connection_request", client_id="a", capabilities=[], audio={"channels": 3}),
            "connection_request.data.audio.channels: invalid enum value 3, expected one of 1, 2",
        ),
        (
            frame("session_update", mode="shouting"),
            "session_update.data.mode: invalid enum value 'shouting', expected one of hands_free, push_to_talk",
        ),
        (frame("interrupt", heard_ms=1.5), "interrupt.data.heard_ms: expected int | null, got float"),
        (frame("interrupt", heard_ms=2**53 + 1), "interrupt.data.heard_ms: must lie within +-2**53"),
        (frame("ping", t=-(10**30)), "ping.data.t: must lie within +-2**53"),
        (
            frame("session_update", tools=[{"name": "a", "parameters": {"b": 2**64}}]),
            "session_update.data: must be plain JSON: can't serialize ints < -2**63 or > 2**64 - 1",
        ),
        (
            frame("session_update", tools=[{"name": "a"}, {"name": 1}]),
            "session_update.data.tools[1].name: expected str, got int",
        ),
        (
            frame("connection_request", client_id="a", capabilities=[], resume={"token": "t", "last_seq": 2**60}),
            "connection_request.data.resume.last_seq: must lie within +-2**53",
        ),
        ('{"type": "ping", "data": {"t": 1e999}}', "ping.data.t: number out of range"),
    ],
)
def test_a_wrong_field_is_named_together_with_what_was_expected(text: str, message: str) -> None:
    error = refusal(text)
    assert (error.code, str(error)) == ("bad_field", message)


@pytest.mark.parametrize(("rate_hz", "rule"), [(7_999, ">= 8000"), (48_001, "<= 48000")])
def test_the_validators_of_the_event_classes_are_heeded(rate_hz: int, rule: str) -> None:
    error = refusal(frame("session_update", audio={"sample_rate": rate_hz}))
    assert error.code == "bad_field"
    assert f"'sample_rate' must be {rule}" in str(error)


def test_bottomless_nesting_is_refused() -> None:
    error = refusal('{"type": "bye", "data": ' + "[" * 20_000 + "]" * 20_000 + "}")
    assert (error.code, str(error)) == ("bad_json", "frame must not be nested that deeply")


def test_a_text_frame_over_its_limit_is_not_even_parsed() -> None:
    error = refusal("x" * (native.MAX_FRAME_CHARS + 1))
    assert error.code == "too_large"
    assert "at most 65536 characters, not 65537" in str(error)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"type": "x" * 60_000}),
        frame("session_update", mode="x" * 60_000),
        '{"type": "ping", "data": {"t": ' + "9" * 60_000 + "}}",
        '{"type": "session_update", "data": {"audio": {"sample_rate": ' + "9" * 3_000 + "}}}",
    ],
)
def test_a_message_does_not_repeat_a_whole_frame(text: str) -> None:
    assert len(str(refusal(text))) < 300


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from([event_name(kind) for kind in get_args(ClientEvent)])
fields = st.sampled_from([field.name for kind in get_args(ClientEvent) for field in attrs.fields(kind)])


def outcome(text: str) -> object:
    """Return the event or the error; whatever else is raised fails the test."""
    try:
        return native.decode(text)
    except RemoteProtocolError as error:
        return error


def decode_or_refuse(text: str) -> None:
    result = outcome(text)
    assert isinstance(result, (*get_args(ClientEvent), RemoteProtocolError))
    if isinstance(result, RemoteProtocolError):
        assert result.code in DECODE_CODES
        assert str(result)


@given(st.text(st.characters()))
def test_any_text_is_an_event_or_a_remote_error(text: str) -> None:
    decode_or_refuse(text)


@given(json_values)
def test_any_json_is_an_event_or_a_remote_error(value: object) -> None:
    decode_or_refuse(json.dumps(value))


@given(names, st.dictionaries(fields, json_values, max_size=5))
def test_any_data_of_a_known_type_is_an_event_or_a_remote_error(name: str, data: dict[str, object]) -> None:
    decode_or_refuse(frame(name, **data))


@given(names, st.text(max_size=30), st.data())
def test_a_damaged_frame_is_an_event_or_a_remote_error(name: str, junk: str, data: st.DataObject) -> None:
    whole = frame(name, text="hello", t=1, call_id="c", approve=True)
    at = data.draw(st.integers(0, len(whole)))
    decode_or_refuse(whole[:at] + junk + whole[at + data.draw(st.integers(0, 5)) :])


def test_every_code_that_decode_uses_is_a_known_one() -> None:
    assert set(get_args(ErrorCode)) >= DECODE_CODES


# --- encoding ------------------------------------------------------------------------------------


def test_a_frame_has_type_data_and_seq() -> None:
    text = native.encode(events.SpeechStarted("t1", 320), 7)
    assert json.loads(text) == {"type": "speech_started", "data": {"turn_id": "t1", "at_ms": 320}, "seq": 7}


def test_what_is_none_is_absent_in_nested_objects_too() -> None:
    text = native.encode(events.TurnCompleted("t1", "done", events.LatencyMs(stt=31.5)), 8)
    assert json.loads(text)["data"] == {"turn_id": "t1", "outcome": "done", "latency_ms": {"stt": 31.5}}


def test_falsehood_zero_and_emptiness_are_not_absent() -> None:
    data = json.loads(native.encode(events.ToolResult("t", "c", ok=False, duration_ms=0, content=""), 1))["data"]
    assert data == {"turn_id": "t", "call_id": "c", "ok": False, "duration_ms": 0, "content": ""}


def test_arguments_of_a_tool_go_out_as_they_are() -> None:
    arguments = MappingProxyType({"room": None, "level": [1, None], "on": True})
    data = json.loads(native.encode(events.Understood("t", "command", 1.0, "light", arguments), 1))["data"]
    assert data["arguments"] == {"room": None, "level": [1, None], "on": True}


def test_half_a_character_in_a_tool_s_answer_is_replaced() -> None:
    arguments = MappingProxyType({"name": "a\ud83db"})
    text = native.encode(events.ToolCall("t", "c", "s", "tool", arguments), 1)
    text.encode()
    assert json.loads(text)["data"]["arguments"] == {"name": "a?b"}


def test_a_value_that_json_cannot_hold_is_our_bug() -> None:
    with pytest.raises(TypeError, match="must hold JSON values, not object"):
        native.encode(events.ToolCall("t", "c", "s", "tool", {"a": object()}), 1)


def test_a_pong_carries_back_whatever_a_ping_may_hold() -> None:
    for t in (0, -1, 2**53, 1.25, "x", None):
        ping = native.decode(frame("ping", t=t))
        assert isinstance(ping, events.Ping)
        assert json.loads(native.encode(events.Pong(ping.t), 1))["data"].get("t") == t


STRATEGIES = {
    str: st.text(max_size=12),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
}


def without_none(value: object) -> object:
    """What a frame should hold, made by other means than the codec's."""
    kind = type(value)
    if attrs.has(kind):
        shown = {field.name: getattr(value, field.name) for field in attrs.fields(kind)}
        return {name: without_none(inner) for name, inner in shown.items() if inner is not None}
    return list(value) if isinstance(value, tuple) else value


for primitive, strategy in STRATEGIES.items():
    st.register_type_strategy(primitive, strategy)


@pytest.mark.parametrize("kind", get_args(ServerEvent), ids=event_name)
@given(st.data())
def test_every_event_arrives_as_it_was_sent(kind: type, data: st.DataObject) -> None:
    arguments = st.dictionaries(st.text(max_size=5), st.integers(0, 9) | st.none(), max_size=3)
    given_fields: dict[str, st.SearchStrategy[Any]] = (
        {"arguments": arguments} if "arguments" in attrs.fields_dict(kind) else {}
    )
    if "audio" in attrs.fields_dict(kind) and kind is events.ConnectionAccepted:
        given_fields["audio"] = st.builds(events.AudioFormat, sample_rate=st.integers(8_000, 48_000))
    event = data.draw(st.builds(kind, **given_fields))
    received = json.loads(native.encode(event, 5))
    assert received == {"type": event_name(kind), "data": without_none(event), "seq": 5}


def test_objects_in_a_list_are_written_out_too() -> None:
    words = (events.Word("turn", 100, 300, 0.9), events.Word("it", 300, 450, 0.8))
    transcript = events.Transcript("t", "turn it", "en", 0.9, events.AudioSpan(0, 500), words)
    data = json.loads(native.encode(transcript, 1))["data"]
    assert data["words"] == [
        {"text": "turn", "start_ms": 100, "end_ms": 300, "confidence": 0.9},
        {"text": "it", "start_ms": 300, "end_ms": 450, "confidence": 0.8},
    ]
