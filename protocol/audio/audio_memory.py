"""A session's audio state, which outlives crashes; written by its audio actor alone.

Rules kept here:

* No logic that can fail: it outlives a crash of its actor.
* Positions are in samples at 16 kHz.
"""

from collections import deque
from typing import Final

import attrs

from protocol.audio.pcm_buffer import PcmBuffer
from protocol.audio.wake import WakeMemory

PAIR_SAMPLES: Final = 512  # two frames: what the second detector judges at once
FRAME_SAMPLES: Final = 256
WARM_UP_SAMPLES: Final = 32 * PAIR_SAMPLES  # 1 s: what the detectors know of older samples makes no difference
MAX_HANDED: Final = 8  # utterances that may wait in front of a dialogue that is busy


@attrs.frozen(kw_only=True, slots=False)
class AudioMemoryStatistics:
    """A moment's view of what is kept of a session's audio; positions are in samples at 16 kHz.

    * ``audio_start_sample``: position of the first sample that is kept
    * ``audio_end_sample``: position behind the last
    * ``audio_capacity_samples``: how many can be kept
    * ``audio_held_bytes``: memory that they take
    * ``speech_start``: position where the open utterance begins, or the next one may begin at the earliest
    """

    audio_start_sample: int
    audio_end_sample: int
    audio_capacity_samples: int
    audio_held_bytes: int
    speech_start: int


@attrs.define
class AudioMemory:
    """The last seconds of audio, and the position up to which they are processed."""

    pcm: PcmBuffer
    """16 kHz s16le mono."""
    speech_start: int = attrs.field(default=0, init=False)
    """Where the open utterance begins; between utterances, where the next may begin at the earliest."""
    is_pressed: bool = attrs.field(default=False, init=False)
    """Push-to-talk: whether the button is down."""
    handed: deque[tuple[int, int]] = attrs.field(factory=lambda: deque(maxlen=MAX_HANDED), init=False)
    """Where the utterances begin and end that were handed to the dialogue last."""
    wake: WakeMemory = attrs.field(factory=WakeMemory, init=False)
    """Whether the wake word is awaited."""

    def commit(self, end_sample: int) -> None:
        """Note that audio before ``end_sample`` is processed and not needed again."""
        self.speech_start = max(self.speech_start, end_sample)

    def replay_from(self) -> int:
        """Return the first sample that is kept and not processed."""
        return min(max(self.speech_start, self.pcm.start), self.pcm.end)

    def warm_up_from(self) -> int:
        """Return the sample at which detectors begin, before ``replay_from``, to judge as those did that were lost.

        It lies whole frames before, and, if the frames go on from those of the stream's beginning, on a pair of them.
        """
        start, origin = self.replay_from(), self.pcm.first_sample
        earliest = max(self.pcm.start, start - WARM_UP_SAMPLES)
        on_pair = earliest + (origin - earliest) % PAIR_SAMPLES
        return min(start, on_pair + (start - on_pair) % FRAME_SAMPLES)

    def statistics(self) -> AudioMemoryStatistics:
        """Return the figures of the kept audio."""
        return AudioMemoryStatistics(
            audio_start_sample=self.pcm.start,
            audio_end_sample=self.pcm.end,
            audio_capacity_samples=self.pcm.capacity,
            audio_held_bytes=self.pcm.held_bytes,
            speech_start=self.speech_start,
        )
