"""The last seconds of a stream of samples, addressed by absolute position.

Rules kept here:

* Memory grows with the audio, up to a bound that is fixed at the start: a silent client costs nothing.
* A sample's position counts from the stream's first and never changes.
* Reading overwritten samples raises; it never returns wrong ones.
"""

SAMPLE_BYTES = 2  # s16le mono


class PcmBuffer:
    """A ring of the last ``capacity_samples`` samples, s16le mono; it grows with the audio until it is full.

    >>> buffer = PcmBuffer(capacity_samples=4)
    >>> buffer.append(bytes(2 * 6))  # six samples
    >>> buffer.start, buffer.end
    (2, 6)
    """

    __slots__ = ("_end_bytes", "_first_sample", "_ring", "_size")

    def __init__(self, capacity_samples: int, first_sample: int = 0) -> None:
        """Make an empty ring whose first sample will have that position.

        Raises ``ValueError`` unless ``capacity_samples`` is positive.
        """
        if capacity_samples < 1:
            raise ValueError(f"capacity_samples must be >= 1, not {capacity_samples}")
        self._size = capacity_samples * SAMPLE_BYTES
        self._ring = bytearray()
        self._end_bytes = 0
        self._first_sample = first_sample

    def __repr__(self) -> str:
        return f"<PcmBuffer {self.start}..{self.end} of {self.capacity}>"

    @property
    def capacity(self) -> int:
        """How many samples it holds at most."""
        return self._size // SAMPLE_BYTES

    @property
    def held_bytes(self) -> int:
        """How much memory the samples take."""
        return len(self._ring)

    @property
    def first_sample(self) -> int:
        """Position at which the buffer began; the sample may be overwritten."""
        return self._first_sample

    @property
    def start(self) -> int:
        """Position of the oldest sample that is still there."""
        return max(self._first_sample, self.end - self.capacity)

    @property
    def end(self) -> int:
        """Position after the newest sample."""
        return self._first_sample + self._end_bytes // SAMPLE_BYTES

    def append(self, pcm: bytes | bytearray | memoryview) -> None:
        """Take samples in; raises ``ValueError`` for half a sample."""
        data = memoryview(pcm)
        if len(data) % SAMPLE_BYTES:
            raise ValueError(f"pcm must hold whole 16-bit samples, not {len(data)} bytes")
        size, ring = self._size, self._ring
        end_bytes = self._end_bytes + len(data)
        if len(data) > size:  # only the end can be kept, and every place is taken
            data = data[-size:]
            ring.extend(bytes(size - len(ring)))
        at = (end_bytes - len(data)) % size
        first = size - at
        if len(data) <= first:
            ring[at : at + len(data)] = data  # appended, as long as the end was not reached
        else:
            ring[at:] = data[:first]
            ring[: len(data) - first] = data[first:]
        self._end_bytes = end_bytes

    def slice(self, start_sample: int, end_sample: int) -> bytes:
        """Return the samples from ``start_sample`` up to ``end_sample``.

        Raises ``IndexError`` if some of them are overwritten already or have not come yet.
        """
        if not self.start <= start_sample <= end_sample <= self.end:
            raise IndexError(f"samples {start_sample}..{end_sample} must lie within {self.start}..{self.end}")
        size = self._size
        length = (end_sample - start_sample) * SAMPLE_BYTES
        at = (start_sample - self._first_sample) * SAMPLE_BYTES % size
        first = self._ring[at : at + length]
        return bytes(first + self._ring[: length - len(first)])
