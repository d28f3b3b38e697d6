import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.workers.frames import MAX_BLOB_BYTES, Frame, FrameError, FrameReader, SharedPlace, check, encode

frames = st.builds(
    Frame,
    kind=st.sampled_from(["ready", "job", "done", "failed", "revoke", "revoked", "ping", "pong", "stop"]),
    job_id=st.integers(0, 2**40),
    name=st.text(max_size=10),
    body=st.binary(max_size=20),
    blob=st.binary(max_size=50),
    place=st.none() | st.builds(SharedPlace, *[st.integers(0, 2**50)] * 3),
)


@given(st.lists(frames, max_size=5), st.data())
def test_any_split_of_the_stream_gives_the_same_frames(sent, data):
    stream = b"".join(encode(frame) for frame in sent)
    reader = FrameReader()
    received = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        received += reader.feed(stream[:size])
        stream = stream[size:]

    assert received == sent


def test_lengths_over_the_limit_are_refused_before_anything_is_kept():
    with pytest.raises(FrameError, match="over the limits"):
        list(FrameReader().feed(b"\xff" * 8))


def test_a_header_that_is_no_msgpack_is_refused():
    with pytest.raises(FrameError, match="must be msgpack"):
        list(FrameReader().feed(b"\x00\x00\x00\x01\x00\x00\x00\x00\xc1"))


def test_a_blob_over_the_limit_is_refused_by_the_sender():
    with pytest.raises(FrameError, match="at most"):
        encode(Frame("job", blob=bytes(MAX_BLOB_BYTES + 1)))


def test_what_is_too_large_is_told_with_its_size():
    with pytest.raises(FrameError, match=r"at most 1048576 \+ 67108864 bytes, not 2000\d\d\d \+ 1$"):
        check(Frame("job", body=bytes(2_000_000), blob=b"x"))
