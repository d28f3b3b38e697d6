"""The audio of a Deepgram stream: cut anywhere, and in a WAV file as it is written."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.dialects.deepgram.listen_audio import MAX_HEAD_BYTES, ListenAudio, StreamFormat, opus_seconds, wav_head
from protocol.dialects.deepgram.listen_query import ListenSound
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.events import AudioFormat

PCM = bytes(range(200))


def wav(pcm: bytes = PCM, *, tag: int = 1, bits: int = 16, channels: int = 1, rate_hz: int = 16_000) -> bytes:
    """Return a WAV file with a chunk that nobody knows before its samples."""
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * block, block, bits)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"LIST" + struct.pack("<I", 3) + b"abc\0"
    return b"RIFF\xff\xff\xff\xffWAVE" + chunks + b"data\xff\xff\xff\xff" + pcm


def audio(**sound: Any) -> ListenAudio:
    return ListenAudio.of(ListenSound(**sound))


@given(st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_a_stream_that_is_cut_anywhere_has_the_same_samples(sizes: list[int]) -> None:
    stream = audio(encoding="linear16", sample_rate_hz=16_000, channels=2)
    taken, at = b"", 0
    for size in sizes:
        taken += stream.take(PCM[at : at + size])
        at = min(len(PCM), at + size)
    assert taken == PCM[: at // 4 * 4]
    assert stream.received_s == pytest.approx(len(taken) / 4 / 16_000)


@pytest.mark.parametrize(
    ("encoding", "session_format", "seconds"),
    [
        ("linear16", AudioFormat("pcm_s16le", 8_000), 100 / 8_000),
        ("linear32", AudioFormat("pcm_f32le", 8_000), 50 / 8_000),
        ("mulaw", AudioFormat("pcm_s16le", 8_000), 200 / 8_000),
        ("alaw", AudioFormat("pcm_s16le", 8_000), 200 / 8_000),
    ],
)
def test_each_encoding_is_a_format_of_the_session(encoding: str, session_format: AudioFormat, seconds: float) -> None:
    stream = audio(encoding=encoding, sample_rate_hz=8_000)
    assert stream.format.session_format == session_format
    samples = stream.take(PCM)
    assert stream.received_s == pytest.approx(seconds)
    width = 4 if encoding == "linear32" else 2
    assert len(samples) == pytest.approx(seconds * 8_000 * width)


def test_opus_comes_in_packets_that_tell_how_long_they_last() -> None:
    stream = audio(encoding="opus", sample_rate_hz=48_000)
    packet = bytes([0b01111_0_01, 1, 2])  # two frames of 20 ms
    assert stream.take(packet) == packet
    assert stream.received_s == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("packet", "seconds"),
    [(b"", 0.0), (bytes([0b00000_0_00]), 0.01), (bytes([0b00011_0_00]), 0.06), (bytes([0b10000_0_00]), 0.0025),
     (bytes([0b11111_0_11, 3]), 0.06), (bytes([0b11111_0_11]), 0.0)],
)  # fmt: skip
def test_the_first_bytes_of_an_opus_packet_tell_its_length(packet: bytes, seconds: float) -> None:
    assert opus_seconds(packet) == pytest.approx(seconds)


@given(st.integers(1, 300))
def test_a_wav_file_that_is_cut_anywhere_tells_its_format(cut: int) -> None:
    stream, file = audio(), wav(channels=2, rate_hz=44_100)
    samples = stream.take(file[:cut]) + stream.take(file[cut:])
    assert samples == PCM
    assert stream.format == StreamFormat("linear16", 44_100, 2)


def test_the_longer_head_has_the_kind_of_samples_behind_the_rest() -> None:
    form = struct.pack("<HHIIHHHHIH", 0xFFFE, 1, 48_000, 192_000, 4, 32, 22, 32, 4, 3) + bytes(14)
    head = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", len(form)) + form + b"data\0\0\0\0"
    assert wav_head(head) == (StreamFormat("linear32", 48_000, 1), len(head))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"OggS", "no WAV file"),
        (b"RIFF\0\0\0\0AVI LIST", "no WAV file"),
        (wav(tag=17, bits=4), "4-bit samples of kind 17"),
        (wav(bits=24), "24-bit samples of kind 1"),
        (wav(channels=3), "a stream has 1 or 2 channels of 8000 to 48000 Hz, not 3 of 16000 Hz"),
        (wav(rate_hz=384_000), "not 1 of 384000 Hz"),
        (wav(channels=0), "not 0 of"),
        (b"RIFF\0\0\0\0WAVEdata\0\0\0\0", "no fmt chunk before its data"),
        (b"RIFF\0\0\0\0WAVEfmt \2\0\0\0\1\0data\0\0\0\0", "16 bytes or more, not 2"),
        (b"RIFF\0\0\0\0WAVELIST\0\0\0\x70", f"no samples in its first {MAX_HEAD_BYTES} bytes"),
    ],
)
def test_what_is_no_stream_ends_the_connection_with_the_reason(data: bytes, message: str) -> None:
    with pytest.raises(RemoteProtocolError, match=message) as caught:
        audio().take(data)
    assert caught.value.fatal


def test_a_head_without_end_is_not_kept() -> None:
    stream = audio()
    chunk = b"LIST\0\0\0\0"
    with pytest.raises(RemoteProtocolError, match="no samples"):
        stream.take(b"RIFF\0\0\0\0WAVE" + chunk * (MAX_HEAD_BYTES // 8 + 1))
