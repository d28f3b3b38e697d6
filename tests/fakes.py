"""Fakes with the faces of ``backends/protocols.py`` and of ``runtime.workers.pool.Pool``, and scripted actors.

Nothing here waits on real time; whatever a test waits for is bounded on the (virtual) clock.
"""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs
import trio

from backends.protocols import (
    BadAudio,
    CheckUnavailable,
    GuardStatistics,
    ProviderError,
    Refusal,
    Request,
)
from config.load import load
from config.settings import Settings
from protocol.admission.checks import CheckKind
from protocol.admission.identity import identity_of
from protocol.messages.ask import PartSink
from protocol.messages.events import ServerEvent
from protocol.messages.identity import Identity
from protocol.messages.meaning import Meaning, OwnSentence
from protocol.messages.searching import SentenceAutomaton
from protocol.messages.session import Send
from protocol.messages.socket import SocketClosed
from protocol.messages.understanding import ChatMessage, CommandMatch, CommandSamples, CompletionRequest, Generation
from runtime import Actor, ChildSpec, ChildStatus, MailboxSpec, Ref, Tree

T = TypeVar("T")
Grow = Callable[..., Awaitable[Tree]]
"""Starts a tree of specs; see ``tests/actors/conftest.py``."""
PATIENCE_S = 300.0  # of virtual time: longer than anything that a test waits for


def default_settings() -> Settings:
    """Return the settings of an installation that configures nothing."""
    return load(None, {"HOME": "/nonexistent"}, {}).settings


class Notes(list[T]):
    """A list that one can wait for."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = trio.Event()

    def add(self, item: T) -> None:
        """Append, and wake waiting tasks."""
        self.append(item)
        self._changed.set()
        self._changed = trio.Event()

    async def wait_until(self, is_enough: Callable[["Notes[T]"], Any]) -> None:
        """Wait until ``is_enough(self)`` is true; fails with what there is instead."""
        with trio.move_on_after(PATIENCE_S):
            while not is_enough(self):
                await self._changed.wait()
            return
        raise AssertionError(f"waited in vain; noted so far: {self}")


# --- actors --------------------------------------------------------------------------------------


@attrs.define(eq=False)
class Script:
    """What scripted actors were told, and what they answer; outlives their incarnations.

    An answer is a value, an exception to raise, or an async function of the message; several in a list are used
    one after the other, the last of them for ever.
    """

    answers: dict[type, Any] = attrs.field(factory=dict)
    seen: Notes[Any] = attrs.field(factory=Notes)
    incarnations: int = 0

    def of(self, kind: type[T]) -> list[T]:
        """Return what was told of one kind."""
        return [message for message in self.seen if isinstance(message, kind)]

    def events(self, kind: type[T] | None = None) -> list[T]:
        """Return the events that were to be sent to a client."""
        sent: list[Any] = [message.event for message in self.of(Send)]
        return [event for event in sent if kind is None or isinstance(event, kind)]

    async def wait_for(self, kind: type[T], count: int = 1) -> T:
        """Wait until ``count`` messages of one kind have come; return the last of them."""
        await self.seen.wait_until(lambda _: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    async def wait_for_event(self, kind: type[T], count: int = 1) -> T:
        """Wait until ``count`` events of one kind were to be sent; return the last of them."""
        await self.seen.wait_until(lambda _: len(self.events(kind)) >= count)
        return self.events(kind)[count - 1]

    def take(self, message: object) -> Any:
        """Note the message; return its scripted answer."""
        self.seen.add(message)
        answer = self.answers.get(type(message))
        if isinstance(answer, list):
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer


class Scripted(Actor):
    """Does what its script says."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def on_start(self) -> None:
        self._script.incarnations += 1

    async def handle(self, message: object) -> Any:
        answer = self._script.take(message)
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            self.context.reply_in_task(answer, message)
            return None
        return answer


def scripted(name: str, script: Script, mailbox: MailboxSpec | None = None) -> ChildSpec:
    """Return the spec of a scripted actor."""
    return ChildSpec(Ref(name, mailbox), lambda: Scripted(script))


# --- a client ------------------------------------------------------------------------------------


class FakeSocket:
    """One accepted WebSocket, whose client's side the test drives."""

    def __init__(self, peer: str = "192.0.2.1:5000") -> None:
        self.identity = identity_of(peer, {})
        self.sent: Notes[str | bytes] = Notes()
        self.drops = 0
        self.close: tuple[int, str] | None = None
        self.close_timeout_s: float | None = None
        self._to_server, self._from_client = trio.open_memory_channel[str | bytes](math.inf)
        self._closed = trio.Event()
        self._code = 1006
        self._is_from_peer = False

    # --- the client's side

    def client_sends(self, frame: str | bytes) -> None:
        """Let the server receive ``frame``."""
        self._to_server.send_nowait(frame)

    def client_vanishes(self, code: int = 1006) -> None:
        """Close with ``code``; 1006 breaks the connection without a close frame."""
        if self.close is None:
            self._code = code
            self._is_from_peer = code != 1006
        self._to_server.close()
        self._closed.set()

    # --- the server's side

    async def receive(self) -> str | bytes:
        try:
            return await self._from_client.receive()
        except trio.EndOfChannel:
            raise SocketClosed(self._code, is_from_peer=self._is_from_peer) from None

    async def send(self, frame: str | bytes) -> None:
        await self._send(frame)

    async def send_speech(self, frame: str | bytes) -> None:
        await self._send(frame)

    def drop_speech(self) -> int:
        self.drops += 1
        return 0

    def start_close(self, code: int, reason: str, *, timeout_s: float | None = None) -> None:
        """Close, as a client does that answers at once; only the first close counts."""
        if self.close is None and not self._closed.is_set():
            self.close = (code, reason)
            self.close_timeout_s = timeout_s
            self._code = code
            self.client_vanishes()

    async def wait_closed(self) -> int:
        await self._closed.wait()
        return self._code

    async def _send(self, frame: str | bytes) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()  # with room there is no waiting, so the order is kept
        if self._closed.is_set():
            raise SocketClosed(self._code, is_from_peer=self._is_from_peer)
        self.sent.add(frame)


# --- audio ---------------------------------------------------------------------------------------


@attrs.define(eq=False)
class FakeCheck:
    """An admission check; admits all requests unless it is given an answer."""

    kind: CheckKind = CheckKind.RATE
    delay_s: float = 0.0
    answer: Identity | Refusal | None = None
    trouble: CheckUnavailable | None = None
    only_for: str | None = None
    """The address that is delayed; ``None`` for all."""
    asked: list[Identity] = attrs.field(factory=list)

    async def check(self, identity: Identity, request: Request) -> Identity | Refusal:
        self.asked.append(identity)
        if self.delay_s and self.only_for in (None, identity.address):
            await trio.sleep(self.delay_s)
        if self.trouble is not None:
            raise self.trouble
        return self.answer or identity


class FakeDetector:
    """Takes any sample that is not zero for voice; can be told to break at a certain frame, once."""

    FRAME_BYTES = 512

    def __init__(self, breaks: list[int] | None = None) -> None:
        self._rest = b""
        self._frames = 0
        self._breaks = [] if breaks is None else breaks

    def probabilities(self, pcm: bytes) -> Sequence[float]:
        pcm = self._rest + pcm
        whole = len(pcm) // self.FRAME_BYTES * self.FRAME_BYTES
        self._rest = pcm[whole:]
        found = []
        for at in range(0, whole, self.FRAME_BYTES):
            self._frames += 1
            if self._breaks and self._frames >= self._breaks[0]:
                self._breaks.pop(0)
                raise ZeroDivisionError("the detector breaks, as told")
            found.append(1.0 if any(pcm[at : at + self.FRAME_BYTES]) else 0.0)
        return found

    def reset(self) -> None:
        self._rest = b""


class FakeWakeWordDetector:
    """Hears its word wherever enough samples in succession are ``WAKE_SAMPLE``."""

    def __init__(self, word: str = "okay nabu") -> None:
        self.word = word
        self._count = 0

    def find(self, pcm: bytes) -> list[int]:
        if self._count == 0 and WAKE_SAMPLE not in pcm:
            return []
        found = []
        for at in range(0, len(pcm), 2):
            self._count = self._count + 1 if pcm[at : at + 2] == WAKE_SAMPLE else 0
            if self._count == WAKE_SAMPLES:
                found.append(at // 2 + 1)
        return found


class FakeDecoder:
    """Takes 16 kHz s16le as it is."""

    def decode(self, frame: bytes) -> bytes:
        if len(frame) % 2:
            raise BadAudio(f"a frame of pcm_s16le must have whole samples, not {len(frame)} bytes")
        return frame


WAKE_SAMPLE = b"\xfe\xff"  # 65,534: no number of a sentence in the simulation
WAKE_SAMPLES = 8_192


def wake_word() -> bytes:
    """Return what ``FakeWakeWordDetector`` takes for its word, half a second long, and the detector for speech."""
    return WAKE_SAMPLE * WAKE_SAMPLES


def voice(seconds: float) -> bytes:
    """Return what ``FakeDetector`` takes for speech."""
    return b"\x01\x01" * round(16_000 * seconds)


def silence(seconds: float) -> bytes:
    """Return what it takes for silence."""
    return bytes(2 * round(16_000 * seconds))


# --- understanding -------------------------------------------------------------------------------


class FakeGrammar:
    """Knows whole sentences."""

    def __init__(self, commands: Mapping[str, CommandMatch] | None = None, words: tuple[str, ...] = ()) -> None:
        self.commands = dict(commands or {})
        self.answers: dict[str, CommandMatch] = {}
        self.words = words
        self.told: tuple[CommandSamples, ...] = ()
        self.own: tuple[OwnSentence, ...] = ()
        self.meanings: dict[str, CommandMatch] = {}
        self.beginnings: set[str] = set()
        self.sentences: SentenceAutomaton | None = None

    def begins(self, text: str, language: str) -> bool:
        return text in self.beginnings

    def match(self, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        return next((self.commands[text] for text in hypotheses if text in self.commands), None)

    def match_exactly(self, text: str, language: str) -> CommandMatch | None:
        return self.commands.get(text)

    def answer(self, asked: CommandMatch, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        return next((self.answers[text] for text in hypotheses if text in self.answers), None)

    def vocabulary(self, language: str, asked: CommandMatch | None = None) -> tuple[str, ...]:
        return self.words if asked is None else (f"answers to {asked.intent}", *self.words)

    def samples(self) -> tuple[CommandSamples, ...]:
        return self.told

    def automaton(self, language: str) -> SentenceAutomaton | None:
        return self.sentences

    def own_sentences(self) -> tuple[OwnSentence, ...]:
        return self.own

    def meant(self, meaning: Meaning, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        return self.meanings.get(meaning.name)


def command(text: str, tool: str = "set_timer", **arguments: Any) -> dict[str, CommandMatch]:
    """Return a grammar's entry of one sentence."""
    return {text: CommandMatch("Intent", "house", tool, arguments, 1.0, text)}


@attrs.define(eq=False)
class FakeSink(Generic[T]):
    """Keeps the parts that are sent to it."""

    parts: list[T] = attrs.field(factory=list)

    async def send(self, part: T, /) -> None:
        self.parts.append(part)


@attrs.frozen(eq=False)
class CallingSink(Generic[T]):
    """Gives each part to a function."""

    _take: Callable[[T], Awaitable[None]]

    async def send(self, part: T, /) -> None:
        await self._take(part)


@attrs.define(eq=False)
class FakeModel:
    """One provider; each completion is the next of ``answers``: text pieces, then perhaps an exception or an end."""

    name: str
    answers: list[list[str | Exception]] = attrs.field(factory=list)
    is_up: bool = True
    delay_s: float = 0.0
    asked: list[tuple[ChatMessage, ...]] = attrs.field(factory=list)
    max_tokens: list[int] = attrs.field(factory=list)
    models: list[str | None] = attrs.field(factory=list)
    is_closed: bool = False
    at_once: int = 0
    most_at_once: int = 0

    async def is_available(self) -> bool:
        await trio.lowlevel.checkpoint()
        return self.is_up

    async def generate(self, request: CompletionRequest) -> Generation:
        self.asked.append(request.messages)
        self.max_tokens.append(request.max_tokens)
        self.models.append(request.model)
        if not self.answers:
            raise ProviderError(f"{self.name} has nothing to say")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            text = await self._stream(self.answers.pop(0), request.text_sink)
        finally:
            self.at_once -= 1
        return Generation(text, (), self.name, "tiny", prompt_tokens=7, completion_tokens=3, first_token_s=0.25)

    async def aclose(self) -> None:
        self.is_closed = True

    def statistics(self) -> GuardStatistics:
        return GuardStatistics(name=self.name, breaker="closed", limit=1, in_flight=self.at_once, waiting=0)

    async def _stream(self, pieces: Sequence[str | Exception], text_sink: PartSink[str]) -> str:
        text = ""
        await trio.sleep(self.delay_s)
        for piece in pieces:
            if isinstance(piece, Exception):
                raise piece
            await text_sink.send(piece)
            text += piece
        return text


def event_names(events: Sequence[ServerEvent]) -> list[str]:
    """Return what kinds of events there are."""
    return [type(event).__name__ for event in events]


Shown = TypeVar("Shown")


def shown_by(child: ChildStatus, kind: type[Shown]) -> Shown:
    """Return an actor's statistics, which must be of this class."""
    assert isinstance(child.statistics, kind)
    return child.statistics
