"""The size of audio blocks: small for low latency, larger while the server is slow; pure.

The rule is the performance guide's dynamic buffer: twice as many whenever a block took over 100 ms, half as many in
silence.
"""

from typing import Final

import attrs

SLOW_S: Final = 0.1


@attrs.define
class BlockSize:
    """The size of one session's blocks, in samples at 16 kHz."""

    base_samples: int
    max_samples: int
    samples: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.samples = self.base_samples

    def adjust(self, processing_s: float, *, is_silent: bool) -> None:
        """Take the duration of the last block, from its beginning until all messages were sent."""
        if processing_s > SLOW_S:
            self.samples = min(self.max_samples, 2 * self.samples)
        elif is_silent:
            self.samples = max(self.base_samples, self.samples // 2)
