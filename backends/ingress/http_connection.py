"""HTTP/1.1 on one connection, as far as our own answers need it; h11 on a Trio stream.

Rules kept here:

* A whole head has one deadline, counted from its first byte (from the accept for the first head): sending it slowly
  byte by byte buys no time.
* Every send has a deadline. An answer that ends the connection is read by the client before the socket goes.
* Requests with a body end the connection after our answer: none of our own pages takes one.
"""

from email.utils import formatdate
from typing import Final

import h11
import trio

from backends.ingress.answer_cache import NOT_MODIFIED
from backends.ingress.compression import compressed, is_compressible
from backends.ingress.http_head import TEXT, head_fault
from backends.ingress.streams import STREAM_ERRORS, linger, send_in_pieces
from backends.protocols import HttpAnswer, Request
from config.settings import GatewaySettings

READ_BYTES: Final = 16_384


class BadHead(Exception):
    """A head that cannot be served; ``status`` and the message go to the client."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class HttpConnection:
    """Reads heads and writes answers; does not close the stream."""

    def __init__(self, stream: trio.abc.HalfCloseableStream, settings: GatewaySettings) -> None:
        self._stream = stream
        self._settings = settings
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=settings.head_max_bytes)
        self._served = 0
        self._is_head = False

    @property
    def received(self) -> bytes:
        """Bytes that were read and belong to no event yet: a body, the next request, or WebSocket frames."""
        return self._h11.trailing_data[0]

    async def next_head(self) -> h11.Request | None:
        """Return the next request's head; ``None`` if the client has left or was idle for too long.

        Raises ``BadHead``. Cancelling it loses nothing that is worth keeping: the connection is at its end then.
        """
        settings = self._settings
        self._is_head = False
        is_idle = self._served > 0 and not self.received
        raw = bytearray(self.received)
        with trio.move_on_after(settings.keepalive_s if is_idle else settings.head_timeout_s) as patience:
            while (event := self._next_event()) is h11.NEED_DATA:
                data = await self._receive()
                if not data:
                    return None
                if is_idle:
                    patience.deadline = trio.current_time() + settings.head_timeout_s
                    is_idle = False
                raw += data
        if patience.cancelled_caught:
            if is_idle or not raw:
                return None
            raise BadHead(408, f"the request's head did not arrive within {settings.head_timeout_s:g} s")
        return self._checked(event, raw)

    def _checked(self, event: object, raw: bytearray) -> h11.Request | None:
        if not isinstance(event, h11.Request):  # closed, or paused behind an answer that ends the connection
            return None
        self._is_head = event.method == b"HEAD"
        head = raw[: len(raw) - len(self.received)]
        if len(head) > self._settings.head_max_bytes:  # h11 limits only what is incomplete
            raise BadHead(431, f"the request's head must be at most {self._settings.head_max_bytes} bytes")
        if event.http_version not in (b"1.0", b"1.1"):
            raise BadHead(505, f"HTTP/1.1 is spoken here, not HTTP/{event.http_version.decode('ascii')}")
        if (fault := head_fault(head)) is not None:
            raise BadHead(400, fault)
        return event

    def _next_event(self) -> object:
        try:
            return self._h11.next_event()
        except h11.RemoteProtocolError as error:
            raise BadHead(error.error_status_hint, f"not an HTTP/1.1 request: {error}") from error

    async def _receive(self) -> bytes:
        try:
            data = bytes(await self._stream.receive_some(READ_BYTES))
        except STREAM_ERRORS:
            data = b""
        self._h11.receive_data(data)
        return data

    async def send(
        self, answer: HttpAnswer, request: Request | None = None, *, is_last: bool = False, may_linger: bool = True
    ) -> bool:
        """Send an answer (to ``request``, or to a head that was none); return whether a next head may come.

        Without ``may_linger`` the connection's last answer is not waited for, where nothing unread could break it.
        Raises ``trio.TooSlowError`` if the client takes nothing, ``trio.BrokenResourceError`` if it is gone.
        """
        has_more = request is None or self._has_body()
        is_last = is_last or has_more
        data = self._serialised(answer, request, is_last=is_last)
        await send_in_pieces(self._stream, data, self._settings.websocket.send_timeout_s)
        if self._h11.our_state is not h11.DONE or self._h11.their_state is not h11.DONE:
            if may_linger or has_more or self.received:
                await linger(self._stream)
            return False
        self._h11.start_next_cycle()
        self._served += 1
        return True

    def _has_body(self) -> bool:
        """Return whether the request has a body; the end of a request without one is consumed, without waiting."""
        return self._h11.their_state is h11.SEND_BODY and not isinstance(self._next_event(), h11.EndOfMessage)

    def _serialised(self, answer: HttpAnswer, request: Request | None, *, is_last: bool) -> bytes:
        accepted = "" if request is None else request.headers.get("accept-encoding", "")
        coded = compressed(answer.body, answer.content_type, accepted)
        body = answer.body if coded is None else coded[1]
        headers = [
            ("date", formatdate(usegmt=True)),
            ("content-type", answer.content_type or TEXT),
            *answer.headers,
        ]
        if answer.status != NOT_MODIFIED:  # its length would be that of the answer which the client has
            headers.append(("content-length", str(len(body))))
        if is_compressible(answer.content_type, answer.body):
            headers.append(("vary", "accept-encoding"))
        if coded is not None:
            headers.append(("content-encoding", coded[0]))
        if is_last:
            headers.append(("connection", "close"))
        out = [self._h11.send(h11.Response(status_code=answer.status, headers=headers))]
        if body and not self._is_head:
            out.append(self._h11.send(h11.Data(data=body)))
        out.append(self._h11.send(h11.EndOfMessage()))
        return b"".join(part for part in out if part)
