"""Speakers whose microphone is always on, who come back when their connection breaks, and know how long they were away.

Rules kept here:

* A speaker says the next clip when the last one was answered, so that what comes belongs to what was said.
* What is told again after a return counts once: turns are known by their ids.
* Words that were taken by a turn that failed may come again as another turn; a speaker waits for that.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from random import Random
from typing import Final

import attrs
import trio
from anyio.abc import ByteStream

from bench.load.callers import FRAME_BYTES, FRAME_S
from bench.load.records import Clip
from sayso_client import (
    AudioAck,
    Capability,
    ClientError,
    ClientOptions,
    ClientSession,
    ConnectionAccepted,
    Error,
    Event,
    NoSpeech,
    Reply,
    SpeechAudio,
    SpeechAudioEnd,
    SpeechStarted,
    Status,
    ToolCall,
    Transcript,
    TurnCompleted,
    connect,
)
from sayso_client.websocket import BROKEN, connect_stream, parse_address

PATIENCE_S: Final = 20.0
STRAY_S: Final = 0.4  # an answer that comes twice comes by then


@attrs.define
class Saying:
    """One clip that was said, and what came of it."""

    name: str
    begun_s: float
    """Unix time."""
    texts: list[str] = attrs.field(factory=list)
    tools: list[str] = attrs.field(factory=list)
    call_ids: list[str] = attrs.field(factory=list)
    replies: list[str] = attrs.field(factory=list)
    outcomes: dict[str, str] = attrs.field(factory=dict)
    """Of each turn that has ended, by its id."""
    open_turns: set[str] = attrs.field(factory=set)
    spoken: int = 0
    """How many answers were spoken to their end."""
    no_speech: list[str] = attrs.field(factory=list)
    """Why something was taken for no words."""
    is_over: bool = False

    @property
    def is_answered(self) -> bool:
        """Whether it was heard and its turn ended well."""
        return bool(self.texts) and "done" in self.outcomes.values()

    @property
    def has_failed(self) -> bool:
        """Whether its turn had acted when its replica died, so that it was not done again."""
        return not self.is_answered and "failed" in self.outcomes.values() and bool(self.call_ids)


@attrs.define
class History:
    """What one speaker has been through."""

    said: list[Saying] = attrs.field(factory=list)
    waits_s: list[float] = attrs.field(factory=list)
    """From the loss of the connection to the acceptance of the next, each time."""
    sessions: set[str] = attrs.field(factory=set)
    turns: set[str] = attrs.field(factory=set)
    """All turns of which it knows the end."""
    resumed: int = 0
    forgotten: int = 0
    """How often it came back and was taken for somebody new."""
    events: list[str] = attrs.field(factory=list)
    """All events but audio and its acknowledgements, with the seconds since the connection was opened first."""
    errors: list[str] = attrs.field(factory=list)
    trouble: str = ""
    """Why its session ended, if it did."""


@attrs.define(eq=False)
class WatchedStream(ByteStream):
    """A connection that tells when it is lost."""

    stream: ByteStream
    on_loss: Callable[[], None]

    async def receive(self, max_bytes: int = 65_536) -> bytes:
        """Return what comes; raises as the connection does."""
        try:
            return await self.stream.receive(max_bytes)
        except BROKEN:
            self.on_loss()
            raise

    async def send(self, item: bytes) -> None:
        """Send; raises as the connection does."""
        try:
            await self.stream.send(item)
        except BROKEN:
            self.on_loss()
            raise

    async def send_eof(self) -> None:
        """Send the end."""
        await self.stream.send_eof()

    async def aclose(self) -> None:
        """Close it."""
        await self.stream.aclose()


@attrs.define(eq=False)
class Speaker:
    """One client."""

    url: str
    capabilities: tuple[Capability, ...]
    rng: Random
    pause_s: tuple[float, float] = (0.3, 1.0)
    """From the end of an answer to the next clip: at least, at most."""
    history: History = attrs.field(factory=History)
    _session: ClientSession = attrs.field(init=False)
    _waiting: bytearray = attrs.field(factory=bytearray, init=False)
    _opened_s: float = attrs.field(default=0.0, init=False)
    _lost_s: float | None = attrs.field(default=None, init=False)
    _owner_of: dict[str, Saying] = attrs.field(factory=dict, init=False)
    _news: trio.Event = attrs.field(factory=trio.Event, init=False)
    _is_gone: bool = attrs.field(default=False, init=False)

    async def talk(
        self,
        clips: Iterable[Clip],
        on_open: Callable[[], None] = lambda: None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Open a session, say one clip after the other, and leave; what went wrong is in the history."""
        self._opened_s = trio.current_time()
        options = ClientOptions(client_id="bench", capabilities=self.capabilities)
        try:
            connection = connect(self.url, options, open_stream=self._open_stream, rng=self.rng)
            async with connection as self._session, trio.open_nursery() as nursery:
                nursery.start_soon(self._listen)
                nursery.start_soon(self._stream)
                on_open()
                for clip in clips:
                    await self._say(clip)
                await trio.sleep(STRAY_S)
                on_end()
                nursery.cancel_scope.cancel()
        except* ClientError as broken:
            self.history.trouble = repr(broken.exceptions[0])

    async def _open_stream(self) -> ByteStream:
        return WatchedStream(await connect_stream(parse_address(self.url)), self._lose)

    def _lose(self) -> None:
        if self._lost_s is None:
            self._lost_s = trio.current_time()

    async def _say(self, clip: Clip) -> None:
        saying = Saying(clip.name, time.time())
        self.history.said.append(saying)
        self._waiting += clip.pcm
        with trio.move_on_after(len(clip.pcm) / 2 / 16_000 + PATIENCE_S):
            while not self._is_gone and not self._is_over(saying):
                await self._news.wait()
        saying.is_over = True
        await trio.sleep(self.rng.uniform(*self.pause_s))

    def _is_over(self, saying: Saying) -> bool:
        has_ended = saying.is_answered or saying.has_failed
        wants_speech = "tts" in self.capabilities and bool(saying.replies) and saying.is_answered
        return has_ended and not saying.open_turns and not (wants_speech and not saying.spoken)

    async def _stream(self) -> None:
        """Send what is said in real time, and silence between."""
        begun_s, number = trio.current_time(), 0
        while True:
            number += 1
            await trio.sleep_until(begun_s + number * FRAME_S)
            frame = bytes(self._waiting[:FRAME_BYTES]).ljust(FRAME_BYTES, b"\0")
            del self._waiting[:FRAME_BYTES]
            with contextlib.suppress(ClientError):  # the listener notes why
                await self._session.send_audio(frame)

    async def _listen(self) -> None:
        try:
            async for event in self._session:
                self._take(event)
        except ClientError as error:
            self.history.trouble = repr(error)
        self._is_gone = True
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()

    def _take(self, event: Event) -> None:
        if not isinstance(event, AudioAck | SpeechAudio | Status):
            self.history.events.append(f"{trio.current_time() - self._opened_s:.2f} {event}")
        match event:
            case ConnectionAccepted():
                self._note_return(event)
            case Error():
                self.history.errors.append(f"{event.code}: {event.message}")
        turn_id = getattr(event, "turn_id", None)
        if turn_id is not None and self.history.said:
            self._note(self._owner_of.setdefault(turn_id, self.history.said[-1]), turn_id, event)
            self._tell()

    def _note_return(self, accepted: ConnectionAccepted) -> None:
        history = self.history
        if history.sessions:
            history.resumed += accepted.resumed
            history.forgotten += not accepted.resumed
        history.sessions.add(accepted.session_id)
        if self._lost_s is not None:
            history.waits_s.append(trio.current_time() - self._lost_s)
            self._lost_s = None

    def _note(self, saying: Saying, turn_id: str, event: Event) -> None:
        match event:
            case SpeechStarted():
                saying.open_turns.add(turn_id)
            case Transcript():
                saying.texts.append(event.text)
            case ToolCall():
                saying.tools.append(event.tool)
                saying.call_ids.append(event.call_id)
            case NoSpeech():
                saying.no_speech.append(event.reason)
            case Reply():
                saying.replies.append(event.text)
            case SpeechAudioEnd():
                saying.spoken += 1
            case TurnCompleted():
                saying.open_turns.discard(turn_id)
                saying.outcomes[turn_id] = event.outcome
                self.history.turns.add(turn_id)


async def speak_all(speakers: Sequence[Speaker], clips: Sequence[Sequence[Clip]]) -> None:
    """Let all speakers talk, each its own clips."""
    async with trio.open_nursery() as nursery:
        for speaker, own in zip(speakers, clips, strict=True):
            nursery.start_soon(partial(speaker.talk, own))
