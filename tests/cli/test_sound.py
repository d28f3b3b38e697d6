import stat
import sys
import wave
from pathlib import Path

import pytest
import trio
import trio.testing

from cli import sound
from cli.client import ClientError
from cli.sound import FRAME_S, MIC_FRAMES_MAX, Sound, microphone, play, read_wav, to_s16le, write_wav


def test_a_wav_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = Sound(bytes(range(64)), 44_100, channels=2)
    write_wav(tmp_path / "a.wav", written)
    assert read_wav(tmp_path / "a.wav") == written


@pytest.mark.parametrize(
    ("data", "width", "expected"),
    [
        (b"\x80\x00\xff", 1, b"\x00\x00\x00\x80\x00\x7f"),  # unsigned: silence, lowest, highest
        (b"\x01\x02", 2, b"\x01\x02"),
        (b"\x01\x02\x03\xff\xfe\xfd", 3, b"\x02\x03\xfe\xfd"),
        (b"\x01\x02\x03\x04", 4, b"\x03\x04"),
        (b"\x01\x02\x03\x04\x05", 3, b"\x02\x03"),  # cut off in the second sample
    ],
)
def test_samples_of_any_width_keep_their_highest_16_bits(data: bytes, width: int, expected: bytes) -> None:
    assert to_s16le(data, width) == expected


def write_header(path: Path, *, rate: int, channels: int) -> None:
    with wave.open(str(path), "wb") as target:
        target.setparams((channels, 2, rate, 0, "NONE", "not compressed"))
        target.writeframes(bytes(2 * channels))


@pytest.mark.parametrize(("rate", "channels"), [(4_000, 1), (96_000, 1), (16_000, 6)])
def test_what_the_protocol_cannot_carry_is_refused(tmp_path: Path, rate: int, channels: int) -> None:
    write_header(tmp_path / "a.wav", rate=rate, channels=channels)
    with pytest.raises(ClientError, match="must have 8000 to 48000 samples a second"):
        read_wav(tmp_path / "a.wav")


@pytest.mark.parametrize("content", [b"", b"RIFF", b"OggS" + bytes(60), None])
def test_what_is_no_wav_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ClientError, match="must be a PCM WAV file"):
        read_wav(path)


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


async def test_a_microphone_that_nobody_reads_ends_instead_of_losing_frames(monkeypatch: pytest.MonkeyPatch) -> None:
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
