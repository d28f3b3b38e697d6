"""A client of the native protocol, as any app would write one: trio-websocket and JSON, nothing of the server's code.

Rules kept here:

* Whatever goes wrong between here and the server is one ``ClientError`` in words for the person who typed a command.
* The socket is always being read, or we would not notice that the server has gone.
"""

import json
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import trio
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream

from sayso_client import ClientError

CONNECT_TIMEOUT_S: Final = 5.0
GOODBYE_TIMEOUT_S: Final = 3.0
RECEIVE_BYTES: Final = 65_536  # the library's 4 KiB cost a wake-up each
MAX_MESSAGE_BYTES: Final = 16 << 20
CLIENT_ID: Final = "sayso-say"
Stream = trio.SocketStream | trio.SSLStream[trio.SocketStream]


@attrs.frozen
class Event:
    """One text frame of the server."""

    type: str
    data: Mapping[str, Any]
    frame: str
    """As it came."""


@attrs.frozen
class Opening:
    """What a client says first."""

    capabilities: Sequence[str] = ("stt", "llm", "tools", "tts")
    sample_rate: int = 16_000
    channels: int = 1

    def as_data(self) -> dict[str, Any]:
        """Return the ``data`` of a ``connection_request``."""
        audio = {"format": "pcm_s16le", "sample_rate": self.sample_rate, "channels": self.channels}
        return {"client_id": CLIENT_ID, "capabilities": list(self.capabilities), "audio": audio}


class Talk:
    """An open conversation."""

    def __init__(self, socket: WebSocketConnection) -> None:
        self._socket = socket

    async def send(self, name: str, **data: Any) -> None:
        """Send an event; raises ``ClientError`` if the server has gone."""
        await self._send(json.dumps({"type": name, "data": data}))

    async def send_audio(self, pcm: bytes) -> None:
        """Send samples in the announced format; raises ``ClientError``."""
        await self._send(pcm)

    async def receive(self) -> Event | bytes:
        """Return the next event or piece of speech (bytes); raises ``ClientError``."""
        try:
            frame = await self._socket.get_message()
        except ConnectionClosed as error:
            raise ClientError(_closed(error)) from error
        return frame if isinstance(frame, bytes) else parse(frame)

    async def leave(self) -> None:
        """Close; a server that is slow to say goodbye is left without."""
        with trio.move_on_after(GOODBYE_TIMEOUT_S):
            await self._socket.aclose()

    async def _send(self, frame: str | bytes) -> None:
        try:
            await self._socket.send_message(frame)
        except ConnectionClosed as error:
            raise ClientError(_closed(error)) from error


def parse(frame: str) -> Event:
    """Return the event in a server's text frame; raises ``ClientError`` if it is none."""
    try:
        content = json.loads(frame)
        return Event(content["type"], content["data"], frame)
    except (ValueError, KeyError, TypeError) as error:
        raise ClientError(f"the server sent what is no event: {frame[:80]!r}") from error


@asynccontextmanager
async def connect(url: str, opening: Opening) -> AsyncIterator[tuple[Talk, Event]]:
    """Open a conversation; gives it and the ``connection_accepted`` event. Raises ``ClientError``."""
    failure: ClientError | None = None  # raised outside of the nursery, which would wrap it
    async with await _open_stream(url) as stream:  # ours to close: the library forgets it when the server closes first
        try:
            async with trio.open_nursery() as nursery:
                try:
                    talk = Talk(await _open_socket(nursery, stream, url))
                    yield talk, await _introduce(talk, opening, url)
                    await talk.leave()
                except ClientError as error:
                    failure = error
                nursery.cancel_scope.cancel()
        except* ConnectionRejected as rejected:
            failure = ClientError(_rejected(url, rejected))
    if failure is not None:
        raise failure


async def _open_stream(url: str) -> Stream:
    if not is_address(url):
        raise ClientError(f"the address must be like ws://127.0.0.1:8000/ws, not {url!r}")
    parts = urlsplit(url)
    host, is_secure = str(parts.hostname), parts.scheme == "wss"
    try:
        with trio.fail_after(CONNECT_TIMEOUT_S):
            stream = await trio.open_tcp_stream(host, parts.port or (443 if is_secure else 80))
            return await _secured(stream, host) if is_secure else stream
    except trio.BrokenResourceError as error:
        raise ClientError(f"no safe connection to {url}: {error.__cause__}") from error
    except (OSError, trio.TooSlowError) as error:  # no such host, nobody listens there, or nobody answers
        why = str(error) or f"no answer within {CONNECT_TIMEOUT_S:g} s"
        raise ClientError(f"no server at {url} ({why}): start one with `sayso serve`") from error


async def _secured(stream: trio.SocketStream, host: str) -> Stream:
    secure = trio.SSLStream(stream, ssl.create_default_context(), server_hostname=host, https_compatible=True)
    try:
        await secure.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return secure


async def _open_socket(nursery: trio.Nursery, stream: Stream, url: str) -> WebSocketConnection:
    parts = urlsplit(url)
    resource = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    try:
        with trio.fail_after(CONNECT_TIMEOUT_S):
            return await wrap_client_stream(
                nursery, stream, host, resource, max_message_size=MAX_MESSAGE_BYTES, receive_buffer_size=RECEIVE_BYTES
            )
    except trio.TooSlowError as error:
        raise ClientError(f"{url} did not take a WebSocket within {CONNECT_TIMEOUT_S:g} s") from error


async def _introduce(talk: Talk, opening: Opening, url: str) -> Event:
    try:
        with trio.fail_after(CONNECT_TIMEOUT_S):
            await talk.send("connection_request", **opening.as_data())
            return accepted(await talk.receive())
    except trio.TooSlowError as error:
        raise ClientError(f"{url} took the connection but does not answer") from error


def accepted(event: Event | bytes) -> Event:
    """Return the event if it opens the conversation; raises ``ClientError`` with the server's reason otherwise."""
    if isinstance(event, bytes):
        raise ClientError("the server sent audio before it accepted the connection")
    match event.type:
        case "connection_accepted":
            return event
        case "connection_refused":
            wait_s = event.data.get("retry_after_ms", 0) / 1_000
            raise ClientError(f"the server refused: {event.data.get('reason')}; try again in {wait_s:g} s")
        case "error":
            raise ClientError(f"the server refused: {event.data.get('message')}")
        case _:
            raise ClientError(f"the server must first accept or refuse, but sent {event.type}")


def is_address(url: str) -> bool:
    """Return whether ``url`` names a host that speaks WebSocket."""
    try:
        parts = urlsplit(url)
        return parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False


def _rejected(url: str, group: ExceptionGroup[ConnectionRejected]) -> str:
    error: ConnectionRejected | ExceptionGroup[ConnectionRejected] = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    headers = dict(error.headers or ())
    after = headers.get(b"retry-after", b"").decode("latin-1")
    text = (error.body or b"").decode(errors="replace").strip()[:200]
    again = f"; try again in {after} s" if after else ""
    return f"{url} refused the connection: {error.status_code} {text}".rstrip() + again


def _closed(error: ConnectionClosed) -> str:
    reason = error.reason
    if reason is None:
        return "the connection to the server was lost"
    return f"the server closed the connection: {reason.code} {reason.reason or ''}".rstrip()
