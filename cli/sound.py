"""Sound on this machine: WAV files, a microphone, and the installed player.

Rules kept here:

* Samples are s16le everywhere, as on the wire; other widths are cut to their 16 highest bits.
* A microphone and a player are optional; the error for a missing one says what to install.
"""

import importlib
import shutil
import subprocess
import wave
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import trio

from backends.speech.resampling import resampled
from backends.speech.wav import audible_channel, one_channel, wav_parts
from protocol.messages.hearing import INTERNAL_RATE_HZ
from sayso_client import ClientError

STEREO: Final = 2
CONVERT: Final = "convert it with: sox in.wav -r 16000 -c 1 -b 16 out.wav"
FRAME_S: Final = 0.04  # seconds in a frame: longer ones add latency, shorter ones cost the server more
MIC_RATE_HZ: Final = 16_000
MIC_FRAMES_MAX: Final = 100  # 10 s: then the network is too slow for speech
SAMPLE_RATES: Final = range(8_000, 48_001)
PLAYERS: Final[Sequence[tuple[str, Callable[[int], list[str]]]]] = (
    ("aplay", lambda rate: ["-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(rate), "-"]),
    ("paplay", lambda rate: ["--raw", "--format=s16le", "--channels=1", f"--rate={rate}"]),
    ("ffplay", lambda rate: ["-autoexit", "-nodisp", "-loglevel", "quiet", "-f", "s16le", "-ar", str(rate), "-i", "-"]),
)


@attrs.frozen
class Sound:
    """Samples, s16le, interleaved if there are two channels."""

    pcm: bytes
    sample_rate: int
    channels: int = 1

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.pcm) / (2 * self.channels * self.sample_rate)

    def with_silence(self, duration_s: float) -> "Sound":
        """Return the sound with digital silence after it."""
        samples = round(duration_s * self.sample_rate) * self.channels
        return attrs.evolve(self, pcm=self.pcm + bytes(2 * samples))

    def frames(self) -> Iterator[bytes]:
        """Yield pieces of ``FRAME_S``; the last may be shorter."""
        size = 2 * self.channels * round(self.sample_rate * FRAME_S)
        for start in range(0, len(self.pcm), size):
            yield self.pcm[start : start + size]


def read_wav(path: Path) -> Sound:
    """Return the sound of a WAV file with PCM of 8 to 32 bits, floats, A-law or μ-law; raises ``ClientError``.

    Sizes in the header that a streaming program could not know are ignored; half a sample at the end is left out. Two
    channels that cancel each other become one, and so do more than two. Rates that the server does not take become
    16 kHz.
    """
    try:
        kind, data = wav_parts(path.read_bytes())
        pcm = kind.to_s16le(data)
        if not pcm:
            raise ValueError("it has no samples")  # noqa: TRY301 - told as the others are
    except (OSError, ValueError) as error:
        raise ClientError(f"{path} must be a PCM WAV file: {error}; {CONVERT}") from error
    channels = kind.channels
    mono = one_channel(pcm, channels) if channels > STEREO else audible_channel(pcm, channels)
    if kind.sample_rate in SAMPLE_RATES:
        return Sound(pcm, kind.sample_rate, channels) if mono is None else Sound(mono, kind.sample_rate)
    mono = one_channel(pcm, channels) if mono is None else mono
    return Sound(resampled(mono, kind.sample_rate), INTERNAL_RATE_HZ)


def write_wav(path: Path, sound: Sound) -> None:
    """Write a 16-bit WAV file; raises ``ClientError``."""
    try:
        with path.open("wb") as file, wave.open(file, "wb") as target:
            target.setnchannels(sound.channels)
            target.setsampwidth(2)
            target.setframerate(sound.sample_rate)
            target.writeframes(sound.pcm)
    except OSError as error:
        raise ClientError(f"cannot write {path}: {error}") from error


def play(sound: Sound) -> None:
    """Play to the end; blocks, so call it in a thread. Raises ``ClientError`` if there is no player."""
    for name, arguments in PLAYERS:
        if program := shutil.which(name):
            limit_s = sound.duration_s + 5
            try:
                subprocess.run([program, *arguments(sound.sample_rate)], input=sound.pcm, check=True, timeout=limit_s)
            except (subprocess.SubprocessError, OSError) as error:
                raise ClientError(f"{name} could not play: {error}") from error
            return
    device = _sounddevice("--play needs aplay, paplay, ffplay, or the Python package sounddevice")
    try:
        with device.RawOutputStream(samplerate=sound.sample_rate, channels=1, dtype="int16") as stream:
            stream.write(sound.pcm)
    except device.PortAudioError as error:
        raise ClientError(f"the loudspeaker cannot be opened: {error}") from error


@asynccontextmanager
async def microphone() -> AsyncIterator[AsyncIterator[bytes]]:
    """Yield recorded frames of ``FRAME_S``: s16le mono at ``MIC_RATE_HZ``; raises ``ClientError``."""
    device = _sounddevice("--mic needs the Python package sounddevice: pip install 'sayso[mic]'")
    send, receive = trio.open_memory_channel[bytes](MIC_FRAMES_MAX)
    token = trio.lowlevel.current_trio_token()

    def recorded(data: Any, _frames: int, _time: Any, _status: Any) -> None:  # in PortAudio's thread
        token.run_sync_soon(_offer, send, bytes(data))

    try:
        stream = device.RawInputStream(
            samplerate=MIC_RATE_HZ, channels=1, dtype="int16", blocksize=round(MIC_RATE_HZ * FRAME_S), callback=recorded
        )
    except device.PortAudioError as error:
        raise ClientError(f"the microphone cannot be opened: {error}") from error
    with stream:
        yield receive


def _offer(send: trio.MemorySendChannel[bytes], data: bytes) -> None:
    """Queue a frame; a full queue ends the recording, because speech with holes is worse than none."""
    try:
        send.send_nowait(data)
    except trio.WouldBlock:
        send.close()
    except trio.ClosedResourceError:
        pass  # the recording has ended; PortAudio's thread is a frame behind


def _sounddevice(need: str) -> Any:
    try:
        return importlib.import_module("sounddevice")
    except (ImportError, OSError) as error:  # OSError: the package is there, PortAudio is not
        raise ClientError(f"{need} ({error})") from error
