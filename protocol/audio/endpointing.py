"""Finds the start and end of utterances: speech probabilities in, events out.

Rules kept here:

* Everything is counted in samples at 16 kHz from the start of the session's audio, and every position is on the
  detector's frame grid; no audio, no clock.
* No sample is in two utterances, and none is longer than the maximum.
* Every ``Onset`` is followed by exactly one ``Ended`` or ``Dropped`` before the next. In between, each
  silence that may become the end is reported by one ``Paused``, with the samples that the utterance will have then.
* Silence ends an utterance, and its words decide how much of it: less after a complete command, and after one that may
  go on but can be amended then; more after words that need others, most after half a command. While they are being
  transcribed they are waited for: nothing can be done without them. Such a verdict is about one pause and is forgotten
  with it.

The shape (several frames for an onset, two thresholds, hang-over) is that of the usual voice activity detectors,
such as Silero's ``get_speech_timestamps``.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol

import attrs

from protocol.messages.hearing import INTERNAL_RATE_HZ, Verdict

FRAME_SAMPLES: Final = 256  # 16 ms, the detector's frame
ONSET_VOICED: Final = 3  # of the last ONSET_FRAMES: a click is shorter, a word is longer
ONSET_FRAMES: Final = 5
KEPT_SILENCE: Final = 4 * FRAME_SAMPLES  # 64 ms after the last voice: soft endings are below the threshold
PAUSE: Final = KEPT_SILENCE + FRAME_SAMPLES  # 80 ms: by then the end of the utterance, if it is one, is known
COMPLETE_SHARE: Final = 0.4  # of silence_ms, after a complete command: with 500 ms no speaker is cut before 200
UNFINISHED_SHARE: Final = 1.6  # after words that want others: 800 ms, as people take to think of a word
BEGUN_SHARE: Final = 2.4  # after half a command: 1,200 ms, since it could only be asked for the other half
AWAITED_SHARE: Final = 1.8  # at most, while words are transcribed: less than the second of silence that clients send
SHARES: Final[Mapping[Verdict | None, float]] = {
    None: 1.0,
    "undecided": 1.0,
    "awaited": AWAITED_SHARE,
    "amendable": COMPLETE_SHARE,
    "complete": COMPLETE_SHARE,
    "unfinished": UNFINISHED_SHARE,
    "begun": BEGUN_SHARE,
}
"""Of ``silence_ms``, by the verdict on the words before the silence."""
GROWTH: Final = INTERNAL_RATE_HZ // 2  # 500 ms of further speech are some words more
GROWTH_SHARE: Final = 0.1  # and more of a long utterance, whose decode takes longer
MIN_MAX_SAMPLES: Final = INTERNAL_RATE_HZ  # a shorter maximum has no room for pre-roll and onset
SPLIT_SEARCH_FRAMES: Final = 312  # 5 s before the maximum: people pause that often
QUIET_FRAMES: Final = 5  # a pause between words is about this long, a dip within one is not

EndReason = Literal["silence", "command_complete", "manual", "max_length", "stalled"]


class EndpointRules(Protocol):
    """The settings of the endpointer."""

    @property
    def onset_threshold(self) -> float:
        """Probability above which a frame is voiced."""

    @property
    def release_threshold(self) -> float:
        """Probability above which a frame after a voiced one still is."""

    @property
    def pre_roll_ms(self) -> int:
        """Milliseconds before the onset that belong to the utterance."""

    @property
    def silence_ms(self) -> int:
        """Milliseconds of silence that end it."""

    @property
    def min_speech_ms(self) -> int:
        """Milliseconds of voice that make it worth transcribing."""

    @property
    def max_utterance_s(self) -> float:
        """Seconds after which it is split."""


@attrs.frozen
class Onset:
    """An utterance began."""

    start_sample: int
    """Its first sample, pre-roll included."""
    at_sample: int
    """Where the voice itself begins."""


@attrs.frozen
class Paused:
    """The voice has paused: if it stays silent, ``Ended`` will have the same samples."""

    start_sample: int
    end_sample: int


@attrs.frozen
class Grown:
    """The voice goes on, and enough is new since the last time (or the onset)."""

    start_sample: int
    end_sample: int


@attrs.frozen
class Ended:
    """An utterance is complete."""

    start_sample: int
    end_sample: int
    """After its last sample; most of the silence that ended it is left out."""
    last_voice_sample: int
    """After its last voiced sample."""
    reason: EndReason


@attrs.frozen
class Dropped:
    """What began was too short to be speech, was never said, or is to be forgotten."""

    start_sample: int
    end_sample: int
    reason: Literal["too_short", "no_command", "discarded"] = "too_short"


EndpointEvent = Onset | Paused | Grown | Ended | Dropped


@attrs.frozen
class DetectorFrame:
    """The record of one detector frame."""

    start_sample: int
    probability: float
    is_voiced: bool

    @property
    def end_sample(self) -> int:
        """After its last sample."""
        return self.start_sample + FRAME_SAMPLES


@attrs.define
class _Speech:
    """The open utterance."""

    start_sample: int
    last_voice_sample: int
    voiced_frames: int = 0
    is_continued: bool = False
    """Whether it was split off from the one before: then its voice is the end of a word, however short."""
    frames: deque[DetectorFrame] = attrs.field(factory=lambda: deque(maxlen=SPLIT_SEARCH_FRAMES))
    verdict: Verdict | None = None
    """The verdict on the words before the current silence."""
    told_sample: int = 0
    """Position of the last ``Grown``."""

    def add(self, frame: DetectorFrame) -> None:
        self.frames.append(frame)
        if frame.is_voiced:
            self.voiced_frames += 1
            self.last_voice_sample = frame.end_sample
            self.verdict = None

    def has_grown(self) -> bool:
        """Whether it is time for the next ``Grown``; notes that it was."""
        length = self.last_voice_sample - self.start_sample
        new = self.last_voice_sample - max(self.told_sample, self.start_sample)
        if new < max(GROWTH, GROWTH_SHARE * length):
            return False
        self.told_sample = self.last_voice_sample
        return True


class Endpointer:
    """Cuts one session's stream into utterances.

    >>> from types import SimpleNamespace
    >>> rules = SimpleNamespace(onset_threshold=0.5, release_threshold=0.35, pre_roll_ms=320, silence_ms=500,
    ...                         min_speech_ms=120, max_utterance_s=30.0)
    >>> endpointer = Endpointer(rules)
    >>> [type(event).__name__ for event in endpointer.feed([0.9] * 50)]  # 0.8 s of speech
    ['Onset']
    >>> [type(event).__name__ for event in endpointer.feed([0.1] * 40)]  # 0.64 s of silence
    ['Paused', 'Ended']
    """

    def __init__(self, rules: EndpointRules, *, hands_free: bool = True) -> None:
        """Listen from sample 0; ``hands_free`` and ``tells_growth`` can be changed at any time."""
        self.hands_free = hands_free
        self.tells_growth = False
        self._rules = rules
        self._position = 0
        self._floor = 0  # nothing before it may be in a further utterance
        self._recent: deque[DetectorFrame] = deque(maxlen=ONSET_FRAMES)
        self._speech: _Speech | None = None
        self._is_pressed = False
        self._was_voiced = False

    def __repr__(self) -> str:
        return f"<Endpointer at {self._position} {'in speech' if self._speech else 'in silence'}>"

    @property
    def position(self) -> int:
        """Position after the last processed sample."""
        return self._position

    @property
    def is_open(self) -> bool:
        """Whether an utterance is going on."""
        return self._speech is not None

    def seek(self, sample: int) -> None:
        """Forget everything and go on at ``sample``; no utterance will begin before it."""
        self._position = self._floor = sample
        self._is_pressed = False
        self._forget()

    def feed(self, probabilities: Sequence[float]) -> list[EndpointEvent]:
        """Take one speech probability 0..1 for each further frame; return the events."""
        happened: list[EndpointEvent] = []
        for probability in probabilities:
            frame = self._take(probability)
            if self._speech is None:
                happened += self._listen(frame)
            else:
                happened += self._follow(self._speech, frame)
        return happened

    def press(self) -> list[EndpointEvent]:
        """Push-to-talk: the button went down. An open utterance goes on, and silence does not end it."""
        self._is_pressed = True
        if self._speech is not None:
            return []
        return [self._open(self._position, self._position)]

    def release(self) -> list[EndpointEvent]:
        """Push-to-talk: the button went up; ends an open utterance, pressed or not."""
        happened = [self._end(self._speech, "manual")] if self._speech is not None else []
        self._is_pressed = False
        return happened

    def stall(self) -> list[EndpointEvent]:
        """No audio has come for too long: end an open utterance."""
        happened = [self._end(self._speech, "stalled")] if self._speech is not None else []
        self._is_pressed = False
        return happened

    def discard(self) -> list[EndpointEvent]:
        """Forget the utterance that is open, and all sound so far: the next one begins behind it."""
        speech, self._floor, self._is_pressed = self._speech, self._position, False
        self._forget()
        return [] if speech is None else [Dropped(speech.start_sample, self._position, "discarded")]

    def judge(self, end_sample: int, verdict: Verdict) -> list[EndpointEvent]:
        """Take a verdict on the words of the ``Paused`` with that end, unless the voice has gone on since."""
        speech = self._speech
        if speech is None or self._is_pressed or speech.last_voice_sample + KEPT_SILENCE != end_sample:
            return []
        speech.verdict = verdict
        return self._end_in_silence(speech)

    # --- inside ----------------------------------------------------------------------------------

    def _take(self, probability: float) -> DetectorFrame:
        threshold = self._rules.release_threshold if self._was_voiced else self._rules.onset_threshold
        # the release threshold only ever prolongs, also if it was set above the other
        self._was_voiced = probability > min(threshold, self._rules.onset_threshold)
        frame = DetectorFrame(self._position, probability, self._was_voiced)
        self._position = frame.end_sample
        return frame

    def _listen(self, frame: DetectorFrame) -> list[EndpointEvent]:
        self._recent.append(frame)
        voiced = [recent for recent in self._recent if recent.probability > self._rules.onset_threshold]
        if not self.hands_free or len(voiced) < ONSET_VOICED:
            return []
        at_sample = voiced[0].start_sample
        pre_roll = min(_samples(self._rules.pre_roll_ms), self._max_samples // 2) // FRAME_SAMPLES * FRAME_SAMPLES
        return [self._open(max(self._floor, at_sample - pre_roll), at_sample)]

    def _open(self, start_sample: int, at_sample: int) -> Onset:
        """Begin an utterance; the frames that led to it count as its own."""
        self._speech = _Speech(start_sample, last_voice_sample=at_sample)
        for frame in self._recent:
            if frame.start_sample >= at_sample:
                self._speech.add(frame)
        return Onset(start_sample, at_sample)

    def _follow(self, speech: _Speech, frame: DetectorFrame) -> list[EndpointEvent]:
        speech.add(frame)
        ended = self._end_in_silence(speech)
        if ended:
            return ended
        silence = self._position - speech.last_voice_sample
        if not self._is_pressed and silence == PAUSE and self._is_enough(speech):
            return [Paused(speech.start_sample, speech.last_voice_sample + KEPT_SILENCE)]
        if self._position + FRAME_SAMPLES - speech.start_sample > self._max_samples:
            return self._split(speech)
        if self.tells_growth and frame.is_voiced and speech.has_grown():
            return [Grown(speech.start_sample, frame.end_sample)]
        return []

    def _end_in_silence(self, speech: _Speech) -> list[EndpointEvent]:
        """End the utterance if there was as much silence as its words need."""
        silence = self._position - speech.last_voice_sample
        if self._is_pressed or silence < _samples(self._rules.silence_ms * SHARES[speech.verdict]):
            return []
        is_sooner = silence < _samples(self._rules.silence_ms)
        return [self._end(speech, "command_complete" if is_sooner else "silence")]

    @property
    def _max_samples(self) -> int:
        return max(MIN_MAX_SAMPLES, int(self._rules.max_utterance_s * INTERNAL_RATE_HZ))

    def _end(self, speech: _Speech, reason: EndReason) -> EndpointEvent:
        is_enough = self._is_enough(speech)
        is_trimmed = reason != "manual" and not self._is_pressed
        end_sample = min(self._position, speech.last_voice_sample + KEPT_SILENCE) if is_trimmed else self._position
        self._floor = end_sample
        self._forget()
        if not is_enough:
            return Dropped(speech.start_sample, end_sample)
        last_voice_sample = speech.last_voice_sample if speech.voiced_frames else end_sample
        return Ended(speech.start_sample, end_sample, last_voice_sample, reason)

    def _is_enough(self, speech: _Speech) -> bool:
        """Whether it is worth transcribing; while the button is down, its time counts instead of the voice."""
        pressed_for = self._position - speech.start_sample
        length = pressed_for if self._is_pressed else speech.voiced_frames * FRAME_SAMPLES
        return length >= (1 if speech.is_continued else max(1, _samples(self._rules.min_speech_ms)))

    def _forget(self) -> None:
        self._speech = None
        self._recent.clear()
        self._was_voiced = False

    def _split(self, speech: _Speech) -> list[EndpointEvent]:
        """End at the quietest point of the last seconds; what follows it is the next utterance's beginning."""
        frames = [
            frame for frame in speech.frames if frame.start_sample - speech.start_sample >= self._max_samples // 2
        ]
        at_sample = quietest(frames, default=self._position)
        before = [frame.end_sample for frame in speech.frames if frame.start_sample < at_sample and frame.is_voiced]
        after = [frame for frame in speech.frames if frame.start_sample >= at_sample]
        last_voice_sample = before[-1] if before else min(speech.last_voice_sample, at_sample)
        ended = Ended(speech.start_sample, at_sample, last_voice_sample, "max_length")
        self._floor = at_sample
        if not self._is_pressed and not any(frame.is_voiced for frame in after):
            self._forget()
            return [ended]
        self._speech = _Speech(at_sample, last_voice_sample=at_sample, is_continued=True)
        for frame in after:
            self._speech.add(frame)
        return [ended, Onset(at_sample, at_sample)]


def quietest(frames: Sequence[DetectorFrame], default: int) -> int:
    """Return where the lowest mean probability over ``QUIET_FRAMES`` frames is centred; the latest of equals.

    With fewer frames than that there is no choice, and it is ``default``.
    """
    best, best_total = default, float("inf")
    for first in range(len(frames) - QUIET_FRAMES + 1):
        total = sum(frame.probability for frame in frames[first : first + QUIET_FRAMES])
        if total <= best_total:
            best, best_total = frames[first + QUIET_FRAMES // 2].start_sample, total
    return best


def _samples(ms: float) -> int:
    return int(ms * INTERNAL_RATE_HZ) // 1000
