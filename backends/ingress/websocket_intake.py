"""Received data that is no whole message yet: pieces of reads, and fragments; pure.

Rules kept here:

* Received bytes are given to the protocol in small pieces, which bounds the frames in each, however small they are.
* Large frames count like several small ones, because what is inflated may be much more than what was received.
* A message is bounded in fragments, because empty ones do not count towards its size.
* A read of a few whole, unfragmented binary messages, which is what a microphone sends, is taken by slices; anything
  else goes through the protocol, which knows every rule.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

import attrs
from websockets.frames import Frame, Opcode

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform for which websockets has no wheel
    from websockets.utils import apply_mask

PIECE_BYTES: Final = 2_048  # given to the protocol at once: at most 341 frames, for an empty one has 6 bytes
FRAMES_AT_ONCE: Final = 256  # handled before other tasks run; some 20 us each
FRAME_BYTES: Final = 4_096  # of a frame's data: so much more of it counts as another frame
MAX_FRAGMENTS: Final = 4_096
"""Of one message. Its size does not bound them, for they may be empty; a sender that streams makes a few hundred."""
PLAIN_MAX: Final = 16
"""Messages of one read that are taken by slices; more of them are a flood, whose frames are counted."""
PLAIN_BINARY: Final = 0x82
"""The first byte of a binary message in one frame, not compressed (RFC 6455, section 5.2)."""
MASKED, LENGTH = 0x80, 0x7F  # of the second byte
MASK_BYTES: Final = 4
SHORTEST: Final = 6  # a frame without payload


class TooManyFragments(Exception):
    """A message in more fragments than ``MAX_FRAGMENTS``."""


@attrs.define
class Assembler:
    """Puts fragments together; pure. Sizes are bounded by the protocol's ``max_size``."""

    _parts: bytearray = attrs.field(factory=bytearray, init=False)
    _fragments: int = attrs.field(default=0, init=False)
    _is_text: bool = attrs.field(default=False, init=False)

    @property
    def is_within_message(self) -> bool:
        """Whether a fragmented message has begun and not ended."""
        return self._fragments > 0

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


def payload_of(data: bytes, start: int) -> tuple[int, int] | None:
    """Return where the payload of the frame at ``start`` begins and ends; ``None`` if its header is not all there."""
    if len(data) < start + 2:
        return None
    second = data[start + 1]
    size, at = second & LENGTH, start + 2
    extended = {126: 2, 127: 8}.get(size, 0)
    begin = at + extended + (MASK_BYTES if second & MASKED else 0)
    if len(data) < begin:
        return None
    if extended:
        size = int.from_bytes(data[at : at + extended], "big")
    return begin, begin + size


@attrs.define
class FrameBoundary:
    """Follows where frames begin and end in the bytes that the protocol is given; pure."""

    _head: bytes = attrs.field(default=b"", init=False)
    """Of a frame whose header has not come whole."""
    _left: int = attrs.field(default=0, init=False)
    """Bytes of a frame that are still to come."""

    @property
    def is_reached(self) -> bool:
        """Whether the next byte begins a frame."""
        return not self._head and self._left == 0

    def follow(self, data: bytes) -> None:
        """Take bytes that the protocol was given."""
        at, self._left = self._left, max(0, self._left - len(data))
        data, self._head = self._head + data, b""
        while at < len(data):
            payload = payload_of(data, at)
            if payload is None:
                self._head = data[at:]
                return
            at = payload[1]
            self._left = max(0, at - len(data))


def plain_messages(data: bytes, max_bytes: int) -> list[bytes] | None:
    """Return the messages of ``data``, if it is a few whole binary frames of up to ``max_bytes`` and nothing else."""
    messages: list[bytes] = []
    at, end = 0, len(data)
    while at < end:
        if end - at < SHORTEST or data[at] != PLAIN_BINARY or not data[at + 1] & MASKED or len(messages) == PLAIN_MAX:
            return None
        payload = payload_of(data, at)
        if payload is None or payload[1] > end or payload[1] - payload[0] > max_bytes:
            return None
        begin, at = payload
        messages.append(apply_mask(data[begin:at], data[begin - MASK_BYTES : begin]))
    return messages


@attrs.define
class Intake:
    """Received data that is no message yet; pure."""

    max_message_bytes: int = attrs.field(default=1 << 20)
    assembler: Assembler = attrs.field(factory=Assembler, init=False)
    pieces: deque[bytes] = attrs.field(factory=deque, init=False)
    """Reads that were not given to the protocol yet; an empty one is the end of the stream."""
    frames: int = attrs.field(default=0, init=False)
    """Frames handled since other tasks last ran."""
    boundary: FrameBoundary = attrs.field(factory=FrameBoundary, init=False)
    """Of what the protocol was given."""

    def plain_messages(self, data: bytes) -> list[bytes] | None:
        """Return the messages of ``data``, if that is possible without the protocol."""
        if self.assembler.is_within_message or not self.boundary.is_reached:
            return None
        return plain_messages(data, self.max_message_bytes)

    def count(self, frames: Iterable[Frame]) -> None:
        """Count frames that are handled before other tasks run."""
        self.frames += sum(1 + len(frame.data) // FRAME_BYTES for frame in frames)

    def add(self, data: bytes) -> None:
        """Add received bytes."""
        self.pieces.extend(data[start : start + PIECE_BYTES] for start in range(0, len(data) or 1, PIECE_BYTES))
