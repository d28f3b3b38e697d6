"""The port for Wyoming: a thin shell around ``protocol/dialects/wyoming.py``.

Rules kept here:

* Wyoming has no keys. Only this machine can connect, and the networks that ``gateway.wyoming_networks`` lists; all
  others are closed at the accept.
* Connections are bounded in number, for each address too, and every wait has a deadline. A session's place and a text's
  are taken by the admission that all listeners share; a refusal is told as an ``error``, and ends the connection.
* A session is opened by the first event that needs one, and ends with its connection.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, nullcontext
from typing import Final

import attrs
import trio

from backends.ingress.connections import OpenConnections
from backends.ingress.containment import contained
from backends.ingress.listeners import PortInUse, address_of
from backends.ingress.streams import STREAM_ERRORS, linger, send_in_pieces
from backends.ingress.wyoming_socket import WyomingSocket
from backends.protocols import Admitted, IngressHandlers, Refusal, Request, RequestAdmission, RequestKind
from config.settings import GatewaySettings
from protocol.admission.forwarding import is_trusted, networks_of
from protocol.admission.identity import LOOPBACK
from protocol.dialects.dialect import ClientLink, OpeningRequest
from protocol.dialects.wyoming import SESSION_EVENTS, TEXT_EVENT, WyomingDialect, error_frame, language_of
from protocol.dialects.wyoming_frames import FrameCutter, WyomingEvent, bad_field, packed, parsed
from protocol.dialects.wyoming_info import WyomingOffer, info_event
from protocol.dialects.wyoming_intent import intent_event
from protocol.dialects.wyoming_speech import SPEECH_EVENTS, SpeechRequest, request_of
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.events import ConnectionRefused
from protocol.messages.speaking import SpokenAudio
from protocol.messages.understanding import CommandMatch
from runtime.messaging.errors import AskError, MailboxError

log = logging.getLogger("sayso.wyoming")

PATH: Final = "wyoming:"
"""The name of this port in admission and metrics; no HTTP request can have it as its path."""
READ_BYTES: Final = 65_536
IDLE_S: Final = 300.0  # as the sessions' idle_timeout_s: satellites keep connections
STOP_GRACE_S: Final = 2.0
METHOD: Final = "WYOMING"  # of these requests in the metrics
OK, UNAVAILABLE = 200, 503
RETRY_S: Final = 60.0  # where it is never worth trying again
NORMAL: Final = 1000


@attrs.frozen
class WyomingServices:
    """The server's functions behind this port, besides sessions."""

    offer: Callable[[], WyomingOffer]
    """Returns what the server can do. Reads the disk."""
    synthesise: Callable[[str, str | None, float], Awaitable[SpokenAudio]]
    """Takes text, voice and speed; raises ``AskError`` or ``MailboxError``."""
    match: Callable[[str, str], CommandMatch | None]
    """Returns the command of a text in a language."""
    announce: Callable[[int], AbstractAsyncContextManager[None]] | None = None
    """Announces the port for a block; ``None`` if nobody is to find it."""


@attrs.frozen
class WyomingContext:
    """The same for every connection of this port."""

    settings: GatewaySettings
    handlers: IngressHandlers
    admission: RequestAdmission
    services: WyomingServices

    def count(self, what: str, status: int, duration_s: float = 0.0) -> None:
        """Count a request."""
        self.handlers.observe(METHOD, f"wyoming_{what}", status, duration_s)


class WyomingIngress:
    """The listener; ``serve`` may be called once."""

    def __init__(self, context: WyomingContext) -> None:
        self._context = context
        self._networks = networks_of(context.settings.wyoming_networks)
        self._connections = OpenConnections(context.settings)
        self._scope = trio.CancelScope()
        self._ended: trio.Event | None = None

    async def serve(self, *, task_status: trio.TaskStatus[Sequence[tuple[str, int]]]) -> None:
        """Listen until stopped or cancelled; starts with the bound addresses. Raises ``PortInUse``."""
        host = None if self._networks else "127.0.0.1"
        try:
            listeners = await trio.open_tcp_listeners(self._context.settings.wyoming_port, host=host)
        except OSError as error:
            raise PortInUse(host or "*", self._context.settings.wyoming_port, "gateway.wyoming_port") from error
        addresses = [address_of(listener.socket.getsockname()) for listener in listeners]
        log.info("Wyoming on port %d", addresses[0][1])
        announce = self._context.services.announce
        self._ended = trio.Event()
        try:
            with self._scope:
                announced = nullcontext() if announce is None else announce(addresses[0][1])
                async with announced, trio.open_nursery() as nursery:
                    task_status.started(addresses)
                    await trio.serve_listeners(self._accept, listeners, handler_nursery=nursery)
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Stop listening and cut all connections."""
        self._scope.cancel()
        if self._ended is not None:
            with trio.move_on_after(STOP_GRACE_S):
                await self._ended.wait()

    def is_allowed(self, host: str) -> bool:
        """Return whether this address may connect."""
        return host in LOOPBACK or is_trusted(host, self._networks)

    async def _accept(self, stream: trio.SocketStream) -> None:
        try:
            host, port = address_of(stream.socket.getpeername())
            if not self.is_allowed(host):
                log.warning("refused a Wyoming connection of %s: it is in none of gateway.wyoming_networks", host)
                self._context.count("refused", UNAVAILABLE)
                return
            await contained(log, "a Wyoming connection", self._serve, stream, f"{host}:{port}")
        except OSError as error:
            log.debug("a connection was lost before it was served: %r", error)
        finally:
            await trio.aclose_forcefully(stream)

    async def _serve(self, stream: trio.SocketStream, peer: str) -> None:
        with self._connections.place(peer) as place:
            if place is None or place.is_reserved:  # those beyond are for health checks
                self._context.count("refused", UNAVAILABLE)
                return
            place.work()
            try:
                await WyomingConnection(stream, peer, self._context).serve()
            except (*STREAM_ERRORS, trio.TooSlowError, OSError) as error:
                log.debug("a connection was lost: %r", error)


def refusal_of(verdict: Admitted | Refusal) -> ConnectionRefused | None:
    """Return what a client is told that gets no new session; ``None`` if it gets one. It has none to come back to."""
    if isinstance(verdict, Refusal):
        return ConnectionRefused(verdict.reason, round(1_000 * (verdict.retry_after_s or RETRY_S)))
    if verdict.returning_only is not None:
        with verdict.place:
            return verdict.returning_only
    return None


class WyomingConnection:
    """One connection, from the accept until it is over; does not close the stream."""

    def __init__(self, stream: trio.SocketStream, peer: str, context: WyomingContext) -> None:
        self._stream = stream
        self._context = context
        self._request = Request("GET", PATH, {}, {}, peer)
        self._cutter = FrameCutter()
        self._writing = trio.Lock()
        self._socket: WyomingSocket | None = None
        self._speech: SpeechRequest | None = None
        self._speech_place = ExitStack()
        self._places = ExitStack()
        self._reads_only = False
        """Whether the session was admitted for texts alone."""

    async def serve(self) -> None:
        """Serve events until the connection ends."""
        with self._places:
            await self._serve()
        await linger(self._stream)

    async def _serve(self) -> None:
        async with trio.open_nursery() as nursery:
            try:
                while (frame := await self._next_frame()) is not None and await self._take(frame, nursery):
                    pass
            except RemoteProtocolError as error:
                await self._write(error_frame(str(error), error.code))
            finally:
                self._speech_place.close()
                if self._socket is not None:
                    self._socket.end()

    async def _next_frame(self) -> bytes | None:
        """Return the next frame, ``None`` at the end; raises ``RemoteProtocolError`` and ``trio.TooSlowError``."""
        while (frame := self._cutter.next_frame()) is None:
            limit_s = self._context.settings.body_timeout_s if self._cutter.is_waiting else IDLE_S
            with trio.fail_after(limit_s):
                data = await self._read()
            if not data:
                return None
            self._cutter.feed(data)
        return frame

    async def _read(self) -> bytes:
        """Read more; empty at the end, also where our own side has ended the session."""
        if self._socket is None:
            return bytes(await self._stream.receive_some(READ_BYTES))
        return await self._socket.unless_closed(self._stream.receive_some)

    async def _take(self, frame: bytes, nursery: trio.Nursery) -> bool:
        """Serve one event; return whether the connection goes on."""
        event = parsed(frame)
        if event.type in SESSION_EVENTS:
            return await self._hand_on(event, frame, nursery)
        try:
            if event.type == "describe":
                await self._tell(info_event(await trio.to_thread.run_sync(self._context.services.offer)))
            elif event.type == "ping":
                await self._tell(WyomingEvent("pong", event.data))
            elif event.type == "recognize":
                return await self._recognise(event)
            elif event.type in SPEECH_EVENTS:
                return await self._speak(event)
        except RemoteProtocolError as error:
            if error.fatal:
                raise
            await self._write(error_frame(str(error), error.code))
            return False  # the client waits for an answer that does not come
        return True

    # --- what needs a session --------------------------------------------------------------------

    async def _hand_on(self, event: WyomingEvent, frame: bytes, nursery: trio.Nursery) -> bool:
        """Give a frame to the session, which is opened by the first one; return whether there is one."""
        kind = RequestKind.TEXT_SESSION if event.type == TEXT_EVENT else RequestKind.WEBSOCKET
        if self._socket is None or (self._reads_only and kind is RequestKind.WEBSOCKET):
            dialect = WyomingDialect(OpeningRequest(PATH))
            verdict = await self._context.admission.admit(self._request, kind)
            told = refusal_of(verdict)
            if told is not None:
                self._context.count("session", UNAVAILABLE)
                for answer in (*self._answers(dialect, frame), *dialect.encode(told, 0)):
                    await self._write(answer)
                return False
            await self._admit(dialect, verdict, nursery)
            self._reads_only = kind is RequestKind.TEXT_SESSION
        return self._socket is not None and await self._socket.take(frame)

    def _answers(self, dialect: WyomingDialect, frame: bytes) -> Sequence[bytes]:
        """Let a dialect see what was asked, so that it refuses that; return what it says of a mistake."""
        try:
            dialect.decode(frame)
        except RemoteProtocolError as error:
            return (error_frame(str(error), error.code),)
        return ()

    async def _admit(self, dialect: WyomingDialect, verdict: Admitted | Refusal, nursery: trio.Nursery) -> None:
        """Keep the place until the end of the connection, and open the session if there is none."""
        if isinstance(verdict, Refusal):
            raise TypeError("a refusal has no place")
        self._places.enter_context(verdict.place)
        if self._socket is None:
            self._socket = WyomingSocket(verdict.identity, self._write)
            self._context.count("session", OK)
            nursery.start_soon(self._run_session, ClientLink(self._socket, dialect), verdict)

    async def _run_session(self, client: ClientLink, verdict: Admitted) -> None:
        what = f"the session of {self._request.peer}"
        await contained(log, what, self._context.handlers.serve_client, client, self._request, verdict)
        client.socket.start_close(NORMAL, "")

    async def _refuse(self, refusal: Refusal) -> None:
        wait = "" if refusal.retry_after_s is None else f"; try again in {refusal.retry_after_s:.0f} s"
        await self._write(error_frame(f"{refusal.reason}{wait}", refusal.cause))

    # --- what needs none -------------------------------------------------------------------------

    async def _recognise(self, event: WyomingEvent) -> bool:
        """Answer with the command of a text; return whether the connection goes on."""
        text = event.text("text")
        if text is None:
            raise bad_field("recognize.text must be a string")
        language = language_of(event) or "en"
        verdict = await self._context.admission.admit(self._request, RequestKind.HTTP)
        if isinstance(verdict, Refusal):
            await self._refuse(verdict)
            return False
        with verdict.place:
            self._context.count("recognize", OK)
            await self._tell(intent_event(self._context.services.match(text, language), text))
        return True

    async def _speak(self, event: WyomingEvent) -> bool:
        """Take one event about speech; return whether the connection goes on."""
        if event.type in {"synthesize", "synthesize-start"} and self._speech is None and not await self._begin(event):
            return False
        speech = self._speech
        if speech is None or (event.type == "synthesize" and speech.is_streamed):
            return True  # the whole text again, or what belongs to no text
        sentences = list(speech.add(event.text("text") or ""))
        is_last = event.type in {"synthesize", "synthesize-stop"}
        if is_last:
            sentences += speech.finish()
        if not await self._say(speech, sentences):
            return False
        if is_last:
            self._speech = None
            self._speech_place.close()
            await self._tell(*speech.end())
        return True

    async def _begin(self, event: WyomingEvent) -> bool:
        """Begin to speak a text, if it is admitted; it keeps its place until it is spoken."""
        offer = await trio.to_thread.run_sync(self._context.services.offer)
        if not offer.voices:
            raise bad_field("this server does not speak: it has no voice")
        speech = request_of(event, offer.voices)
        verdict = await self._context.admission.admit(self._request, RequestKind.HTTP)
        if isinstance(verdict, Refusal):
            await self._refuse(verdict)
            return False
        self._speech_place.enter_context(verdict.place)
        self._speech = speech
        return True

    async def _say(self, speech: SpeechRequest, sentences: Sequence[str]) -> bool:
        """Send the audio of each sentence; return whether that went well."""
        for sentence in sentences:
            began_s = trio.current_time()
            try:
                spoken = await self._context.services.synthesise(sentence, speech.voice, 1.0)
            except (AskError, MailboxError) as error:
                log.warning("a text could not be spoken: %s", error)
                self._context.count("synthesize", UNAVAILABLE, trio.current_time() - began_s)
                await self._write(error_frame(f"the text could not be spoken: {error}", "speech"))
                return False
            self._context.count("synthesize", OK, trio.current_time() - began_s)
            await self._tell(*speech.audio(spoken))
        return True

    # --- writing ---------------------------------------------------------------------------------

    async def _tell(self, *told: WyomingEvent) -> None:
        for event in told:
            await self._write(packed(event))

    async def _write(self, frame: bytes) -> None:
        """Send a frame; raises what the stream raises, and ``trio.TooSlowError``."""
        async with self._writing:
            await send_in_pieces(self._stream, frame, self._context.settings.websocket.send_timeout_s)
