"""The ring of samples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.audio.pcm_buffer import PcmBuffer


def samples(first: int, last: int) -> bytes:
    return b"".join(number.to_bytes(2, "little") for number in range(first, last))


def test_samples_come_back_by_their_absolute_position() -> None:
    ring = PcmBuffer(10)
    ring.append(samples(0, 8))
    ring.append(samples(8, 14))
    assert (ring.start, ring.end, ring.capacity) == (4, 14, 10)
    assert ring.slice(4, 14) == samples(4, 14)
    assert ring.slice(9, 11) == samples(9, 11)
    assert ring.slice(14, 14) == b""


def test_more_than_it_holds_at_once_leaves_the_end_at_the_right_place() -> None:
    ring = PcmBuffer(4)
    ring.append(samples(0, 3))
    ring.append(samples(3, 14))
    assert ring.slice(10, 14) == samples(10, 14)
    assert ring.held_bytes == 8


def test_more_than_it_holds_can_come_first() -> None:
    ring = PcmBuffer(4)
    ring.append(samples(0, 6))
    assert ring.slice(2, 6) == samples(2, 6)
    assert ring.held_bytes == 8


@pytest.mark.parametrize(("start", "end"), [(3, 6), (5, 15), (8, 6), (-2, 6), (15, 16)])
def test_what_is_overwritten_or_has_not_come_is_refused(start: int, end: int) -> None:
    ring = PcmBuffer(10)
    ring.append(samples(0, 14))
    with pytest.raises(IndexError, match=r"must lie within 4\.\.14"):
        ring.slice(start, end)


def test_half_a_sample_is_refused_and_changes_nothing() -> None:
    ring = PcmBuffer(10)
    with pytest.raises(ValueError, match="whole 16-bit samples, not 3 bytes"):
        ring.append(b"abc")
    assert ring.end == 0


def test_a_ring_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="must be >= 1, not 0"):
        PcmBuffer(0)


def test_it_holds_no_more_than_has_come_and_never_more_than_its_capacity() -> None:
    ring = PcmBuffer(10)
    assert ring.held_bytes == 0
    held = []
    for position in range(0, 24, 4):
        ring.append(samples(position, position + 4))
        held.append(ring.held_bytes)
    assert held == [8, 16, 20, 20, 20, 20]


def test_it_shows_where_it_is() -> None:
    ring = PcmBuffer(10)
    ring.append(samples(0, 14))
    assert repr(ring) == "<PcmBuffer 4..14 of 10>"


@given(st.integers(1, 40), st.lists(st.integers(0, 70), max_size=20), st.data())
def test_the_ring_holds_what_the_whole_stream_held(capacity: int, lengths: list[int], data: st.DataObject) -> None:
    ring, position = PcmBuffer(capacity), 0
    for length in lengths:
        ring.append(samples(position, position + length))
        position += length
    assert ring.end == position
    assert ring.start == max(0, position - capacity)
    start = data.draw(st.integers(ring.start, ring.end))
    end = data.draw(st.integers(start, ring.end))
    assert ring.slice(start, end) == samples(start, end)


def test_a_stream_that_goes_on_begins_at_its_own_position() -> None:
    buffer = PcmBuffer(4, first_sample=10)
    assert (buffer.start, buffer.end, buffer.held_bytes) == (10, 10, 0)
    buffer.append(bytes(range(6)))
    assert (buffer.start, buffer.end) == (10, 13)
    assert buffer.slice(11, 13) == bytes([2, 3, 4, 5])
    buffer.append(bytes(range(6, 12)))
    assert (buffer.start, buffer.end) == (12, 16)
    assert buffer.slice(12, 16) == bytes(range(4, 12))
    with pytest.raises(IndexError):
        buffer.slice(11, 12)


def test_the_first_sample_stays_where_it_was_when_it_is_overwritten() -> None:
    buffer = PcmBuffer(4, first_sample=10)
    buffer.append(bytes(2 * 6))
    assert (buffer.first_sample, buffer.start, buffer.end) == (10, 12, 16)
