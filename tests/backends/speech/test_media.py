"""The decoder of uploaded recordings, called in this process: these files are known to do no harm."""

import io
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from backends.jobs import DecodeRecording, ForgetRecording, RecordingBlock
from backends.speech import media
from backends.speech.encoding import encode
from backends.speech.media import MediaWorker
from protocol.messages.hearing import INTERNAL_RATE_HZ
from tests.backends.speech.sounds import sound, wav
from tests.systems import OPEN_FILES

SPEECH = sound(("quiet", 1), ("loud", 1), ("quiet", 1))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a read take as long as it likes, so that blocks do not depend on how busy the machine is."""
    monkeypatch.setattr(media, "READ_S", 600.0)


@pytest.fixture
def worker() -> Iterator[MediaWorker]:
    made = MediaWorker({})
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "recording"


def read(worker: MediaWorker, path: Path, from_sample: int = 0, name: str = "r") -> tuple[bytes, bool]:
    """Return one block, and whether it was the last one."""
    block, pcm = worker.handle(DecodeRecording(name, str(path), from_sample), b"")
    assert isinstance(block, RecordingBlock)
    assert block.refusal is None
    return pcm, block.is_last


def read_all(worker: MediaWorker, path: Path) -> bytes:
    found, is_last = b"", False
    while not is_last:
        pcm, is_last = read(worker, path, len(found) // 2)
        found += pcm
    return found


def refusal(worker: MediaWorker, path: Path, data: bytes) -> str:
    """Return why a file is refused."""
    path.write_bytes(data)
    block, pcm = worker.handle(DecodeRecording("r", str(path), 0), b"")
    assert pcm == b""
    assert isinstance(block, RecordingBlock)
    return str(block.refusal)


def au(rate_hz: int, channels: int, samples: bytes) -> bytes:
    """Return a file in Sun's format, which announces any rate: 24 bytes, then big-endian 16-bit samples."""
    return b".snd" + struct.pack(">5I", 24, len(samples), 3, rate_hz, channels) + samples


def flac(rate_hz: int, samples: int = 65_535) -> bytes:
    """Return one frame of so many equal samples, in 55 bytes."""
    info = struct.pack(">HH", samples, samples) + bytes(6)
    info += ((rate_hz << 44) | (15 << 36) | samples).to_bytes(8, "big") + bytes(16)
    head = b"\xff\xf8\x70\x08\x00" + struct.pack(">H", samples - 1)
    frame = head + bytes([crc(head, 8, 0x07)]) + b"\x00" + struct.pack(">h", 1_000)
    return b"fLaC" + bytes([0x80, 0, 0, len(info)]) + info + frame + struct.pack(">H", crc(frame, 16, 0x8005))


def crc(data: bytes, bits: int, polynomial: int) -> int:
    found = 0
    for byte in data:
        found ^= byte << (bits - 8)
        for _ in range(8):
            found = (found << 1) ^ (polynomial if found >> (bits - 1) else 0)
            found &= (1 << bits) - 1
    return found


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav"])
def test_what_a_phone_records_can_be_read(worker: MediaWorker, file: Path, name: str) -> None:
    file.write_bytes(encode(SPEECH, INTERNAL_RATE_HZ, name))
    pcm = np.frombuffer(read_all(worker, file), "<i2")
    assert len(pcm) / INTERNAL_RATE_HZ == pytest.approx(3.0, abs=0.2)
    assert abs(int(np.argmax(np.abs(pcm) > 2_000)) - INTERNAL_RATE_HZ) < 0.1 * INTERNAL_RATE_HZ


def test_samples_at_the_internal_rate_are_not_changed(worker: MediaWorker, file: Path) -> None:
    file.write_bytes(wav(SPEECH).getvalue())
    assert read_all(worker, file) == SPEECH


def extensible(bits: int, samples: bytes) -> bytes:
    """Return a WAV file whose format is given by a GUID, as sox and ffmpeg write 24 bits."""
    guid = struct.pack("<H", 1) + b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
    size = bits // 8
    fmt = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16_000, 16_000 * size, size, bits, 22, bits, 4) + guid
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_24_bits_in_an_extensible_wav_are_read(worker: MediaWorker, file: Path) -> None:
    samples = np.frombuffer(SPEECH, "<i2").astype("<i4") << 8
    file.write_bytes(extensible(24, samples.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()))
    assert read_all(worker, file) == SPEECH


def test_floats_in_a_wav_are_read(worker: MediaWorker, file: Path) -> None:
    data = (np.frombuffer(SPEECH, "<i2") / 32_768).astype("<f4").tobytes()
    fmt = struct.pack("<HHIIHH", 3, 1, 16_000, 64_000, 4, 32)
    body = b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", len(data)) + data
    file.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert read_all(worker, file) == SPEECH


def test_a_tag_in_any_encoding_is_no_obstacle(worker: MediaWorker, file: Path) -> None:
    plain = wav(sound(("quiet", 1), ("loud", 1))).getvalue()
    tag = b"INFOINAM\x04\x00\x00\x00\xff\xfe\x80\x81"
    tags = b"LIST" + len(tag).to_bytes(4, "little") + tag
    length = int.from_bytes(plain[4:8], "little") + len(tags)
    file.write_bytes(plain)
    expected = read_all(worker, file)
    file.write_bytes(b"RIFF" + length.to_bytes(4, "little") + plain[8:36] + tags + plain[36:])

    assert read_all(worker, file) == expected != b""


def test_stereo_at_another_rate_is_mixed_and_resampled(worker: MediaWorker, file: Path) -> None:
    mono = np.frombuffer(SPEECH, "<i2")
    file.write_bytes(wav(np.repeat(np.repeat(mono, 3), 2).tobytes(), rate_hz=48_000, channels=2).getvalue())
    pcm = np.frombuffer(read_all(worker, file), "<i2")
    assert len(pcm) == pytest.approx(len(mono), abs=50)
    assert np.abs(pcm[17_000:31_000]).mean() == pytest.approx(4_000, rel=0.1)


def test_a_voice_that_is_upside_down_in_one_channel_is_heard(worker: MediaWorker, file: Path) -> None:
    mono = np.frombuffer(SPEECH, "<i2")
    file.write_bytes(wav(np.stack((mono, -mono), axis=1).tobytes(), channels=2).getvalue())
    assert read_all(worker, file) == SPEECH


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF", b"not a recording at all" * 100, b"\x89PNG\r\n\x1a\n" + bytes(100)],
    ids=["empty", "half a head", "text", "picture"],
)
def test_what_is_no_recording_is_refused(worker: MediaWorker, file: Path, data: bytes) -> None:
    assert "no recording that can be decoded" in refusal(worker, file, data)


@pytest.mark.parametrize("rate_hz", [5, 999, 384_001, 100_000_007, 1_895_841_408])
def test_an_absurd_rate_is_refused(worker: MediaWorker, file: Path, rate_hz: int) -> None:
    expected = f"the rate must be from 1,000 to 384,000 Hz, not {rate_hz:,}"
    assert refusal(worker, file, au(rate_hz, 1, b"\x10\x00" * 4)) == expected


def test_a_frame_that_would_become_hours_is_refused_before_it_is_resampled(worker: MediaWorker, file: Path) -> None:
    assert refusal(worker, file, flac(5)) == "the rate must be from 1,000 to 384,000 Hz, not 5"
    file.write_bytes(flac(8_000))
    assert len(read_all(worker, file)) == pytest.approx(4 * 65_535, abs=100)


def test_too_many_channels_are_refused(worker: MediaWorker, file: Path) -> None:
    assert refusal(worker, file, au(16_000, 9, bytes(1_800))).endswith("from 1 to 8 channels, not 9")


def caf(free_bytes: int) -> bytes:
    """Return a Core Audio file with an unused chunk of 64 bytes before its samples, which announces another size."""
    lpcm = struct.pack(">d4s5I", 16_000, b"lpcm", 0, 2, 1, 1, 16)
    head = b"caff\0\1\0\0desc" + struct.pack(">q", len(lpcm)) + lpcm
    return head + b"free" + struct.pack(">q", free_bytes) + bytes(64) + b"data" + struct.pack(">q", 68) + bytes(68)


def test_a_file_that_points_far_behind_its_end_is_refused(worker: MediaWorker, file: Path) -> None:
    file.write_bytes(caf(64))
    assert len(read_all(worker, file)) == 64
    assert refusal(worker, file, caf(1 << 62)).endswith("it contradicts itself")


def test_an_unknown_codec_is_refused(worker: MediaWorker, file: Path) -> None:
    data = bytearray(wav(SPEECH).getvalue())
    data[20:22] = b"\x34\x12"
    assert refusal(worker, file, bytes(data)) == "the codec of this recording is not known"


def test_a_file_that_asks_for_gigabytes_gets_a_megabyte_at_a_time(file: Path) -> None:
    file.write_bytes(bytes(3 << 20))
    with media.Source(io.FileIO(file)) as source:
        assert [len(source.read(size)) for size in (1 << 40, -1, 5, 1 << 40)] == [1 << 20, 1 << 20, 5, (1 << 20) - 5]


def test_a_recording_that_breaks_off_gives_what_there_is(worker: MediaWorker, file: Path) -> None:
    file.write_bytes(wav(SPEECH).getvalue()[: 2 * 32_000])
    assert SPEECH.startswith(read_all(worker, file))


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{path}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {path}\n",
        "#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/secret.wav\n",
    ],
)
def test_a_playlist_opens_no_other_file_and_no_address(
    worker: MediaWorker, file: Path, tmp_path: Path, text: str
) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(wav(sound(("loud", 2))).getvalue())
    assert "no recording that can be decoded" in refusal(worker, file, text.format(path=secret).encode())


# --- block by block ------------------------------------------------------------------------------


LONG = sound(*[("loud", 7), ("quiet", 4)] * 6)  # 66 s: three blocks


def test_a_long_recording_comes_in_blocks_of_bounded_length(worker: MediaWorker, file: Path) -> None:
    file.write_bytes(wav(LONG).getvalue())
    assert read(worker, file) == (LONG[: 30 * 32_000], False)
    assert read(worker, file, 480_000) == (LONG[30 * 32_000 : 60 * 32_000], False)
    assert read(worker, file, 960_000) == (LONG[60 * 32_000 :], True)


@pytest.mark.parametrize("name", ["wav", "mp3", "opus"])
def test_a_worker_that_has_not_seen_the_beginning_goes_on_where_another_one_ended(file: Path, name: str) -> None:
    file.write_bytes(encode(LONG, INTERNAL_RATE_HZ, name))
    with closing(MediaWorker({})) as one, closing(MediaWorker({})) as another:
        whole = read_all(one, file)
        first, _ = read(one, file)
        second, _ = read(another, file, len(first) // 2)
    assert second
    assert whole.startswith(first + second)


def test_a_block_whose_answer_was_lost_can_be_asked_for_again(worker: MediaWorker, file: Path) -> None:
    file.write_bytes(wav(LONG).getvalue())
    first, _ = read(worker, file)
    assert read(worker, file)[0][:32_000] == first[:32_000] == LONG[:32_000]


def test_a_read_ends_when_its_time_is_over(worker: MediaWorker, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no time at all there is nothing, and no end either."""
    monkeypatch.setattr(media, "READ_S", 0.0)
    file.write_bytes(wav(LONG).getvalue())
    assert read(worker, file) == (b"", False)


def test_a_recording_without_end_is_refused(worker: MediaWorker, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.audio.media.MAX_RECORDING_S", 2.0)
    assert refusal(worker, file, wav(LONG).getvalue()) == "a recording must not be longer than 2 s"


def test_abandoned_recordings_are_closed(worker: MediaWorker, tmp_path: Path) -> None:
    names = [f"r{number}" for number in range(media.OPEN_MAX + 2)]
    for name in names:
        path = tmp_path / name
        path.write_bytes(wav(LONG).getvalue())
        read(worker, path, name=name)
    assert is_open(names) == [False, False, True, True, True, True]
    worker.handle(ForgetRecording("r3"), b"")
    assert is_open(names) == [False, False, True, False, True, True]
    worker.close()
    assert not any(is_open(names))


def is_open(names: list[str]) -> list[bool]:
    """Return which of these files this process has open."""
    opened = {link.readlink().name for link in OPEN_FILES.iterdir() if link.is_symlink()}
    return [name in opened for name in names]


def test_a_file_is_closed_at_its_end_and_where_it_is_refused(worker: MediaWorker, file: Path) -> None:
    file.write_bytes(wav(SPEECH).getvalue())
    read_all(worker, file)
    assert is_open([file.name]) == [False]
    refusal(worker, file, b"nonsense" * 100)
    assert is_open([file.name]) == [False]


def test_a_file_that_is_not_there_is_a_failure_of_ours(worker: MediaWorker, file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(worker, file)


def test_samples_are_a_bug(worker: MediaWorker) -> None:
    with pytest.raises(ValueError, match="media takes no samples"):
        worker.handle(ForgetRecording("r"), b"xx")
