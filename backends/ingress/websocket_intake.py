"""Received data that is no whole message yet: pieces of reads, and fragments; pure.

Rules kept here:

* Received bytes are given to the protocol in small pieces, which bounds the frames in each, however small they are.
* Large frames count like several small ones, because what is inflated may be much more than what was received.
* A message is bounded in fragments, because empty ones do not count towards its size.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

import attrs
from websockets.frames import Frame, Opcode

PIECE_BYTES: Final = 2_048  # given to the protocol at once: at most 341 frames, for an empty one has 6 bytes
FRAMES_AT_ONCE: Final = 256  # handled before other tasks run; some 20 us each
FRAME_BYTES: Final = 4_096  # of a frame's data: so much more of it counts as another frame
MAX_FRAGMENTS: Final = 4_096
"""Of one message. Its size does not bound them, for they may be empty; a sender that streams makes a few hundred."""


class TooManyFragments(Exception):
    """A message in more fragments than ``MAX_FRAGMENTS``."""


@attrs.define
class Assembler:
    """Puts fragments together; pure. Sizes are bounded by the protocol's ``max_size``."""

    _parts: bytearray = attrs.field(factory=bytearray, init=False)
    _fragments: int = attrs.field(default=0, init=False)
    _is_text: bool = attrs.field(default=False, init=False)

    def add(self, frame: Frame) -> str | bytes | None:
        """Return the message that ``frame`` completes.

        Raises ``UnicodeDecodeError`` for text that is not UTF-8, and ``TooManyFragments``.
        """
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return None
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
            if frame.fin:
                return self._message(frame.data)
        self._parts += frame.data
        self._fragments += 1
        if self._fragments > MAX_FRAGMENTS:
            raise TooManyFragments(f"a message must have at most {MAX_FRAGMENTS} fragments")
        if not frame.fin:
            return None
        self._fragments = 0
        whole, self._parts = bytes(self._parts), bytearray()
        return self._message(whole)

    def _message(self, data: bytes | bytearray | memoryview) -> str | bytes:
        return str(data, "utf-8") if self._is_text else bytes(data)


@attrs.define
class Intake:
    """Received data that is no message yet; pure."""

    assembler: Assembler = attrs.field(factory=Assembler, init=False)
    pieces: deque[bytes] = attrs.field(factory=deque, init=False)
    """Reads that were not given to the protocol yet; an empty one is the end of the stream."""
    frames: int = attrs.field(default=0, init=False)
    """Frames handled since other tasks last ran."""

    def count(self, frames: Iterable[Frame]) -> None:
        """Count frames that are handled before other tasks run."""
        self.frames += sum(1 + len(frame.data) // FRAME_BYTES for frame in frames)

    def add(self, data: bytes) -> None:
        """Add received bytes."""
        self.pieces.extend(data[start : start + PIECE_BYTES] for start in range(0, len(data) or 1, PIECE_BYTES))
