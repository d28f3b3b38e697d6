"""The worker that decodes uploaded recordings, by FFmpeg through PyAV.

Rules kept here:

* This runs in a process of its own: native code on untrusted bytes may crash, hang, or hold the interpreter's lock.
* ``read`` is a pure function of the file and of the position. The decoder that stays open between two reads only spares
  time: if it is not there, because the process before this one has ended, the file is decoded from its beginning again.
* A read ends after ``BLOCK_S`` of samples or about ``READ_S`` of time, so that two recordings take turns.
* A file that cannot be decoded is an answer with a reason, not a failure of the worker.
"""

import errno
import io
import struct
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final

import av
import av.error
import numpy as np

from backends.jobs import DecodeRecording, ForgetRecording, RecordingBlock, RecordingForgotten
from backends.protocols import BadAudio
from backends.speech.mixing import Samples, mixed
from protocol.audio.media import BLOCK_S, CODECS, FORMATS, why_frame_refused, why_refused, why_too_long
from protocol.messages.hearing import INTERNAL_RATE_HZ

READ_S: Final = 1.0
SOURCE_BYTES: Final = 1 << 20
OPEN_MAX: Final = 4  # decoders kept open; the HTTP API has two recordings in work at once
SAFE: Final = {
    "format_whitelist": ",".join(FORMATS),
    "codec_whitelist": ",".join(CODECS),
    "protocol_whitelist": "none",
}
TAKES_ANY_TAG: Final = 19  # from this version on PyAV accepts a tag that is no UTF-8, and has no argument for it
TAGS: Final[dict[str, Any]] = (
    {} if int(av.__version__.partition(".")[0]) >= TAKES_ANY_TAG else {"metadata_errors": "ignore"}
)
STEREO: Final = 2
# a header of Sun's audio format (rate 8,000 Hz, 16 bits, one channel) and 1,000 samples
SILENT_AU: Final = b".snd" + struct.pack(">5I", 24, 2_000, 3, 8_000, 1) + bytes(2_000)


class MediaWorker:
    """A ``runtime.workers.child_process.Target``."""

    jobs = (DecodeRecording, ForgetRecording)

    def __init__(self, _params: dict[str, Any]) -> None:
        """Load the libraries, by decoding some silence."""
        self._open: dict[str, OpenRecording] = {}
        OpenRecording(io.BytesIO(SILENT_AU)).read(0)

    def handle(
        self, job: DecodeRecording | ForgetRecording, blob: bytes | memoryview
    ) -> tuple[RecordingBlock | RecordingForgotten, bytes]:
        """Do one job; raises ``OSError`` for a file that is not there, ``ValueError`` for bad input."""
        if blob:
            raise ValueError(f"media takes no samples, but {len(blob)} bytes came")
        match job:
            case DecodeRecording(recording_id, path, from_sample):
                return self._read(recording_id, Path(path), from_sample)
            case ForgetRecording(recording_id):
                self._forget(recording_id)
                return RecordingForgotten(), b""

    def close(self) -> None:
        """Close all open recordings."""
        for recording_id in list(self._open):
            self._forget(recording_id)

    def _read(self, recording_id: str, path: Path, from_sample: int) -> tuple[RecordingBlock, bytes]:
        recording = self._open.get(recording_id)
        if recording is None or recording.position > from_sample:
            self._forget(recording_id)
            recording = OpenRecording(Source(io.FileIO(path)))
        self._open[recording_id] = recording
        try:
            pcm, is_last = recording.read(from_sample)
        except BadAudio as error:
            self._forget(recording_id)
            return RecordingBlock(is_last=True, refusal=str(error)), b""
        if is_last:
            self._forget(recording_id)
        elif len(self._open) > OPEN_MAX:
            self._forget(next(iter(self._open)))
        return RecordingBlock(is_last), pcm

    def _forget(self, recording_id: str) -> None:
        recording = self._open.pop(recording_id, None)
        if recording is not None:
            recording.close()


class Source(io.BufferedReader):
    """A file whose reads are bounded by ``SOURCE_BYTES``: a decoder of a damaged file asks for gigabytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most ``size`` bytes, empty at the end."""
        return super().read(SOURCE_BYTES if size is None or size < 0 else min(size, SOURCE_BYTES))


class OpenRecording:
    """One file with its decoder, read once from beginning to end."""

    def __init__(self, file: io.BufferedIOBase) -> None:
        self.position = 0
        """How many samples have been returned or skipped."""
        self._file = file
        self._blocks = _decoded(file)
        self._rest = np.zeros(0, np.int16)
        self._decoding_s = 0.0

    def close(self) -> None:
        """Close the decoder and the file."""
        self._blocks.close()
        self._file.close()

    def read(self, from_sample: int) -> tuple[bytes, bool]:
        """Return samples from ``position`` (in samples) on, as 16 kHz s16le mono, and whether they are the last.

        The position must not be before ``position``. Raises ``BadAudio`` where the file cannot be decoded.
        """
        began_s, wanted = time.monotonic(), round(BLOCK_S * INTERNAL_RATE_HZ)
        found: list[Samples] = []
        count, is_last = 0, False
        while count < wanted and not is_last and time.monotonic() - began_s < READ_S:
            block, is_last = self._next_block()
            passed_over = min(len(block), max(0, from_sample - self.position))
            block = block[passed_over:]
            taken = block[: wanted - count]
            self._rest = block[len(taken) :]
            is_last = is_last and not len(self._rest)
            self.position += passed_over + len(taken)
            found.append(taken)
            count += len(taken)
        return b"".join(part.astype("<i2", copy=False).tobytes() for part in found), is_last

    def _next_block(self) -> tuple[Samples, bool]:
        if len(self._rest):
            return self._rest, False
        began_s = time.process_time()
        block = next(self._blocks, None)
        self._decoding_s += time.process_time() - began_s
        size = 0 if block is None else len(block)
        why = why_too_long(self.position + size, self._decoding_s)
        if why is not None:
            raise BadAudio(why)
        return (self._rest, True) if block is None else (block, False)


def _decoded(file: io.BufferedIOBase) -> Generator[Samples, None, None]:
    """Yield the samples of the first sound in a file, mixed and at 16 kHz; raises ``BadAudio``."""
    try:
        with av.open(file, "r", options=SAFE, **TAGS) as container:
            if not container.streams.audio:
                raise BadAudio("there is no sound in this file")
            stream = container.streams.audio[0]
            codec = stream.codec_context
            if codec is None:  # there is no decoder of that name, or it may not be used
                raise BadAudio("the codec of this recording is not known")
            _refuse(why_refused(codec.name, codec.sample_rate, codec.layout.nb_channels))
            yield from _resampled(container.decode(stream))
    except av.error.FFmpegError as error:
        raise BadAudio(f"this is no recording that can be decoded: {error.strerror}") from error
    except (OSError, OverflowError, ValueError) as error:
        if isinstance(error, BadAudio) or getattr(error, "errno", errno.EINVAL) != errno.EINVAL:
            raise
        # PyAV passes on what a file says to a seek beyond its beginning, and what Python says to text that is none
        raise BadAudio("this is no recording that can be decoded: it contradicts itself") from error


def _resampled(frames: Iterator[Any]) -> Iterator[Samples]:
    resampler: Any = None
    kind = None
    for frame in frames:
        channels = frame.layout.nb_channels
        _refuse(why_frame_refused(frame.samples, frame.sample_rate, channels))
        if kind != (frame.sample_rate, channels, frame.format.name):  # an Ogg file may be several in a row
            yield from _converted(resampler, None)
            kind = (frame.sample_rate, channels, frame.format.name)
            layout = "stereo" if channels == STEREO else "mono"
            resampler = av.AudioResampler(format="s16p", layout=layout, rate=INTERNAL_RATE_HZ)
        yield from _converted(resampler, frame)
    yield from _converted(resampler, None)


def _converted(resampler: Any, frame: Any) -> Iterator[Samples]:
    """Yield a resampler's output for a frame, or for ``None`` the samples that it still holds."""
    if resampler is not None:
        yield from (mixed(part.to_ndarray()) for part in resampler.resample(frame))


def _refuse(why: str | None) -> None:
    if why is not None:
        raise BadAudio(why)
