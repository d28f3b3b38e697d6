"""Streams of language-model servers, cut into messages: server-sent events and newline-delimited JSON; sans-IO.

Rules kept here:

* Bytes may be cut anywhere, inside a character or between CR and LF: the messages are the same.
* A line that never ends is an error, not a buffer that grows.
"""

from typing import Final

LINE_MAX_BYTES: Final = 1 << 20  # a tool call with a whole file in its arguments stays below it


class BadStream(ValueError):
    """The server sent something that is not the promised format; the message shows its beginning."""


class LineSplitter:
    """Bytes in, whole lines out; lines end in LF, CR LF or CR, as the HTML standard has it for event streams."""

    def __init__(self, max_bytes: int = LINE_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._rest = bytearray()
        self._was_cr = False

    def receive(self, data: bytes) -> list[str]:
        """Return the lines that ``data`` completes, without their ends; raises ``BadStream``."""
        if self._was_cr and data.startswith(b"\n"):
            data = data[1:]
            self._was_cr = False
        if data:
            self._was_cr = data.endswith(b"\r")
        *whole, rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        lines = [self._finish(line) for line in whole]
        self._append(rest)
        return lines

    def close(self) -> list[str]:
        """Return the last line if it had no end; raises ``BadStream``."""
        return [self._finish(b"")] if self._rest else []

    def _finish(self, end: bytes) -> str:
        self._append(end)
        line = bytes(self._rest)
        self._rest.clear()
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise BadStream(f"lines must be utf-8, not {line[:40]!r}") from error

    def _append(self, data: bytes) -> None:
        self._rest += data
        if len(self._rest) > self._max_bytes:
            raise BadStream(f"a line must have at most {self._max_bytes} bytes; it begins {bytes(self._rest[:40])!r}")


class NdjsonReader:
    """Newline-delimited JSON: each line that is not blank is a message."""

    def __init__(self) -> None:
        self._splitter = LineSplitter()

    def receive(self, data: bytes) -> list[str]:
        """Return the messages that ``data`` completes; raises ``BadStream``."""
        return [line for line in self._splitter.receive(data) if line.strip()]

    def close(self) -> list[str]:
        """Return a last message that had no line end."""
        return [line for line in self._splitter.close() if line.strip()]


class SseReader:
    """Server-sent events (HTML standard, 9.2.6): the ``data`` of each event; names, ids and comments are ignored."""

    def __init__(self, max_bytes: int = LINE_MAX_BYTES) -> None:
        self._splitter = LineSplitter(max_bytes)
        self._max_bytes = max_bytes
        self._data: list[str] = []
        self._size = 0

    def receive(self, data: bytes) -> list[str]:
        """Return the ``data`` of the events that ``data`` completes; raises ``BadStream``."""
        return [event for line in self._splitter.receive(data) if (event := self._take(line)) is not None]

    def close(self) -> list[str]:
        """Return an event whose blank line is missing: many servers close right behind their last one."""
        events = [event for line in self._splitter.close() if (event := self._take(line)) is not None]
        last = self._take("")
        return events if last is None else [*events, last]

    def _take(self, line: str) -> str | None:
        """Take one line; return the event's data if it was the blank line behind an event."""
        if not line:
            event = "\n".join(self._data) if self._data else None
            self._data, self._size = [], 0
            return event
        field, _, value = line.partition(":")
        if field == "data":
            self._data.append(value.removeprefix(" "))
            self._size += len(value)
            if self._size > self._max_bytes:
                raise BadStream(f"an event must have at most {self._max_bytes} characters, not {self._size}")
        return None
