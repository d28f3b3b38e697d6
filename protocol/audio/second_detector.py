"""When a second, dearer voice detector judges a stream, and for how many streams at once; pure.

Rules kept here:

* It is asked only near what the first detector may take for speech, so a silent microphone costs what it did before.
* It decides alone there, but for the end of a voice, which the first may prolong a little.
* It hears what came shortly before it was first asked, so that its judgement does not depend on anything older.
* It is first to go under load, and has a number of places: a stream without a place has the first detector's judgement.
  A place that has not been used for a while is free, because a client may stop sending at any time.
"""

from typing import Final

import attrs

ASKED_ABOVE: Final = 0.35  # of the first detector: with 0.25 a third more frames are asked about, and nothing is gained
ASKED_FRAMES: Final = 20  # 320 ms after such a frame, and of what was before it: the endpointer's pre-roll
VOICE_ABOVE: Final = 0.35  # of the second: the default release threshold
TAIL_FRAMES: Final = 4  # 64 ms, as few as keep a sentence whole
TAIL_MAX: Final = 0.45  # prolongs a voice, and begins none
PLACE_UNUSED_S: Final = 2.0  # a client sends blocks more often while somebody speaks


@attrs.define
class Attention:
    """Decides which frames of one stream the second detector is asked about."""

    _left: int = 0

    @property
    def is_asleep(self) -> bool:
        """Whether the last frame was not asked about."""
        return self._left == 0

    def is_drawn(self, probability: float) -> bool:
        """Take the first detector's ``probability`` of the next frame; return whether to ask about the frame."""
        self._left = ASKED_FRAMES if probability > ASKED_ABOVE else max(0, self._left - 1)
        return self._left > 0


@attrs.define
class Tail:
    """Prolongs what the second detector takes for a voice by what the first does, and for a little while.

    The second falls sooner in a word's end, and a pause of half a second within a sentence would come out longer than
    it was; the first goes on too long in noise.
    """

    _left: int = 0

    def prolonged(self, first: float, second: float) -> float:
        """Take both probabilities of the next frame; return the one that counts."""
        if second > VOICE_ABOVE:
            self._left = TAIL_FRAMES
            return second
        if self._left == 0:
            return second
        self._left -= 1
        return max(second, min(first, TAIL_MAX))


@attrs.define
class DetectorPlaces:
    """The streams that may ask the second detector now, by any hashable owner."""

    count: int
    """How many there are; with 0 no stream may ask."""
    _used_s: dict[object, float] = attrs.field(factory=dict, init=False)

    def may_ask(self, owner: object, now_s: float, load_level: int) -> bool:
        """Return whether ``owner`` may ask now, and keep its place if so: nobody may while the server is loaded."""
        if load_level > 0:
            self._used_s.clear()
            return False
        if owner not in self._used_s and len(self._used_s) >= self.count:
            self._used_s = {each: used_s for each, used_s in self._used_s.items() if used_s > now_s - PLACE_UNUSED_S}
            if len(self._used_s) >= self.count:
                return False
        self._used_s[owner] = now_s
        return True

    def leave(self, owner: object) -> None:
        """Give the place back, if ``owner`` has one."""
        self._used_s.pop(owner, None)
