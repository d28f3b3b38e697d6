"""Streams cut into messages: the same messages wherever the bytes are cut."""

import itertools
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.llm.streams import BadStream, LineSplitter, NdjsonReader, SseReader

LINE = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=12)
END = st.sampled_from(["\n", "\r\n", "\r"])


def pieces(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


def read(reader: LineSplitter | NdjsonReader | SseReader, chunks: Sequence[bytes]) -> list[str]:
    return [*(message for chunk in chunks for message in reader.receive(chunk)), *reader.close()]


@given(st.lists(st.tuples(LINE, END), max_size=8), st.lists(st.integers(0, 200), max_size=12))
def test_lines_are_the_same_wherever_the_bytes_are_cut(lines: list[tuple[str, str]], cuts: list[int]) -> None:
    data = "".join(line + end for line, end in lines).encode()

    whole = read(LineSplitter(), [data])

    assert read(LineSplitter(), pieces(data, cuts)) == whole
    assert "".join(whole) == "".join(line for line, _ in lines)


@given(st.lists(st.dictionaries(st.text(max_size=4), st.text(max_size=8), min_size=1), max_size=5), st.data())
def test_json_lines_come_out_as_they_went_in(objects: list[dict[str, str]], data: st.DataObject) -> None:
    body = b"".join(json.dumps(item).encode() + b"\n\n" for item in objects)
    cuts = data.draw(st.lists(st.integers(0, 500), max_size=10))

    assert [json.loads(line) for line in read(NdjsonReader(), pieces(body, cuts))] == objects


@given(st.lists(st.lists(LINE, min_size=1, max_size=3), max_size=5), END, st.data())
def test_events_come_out_as_they_went_in(events: list[list[str]], end: str, data: st.DataObject) -> None:
    text = "".join("".join(f"data: {line}{end}" for line in event) + end for event in events)
    cuts = data.draw(st.lists(st.integers(0, 500), max_size=10))

    assert read(SseReader(), pieces(text.encode(), cuts)) == ["\n".join(event) for event in events]


def test_comments_names_and_unknown_fields_are_no_events() -> None:
    assert read(SseReader(), [b": ping\n\nevent: message\nid: 7\nretry: 3\n\ndata:x\nfoo: y\n\n"]) == ["x"]


def test_the_last_event_needs_no_blank_line() -> None:
    assert read(SseReader(), [b"data: a\n\ndata: [DONE]"]) == ["a", "[DONE]"]


def test_the_last_json_line_needs_no_line_end() -> None:
    assert read(NdjsonReader(), [b'{"a": 1}\n{"b": 2}']) == ['{"a": 1}', '{"b": 2}']


def test_a_line_that_never_ends_is_refused() -> None:
    splitter = LineSplitter(max_bytes=10)
    splitter.receive(b"12345")

    with pytest.raises(BadStream, match="at most 10 bytes"):
        splitter.receive(b"678901")


def test_an_event_of_endless_lines_is_refused() -> None:
    reader = SseReader(max_bytes=20)

    with pytest.raises(BadStream, match="at most 20 characters"):
        reader.receive(b"data: 0123456789\n" * 3)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(BadStream, match="utf-8"):
        NdjsonReader().receive(b"\xff\xfe\n")
