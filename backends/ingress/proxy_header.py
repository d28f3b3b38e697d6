"""Reads the header of the PROXY protocol, version 2, that a trusted proxy sends before anything else of a connection.

Rules kept here:

* It is read only from a trusted proxy, which may leave it out: HTTP and TLS never begin as it does.
* It comes within the deadline of a request's head, or the connection ends.
"""

import socket
from typing import Final

import trio

from protocol.admission.forwarding import HEAD, SIGNATURE, BadProxyHeader, proxied_peer, proxy_head

FIRST: Final = SIGNATURE[:1]


async def caller_behind(stream: trio.SocketStream, peer: str, timeout_s: float) -> str | None:
    """Return the caller's address and port, ``peer`` if no header came; ``None`` if the proxy left or was too slow.

    Raises ``BadProxyHeader``.
    """
    with trio.move_on_after(timeout_s):
        first = await stream.socket.recv(1, socket.MSG_PEEK)
        if first != FIRST:
            return peer
        head = proxy_head(await _exactly(stream, HEAD.size))
        return proxied_peer(head, await _exactly(stream, head.length), peer)
    return None


async def _exactly(stream: trio.SocketStream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = await stream.receive_some(size - len(data))
        if not more:
            raise BadProxyHeader("the proxy left within its header")
        data += more
    return data
