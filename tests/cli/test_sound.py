import stat
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import trio
import trio.testing

from cli import sound
from cli.sound import FRAME_S, MIC_FRAMES_MAX, Sound, microphone, play, read_wav, write_wav
from sayso_client import ClientError


def test_a_wav_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = Sound(bytes(range(64)), 44_100, channels=2)
    write_wav(tmp_path / "a.wav", written)
    assert read_wav(tmp_path / "a.wav") == written


@pytest.mark.parametrize("rate", [4_000, 96_000, 192_000])
def test_a_rate_that_the_protocol_cannot_carry_becomes_16_khz(tmp_path: Path, rate: int) -> None:
    tone = np.sin(np.arange(rate) * 2 * np.pi * 440 / rate) * 9_000
    write_wav(tmp_path / "a.wav", Sound(tone.astype("<i2").tobytes(), rate))

    sound = read_wav(tmp_path / "a.wav")

    samples = np.frombuffer(sound.pcm, "<i2")[:16_000]
    assert (sound.sample_rate, sound.channels) == (16_000, 1)
    assert np.abs(np.fft.rfft(samples)).argmax() == 440


def test_six_channels_become_one(tmp_path: Path) -> None:
    center = np.zeros((100, 6), "<i2")
    center[:, 2] = np.arange(100) * 50
    write_wav(tmp_path / "a.wav", Sound(center.tobytes(), 16_000, channels=6))

    assert read_wav(tmp_path / "a.wav") == Sound(center[:, 2].tobytes(), 16_000)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"OggS" + bytes(60), None])
def test_what_is_no_wav_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ClientError, match="must be a PCM WAV file"):
        read_wav(path)


def wav(fmt: bytes, data: bytes, *, riff_size: int = 0, data_size: int | None = None, before: bytes = b"") -> bytes:
    size = len(data) if data_size is None else data_size
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(fmt)) + fmt + before + b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", riff_size) + body


def fmt(tag: int, bits: int, channels: int = 1, *, subformat: int | None = None) -> bytes:
    width = bits // 8 * channels
    plain = struct.pack("<HHIIHH", tag, channels, 16_000, 16_000 * width, width, bits)
    if subformat is None:
        return plain
    return plain + struct.pack("<HHIH", 22, bits, 0, subformat) + bytes.fromhex("000000001000800000aa00389b71")


SAMPLES = [0, 16_384, -16_384, 32_767]
S16 = struct.pack("<4h", *SAMPLES)


@pytest.mark.parametrize(
    "content",
    [
        wav(fmt(1, 16), S16),
        wav(fmt(1, 16), S16, riff_size=0xFFFFFFFF, data_size=0xFFFFFFFF),
        wav(fmt(1, 16), S16, data_size=0),
        wav(fmt(1, 16), S16, data_size=0x7FFFFFFF),
        wav(fmt(1, 16), S16, data_size=5_000),
        wav(fmt(1, 16), S16 + b"\x01", data_size=9),
        wav(fmt(1, 16), S16, before=b"LIST" + struct.pack("<I", 3) + b"abc\0"),
        wav(fmt(0xFFFE, 24, subformat=1), b"".join(b"\x00" + struct.pack("<h", each) for each in SAMPLES)),
        wav(fmt(1, 32), b"".join(b"\x00\x00" + struct.pack("<h", each) for each in SAMPLES)),
        wav(fmt(3, 32), struct.pack("<4f", 0, 0.5, -0.5, 1.0)),
        wav(fmt(3, 32), struct.pack("<4f", float("nan"), 0.5, -0.5, 7.0)),
        wav(fmt(0xFFFE, 64, subformat=3), struct.pack("<4d", 0, 0.5, -0.5, 1.0)),
    ],
    ids=["plain", "streamed", "zero", "half", "long", "odd", "list", "s24", "s32", "f32", "nan", "f64"],
)
def test_wav_files_of_many_kinds_are_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)

    sound = read_wav(tmp_path / "a.wav")

    heard = struct.unpack("<4h", sound.pcm)
    assert (sound.sample_rate, sound.channels) == (16_000, 1)
    assert all(abs(sample - wanted) <= 1 for sample, wanted in zip(heard, SAMPLES, strict=True))


def test_samples_of_8_bits_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(fmt(1, 8), b"\x80\xff"))

    assert read_wav(tmp_path / "a.wav").pcm == b"\x00\x00\x00\x7f"


def test_channels_that_cancel_each_other_become_one(tmp_path: Path) -> None:
    pairs = [(sample, -sample) for sample in (1_000, -2_000, 3_000)]
    (tmp_path / "a.wav").write_bytes(wav(fmt(1, 16, 2), b"".join(struct.pack("<hh", *pair) for pair in pairs)))

    sound = read_wav(tmp_path / "a.wav")

    assert (sound.channels, struct.unpack("<3h", sound.pcm)) == (1, (1_000, -2_000, 3_000))


def test_other_stereo_stays_stereo(tmp_path: Path) -> None:
    data = struct.pack("<4h", 1_000, 900, -2_000, -1_900)
    (tmp_path / "a.wav").write_bytes(wav(fmt(1, 16, 2), data))

    assert read_wav(tmp_path / "a.wav") == Sound(data, 16_000, 2)


@pytest.mark.parametrize(
    "content",
    [
        wav(fmt(1, 16), b"\x00"),
        wav(fmt(0x11, 4), b"\x00\x00"),
        wav(fmt(1, 16, 0), b"\x00\x00"),
        wav(fmt(0xFFFE, 16), b"\x00\x00"),
        wav(fmt(1, 16)[:10], b"\x00\x00"),
        wav(fmt(1, 16), b"")[:36],
    ],
    ids=["half a sample", "adpcm", "no channels", "no subformat", "cut format", "no data"],
)
def test_what_cannot_be_read_is_told_with_a_command_that_converts_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)

    with pytest.raises(ClientError, match=r"convert it with: sox in\.wav -r 16000 -c 1 -b 16 out\.wav"):
        read_wav(tmp_path / "a.wav")


def test_a_file_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="cannot write"):
        write_wav(tmp_path / "missing" / "a.wav", Sound(b"", 16_000))


def test_frames_are_40_ms_and_lose_nothing() -> None:
    whole = Sound(bytes(2 * 2 * 1_764 * 3 + 40), 44_100, channels=2)
    frames = list(whole.frames())
    assert [len(frame) for frame in frames] == [2 * 2 * 1_764] * 3 + [40]
    assert b"".join(frames) == whole.pcm


def test_silence_is_added_in_whole_samples() -> None:
    longer = Sound(b"\x01\x02" * 800, 8_000).with_silence(0.8)
    assert longer.duration_s == pytest.approx(0.9)
    assert longer.pcm.endswith(bytes(2 * 6_400))


def test_the_first_player_on_path_gets_the_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player = tmp_path / "paplay"
    player.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\n/bin/cat > {tmp_path}/played\n')
    player.chmod(player.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    play(Sound(b"\x01\x02\x03\x04", 22_050))
    assert (tmp_path / "played").read_bytes() == b"\x01\x02\x03\x04"
    assert "--rate=22050" in (tmp_path / "arguments").read_text()


def test_a_player_that_fails_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player = tmp_path / "aplay"
    player.write_text("#!/bin/sh\nexit 1\n")
    player.chmod(player.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClientError, match="aplay could not play"):
        play(Sound(b"", 22_050))


class NoDeviceError(Exception):
    """What sounddevice raises as ``PortAudioError``."""


class Device:
    """Sounddevice whose microphone hears ``count`` frames at once."""

    PortAudioError = NoDeviceError

    def __init__(self, count: int) -> None:
        self.count = count

    def RawInputStream(self, *, blocksize: int, callback, **_options):  # noqa: N802 - sounddevice's name
        self.blocksize, self.callback = blocksize, callback
        return self

    def __enter__(self) -> None:
        for number in range(self.count):
            self.callback(bytes([number]) * 2, self.blocksize, None, None)

    def __exit__(self, *_error: object) -> None:
        pass


async def test_a_microphone_gives_what_it_hears_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device(3)
    monkeypatch.setattr(sound, "_sounddevice", lambda _need: device)
    async with microphone() as frames:
        heard = [await anext(frames) for _ in range(3)]
    assert heard == [b"\x00\x00", b"\x01\x01", b"\x02\x02"]
    assert device.blocksize == 16_000 * FRAME_S


async def test_an_unread_microphone_ends_instead_of_losing_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "_sounddevice", lambda _need: Device(MIC_FRAMES_MAX + 5))
    async with microphone() as frames:
        await trio.testing.wait_all_tasks_blocked()
        assert len([frame async for frame in frames]) == MIC_FRAMES_MAX


async def test_a_machine_without_a_microphone_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "_sounddevice", lambda _need: Silent())
    with pytest.raises(ClientError, match="the microphone cannot be opened"):
        async with microphone():
            pass


class Silent(Device):
    """Sounddevice on a machine without a microphone."""

    def __init__(self) -> None:
        super().__init__(0)

    def RawInputStream(self, **_options):  # noqa: N802 - sounddevice's name
        raise NoDeviceError("no default input device")


async def test_without_sounddevice_the_answer_is_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(ClientError, match=r"pip install 'sayso\[mic\]'"):
        async with microphone():
            pass
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ClientError, match="--play needs aplay, paplay, ffplay"):
        play(Sound(b"", 22_050))
