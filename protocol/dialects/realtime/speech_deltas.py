"""An answer's speech in OpenAI's Realtime API: the session's samples in the client's format, in base64."""

import base64
from collections.abc import Callable
from typing import Final, Protocol

import attrs

from protocol.dialects.realtime.g711 import encoded
from protocol.dialects.realtime.session_document import FormatFields

SAMPLE_BYTES: Final = 2


class SpeechResampler(Protocol):
    """Changes the rate of one stretch of s16le mono samples."""

    def __call__(self, pcm: bytes, *, is_last: bool = False) -> bytes:
        """Return the samples that are ready."""


MakeResampler = Callable[[int, int], SpeechResampler]
"""Takes the rates before and after, in Hz."""


@attrs.define
class SpeechDeltas:
    """The speech of one answer.

    A part that was paused comes again from the beginning of its clause. What the client has got of it already is left
    out, unless the client has dropped that.
    """

    format: FormatFields
    make_resampler: MakeResampler
    rate_hz: int = attrs.field(default=0, init=False)
    _resample: SpeechResampler | None = attrs.field(default=None, init=False)
    arrived_bytes: int = attrs.field(default=0, init=False)
    """Position in the answer's samples, of the session."""
    told_bytes: int = attrs.field(default=0, init=False)
    """Up to where the client has them."""
    _begin_bytes: int = attrs.field(default=0, init=False)
    """Where this answer begins in the speech of its turn, which may have several."""

    @property
    def told_ms(self) -> int:
        """How much of the answer the client has got, in ms."""
        return self._ms(self.told_bytes - self._begin_bytes)

    @property
    def begin_ms(self) -> int:
        """Where it begins in the speech of its turn, in ms."""
        return self._ms(self._begin_bytes)

    def follow(self, before: "SpeechDeltas") -> None:
        """Go on where the answer before has ended, in the speech of the same turn."""
        if before.rate_hz:
            self.start(before.rate_hz)
        self.arrived_bytes, self.told_bytes = before.arrived_bytes, before.told_bytes
        self._begin_bytes = before.told_bytes

    def start(self, rate_hz: int) -> None:
        """Begin with samples at this rate, in Hz."""
        self.rate_hz = rate_hz
        self._resample = self.make_resampler(rate_hz, self.format.rate_hz)

    def resume(self, at_ms: int, *, again: bool) -> None:
        """Go on at ``at_ms``; ``again``: also with what the client has got already."""
        self.arrived_bytes = at_ms * self.rate_hz // 1000 * SAMPLE_BYTES
        if again:
            self.told_bytes = self.arrived_bytes

    def delta(self, pcm: bytes) -> str:
        """Return the next part; empty if there is none yet."""
        begin, self.arrived_bytes = self.arrived_bytes, self.arrived_bytes + len(pcm)
        if self._resample is None or self.arrived_bytes <= self.told_bytes:
            return ""
        new = pcm[max(0, self.told_bytes - begin) :]
        self.told_bytes = self.arrived_bytes
        return self._written(self._resample(new))

    def last_delta(self) -> str:
        """Return what the resampler has kept back; empty if there is none."""
        resample, self._resample = self._resample, None
        return "" if resample is None else self._written(resample(b"", is_last=True))

    def _ms(self, count_bytes: int) -> int:
        return 0 if self.rate_hz == 0 else 1000 * count_bytes // (SAMPLE_BYTES * self.rate_hz)

    def _written(self, pcm: bytes) -> str:
        audio = pcm if self.format.law is None else encoded(pcm, self.format.law)
        return base64.b64encode(audio).decode("ascii")
