"""Sends to a stream under a deadline, and closes without losing the last bytes."""

from typing import Final

import trio

from backends.ingress.direct_stream import DirectStream

PIECE_BYTES: Final = 32_768
"""A deadline covers this much, so that it bounds how slowly a peer may read and not how long a message may be."""
LINGER_S: Final = 1.0
LINGER_BYTES: Final = 1 << 20

STREAM_ERRORS: Final = (trio.BrokenResourceError, trio.ClosedResourceError)


async def send_in_pieces(stream: trio.abc.SendStream, data: bytes, piece_timeout_s: float) -> None:
    """Send all of ``data``; raises ``trio.TooSlowError`` when the peer takes no piece within ``piece_timeout_s``.

    Raises what the stream raises, too: ``trio.BrokenResourceError`` and ``trio.ClosedResourceError``.
    """
    view = memoryview(data)
    begin = await _sent_at_once(stream, view)
    for start in range(begin, len(view), PIECE_BYTES):
        with trio.fail_after(piece_timeout_s):
            await stream.send_all(view[start : start + PIECE_BYTES])


async def _sent_at_once(stream: trio.abc.SendStream, data: memoryview) -> int:
    """Send what can be sent without waiting, which needs no deadline; return how many bytes those were."""
    if not isinstance(stream, DirectStream):
        return 0
    await trio.lowlevel.checkpoint_if_cancelled()
    return stream.send_some(data)


async def linger(stream: trio.abc.HalfCloseableStream) -> None:
    """End the sending side, and read for a short while what the peer still sends.

    Closing a socket with unread bytes in it makes the kernel send a reset, which may overtake the answer that says
    why the connection ends (RFC 9112, section 9.6).
    """
    unread = LINGER_BYTES
    with trio.move_on_after(LINGER_S):
        try:
            await stream.send_eof()
            while unread > 0 and (data := await stream.receive_some(PIECE_BYTES)):
                unread -= len(data)
        except STREAM_ERRORS:
            return
