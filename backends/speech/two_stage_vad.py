"""Voice activity in two stages: earshot looks at each frame, and Silero judges those near what may be speech.

earshot is cheap and takes clatter for a voice; Silero takes 60 to 90 microseconds for two frames and does not.
``protocol/audio/second_detector.py`` decides when Silero is asked.

Rules kept here:

* A frame has its probability at once. Silero's chunk is two frames: the first of them has the judgement of the chunk
  before, which is 16 ms late and costs no wait.
* What Silero says depends on the samples since shortly before it was asked, and on which frames are its pairs; so a
  detector that is given the stream again from a second before on, beginning with a pair, says the same again.
* A frame that is silence by its level stays silence.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import attrs
import numpy as np

from backends.speech.silero import CHUNK_SAMPLES, SileroModel, SileroStream
from backends.speech.vad import FRAME_SAMPLES, EarshotDetector
from protocol.audio.second_detector import ASKED_ABOVE, ASKED_FRAMES, Attention, DetectorPlaces, Tail

FRAME_BYTES: Final = 2 * FRAME_SAMPLES
SILERO_CLEAR_SHARE: Final = 0.6  # 0.8 by default: any word has 190 ms of that, also 32 dB below its usual level
REPORTED_CHUNKS: Final = 100  # at once, some three seconds


@attrs.frozen
class SileroService:
    """What the detectors of all sessions share."""

    model: SileroModel
    places: DetectorPlaces
    now_s: Callable[[], float]
    """Any steady clock, in seconds."""
    on_judged: Callable[[int], None]
    """Gets numbers of judged chunks."""


@attrs.define
class _Progress:
    """How far a stream is."""

    frames: int = 0
    rest: bytes = b""
    """Samples that do not fill a frame."""
    recent: deque[bytes] = attrs.field(factory=lambda: deque(maxlen=ASKED_FRAMES))
    """The last frames."""
    attention: Attention = attrs.field(factory=Attention)
    tail: Tail = attrs.field(factory=Tail)
    silero: SileroStream | None = None
    """Silero's state, while it judges."""
    judged: float = 0.0
    """Its judgement of the last whole chunk."""
    is_alone: bool = False
    """Whether the present or the last stretch of speech was left to earshot."""
    is_told: bool = False
    """Whether this was told."""


class TwoStageDetector:
    """A ``SpeechDetector``; samples that do not fill a frame wait for the next call."""

    def __init__(
        self,
        service: SileroService,
        *,
        load_level: Callable[[], int] = int,
        on_refused: Callable[[], None] = lambda: None,
    ) -> None:
        """Judge one stream; ``on_refused`` is called for each stretch of speech that earshot has to judge alone."""
        self._service = service
        self._load_level = load_level
        self._on_refused = on_refused
        self._owner = object()  # of a place
        self._first = EarshotDetector()
        self._progress = _Progress()
        self._unreported = 0

    @property
    def clear_share(self) -> float:
        """How sure Silero is of each word; while earshot judges alone, what that has."""
        return self._first.clear_share if self._progress.is_alone else SILERO_CLEAR_SHARE

    def probabilities(self, pcm: bytes) -> list[float]:
        """Return one speech probability 0..1 per frame completed by ``pcm``, s16le mono at 16 kHz.

        Raises ``ValueError`` for half a sample, which a decoder never delivers.
        """
        progress, first = self._progress, self._first.probabilities(pcm)
        data, size = progress.rest + pcm, len(first) * FRAME_BYTES
        progress.rest = data[size:]
        frames = [data[at : at + FRAME_BYTES] for at in range(0, size, FRAME_BYTES)]
        if progress.attention.is_asleep and max(first, default=0.0) <= ASKED_ABOVE:
            progress.recent.extend(frames)
            progress.frames += len(frames)
            return first
        return [self._judge(probability, frame) for probability, frame in zip(first, frames, strict=True)]

    def reset(self) -> None:
        """Reset to the state at the start of a stream, without waiting samples."""
        self._stop()
        self._first.reset()
        self._progress = _Progress()

    def _judge(self, probability: float, frame: bytes) -> float:
        """Return the probability of a frame, which has earshot's ``probability``."""
        progress = self._progress
        progress.recent.append(frame)
        progress.frames += 1
        if not progress.attention.is_drawn(probability):
            progress.is_told = False
            if progress.silero is not None:
                self._stop()
            return probability
        if not self._may_ask():
            return probability
        is_whole = progress.frames % 2 == 0
        if progress.silero is None:
            progress.silero, progress.judged = SileroStream(self._service.model), 0.0
            frames = list(progress.recent)[: None if is_whole else -1]
            self._hear(progress.silero, frames[len(frames) % 2 :])
        elif is_whole:
            self._hear(progress.silero, [progress.recent[-2], progress.recent[-1]])
        if probability == 0.0:  # silence by its level
            return 0.0
        return progress.tail.prolonged(probability, progress.judged)

    def _may_ask(self) -> bool:
        """Return whether Silero judges the present stretch of speech; notes it if not."""
        service, progress = self._service, self._progress
        may_ask = service.places.may_ask(self._owner, service.now_s(), self._load_level())
        progress.is_alone = not may_ask
        if not may_ask:
            if not progress.is_told:
                self._on_refused()
            progress.is_told = True
            self._stop()
        return may_ask

    def _hear(self, silero: SileroStream, frames: Sequence[bytes]) -> None:
        """Let Silero judge whole chunks."""
        for chunk in np.frombuffer(b"".join(frames), "<i2").reshape(-1, CHUNK_SAMPLES):
            self._progress.judged = silero.probability(chunk)
            self._unreported += 1
        if self._unreported >= REPORTED_CHUNKS:
            self._report()

    def _stop(self) -> None:
        """End a stretch of speech; the next one begins with a new state."""
        self._service.places.leave(self._owner)
        self._progress.silero = None
        self._report()

    def _report(self) -> None:
        if self._unreported:
            self._service.on_judged(self._unreported)
        self._unreported = 0
