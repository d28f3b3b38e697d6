"""Logs a child process's stderr: whole lines, bounded in length and in number."""

import logging
import os
from collections.abc import Sequence
from typing import TextIO

import attrs
import trio

MAX_LINE_CHARS = 500
MAX_LINES_PER_S = 50  # a child that floods its stderr must not flood ours
CHUNK_BYTES = 8_192


@attrs.define
class LineCutter:
    """Cuts a stream of bytes into lines, and counts what goes over the limits."""

    rest: bytes = b""
    window_s: float = 0.0
    """When the current second began."""
    taken: int = 0
    dropped: int = 0

    def feed(self, chunk: bytes, now_s: float) -> Sequence[str]:
        """Return the lines that are complete now; ``now_s`` is any monotonic clock."""
        *lines, rest = (self.rest + chunk).split(b"\n")
        if len(rest) > CHUNK_BYTES:  # no line end: the buffer stays bounded
            lines, rest = [*lines, rest], b""
        self.rest = rest
        if now_s - self.window_s >= 1:
            self.window_s, self.taken = now_s, 0
        texts = [text for line in lines if (text := line.decode("utf-8", "replace").strip())]
        kept = texts[: max(0, MAX_LINES_PER_S - self.taken)]
        self.taken += len(kept)
        self.dropped += len(texts) - len(kept)
        return [text[:MAX_LINE_CHARS] for text in kept]


class ChildOutput:
    """A pipe: ``file`` is the end for the child, ``run`` reads ours and has to be started, or the pipe leaks."""

    def __init__(self, name: str, log: logging.Logger) -> None:
        read_fd, write_fd = os.pipe()
        self.file: TextIO = os.fdopen(write_fd, "w", encoding="utf-8")
        self.last_line = ""
        self._name = name
        self._log = log
        self._stream = trio.lowlevel.FdStream(read_fd)
        self._cutter = LineCutter()

    async def run(self) -> None:
        """Log lines until every process that has the other end has ended."""
        async with self._stream:
            while chunk := await self._stream.receive_some(CHUNK_BYTES):
                for line in self._cutter.feed(chunk, trio.current_time()):
                    self.last_line = line
                    self._log.info("%s: %s", self._name, line)
        if self._cutter.dropped:
            self._log.warning("%s: %d lines more were not logged", self._name, self._cutter.dropped)

    def close(self) -> None:
        """Close our copy of the child's end, once the child has its own: ``run`` ends when all copies are closed."""
        self.file.close()
