r"""Wyoming's framing: one JSON line, then data and payload of the lengths that it names; sans-IO.

    {"type": "audio-chunk", "data_length": 42, "payload_length": 2048}\n{"rate": 16000, ...}<2,048 bytes of samples>

Data may also stand in the line itself (``"data": {...}``); both are taken together. Wyoming is the protocol of the Open
Home Foundation: https://github.com/OHF-Voice/wyoming

Rules kept here:

* All lengths are bounded before anything is waited for.
* For any bytes there is a frame, ``None`` (more is needed) or ``RemoteProtocolError``, which ends the connection: where
  the next frame begins is not known then.
"""

from collections.abc import Mapping
from typing import Any, Final

import attrs
import msgspec

from protocol.messages.errors import CloseCode, RemoteProtocolError

VERSION: Final = "1.10.2"  # of the protocol, as its Python package counts
MAX_LINE_BYTES: Final = 65_536  # Home Assistant sends its names in the data, and the line is short
MAX_DATA_BYTES: Final = 262_144
MAX_PAYLOAD_BYTES: Final = 1_048_576  # 32 s of 16 kHz audio; clients send a tenth of a second
NEWLINE: Final = b"\n"


@attrs.frozen
class WyomingEvent:
    """One event of either side."""

    type: str
    data: Mapping[str, Any] = attrs.field(factory=dict)
    payload: bytes = b""

    def text(self, name: str) -> str | None:
        """Return a field that must be a string; ``None`` if it is absent or null. Raises ``RemoteProtocolError``."""
        value = self.data.get(name)
        if value is not None and not isinstance(value, str):
            raise bad_field(f"{self.type}.{name} must be a string, not {type(value).__name__}")
        return value

    def number(self, name: str, default: int) -> int:
        """Return a field that must be a whole number above 0; raises ``RemoteProtocolError``."""
        value = self.data.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise bad_field(f"{self.type}.{name} must be a whole number above 0")
        return value

    def terms(self, name: str) -> tuple[str, ...]:
        """Return the strings of a list, those that are none left out; raises ``RemoteProtocolError`` for no list."""
        value = self.data.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise bad_field(f"{self.type}.{name} must be a list, not {type(value).__name__}")
        return tuple(term for term in value if isinstance(term, str) and term.strip())


class FrameHead(msgspec.Struct):
    """The line before data and payload; unknown fields are ignored."""

    type: str
    data: dict[str, Any] | None = None
    data_length: int | None = None
    payload_length: int | None = None


_head_decoder: Final = msgspec.json.Decoder(FrameHead)
_data_decoder: Final = msgspec.json.Decoder(dict[str, Any])


def bad_field(message: str) -> RemoteProtocolError:
    """Return the mistake of a client whose event is understood, and not served."""
    return RemoteProtocolError("bad_field", message)


def broken(message: str, *, is_too_large: bool = False) -> RemoteProtocolError:
    """Return the mistake of a client whose frames cannot be read any further."""
    code, close_code = (
        ("too_large", CloseCode.MESSAGE_TOO_BIG) if is_too_large else ("bad_json", CloseCode.INVALID_TEXT)
    )
    return RemoteProtocolError(code, message, fatal=True, close_code=close_code)  # type: ignore[arg-type]


def head_of(line: bytes) -> FrameHead:
    """Return what a line says; raises ``RemoteProtocolError``."""
    try:
        head = _head_decoder.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise broken(f"a frame must begin with a line of JSON that has a type: {error}") from error
    check_length("data_length", head.data_length, MAX_DATA_BYTES)
    check_length("payload_length", head.payload_length, MAX_PAYLOAD_BYTES)
    return head


def check_length(name: str, value: int | None, limit: int) -> None:
    """Raise ``RemoteProtocolError`` for a length that no frame of ours has."""
    if value is not None and not 0 <= value <= limit:
        raise broken(f"{name} must lie within 0 and {limit}, not {str(value)[:24]}", is_too_large=value > limit)


def parsed(frame: bytes) -> WyomingEvent:
    r"""Return the event in one whole frame; raises ``RemoteProtocolError``.

    >>> parsed(b'{"type": "ping", "data_length": 13}\n{"text": "hi"}').data
    Traceback (most recent call last):
    ...
    protocol.messages.errors.RemoteProtocolError: a frame must have the lengths that it names
    """
    line, found, rest = frame.partition(NEWLINE)
    head = head_of(line)
    data_bytes, payload_bytes = head.data_length or 0, head.payload_length or 0
    if not found or len(rest) != data_bytes + payload_bytes:
        raise broken("a frame must have the lengths that it names")
    return event_of(head, rest[:data_bytes], rest[data_bytes:])


def event_of(head: FrameHead, data: bytes, payload: bytes) -> WyomingEvent:
    """Return the event of a line and what follows it; raises ``RemoteProtocolError``."""
    fields = dict(head.data or {})
    if data:
        try:
            fields |= _data_decoder.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise broken(f"the data of {head.type[:40]!r} must be a JSON object: {error}") from error
    return WyomingEvent(head.type, fields, payload)


def packed(event: WyomingEvent) -> bytes:
    r"""Return an event as the ``wyoming`` package writes it: data behind the line.

    >>> packed(WyomingEvent("pong"))
    b'{"type":"pong","version":"1.10.2"}\n'
    """
    head: dict[str, Any] = {"type": event.type, "version": VERSION}
    data = msgspec.json.encode(event.data) if event.data else b""
    if data:
        head["data_length"] = len(data)
    if event.payload:
        head["payload_length"] = len(event.payload)
    return b"".join((msgspec.json.encode(head), NEWLINE, data, event.payload))


class FrameCutter:
    r"""Cuts a client's bytes into whole frames; holds at most one that is not whole.

    >>> cutter = FrameCutter()
    >>> cutter.feed(b'{"type": "ping"}\n{"type": "desc')
    >>> cutter.next_frame(), cutter.next_frame(), cutter.is_waiting
    (b'{"type": "ping"}\n', None, True)
    """

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._wanted: int | None = None
        """How long the first frame is; ``None`` until its line is there."""
        self._searched = 0

    @property
    def is_waiting(self) -> bool:
        """Whether a frame has begun and is not whole."""
        return bool(self._bytes)

    def feed(self, data: bytes) -> None:
        """Take more bytes."""
        self._bytes += data

    def next_frame(self) -> bytes | None:
        """Return the next whole frame, ``None`` if there is none yet; raises ``RemoteProtocolError``."""
        if self._wanted is None:
            end = self._bytes.find(NEWLINE, self._searched)
            if end < 0:
                self._searched = len(self._bytes)
                if self._searched > MAX_LINE_BYTES:
                    raise broken(f"a line must have at most {MAX_LINE_BYTES} bytes", is_too_large=True)
                return None
            if end > MAX_LINE_BYTES:
                raise broken(f"a line must have at most {MAX_LINE_BYTES} bytes", is_too_large=True)
            head = head_of(bytes(self._bytes[:end]))
            self._wanted = end + 1 + (head.data_length or 0) + (head.payload_length or 0)
        if len(self._bytes) < self._wanted:
            return None
        frame = bytes(self._bytes[: self._wanted])
        del self._bytes[: self._wanted]
        self._wanted, self._searched = None, 0
        return frame
