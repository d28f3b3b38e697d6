import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.dialects.wyoming_frames import (
    MAX_DATA_BYTES,
    MAX_LINE_BYTES,
    MAX_PAYLOAD_BYTES,
    FrameCutter,
    WyomingEvent,
    packed,
    parsed,
)
from protocol.messages.errors import RemoteProtocolError

WORDS = st.text(max_size=12)
DATA = st.dictionaries(WORDS, st.none() | st.booleans() | WORDS | st.integers(-(2**40), 2**40), max_size=4)
EVENTS = st.builds(WyomingEvent, WORDS, DATA, st.binary(max_size=64))


def frames_of(data: bytes, piece: int) -> list[bytes]:
    """Return the frames in bytes that come in pieces."""
    cutter, frames = FrameCutter(), []
    for at in range(0, len(data), piece):
        cutter.feed(data[at : at + piece])
        while (frame := cutter.next_frame()) is not None:
            frames.append(frame)
    assert not cutter.is_waiting
    return frames


@given(st.lists(EVENTS, min_size=1, max_size=4), st.integers(1, 200))
def test_what_was_packed_is_cut_and_parsed_in_whatever_pieces_it_comes(events: list[WyomingEvent], piece: int) -> None:
    frames = frames_of(b"".join(packed(event) for event in events), piece)
    assert [parsed(frame) for frame in frames] == events


def test_data_may_stand_in_the_line_and_behind_it() -> None:
    frame = b'{"type": "t", "data": {"a": 1, "b": 1}, "data_length": 8, "payload_length": 2}\n{"b": 2}\x01\x02'
    assert parsed(frame) == WyomingEvent("t", {"a": 1, "b": 2}, b"\x01\x02")


def test_null_lengths_and_unknown_fields_are_nothing() -> None:
    frame = b'{"type": "t", "version": "9", "data": null, "data_length": null, "x": []}\n'
    assert parsed(frame) == WyomingEvent("t")


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"GET / HTTP/1.1\r\n",
        b"[]\n",
        b"{}\n",
        b'{"type": 1}\n',
        b'{"type": "t", "data": []}\n',
        b'{"type": "t", "data_length": "1"}\n',
        b'{"type": "t", "data_length": -1}\n',
        b'{"type": "t", "data_length": 1.5}\n',
        b'{"type": "t", "payload_length": 1e99}\n',
        b'{"type": "\xff"}\n',
        b"[" * 5_000 + b"\n",
    ],
)
def test_a_line_that_is_no_frame_ends_the_connection(line: bytes) -> None:
    cutter = FrameCutter()
    cutter.feed(line)
    with pytest.raises(RemoteProtocolError) as caught:
        cutter.next_frame()
    assert caught.value.fatal


@pytest.mark.parametrize(("name", "limit"), [("data_length", MAX_DATA_BYTES), ("payload_length", MAX_PAYLOAD_BYTES)])
def test_a_length_beyond_the_bound_is_refused_before_anything_is_waited_for(name: str, limit: int) -> None:
    cutter = FrameCutter()
    cutter.feed(json.dumps({"type": "t", name: limit}).encode() + b"\n")
    assert cutter.next_frame() is None, "at the bound it is waited for"
    cutter = FrameCutter()
    cutter.feed(json.dumps({"type": "t", name: limit + 1}).encode() + b"\n")
    with pytest.raises(RemoteProtocolError, match=f"{name} must lie within 0 and {limit}") as caught:
        cutter.next_frame()
    assert caught.value.code == "too_large"


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_without_an_end_is_not_collected_for_ever(end: bytes) -> None:
    cutter = FrameCutter()
    cutter.feed(b'{"type": "' + b"a" * MAX_LINE_BYTES + end)
    with pytest.raises(RemoteProtocolError, match=f"a line must have at most {MAX_LINE_BYTES} bytes"):
        cutter.next_frame()


@pytest.mark.parametrize("data", [b"[1]", b'"a"', b"{", b'{"a": \xff}'])
def test_data_that_is_no_object_is_the_client_s_mistake(data: bytes) -> None:
    frame = b'{"type": "t", "data_length": %d}\n' % len(data) + data
    with pytest.raises(RemoteProtocolError, match="the data of 't' must be a JSON object"):
        parsed(frame)


def test_a_frame_has_the_lengths_that_it_names() -> None:
    with pytest.raises(RemoteProtocolError, match="must have the lengths that it names"):
        parsed(b'{"type": "t", "data_length": 5}\n{}')
    with pytest.raises(RemoteProtocolError, match="must have the lengths that it names"):
        parsed(b'{"type": "t"}')


def test_fields_have_the_types_that_are_asked_for() -> None:
    event = WyomingEvent("e", {"a": 1, "b": "x", "c": ["x", 2, " "], "d": True, "e": 0})
    assert (event.text("b"), event.text("z"), event.number("a", 9), event.number("z", 9)) == ("x", None, 1, 9)
    assert (event.terms("c"), event.terms("z")) == (("x",), ())
    for call in (
        lambda: event.text("a"),
        lambda: event.number("b", 1),
        lambda: event.number("d", 1),
        lambda: event.number("e", 1),
        lambda: event.terms("b"),
    ):
        with pytest.raises(RemoteProtocolError, match=r"^e\.[a-e] must be") as caught:
            call()
        assert not caught.value.fatal
