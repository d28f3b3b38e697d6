"""A Python client of sayso's native protocol, for asyncio and for Trio.

It talks to a server over one WebSocket: audio or typed commands go out, events and the answer's speech come back. The
protocol itself is in ``docs/protocol.md``. It needs anyio, attrs, msgspec and websockets, and nothing of the server.

A typed command, and all events that follow::

    import anyio
    from sayso_client import Reply, TurnCompleted, connect

    async def main() -> None:
        async with connect("ws://127.0.0.1:8000/ws") as session:
            await session.send_text("what time is it")
            async for event in session:
                match event:
                    case Reply(text=text):
                        print(text)
                    case TurnCompleted():
                        break

    anyio.run(main)  # or asyncio.run(main()), or trio.run(main)

**Audio** goes out with ``send_audio``, from a task of its own, as it is recorded: frames of 20 to 100 ms are best.
The default format is s16le, mono, 16 kHz; ``ClientOptions.audio`` names another. Speech comes back as ``SpeechAudio``::

    async def main() -> None:
        options = ClientOptions(audio=AudioFormat(sample_rate=48_000), language="de")
        async with connect("wss://voice.example.org/ws", options) as session, anyio.create_task_group() as tasks:
            tasks.start_soon(record, session)  # calls session.send_audio
            async for event in session:
                match event:
                    case SpeechAudio(data=pcm, sample_rate=rate):
                        player.play(pcm, rate)
                    case SpeechAudioPaused():
                        player.clear()  # the user speaks into the answer
                    case ConfirmRequest(call_id=call_id, say=question):
                        await session.confirm(call_id, approve=await ask(question))

**Keep receiving.** The session has no task of its own: while no task receives, pings stay unanswered and a lost
connection unnoticed. One task may receive while others send.

**A lost connection** is opened again, with waits that are random and grow, as the server's close code allows
(``sayso_client.reconnection`` has the table). The session is resumed: the events that were missed come first, then
a ``ConnectionAccepted`` with ``resumed=True``, and the audio that the server has not got is sent again from the sample
that it names. Meanwhile ``send_audio`` keeps up to ``Bounds.audio_s`` seconds. If the session is gone, a new one begins
with ``resumed=False`` and with the audio that has not been sent. ``connect(..., reconnect=None)`` does none of this.

**Errors** are ``ClientError``: ``NoServer``, ``ServerRefused`` (with ``retry_after_s``) and ``BadAddress`` when the
session cannot be opened; ``SessionClosed`` (with the close code) when it has ended for good; ``DeliveryUnknown`` when a
typed command was being sent as the connection broke. After ``session.bye()`` the running turn is finished, and then
the iteration ends.

**Lower level**: ``Endpoint(url).open()`` is the WebSocket alone, for programs that implement the protocol themselves.
"""

from sayso_client.errors import (
    BadAddress,
    BadFrame,
    ClientError,
    DeliveryUnknown,
    LineLost,
    NoServer,
    ServerRefused,
    SessionClosed,
    TooManyEvents,
)
from sayso_client.events import (
    AudioAck,
    AudioOverrun,
    AudioSpan,
    ConfirmRequest,
    ConnectionAccepted,
    ConnectionRefused,
    Degraded,
    Error,
    Event,
    GoingAway,
    LatencyMs,
    NoSpeech,
    NothingCommitted,
    Pong,
    Question,
    Recovered,
    Reply,
    ReplyDelta,
    ServerInfo,
    SessionLimits,
    SpeechAudio,
    SpeechAudioEnd,
    SpeechAudioPaused,
    SpeechAudioResumed,
    SpeechAudioStart,
    SpeechStarted,
    SpeechStopped,
    Status,
    TextEvent,
    ToolCall,
    ToolProgress,
    ToolResult,
    Transcript,
    TranscriptPartial,
    TurnCompleted,
    Understood,
    UnknownEvent,
    WakeDetected,
    WakeState,
    Word,
    as_data,
    wire_name,
)
from sayso_client.reconnection import ReconnectPolicy
from sayso_client.requests import AudioFormat, Capability, ClientOptions, ClientTool, OptionChanges
from sayso_client.session import Bounds, ClientSession, Received, connect
from sayso_client.websocket import Endpoint, WebSocket

__all__ = [
    "AudioAck",
    "AudioFormat",
    "AudioOverrun",
    "AudioSpan",
    "BadAddress",
    "BadFrame",
    "Bounds",
    "Capability",
    "ClientError",
    "ClientOptions",
    "ClientSession",
    "ClientTool",
    "ConfirmRequest",
    "ConnectionAccepted",
    "ConnectionRefused",
    "Degraded",
    "DeliveryUnknown",
    "Endpoint",
    "Error",
    "Event",
    "GoingAway",
    "LatencyMs",
    "LineLost",
    "NoServer",
    "NoSpeech",
    "NothingCommitted",
    "OptionChanges",
    "Pong",
    "Question",
    "Received",
    "ReconnectPolicy",
    "Recovered",
    "Reply",
    "ReplyDelta",
    "ServerInfo",
    "ServerRefused",
    "SessionClosed",
    "SessionLimits",
    "SpeechAudio",
    "SpeechAudioEnd",
    "SpeechAudioPaused",
    "SpeechAudioResumed",
    "SpeechAudioStart",
    "SpeechStarted",
    "SpeechStopped",
    "Status",
    "TextEvent",
    "TooManyEvents",
    "ToolCall",
    "ToolProgress",
    "ToolResult",
    "Transcript",
    "TranscriptPartial",
    "TurnCompleted",
    "Understood",
    "UnknownEvent",
    "WakeDetected",
    "WakeState",
    "WebSocket",
    "Word",
    "as_data",
    "connect",
    "wire_name",
]
