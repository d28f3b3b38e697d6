"""Recordings of any length, cut into utterances as their samples are decoded (``backends/speech/media.py``).

Rules kept here:

* Nothing is held but the last seconds: an hour takes no more memory than a minute.
* Cuts fall into silence, by the same rules as in a conversation (``protocol/audio/endpointing.py``).
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import attrs
import trio

from backends.protocols import BadAudio, SpeechDetector
from protocol.audio.endpointing import Ended, Endpointer, EndpointEvent
from protocol.audio.media import BLOCK_S
from protocol.audio.pcm_buffer import PcmBuffer
from protocol.messages.hearing import INTERNAL_RATE_HZ, Utterance
from protocol.messages.recordings import DecodedBlock, ReadRecording, RecordingRefused

SEGMENT_MAX_S: Final = 20.0  # longest segment for one worker: a live command waits no longer than that takes
TAIL_S: Final = 1.0  # of silence, so that the last word is over

Read = Callable[[ReadRecording], Awaitable[DecodedBlock | RecordingRefused]]


@attrs.frozen(kw_only=True)
class RecordingRules:
    """How a recording is cut (``EndpointRules``): by longer pauses than in a conversation, because no user waits."""

    onset_threshold: float = 0.5
    release_threshold: float = 0.35
    pre_roll_ms: int = 320
    silence_ms: int = 700
    min_speech_ms: int = 120
    max_utterance_s: float = SEGMENT_MAX_S


class Cutter:
    """Finds the utterances in a stream of samples. ``feed`` blocks for some 20 ms: use a thread."""

    def __init__(self, detector: SpeechDetector, rules: RecordingRules | None = None) -> None:
        self._detector = detector
        self._endpointer = Endpointer(rules or RecordingRules())
        self._kept = PcmBuffer(round(BLOCK_S + SEGMENT_MAX_S + TAIL_S) * INTERNAL_RATE_HZ)

    def feed(self, pcm: bytes, *, is_last: bool = False) -> list[Utterance]:
        """Take the next samples, 16 kHz s16le mono, ``BLOCK_S`` at most; return the utterances that have ended."""
        found = list(self._cut(pcm))
        if is_last:
            found += self._cut(bytes(2 * round(TAIL_S * INTERNAL_RATE_HZ)))
            found += self._said(self._endpointer.release())
        return found

    def _cut(self, pcm: bytes) -> Iterator[Utterance]:
        self._kept.append(pcm)
        yield from self._said(self._endpointer.feed(self._detector.probabilities(pcm)))

    def _said(self, events: list[EndpointEvent]) -> Iterator[Utterance]:
        for event in events:
            if isinstance(event, Ended):
                pcm = self._kept.slice(event.start_sample, event.end_sample)
                yield Utterance(pcm, start_ms=_ms(event.start_sample), end_ms=_ms(event.end_sample))


class Recording:
    """One file, read once from beginning to end; ``read`` asks for its next samples."""

    def __init__(self, recording_id: str, path: str, read: Read, cutter: Cutter) -> None:
        self.is_over = False
        """Whether all of it has been read, or has been refused."""
        self._recording_id = recording_id
        self._path = path
        self._read = read
        self._cutter = cutter
        self._samples = 0
        self._found: deque[Utterance] = deque()

    @property
    def duration_s(self) -> float:
        """Seconds that have been decoded so far."""
        return self._samples / INTERNAL_RATE_HZ

    async def next_utterance(self) -> Utterance | None:
        """Return the next utterance, ``None`` at the end; one task at a time.

        Raises ``BadAudio`` where the file cannot be decoded, and what ``read`` raises.
        """
        while not self._found and not self.is_over:
            block = await self._read(ReadRecording(self._recording_id, self._path, self._samples))
            if isinstance(block, RecordingRefused):
                self.is_over = True
                raise BadAudio(block.reason)
            self._samples += len(block.pcm) // 2
            self.is_over = block.is_last
            self._found.extend(await trio.to_thread.run_sync(self._feed, block))
        return self._found.popleft() if self._found else None

    def _feed(self, block: DecodedBlock) -> list[Utterance]:
        return self._cutter.feed(block.pcm, is_last=block.is_last)


def _ms(sample: int) -> int:
    return sample * 1000 // INTERNAL_RATE_HZ
