"""Audio that goes on, or waits for its commit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.dialects.realtime.g711 import encoded
from protocol.dialects.realtime.input_buffer import MAX_BUFFER_BYTES, InputBuffer
from protocol.dialects.realtime.session_document import FormatFields
from protocol.messages.errors import RemoteProtocolError

PCM = FormatFields("audio/pcm", 8_000)


@given(
    parts=st.lists(st.binary(max_size=50_000).map(lambda part: part[: len(part) & ~1]), max_size=5),
    goes_on=st.booleans(),
)
def test_all_of_it_goes_on_in_frames_of_a_second(parts: list[bytes], *, goes_on: bool) -> None:
    buffer = InputBuffer(PCM)
    frames = [frame for part in parts for frame in buffer.append(part, goes_on=goes_on)]
    assert goes_on or not frames
    frames += buffer.take()
    assert b"".join(frames) == b"".join(parts)
    assert all(0 < len(frame) <= 16_000 for frame in frames)
    assert (len(buffer), buffer.appended_s) == (0, 0.0)


def test_telephone_audio_becomes_samples() -> None:
    pcm = bytes(range(0, 200, 2)) * 2
    codes = encoded(pcm, "mulaw")
    (frame,) = InputBuffer(FormatFields("audio/pcmu")).append(codes, goes_on=True)
    assert len(frame) == 2 * len(codes)
    assert encoded(frame, "mulaw") == codes


def test_half_a_sample_is_refused_and_nothing_of_it_stays() -> None:
    buffer = InputBuffer(PCM)
    with pytest.raises(RemoteProtocolError, match="16-bit samples, not 3 bytes"):
        buffer.append(b"abc", goes_on=False)
    assert (len(buffer), buffer.appended_s) == (0, 0.0)


def test_what_waits_is_bounded() -> None:
    buffer = InputBuffer(PCM)
    buffer.append(bytes(MAX_BUFFER_BYTES), goes_on=False)
    with pytest.raises(RemoteProtocolError, match="wait for a commit"):
        buffer.append(bytes(2), goes_on=False)
    buffer.clear()
    buffer.append(bytes(16_000), goes_on=False)
    assert buffer.appended_s == 1.0
