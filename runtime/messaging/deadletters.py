"""Dead letters: records of messages that were not handled, in a bounded ring, never their contents."""

import logging
from collections import deque

import attrs

log = logging.getLogger("sayso.runtime")

RING = 1_000  # enough to see a pattern, small enough to keep for ever
LOGGED = 10  # lines before the log falls silent
SILENCE_S = 300.0  # for so long (Pekko's default); the ring and the counters go on


@attrs.frozen
class DeadLetter:
    """One message that was dropped, expired or quarantined."""

    actor: str
    message_id: int
    type_name: str
    size_bytes: int
    reason: str
    age_s: float
    """Seconds that it was in the mailbox."""


EXPECTED = frozenset({"closed", "withdrawn"})  # the receiver ended while messages were queued for it


class DeadLetters:
    """Keeps the latest records and logs the first ones of a burst."""

    def __init__(self, capacity: int = RING) -> None:
        self._ring: deque[DeadLetter] = deque(maxlen=capacity)
        self._logged = 0
        self._suppressed = 0
        self._silent_until_s = 0.0
        self.total = 0

    def __len__(self) -> int:
        return len(self._ring)

    def __repr__(self) -> str:
        return f"<DeadLetters {len(self._ring)} kept of {self.total}>"

    def records(self) -> tuple[DeadLetter, ...]:
        """Return the records, oldest first."""
        return tuple(self._ring)

    def add(self, letter: DeadLetter, now_s: float) -> None:
        """Keep ``letter``; log it unless the log is silent."""
        self.total += 1
        self._ring.append(letter)
        if now_s < self._silent_until_s:
            self._suppressed += 1
            return
        if self._logged >= LOGGED:
            log.warning("dead letters: %d more were not logged", self._suppressed)
            self._logged = self._suppressed = 0
        self._logged += 1
        fields: dict[str, object] = attrs.asdict(letter)
        level = logging.INFO if letter.reason in EXPECTED else logging.WARNING
        log.log(level, "dead letter for %s: %s, %s", letter.actor, letter.type_name, letter.reason, extra=fields)
        if self._logged >= LOGGED:
            self._silent_until_s = now_s + SILENCE_S
