"""Recordings of any length and format, cut into utterances.

Rules kept here:

* A recording comes from a stranger: whatever cannot be decoded is ``BadAudio`` with a reason, and its length is
  bounded by what is decoded, not by what its header claims.
* Nothing is held but the last seconds: an hour takes no more memory than a minute.
* Cuts fall into silence, by the same rules as in a conversation (``protocol/endpointing.py``).

Everything here blocks: use a thread.
"""

from collections.abc import Iterator
from typing import IO, Any, Final

import attrs
import av
import av.error
import numpy as np

from backends.protocols import BadAudio, SpeechDetector
from protocol.endpointing import Ended, Endpointer, EndpointEvent
from protocol.messages import INTERNAL_RATE_HZ, Utterance
from protocol.pcm_buffer import PcmBuffer

MAX_RECORDING_S: Final = 3_660.0  # an hour, and a minute for those who began recording early
SEGMENT_MAX_S: Final = 20.0  # what one worker is kept busy with: a live command waits no longer than that takes
TAIL_S: Final = 1.0  # of silence, so that the last word is over
# what phones and recorders write; playlists are left out, because they would make FFmpeg open other files and addresses
FORMATS: Final = "wav,w64,aiff,au,mp3,flac,ogg,opus,aac,mov,mp4,m4a,3gp,matroska,webm,amr,caf"
SAFE: Final = {"format_whitelist": FORMATS, "protocol_whitelist": "none"}


@attrs.frozen(kw_only=True)
class RecordingRules:
    """How a recording is cut (``EndpointRules``): by longer pauses than in a conversation, because nobody waits."""

    onset_threshold: float = 0.5
    release_threshold: float = 0.35
    pre_roll_ms: int = 320
    silence_ms: int = 700
    min_speech_ms: int = 120
    max_utterance_s: float = SEGMENT_MAX_S


class Recording:
    """One file, read once from beginning to end."""

    def __init__(self, file: IO[bytes], detector: SpeechDetector, rules: RecordingRules | None = None) -> None:
        self._file = file
        self._detector = detector
        self._endpointer = Endpointer(rules or RecordingRules())
        self._kept = PcmBuffer(round(2 * SEGMENT_MAX_S) * INTERNAL_RATE_HZ)
        self.duration_s = 0.0
        """What has been decoded so far."""

    def utterances(self) -> Iterator[Utterance]:
        """Yield what was said, in order; raises ``BadAudio`` where the file cannot be decoded."""
        for block in self._blocks():
            self.duration_s += len(block) / 2 / INTERNAL_RATE_HZ
            if self.duration_s > MAX_RECORDING_S:
                raise BadAudio(f"a recording must not be longer than {MAX_RECORDING_S:g} s")
            yield from self._cut(block)
        yield from self._cut(bytes(2 * round(TAIL_S * INTERNAL_RATE_HZ)))
        yield from self._said(self._endpointer.release())

    def _cut(self, pcm: bytes) -> Iterator[Utterance]:
        self._kept.append(pcm)
        yield from self._said(self._endpointer.feed(self._detector.probabilities(pcm)))

    def _said(self, events: list[EndpointEvent]) -> Iterator[Utterance]:
        for event in events:
            if isinstance(event, Ended):
                pcm = self._kept.slice(event.start_sample, event.end_sample)
                yield Utterance(pcm, start_ms=_ms(event.start_sample), end_ms=_ms(event.end_sample))

    def _blocks(self) -> Iterator[bytes]:
        """Yield the samples as 16 kHz s16le mono."""
        try:
            with av.open(self._file, options=SAFE, metadata_errors="ignore") as container:
                if not container.streams.audio:
                    raise BadAudio("there is no sound in this file")
                yield from _resampled(container)
        except av.error.FFmpegError as error:
            raise BadAudio(f"this is no recording that can be decoded: {error.strerror}") from error


def _resampled(container: Any) -> Iterator[bytes]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=INTERNAL_RATE_HZ)
    for frame in container.decode(container.streams.audio[0]):
        yield from map(_samples, resampler.resample(frame))
    yield from map(_samples, resampler.resample(None))


def _samples(frame: Any) -> bytes:
    samples: bytes = np.ascontiguousarray(frame.to_ndarray()[0], dtype="<i2").tobytes()
    return samples


def _ms(sample: int) -> int:
    return sample * 1000 // INTERNAL_RATE_HZ
