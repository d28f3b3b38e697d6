"""The outgoing direction: a session's events and speech become frames in its client's dialect.

Rules kept here:

* Every event is numbered, and kept for a client that may come back, before it is queued; but not
  ``connection_accepted``, which is out of date for a client that comes back.
* A turn's beginning and its end are kept for other replicas before they are told, and each event of a lost client.
* While the client is lost, events are numbered and kept on, and speech is not.
"""

from collections.abc import Sequence

import attrs
import trio

from actors.connection.context import ConnectionContext
from protocol.admission.rate import SlidingCount
from protocol.dialects.speech_frames import SpeechFrames
from protocol.messages.errors import CloseCode, RemoteProtocolError
from protocol.messages.events import AudioAck, ConnectionAccepted, Error, ServerEvent, SpeechFormat


@attrs.define(eq=False)
class ClientWriter:
    """Writes to one session's client, wherever it is; sending raises ``SocketClosed``."""

    context: ConnectionContext
    speech: SpeechFrames
    errors: SlidingCount
    """Mistakes of the client."""

    async def send(self, event: ServerEvent) -> None:
        """Number an event, keep it and queue its frames; raises ``LocalProtocolError`` if it may not be sent now."""
        packets, event = self.speech.announce(event, self._speech_format)
        await self._queue_speech(packets)
        self.context.state.send(event)
        memory = self.context.memory
        checkpoint = self.context.moves.checkpoint
        if checkpoint is not None and isinstance(event, AudioAck):
            event = AudioAck(checkpoint.acknowledged(event.samples))
        seq = memory.sent.next_seq()
        is_news = memory.sent.note_turn(event)
        if not isinstance(event, ConnectionAccepted):
            memory.keep_event(seq, event, trio.current_time())
        if (
            checkpoint is not None
            and (is_news or memory.is_lost or isinstance(event, ConnectionAccepted))
            and not await checkpoint.save()
        ):
            return  # the client is at another replica, or on its way
        if memory.link is not None:
            await memory.link.send(event, seq)

    async def send_again(self, last_seq: int) -> None:
        """Queue the events after number ``last_seq`` that are still kept."""
        for seq, event in self.context.memory.sent.after(last_seq):
            if self.context.memory.link is not None:
                await self.context.memory.link.send(event, seq)

    async def send_speech(self, samples: bytes) -> None:
        """Queue more speech in the session's format, if there is a client to hear it."""
        await self._queue_speech(self.speech.frames(samples, self._speech_format))

    def drop_speech(self) -> None:
        """Drop speech that the socket has not sent."""
        self.speech.drop()
        socket = self.context.memory.socket
        if socket is not None:
            socket.drop_speech()

    async def complain(self, error: RemoteProtocolError) -> None:
        """Report the client's mistake to it, and close its socket if that was fatal or one too many."""
        too_many = self.errors.add(trio.current_time())
        is_fatal = error.fatal or too_many
        await self.send(Error(error.code, str(error), fatal=is_fatal, event_id=error.event_id))
        if too_many:
            self.close(CloseCode.POLICY_VIOLATION, "too many errors")
        elif error.fatal:
            self.close(error.close_code or CloseCode.POLICY_VIOLATION, error.code)

    def close(self, code: int, reason: str, *, timeout_s: float | None = None) -> None:
        """Close the client's socket, if it has one."""
        socket = self.context.memory.socket
        if socket is not None:
            socket.start_close(code, reason, timeout_s=timeout_s)

    @property
    def _speech_format(self) -> SpeechFormat:
        options = self.context.memory.options
        return "pcm_s16le" if options is None else options.speech_format

    async def _queue_speech(self, packets: Sequence[bytes]) -> None:
        link = self.context.memory.link
        if link is None:
            return
        for packet in packets:
            for frame in link.dialect.speech(packet):
                await link.socket.send_speech(frame)
