"""Hands on only the speech that is meant for the server: what follows the wake word, and answers; pure.

Rules kept here:

* Everything is counted in samples at 16 kHz, as in ``endpointing.py``; no audio, no clock.
* While it is asleep, utterances are found as ever, and none is handed on. The wake word, the button of push-to-talk or
  an expected answer begins a window in which one utterance is handed on; then it is asleep again.
* A wake word begins the utterance that it calls for: ``Woken`` is followed by one ``Ended`` or ``Dropped``, as an
  ``Onset`` is.
* The wake word is no part of that utterance. It begins at the first pause behind the word; without one, where the word
  ended.
"""

import enum
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import attrs

from protocol.audio.endpointing import FRAME_SAMPLES, Dropped, Ended, Endpointer, EndpointEvent, Onset
from protocol.messages.hearing import INTERNAL_RATE_HZ, Verdict

PAUSE_FRAMES: Final = 2  # without voice: the pause behind a wake word, which some people leave out
TAIL_FRAMES: Final = 14  # 224 ms: voice is detected until 110 ms after its end, which is known to 100 ms
SETTLING: Final = (TAIL_FRAMES + PAUSE_FRAMES) * FRAME_SAMPLES  # voice that lasts as long is more than the word's end
SILENT: Final = 0.35  # probability below which a frame is none of the word
WORD: Final = 3 * INTERNAL_RATE_HZ // 2  # 1.5 s: no wake word is longer, with the pause before it
REPLAYED: Final = 2 * INTERNAL_RATE_HZ  # samples that are heard again after a crash: a wake word has room in them
EAGER: Final = INTERNAL_RATE_HZ  # an answer that began up to 1 s before it was expected is one


def plain_wake_word(word: str) -> str:
    """Return a wake word as it is named here: "okay nabu" for " Okay_Nabu"."""
    return " ".join(word.replace("_", " ").lower().split())


class WakeRules(Protocol):
    """The settings of the wake word."""

    @property
    def command_s(self) -> float:
        """Seconds after the wake word in which its command must begin."""

    @property
    def follow_up_s(self) -> float:
        """Seconds after an answer in which more may be said without the wake word."""


class WakePhase(enum.Enum):
    """Which speech is handed on."""

    OPEN = "open"
    """All: no wake word was asked for."""
    ASLEEP = "asleep"
    """None."""
    SETTLING = "settling"
    """One utterance, once it is known where it begins behind the wake word."""
    LISTENING = "listening"
    """One utterance."""


@attrs.define
class WakeMemory:
    """The phase and its window; it outlives a crash, and is written by the session's audio actor alone."""

    phase: WakePhase = attrs.field(default=WakePhase.OPEN, init=False)
    until_sample: int = attrs.field(default=0, init=False)
    """Where the window ends, unless there is speech then."""
    woken_sample: int | None = attrs.field(default=None, init=False)
    """Where the wake word ended whose utterance is not over; ``None`` if there is none."""
    is_told_listening: bool = attrs.field(default=True, init=False)
    """What the client was told last."""


@attrs.frozen
class Woken:
    """A wake word was heard: the utterance that it calls for begins."""

    at_sample: int
    """Where the word ended."""


@attrs.frozen
class Unheard:
    """An utterance was over that was not meant for the server: it is not transcribed."""

    end_sample: int


WakeEvent = EndpointEvent | Woken | Unheard


class WakeGate:
    """An ``Endpointer`` whose utterances are handed on only while the session listens.

    >>> from types import SimpleNamespace
    >>> rules = SimpleNamespace(onset_threshold=0.5, release_threshold=0.35, pre_roll_ms=320, silence_ms=500,
    ...                         min_speech_ms=120, max_utterance_s=30.0, command_s=5.0, follow_up_s=0.0)
    >>> gate = WakeGate(Endpointer(rules), rules)
    >>> gate.require(True)
    []
    >>> speech, silence = [0.9] * 50, [0.1] * 40
    >>> [type(event).__name__ for event in gate.feed(speech + silence)]
    ['Unheard']
    >>> woken = gate.feed(speech + silence + speech + silence, wakes=[140 * 256])  # a word, and a command
    >>> [type(event).__name__ for event in woken]
    ['Woken', 'Onset', 'Paused', 'Ended']
    """

    def __init__(self, endpointer: Endpointer, rules: WakeRules, memory: WakeMemory | None = None) -> None:
        """Begin in the phase of ``memory``: open, if there is none yet."""
        self.endpointer = endpointer
        self._rules = rules
        self._memory = WakeMemory() if memory is None else memory
        self._onset: Onset | None = None
        self._is_handed_on = self._memory.phase is WakePhase.OPEN
        self._kept: deque[float] = deque(maxlen=REPLAYED // FRAME_SAMPLES)

    def __repr__(self) -> str:
        return f"<WakeGate {self._memory.phase.value} at {self.endpointer.position}>"

    @property
    def position(self) -> int:
        """Position after the last sample that was looked at."""
        settling = len(self._kept) * FRAME_SAMPLES if self._memory.phase is WakePhase.SETTLING else 0
        return self.endpointer.position + settling

    @property
    def phase(self) -> WakePhase:
        """Which speech is handed on now."""
        return self._memory.phase

    @property
    def is_listening(self) -> bool:
        """Whether what is said now is handed on."""
        return self._memory.phase is not WakePhase.ASLEEP

    @property
    def is_open(self) -> bool:
        """Whether an utterance is going on that is handed on, or is expected behind the wake word."""
        return self._memory.woken_sample is not None or (self._is_handed_on and self.endpointer.is_open)

    @property
    def window_s(self) -> float:
        """How long it listens from now on if nothing is said."""
        return max(0, self._memory.until_sample - self.position) / INTERNAL_RATE_HZ

    @property
    def unneeded_end_sample(self) -> int:
        """Position before which no sample is needed again while it is asleep; 0 while it is not."""
        is_asleep = self._memory.phase is WakePhase.ASLEEP and not self.is_open
        return max(0, self.endpointer.position - REPLAYED) if is_asleep else 0

    # --- what changes it ---------------------------------------------------------------------------

    def require(self, is_required: bool) -> list[WakeEvent]:
        """Ask for the wake word from now on, or for none; what was begun by it is dropped."""
        if is_required is (self._memory.phase is not WakePhase.OPEN):
            return []
        if is_required:
            self._finish_speech()
            return []
        happened = self._give_up()
        if self._onset is not None and self.endpointer.is_open and not self._is_handed_on:
            happened.append(self._onset)
        self._memory.phase = WakePhase.OPEN
        self._is_handed_on = True
        self._onset = None
        return happened

    def begin_again(self) -> list[WakeEvent]:
        """The word is another one: sleep until it is heard."""
        if self._memory.phase is WakePhase.OPEN:
            return []
        happened = self._give_up()
        self._finish_speech()
        return happened

    def seek(self, sample: int) -> None:
        """Go on at ``sample``, after a crash: what was heard before it is over, but for an open window."""
        self.endpointer.seek(sample)
        self._kept.clear()
        self._onset = None
        if self._memory.phase is WakePhase.SETTLING:
            self._memory.woken_sample = sample

    def expect(self, for_s: float) -> list[WakeEvent]:
        """The user was answered or asked, and may speak without the wake word: for the longer of both times."""
        if self._memory.phase not in {WakePhase.ASLEEP, WakePhase.LISTENING}:
            return []
        window = int(max(for_s, self._rules.follow_up_s) * INTERNAL_RATE_HZ)
        return self._listen_until(self.endpointer.position + window) if window else []

    def listen_again(self) -> list[WakeEvent]:
        """What was handed on last had no words: listen for the rest of its window."""
        is_asleep = self._memory.phase is WakePhase.ASLEEP
        return self._listen_until(self._memory.until_sample) if is_asleep and self.window_s else []

    def feed(self, probabilities: Sequence[float], wakes: Iterable[int] = ()) -> list[WakeEvent]:
        """Take speech probabilities as ``Endpointer.feed`` does, and the positions where wake words ended."""
        if self._memory.phase is WakePhase.OPEN:
            return list(self.endpointer.feed(probabilities))
        happened: list[WakeEvent] = []
        waiting = deque(sorted(wakes))
        for probability in probabilities:
            happened += self._follow(probability)
            while waiting and waiting[0] <= self.position:
                happened += self._wake(waiting.popleft())
        for word_end in waiting:
            happened += self._wake(min(word_end, self.position))
        return happened

    def press(self) -> list[WakeEvent]:
        """Push-to-talk: the button wakes, too. Speech that it finds going on does not belong to it."""
        if self._memory.phase is WakePhase.SETTLING or not self._is_handed_on:
            self.endpointer.seek(self.position)
        if self._memory.phase is WakePhase.SETTLING:
            self._memory.phase = WakePhase.LISTENING
        happened = self.endpointer.press()
        self._is_handed_on = True
        if self._memory.phase is not WakePhase.OPEN:
            self._onset = next((event for event in happened if isinstance(event, Onset)), self._onset)
        return list(happened)

    def release(self) -> list[WakeEvent]:
        """Push-to-talk: the button went up."""
        return self._sort(self.endpointer.release())

    def stall(self) -> list[WakeEvent]:
        """No audio has come for too long: end what is open."""
        return [*self._sort(self.endpointer.stall()), *self._give_up()]

    def discard(self) -> list[WakeEvent]:
        """Forget the utterance that is open; behind a wake word the word is awaited again."""
        return [*self._sort(self.endpointer.discard()), *self._give_up()]

    def judge(self, end_sample: int, verdict: Verdict) -> list[WakeEvent]:
        """Take a verdict on the words before a pause."""
        return self._sort(self.endpointer.judge(end_sample, verdict))

    # --- inside ----------------------------------------------------------------------------------

    def _follow(self, probability: float) -> list[WakeEvent]:
        self._kept.append(probability)
        if self._memory.phase is WakePhase.SETTLING:
            return self._settle() if len(self._kept) * FRAME_SAMPLES >= SETTLING else []
        happened = self._sort(self.endpointer.feed([probability]))
        is_over = self._memory.phase is WakePhase.LISTENING and self.position >= self._memory.until_sample
        if is_over and not (self._is_handed_on and self.endpointer.is_open):
            happened += self._give_up()
            self._sleep()
        return happened

    def _wake(self, word_end: int) -> list[WakeEvent]:
        """Begin the utterance that the word calls for, unless the word is in the middle of one."""
        is_in_speech = self._is_handed_on and self.endpointer.is_open
        if is_in_speech and (self._onset is None or word_end - self._onset.at_sample > WORD):
            return []
        position = self.position
        at_sample = max(self._memory.woken_sample or 0, word_end // FRAME_SAMPLES * FRAME_SAMPLES)
        behind = min(len(self._kept), (position - at_sample) // FRAME_SAMPLES)
        at_sample = position - behind * FRAME_SAMPLES
        kept = list(self._kept)[len(self._kept) - behind :]
        self.endpointer.seek(at_sample)
        self._kept.clear()
        self._kept.extend(kept)
        self._memory.phase = WakePhase.SETTLING
        self._memory.woken_sample = at_sample
        self._memory.until_sample = at_sample + int(self._rules.command_s * INTERNAL_RATE_HZ)
        self._is_handed_on = True
        return [Woken(at_sample)]

    def _settle(self) -> list[WakeEvent]:
        """Go on behind the word: at the first pause, or at once if there is none."""
        frames = list(self._kept)
        pause = next(
            (
                at
                for at in range(len(frames) - PAUSE_FRAMES + 1)
                if all(probability < SILENT for probability in frames[at : at + PAUSE_FRAMES])
            ),
            0,
        )
        self._kept.clear()
        self._memory.phase = WakePhase.LISTENING
        self.endpointer.seek(self.endpointer.position + pause * FRAME_SAMPLES)
        return [event for probability in frames[pause:] for event in self._follow(probability)]

    def _sort(self, events: Iterable[EndpointEvent]) -> list[WakeEvent]:
        """Return the events that are handed on, and what became of the others."""
        if self._memory.phase is WakePhase.OPEN:
            return list(events)
        return [sorted_event for event in events for sorted_event in self._sorted(event)]

    def _sorted(self, event: EndpointEvent) -> list[WakeEvent]:
        match event:
            case Onset():
                is_rest = self._onset is not None and self._is_handed_on  # of one that was too long
                self._is_handed_on = self.is_listening or is_rest
                self._onset = event
            case Dropped() if self._memory.woken_sample is not None:
                self._onset = None
                return []  # a sound before the command
            case Ended() if not self._is_handed_on:
                self._onset = None
                return [Unheard(event.end_sample)]
            case Ended(reason=reason) if reason != "max_length" or not self.endpointer.is_open:
                self._onset = None
                self._is_handed_on = False
                self._sleep()
                return [event]
            case Dropped():
                self._onset = None
        return [event] if self._is_handed_on else []

    def _listen_until(self, until_sample: int) -> list[WakeEvent]:
        self._memory.until_sample = max(until_sample, self._memory.until_sample)
        self._memory.phase = WakePhase.LISTENING
        onset = self._onset
        if self._is_handed_on or onset is None or self.endpointer.position - onset.at_sample > EAGER:
            return []
        self._is_handed_on = True
        return [onset]

    def _give_up(self) -> list[WakeEvent]:
        """End the utterance that a wake word has called for and that has not begun, or is not over."""
        woken_sample = self._memory.woken_sample
        if woken_sample is None:
            return []
        position = self.position
        self._sleep()
        self._memory.until_sample = position
        self._is_handed_on = False
        self._onset = None
        self.endpointer.seek(position)
        return [Dropped(woken_sample, position, "no_command")]

    def _finish_speech(self) -> None:
        """Sleep, once the speech that is being handed on is over."""
        is_speech = self._is_handed_on and self.endpointer.is_open
        self._memory.phase = WakePhase.LISTENING if is_speech else WakePhase.ASLEEP
        self._memory.until_sample = self.endpointer.position
        self._is_handed_on = is_speech

    def _sleep(self) -> None:
        self._memory.phase = WakePhase.ASLEEP
        self._memory.woken_sample = None
