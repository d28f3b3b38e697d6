"""The frames on the socket between the server and a worker process: sans-IO.

A frame is two big-endian 32-bit lengths, a msgpack header and a blob: the header is small and structured, the blob is
samples and is never copied through an encoder. A large blob may lie in shared memory instead: ``place`` says where.
The contents of a frame's ``body`` are defined in ``runtime/workers/jobs.py``.
"""

import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple

import attrs
import msgspec

_LENGTHS = struct.Struct(">II")
MAX_HEADER_BYTES = 1 << 20
MAX_BLOB_BYTES = 64 << 20

Kind = Literal["ready", "job", "done", "failed", "revoke", "revoked", "ping", "pong", "stop"]


class FrameError(ValueError):
    """Bytes that cannot be a frame: one side is broken."""


class SharedPlace(NamedTuple):
    """Where a blob lies in the memory that both sides share (``runtime/workers/payload.py``), in bytes."""

    offset: int
    length: int
    generation: int


@attrs.frozen
class Frame:
    """One message."""

    kind: Kind
    job_id: int = 0
    name: str = ""
    """Of a job."""
    body: bytes = b""
    """A job or its reply as msgpack; why a job failed as UTF-8."""
    blob: bytes = b""
    place: SharedPlace | None = None


class _Header(msgspec.Struct, array_like=True):
    kind: Kind
    job_id: int
    name: str
    body: bytes
    place: SharedPlace | None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Header)


def check(frame: Frame) -> None:
    """Raise ``FrameError`` if the frame is over the limits."""
    _encode_header(frame)


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame; raises as ``check`` does."""
    header = _encode_header(frame)
    return _LENGTHS.pack(len(header), len(frame.blob)) + header + frame.blob


def _encode_header(frame: Frame) -> bytes:
    header = _encoder.encode(_Header(frame.kind, frame.job_id, frame.name, frame.body, frame.place))
    if len(header) > MAX_HEADER_BYTES or len(frame.blob) > MAX_BLOB_BYTES:
        sizes = f"{len(header)} + {len(frame.blob)}"
        raise FrameError(f"a frame must have at most {MAX_HEADER_BYTES} + {MAX_BLOB_BYTES} bytes, not {sizes}")
    return header


class FrameReader:
    """Bytes in, frames out; any split of the stream gives the same frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes | bytearray) -> Iterator[Frame]:
        """Yield the frames that ``data`` completes; raises ``FrameError``."""
        self._buffer += data
        while len(self._buffer) >= _LENGTHS.size:
            header_bytes, blob_bytes = _LENGTHS.unpack_from(self._buffer)
            if header_bytes > MAX_HEADER_BYTES or blob_bytes > MAX_BLOB_BYTES:
                raise FrameError(f"a frame of {header_bytes} + {blob_bytes} bytes is over the limits")
            end = _LENGTHS.size + header_bytes + blob_bytes
            if len(self._buffer) < end:
                return
            yield self._parse(header_bytes, end)
            del self._buffer[:end]

    def _parse(self, header_bytes: int, end: int) -> Frame:
        start = _LENGTHS.size
        try:
            header = _decoder.decode(self._buffer[start : start + header_bytes])
        except msgspec.DecodeError as error:
            raise FrameError(f"a frame's header must be msgpack: {error}") from error
        with memoryview(self._buffer) as view:
            blob = bytes(view[start + header_bytes : end])
        return Frame(header.kind, header.job_id, header.name, header.body, blob, header.place)
