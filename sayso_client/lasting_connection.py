"""A WebSocket that is opened again when it was lost.

Rules kept here:

* The first that finds the connection lost opens it again; the others wait for that.
* A try that is cancelled goes on with the next call: what it still had to wait is not waited twice.
* The end of the connection is final, and every later call raises it.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from sayso_client.errors import ABNORMAL, BadFrame, LineLost, NoServer, ServerRefused, SessionClosed
from sayso_client.reconnection import MISTAKE, TRY_LATER, Tries
from sayso_client.websocket import Endpoint, WebSocket

LATER_STATUSES: Final = frozenset({429, 500, 502, 503, 504})  # HTTP: another try may succeed
Introduce = Callable[[WebSocket], Awaitable[None]]
Take = Callable[[str | bytes], object]


class LastingConnection:
    """Opens a WebSocket to ``endpoint`` as often as it must.

    ``introduce`` makes the protocol's handshake each time. When it is lost, ``take`` gets frames that were read and not
    received.
    """

    def __init__(self, endpoint: Endpoint, tries: Tries, introduce: Introduce, take: Take) -> None:
        self.retry_after_s: float | None = None
        """When a server that goes away asks its clients to come back; reset after the reconnection."""
        self.replica: str | None = None
        """The replica to ask for, once, when the connection is lost; another one takes the session over if it must."""
        self._endpoint = endpoint
        self._tries = tries
        self._introduce = introduce
        self._take = take
        self._socket: WebSocket  # once it is open
        self._end: SessionClosed | None = None
        self._is_leaving = False
        self._opening = anyio.Lock(fast_acquire=True)

    @property
    def close_code(self) -> int | None:
        """The close code of the last WebSocket; None while it is open."""
        return self._socket.close_code

    @property
    def is_being_opened(self) -> bool:
        """Whether another task is opening it again."""
        return self._opening.locked()

    async def open(self) -> None:
        """Try once; raises ``BadAddress``, ``NoServer``, ``ServerRefused``, ``BadFrame`` and ``LineLost``."""
        wanted, self.replica = self.replica, None  # a replica that cannot be had is not asked for again
        socket = await self._endpoint.open(at=wanted)
        try:
            with anyio.fail_after(self._endpoint.timeout_s):
                await self._introduce(socket)
        except TimeoutError as error:
            await socket.abort()
            raise NoServer(f"{self._endpoint.url} took the connection but does not answer") from error
        except BaseException:
            await socket.abort()
            raise
        self._socket = socket
        self.retry_after_s = None
        self._tries.opened(anyio.current_time())

    async def get(self) -> WebSocket:
        """Return the WebSocket, opened again if it was lost; raises ``SessionClosed``."""
        async with self._opening:
            self.check()
            if not self._socket.is_open:
                await self._come_back()
            return self._socket

    def check(self) -> None:
        """Raise ``SessionClosed`` if it has ended for good."""
        if self._end is not None:
            raise SessionClosed(self._end.code, self._end.reason)

    def leave(self) -> None:
        """Do not open it again once it is lost."""
        self._is_leaving = True

    async def close(self) -> None:
        """Close with 1000; do not wait for long for the server's close frame."""
        self.leave()
        await self._socket.close()

    async def abort(self) -> None:
        """Close at once, without a close frame."""
        self.leave()
        await self._socket.abort()

    async def _come_back(self) -> None:
        await self._socket.abort()
        for frame in self._socket.take_waiting():
            self._take(frame)
        if self._tries.due_at is None:  # else a try was cancelled, and goes on
            self._lose(self._socket.close_code or ABNORMAL, self._socket.close_reason, self.retry_after_s)
        while self._tries.due_at is not None:
            await anyio.sleep_until(self._tries.due_at)
            try:
                await self.open()
            except ServerRefused as refused:
                may_change = refused.retry_after_s is not None or refused.status in LATER_STATUSES
                self._lose(TRY_LATER if may_change else MISTAKE, str(refused), refused.retry_after_s)
            except LineLost as lost:
                self._lose(lost.code, lost.reason)
            except NoServer as error:
                self._lose(ABNORMAL, f"({error})")
            except BadFrame as error:
                self._lose(MISTAKE, str(error))

    def _lose(self, code: int, reason: str, retry_after_s: float | None = None) -> None:
        """Plan the next try; raises ``SessionClosed`` if there is none."""
        self._tries.lost(code, retry_after_s, anyio.current_time())
        if self._tries.due_at is None or self._is_leaving:
            self._end = SessionClosed(code, reason)
            raise self._end
