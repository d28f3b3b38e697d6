"""TLS on an accepted connection: Python's sans-IO ``SSLObject`` between a Trio stream and the rest of the listener.

Unlike in ``trio.SSLStream`` the sending side can be ended alone. A close of a WebSocket and the last answer of an HTTP
connection need that: both tell the client that no more comes, and read what it still sends.

Rules kept here:

* TLS 1.2 or newer, without renegotiation: the client cannot make a sender wait for a reader.
* One task reads; several may send, and what each wrote is sent in the order of the writes.
* A send that was cancelled may have left half a record behind, so it breaks the stream.
* Every error of TLS is ``trio.BrokenResourceError``, as of a connection that is lost.
"""

import contextlib
import ssl
from typing import Final

import trio

from backends.ingress.direct_stream import READ_BYTES, DirectStream

HTTP_IN_CLEAR: Final = "HTTP_REQUEST"  # OpenSSL's name for a client that speaks HTTP without TLS


class HandshakeFailed(Exception):
    """The client did not complete the TLS handshake; ``is_http`` says that it spoke HTTP instead."""

    def __init__(self, message: str, *, is_http: bool = False) -> None:
        super().__init__(message)
        self.is_http = is_http


class TlsStream(trio.abc.HalfCloseableStream):
    """The server's end of one TLS connection; ``handshake`` comes first."""

    def __init__(self, stream: DirectStream, context: ssl.SSLContext) -> None:
        self.socket = stream.socket
        self._stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._sending = trio.StrictFIFOLock()
        self._is_broken = False
        self._is_ended = False

    async def handshake(self) -> None:
        """Agree on keys; raises ``HandshakeFailed``, and what the stream raises. The caller sets the deadline."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._receive():
                    raise HandshakeFailed("the client left") from None
            except ssl.SSLError as error:
                await self._flush()  # the alert that says why
                raise HandshakeFailed(f"{error.reason}", is_http=error.reason == HTTP_IN_CLEAR) from error
            else:
                await self._flush()
                return

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return received bytes, empty at the end of the stream; raises as ``trio.SocketStream``."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while True:
            try:
                data = self._tls.read(READ_BYTES if max_bytes is None else max_bytes)
            except ssl.SSLWantReadError:
                await self._flush()  # an answer to the client's key update, perhaps
                await self._receive()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                raise trio.BrokenResourceError(f"TLS: {error.reason}") from error
            else:
                return data

    async def _receive(self) -> bool:
        """Wait for more records; return whether some came."""
        data = await self._stream.receive_some(READ_BYTES)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        return bool(data)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of ``data``; raises as ``trio.SocketStream``."""
        if self._is_broken or self._is_ended:
            raise trio.BrokenResourceError("the sending side has ended")
        if data:
            try:
                self._tls.write(data)
            except ssl.SSLError as error:
                raise trio.BrokenResourceError(f"TLS: {error.reason}") from error
        await self._flush()

    async def wait_send_all_might_not_block(self) -> None:
        """As the stream does."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Tell the client that nothing more is sent; what it sends can still be read."""
        if not self._is_ended:
            self._is_ended = True
            with contextlib.suppress(ssl.SSLError):  # it waits for the client's answer, which the reader will see
                self._tls.unwrap()
            await self._flush()
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def _flush(self) -> None:
        """Send the records that are ready."""
        async with self._sending:
            data = self._outgoing.read()
            if not data:
                return
            if self._is_broken:
                raise trio.BrokenResourceError("a send was cut short")
            try:
                await self._stream.send_all(data)
            except BaseException:
                self._is_broken = True
                raise


AcceptedStream = DirectStream | TlsStream
"""A connection as it is served."""
