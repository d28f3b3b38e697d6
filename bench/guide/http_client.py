"""A small HTTP client of the guide's benchmark: GET over one connection that stays open, by h11 on a Trio stream.

It takes less of the machine than a complete client does, so that what is measured is the server.
"""

import math
import ssl
from typing import Final, Self
from urllib.parse import urlsplit

import attrs
import h11
import trio

RECEIVE_BYTES: Final = 65_536
REQUEST_TIMEOUT_S: Final = 30.0
WEB_SOCKET: Final = "/ws"
PORTS: Final = {False: 80, True: 443}
SCHEMES: Final = {"http": False, "ws": False, "https": True, "wss": True}


class TargetError(Exception):
    """The server that is measured did not answer as it must; the message is for the person who measures."""


@attrs.frozen
class Address:
    """Where a server is."""

    host: str
    port: int
    is_secure: bool = False
    path: str = ""
    """What all its paths begin with; empty for a server of its own."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the address in ``http://host:port``, or the one of its WebSocket; raises ``ValueError``."""
        parts = urlsplit(text)
        if parts.scheme not in SCHEMES or not parts.hostname or parts.port == 0:  # ``port`` raises for what is none
            raise ValueError(f"must be like http://127.0.0.1:8000, not {text!r}")
        is_secure = SCHEMES[parts.scheme]
        path = parts.path.removesuffix("/").removesuffix(WEB_SOCKET)
        return cls(parts.hostname, parts.port or PORTS[is_secure], is_secure, path)

    @property
    def authority(self) -> str:
        """Host and port as ``Host`` and URLs have them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def url(self, path: str) -> str:
        """Return the URL of a path, for messages."""
        return f"http{'s' if self.is_secure else ''}://{self.authority}{self.path}{path}"

    @property
    def websocket_url(self) -> str:
        """The URL of its WebSocket."""
        return f"ws{'s' if self.is_secure else ''}://{self.authority}{self.path}{WEB_SOCKET}"


@attrs.frozen
class HttpAnswer:
    """Status and body."""

    status: int
    body: bytes

    @property
    def is_ok(self) -> bool:
        """Whether the status is one of success."""
        return self.status in range(200, 300)


class HttpClient:
    """One connection, which is opened by the first request and again where the server has closed it."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._stream: trio.abc.Stream | None = None
        self._connection = h11.Connection(h11.CLIENT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._drop()

    async def get(self, path: str) -> HttpAnswer:
        """Return the answer to a GET, whatever its status; raises ``TargetError`` where none comes in time."""
        url = self._address.url(path)
        try:
            with trio.fail_after(REQUEST_TIMEOUT_S):
                return await self._exchange(path)
        except trio.TooSlowError as error:
            raise TargetError(f"{url} did not answer within {REQUEST_TIMEOUT_S:g} s") from error
        except h11.RemoteProtocolError as error:
            raise TargetError(f"what answers at {url} speaks no HTTP: {error}") from error
        except (OSError, trio.BrokenResourceError) as error:
            raise TargetError(f"no answer from {url}: {error.__cause__ or error}") from error

    async def _exchange(self, path: str) -> HttpAnswer:
        headers = [("Host", self._address.authority), ("Accept", "*/*"), ("User-Agent", "sayso-bench")]
        done = False
        try:
            stream = self._stream = self._stream or await self._connect()
            request = h11.Request(method="GET", target=self._address.path + path, headers=headers)
            head = self._connection.send(request) or b""
            await stream.send_all(head + (self._connection.send(h11.EndOfMessage()) or b""))
            answer = await self._receive(stream)
            done = self._connection.our_state is self._connection.their_state is h11.DONE
        finally:
            if not done:
                await self._drop()
        if done:
            self._connection.start_next_cycle()
        return answer

    async def _receive(self, stream: trio.abc.Stream) -> HttpAnswer:
        status, body = 0, bytearray()
        while True:
            event = self._connection.next_event()
            match event:
                case h11.NEED_DATA:
                    self._connection.receive_data(bytes(await stream.receive_some(RECEIVE_BYTES)))
                case h11.Response():
                    status = event.status_code
                case h11.Data():
                    body += event.data
                case h11.EndOfMessage():
                    return HttpAnswer(status, bytes(body))
                case h11.ConnectionClosed():
                    raise TargetError(f"{self._address.url('')} closed the connection without an answer")

    async def _connect(self) -> trio.abc.Stream:
        host, port = self._address.host, self._address.port
        if not self._address.is_secure:
            return await trio.open_tcp_stream(host, port, happy_eyeballs_delay=math.inf)
        context = ssl.create_default_context()
        return await trio.open_ssl_over_tcp_stream(host, port, https_compatible=True, ssl_context=context)

    async def _drop(self) -> None:
        stream, self._stream = self._stream, None
        self._connection = h11.Connection(h11.CLIENT)
        if stream is not None:
            await trio.aclose_forcefully(stream)
