import logging

import trio
from hypothesis import given
from hypothesis import strategies as st

from backends.mcp.child_output import CHUNK_BYTES, MAX_LINE_CHARS, MAX_LINES_PER_S, ChildOutput, LineCutter


def test_lines_are_whole_however_they_arrive():
    cutter = LineCutter()

    assert cutter.feed(b"one\ntw", 0.0) == ["one"]
    assert cutter.feed(b"o\n\nthree\n", 0.0) == ["two", "three"]


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_any_cut_of_any_bytes_gives_the_same_lines(chunks):
    together = LineCutter().feed(b"".join(chunks) + b"\n", 0.0)
    cutter = LineCutter()
    apart = [line for chunk in [*chunks, b"\n"] for line in cutter.feed(chunk, 0.0)]

    assert apart == together


def test_a_flood_of_lines_is_cut_and_counted_and_begins_anew_each_second():
    cutter = LineCutter()

    assert len(cutter.feed(b"x\n" * 80, 10.0)) == MAX_LINES_PER_S
    assert cutter.feed(b"y\n", 10.5) == []
    assert cutter.dropped == 31
    assert cutter.feed(b"z\n", 11.0) == ["z"]


def test_bytes_without_a_line_end_do_not_pile_up():
    cutter = LineCutter()
    lines = [line for _ in range(20) for line in cutter.feed(b"x" * CHUNK_BYTES, 0.0)]

    assert len(cutter.rest) <= CHUNK_BYTES
    assert all(len(line) == MAX_LINE_CHARS for line in lines)
    assert lines


async def test_what_a_child_writes_is_logged_under_its_name(caplog):
    caplog.set_level(logging.INFO)
    output = ChildOutput("coffee", logging.getLogger("sayso.test"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(output.run)
        output.file.write("brewing\nready\n")
        output.close()

    assert output.last_line == "ready"
    assert [record.getMessage() for record in caplog.records] == ["coffee: brewing", "coffee: ready"]


async def test_lines_that_were_not_logged_are_counted_in_the_log(caplog):
    output = ChildOutput("coffee", logging.getLogger("sayso.test"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(output.run)
        await trio.to_thread.run_sync(output.file.write, "x\n" * (MAX_LINES_PER_S + 5))
        output.close()

    assert "coffee: 5 lines more were not logged" in caplog.text
