"""The last seconds of a stream of samples, addressed by absolute position.

Rules kept here:

* Memory is fixed at the start; a sample's position counts from the stream's first and never changes.
* What has been overwritten is refused, never silently wrong.
"""

SAMPLE_BYTES = 2  # s16le mono


class PcmBuffer:
    """A ring of the last ``capacity_samples`` samples, s16le mono.

    The memory is zero-filled at first, so the operating system hands it out page by page as it is used.
    """

    __slots__ = ("_end_bytes", "_ring")

    def __init__(self, capacity_samples: int) -> None:
        """Make an empty ring; raises ``ValueError`` unless ``capacity_samples`` is positive."""
        if capacity_samples < 1:
            raise ValueError(f"capacity_samples must be >= 1, not {capacity_samples}")
        self._ring = bytearray(capacity_samples * SAMPLE_BYTES)
        self._end_bytes = 0

    def __repr__(self) -> str:
        return f"<PcmBuffer {self.start}..{self.end} of {self.capacity}>"

    @property
    def capacity(self) -> int:
        """How many samples it holds at most."""
        return len(self._ring) // SAMPLE_BYTES

    @property
    def start(self) -> int:
        """Position of the oldest sample that is still there."""
        return max(0, self.end - self.capacity)

    @property
    def end(self) -> int:
        """Position after the newest sample: how many were ever appended."""
        return self._end_bytes // SAMPLE_BYTES

    def append(self, pcm: bytes | bytearray | memoryview) -> None:
        """Take samples in; raises ``ValueError`` for half a sample."""
        data = memoryview(pcm)
        if len(data) % SAMPLE_BYTES:
            raise ValueError(f"pcm must hold whole 16-bit samples, not {len(data)} bytes")
        size = len(self._ring)
        end_bytes = self._end_bytes + len(data)
        data = data[-size:]  # of more than the ring holds, only the end can be kept
        at = (end_bytes - len(data)) % size
        first = min(len(data), size - at)
        self._ring[at : at + first] = data[:first]
        self._ring[: len(data) - first] = data[first:]
        self._end_bytes = end_bytes

    def slice(self, start_sample: int, end_sample: int) -> bytes:
        """Return the samples from ``start_sample`` up to ``end_sample``.

        Raises ``IndexError`` if some of them are overwritten already or have not come yet.
        """
        if not self.start <= start_sample <= end_sample <= self.end:
            raise IndexError(f"samples {start_sample}..{end_sample} must lie within {self.start}..{self.end}")
        size = len(self._ring)
        length = (end_sample - start_sample) * SAMPLE_BYTES
        at = start_sample * SAMPLE_BYTES % size
        first = self._ring[at : at + length]
        return bytes(first + self._ring[: length - len(first)])
