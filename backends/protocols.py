"""The faces of the outside world that actors and ``supervisor.py`` rely on; nothing here does anything.

Each adapter in this folder has one of these faces, and so does each fake in ``tests/fakes.py``.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any, Protocol

import attrs
from trio import TaskStatus

from protocol.dialects.dialect import ClientLink
from protocol.messages.events import ConnectionRefused
from protocol.messages.records import SessionRecord, ToolRecord, TurnRecord
from protocol.messages.understanding import (
    CallProgress,
    ChatMessage,
    CommandMatch,
    Generation,
    McpOffer,
    ToolOutcome,
    ToolSpec,
)


class SpeechDetector(Protocol):
    """Voice activity, one 16 ms frame at a time; keeps state between frames."""

    def probabilities(self, pcm: bytes) -> Sequence[float]:
        """Return one speech probability 0..1 per whole 256-sample frame of 16 kHz s16le ``pcm``."""

    def reset(self) -> None:
        """Forget the past."""


class AudioDecoder(Protocol):
    """Turns a client's binary frames into 16 kHz mono s16le; a streaming resampler is inside."""

    def decode(self, frame: bytes) -> bytes:
        """Return the samples that are ready; raises ``BadAudio`` (frame is dropped, the stream goes on)."""


class BadAudio(ValueError):
    """A frame that cannot be audio in the announced format; the message says what was expected."""


class JobPool(Protocol):
    """Who does jobs of one kind: ``runtime.workers.pool.Pool``, or a server elsewhere with a pool behind it."""

    async def run(self, *, task_status: TaskStatus[None]) -> None:
        """Serve until cancelled; started when jobs can be done, raises ``StartFailure``."""

    async def call(
        self, method: str, params: dict[str, Any], blob: bytes, *, timeout_s: float, attempts: int = 2
    ) -> tuple[dict[str, Any], bytes]:
        """Return data and blob of one job; raises ``WorkerError``."""

    def set_on_change(self, on_change: Callable[[], None]) -> None:
        """Call ``on_change()`` whenever the workers may have changed."""

    def statistics(self) -> Mapping[str, Any]:
        """Return a moment's view."""


class CommandGrammar(Protocol):
    """Exact sentences and the tool calls they stand for."""

    def match(self, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return the call that the first matching hypothesis stands for, and whether its sentence may go on."""

    def vocabulary(self, language: str) -> tuple[str, ...]:
        """Return the words and phrases worth expecting, most telling first."""


class LanguageModel(Protocol):
    """One provider of completions."""

    name: str

    async def is_available(self) -> bool:
        """Return whether it answers and has its model; never raises for a server that is not there."""

    async def generate(
        self,
        messages: Sequence[ChatMessage],
        tools: Sequence[ToolSpec],
        on_text: Callable[[str], Awaitable[None]],
        *,
        max_tokens: int,
        model: str | None = None,
    ) -> Generation:
        """Stream one completion, by another ``model`` of the same server if one is named; raises ``ProviderError``."""

    async def aclose(self) -> None:
        """Close its connections."""


class ProviderError(Exception):
    """A language-model server refused, broke off or could not be reached; the message says which and what to do."""


class ToolConnection(Protocol):
    """One connected MCP server."""

    name: str
    notes: tuple[str, ...]
    """What of its last list of tools is not taken, in words."""

    async def list_tools(self) -> tuple[ToolSpec, ...]:
        """Return its tools; raises ``ToolServerLost``."""

    async def list_offers(self) -> tuple[McpOffer, ...]:
        """Return its resources and prompts; a server that cannot list them has none."""

    async def call(
        self,
        tool: str,
        arguments: Mapping[str, Any],
        *,
        timeout_s: float,
        session_id: str,
        call_id: str,
        on_progress: Callable[[CallProgress], None] | None = None,
        language: str = "en",
    ) -> ToolOutcome:
        """Call a tool; a failed or timed-out call is an outcome with ``ok=False``.

        Raises ``ToolServerLost``, and ``CallNotSent`` if the server was gone before.
        """

    async def wait_changed(self) -> None:
        """Wait until the server says that its list of tools is another one now."""

    async def wait_lost(self) -> str:
        """Wait until the server is gone or silent; return why."""


class ToolServerLost(Exception):
    """The server's process or connection is gone."""


class ToolsNotListed(ToolServerLost):
    """It did not list its tools in time: the next attempt will cost as much, so it may wait."""


class CallNotSent(ToolServerLost):
    """The server was gone before the call was sent, so another connection may make it."""


class ToolConnectionFactory(Protocol):
    """Opens a connection; leaving the block ends the server."""

    def __call__(
        self, name: str, *, on_announcement: Callable[[str, str], None]
    ) -> AbstractAsyncContextManager[ToolConnection]:
        """Connect; ``on_announcement(session_id, text)`` is called when the server has something to say."""


class Store(Protocol):
    """Where history is kept. Every call is quick to queue and done in a thread."""

    async def open(self) -> None:
        """Create or migrate the schema; raises ``StoreError``."""

    async def check(self) -> int | None:
        """Open the file anew if it was deleted or replaced; return how many records went with it, or ``None``.

        Raises ``StoreError``.
        """

    async def write(self, records: Sequence[SessionRecord | TurnRecord | ToolRecord]) -> None:
        """Write all of them in one transaction; raises ``StoreError``."""

    async def prune(self, before_s: float, limit: int) -> int:
        """Delete up to ``limit`` of each kind of record from before a Unix time; return how many those were.

        Raises ``StoreError``.
        """

    async def recent_turns(self, limit: int) -> list[dict[str, Any]]:
        """Return the newest turns, newest first."""

    async def close(self) -> None:
        """Close the file."""


class StoreError(Exception):
    """The database refused or is damaged; the message names the file."""


@attrs.frozen
class Request:
    """The head of an HTTP request to one of our own routes."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    peer: str


@attrs.frozen
class HttpAnswer:
    """What our own routes answer."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


Page = Callable[[Request], HttpAnswer]
"""One of our own routes: answered from figures at hand, so it never waits."""


@attrs.frozen
class Refusal:
    """Why a WebSocket is not accepted, and when it is worth trying again."""

    status: int
    reason: str
    retry_after_s: float


class IngressHandlers(Protocol):
    """What the listener asks of its owner."""

    async def answer(self, request: Request) -> HttpAnswer | None:
        """Answer one of our own routes; ``None`` hands the request to the HTTP app."""

    def admit(self, request: Request) -> AbstractContextManager[ConnectionRefused | None] | Refusal:
        """Reserve a place before the handshake; the block is left once, when the connection is over.

        What the block is given is for ``serve_client``.
        """

    async def serve_client(self, client: ClientLink, request: Request, refusal: ConnectionRefused | None) -> None:
        """Run a session on an accepted socket; returns when the session is over.

        With a ``refusal`` only one who comes back to its session is served, and all others are told that.
        """

    def observe(self, method: str, endpoint: str, status: int, duration_s: float) -> None:
        """Take one request's figures; ``endpoint`` is a route, never a raw path."""


class Ingress(Protocol):
    """The listener."""

    async def serve(self, *, task_status: TaskStatus[Sequence[tuple[str, int]]]) -> None:
        """Listen until cancelled; starts with the bound addresses, raises ``PortInUse``."""

    async def stop(self) -> None:
        """Stop listening and close every connection, within seconds."""
