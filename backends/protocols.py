"""The Protocols of the adapters that actors and ``supervisor.py`` rely on; declarations only.

Each adapter in this folder implements one of them, and so does each fake in ``tests/fakes.py``.
"""

import enum
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from typing import Final, Protocol

import attrs
from trio import TaskStatus

from protocol.admission.checks import CheckKind
from protocol.dialects.dialect import ClientLink
from protocol.messages.events import ConnectionRefused
from protocol.messages.history import ConversationQuery, Deletion, KeptConversation, KeptTurn, Record, TurnQuery
from protocol.messages.home import HomeNames
from protocol.messages.identity import Grant, Identity
from protocol.messages.meaning import Meaning, OwnSentence
from protocol.messages.searching import SentenceAutomaton
from protocol.messages.shared import SavedSession, SharedLimit
from protocol.messages.understanding import (
    CallTool,
    CommandMatch,
    CommandSamples,
    CompletionRequest,
    Generation,
    McpOffer,
    ToolAnnouncement,
    ToolOutcome,
    ToolSpec,
)
from runtime.messaging.pace import Pace
from runtime.workers.jobs import Job, ReplyT
from runtime.workers.pool_statistics import PoolStatistics


class SpeechDetector(Protocol):
    """Voice activity, one 16 ms frame at a time; keeps state between frames."""

    def probabilities(self, pcm: bytes) -> Sequence[float]:
        """Return one speech probability 0..1 per whole 256-sample frame of 16 kHz s16le ``pcm``."""

    def reset(self) -> None:
        """Reset to the state at the start of a stream."""


class WakeWordDetector(Protocol):
    """Listens for one wake word; keeps state between calls."""

    def find(self, pcm: bytes) -> Sequence[int]:
        """Take more 16 kHz s16le ``pcm``; return where each wake word that is certain by now ended.

        In samples from the beginning of ``pcm``; negative in what was given before.
        """


class AudioDecoder(Protocol):
    """Turns a client's binary frames into 16 kHz mono s16le; a streaming resampler is inside."""

    def decode(self, frame: bytes) -> bytes:
        """Return the samples that are ready; raises ``BadAudio`` (frame is dropped, the stream goes on)."""


class BadAudio(ValueError):
    """A frame that cannot be audio in the announced format; the message says what was expected."""


class JobPool(Protocol):
    """Does jobs of one kind: ``runtime.workers.pool.Pool``, or a remote server with a pool to fall back to."""

    async def run(self, *, task_status: TaskStatus[None]) -> None:
        """Serve until cancelled; started when jobs can be done, raises ``StartFailure``."""

    async def call(
        self, job: Job[ReplyT], blob: bytes = b"", *, timeout_s: float, attempts: int = 2
    ) -> tuple[ReplyT, bytes]:
        """Return the reply to one job and its blob; raises ``WorkerError``."""

    def set_on_change(self, on_change: Callable[[], None]) -> None:
        """Set a callback for every change of the workers."""

    def set_pace(self, pace: Pace) -> None:
        """Look at idle workers as often as ``pace`` says; before ``run``."""

    def statistics(self) -> PoolStatistics:
        """Return a moment's view."""


class CommandGrammar(Protocol):
    """Exact sentences and the tool calls that they mean."""

    def match(self, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return the tool call of the first hypothesis that matches, and whether its sentence may go on."""

    def match_exactly(self, text: str, language: str) -> CommandMatch | None:
        """Return the tool call of ``text``, word for word; ``None`` if it is no whole sentence of the grammar."""

    def begins(self, text: str, language: str) -> bool:
        """Return whether ``text``, which may be a whole sentence as well, is the beginning of one of the grammar."""

    def answer(self, asked: CommandMatch, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return ``asked`` with what answers its question, by the first hypothesis that does; ``None`` if none does.

        The match that is returned may lack something else, and then has a question of its own.
        """

    def vocabulary(self, language: str, asked: CommandMatch | None = None) -> tuple[str, ...]:
        """Return the words and phrases worth expecting, most telling first; those of an answer to ``asked`` first."""

    def samples(self) -> Sequence[CommandSamples]:
        """Return what can be said in every language, the user's own sentences first."""

    def automaton(self, language: str) -> SentenceAutomaton | None:
        """Return the sentences that can be looked for in sound; ``None`` if there are none in the language."""

    def own_sentences(self) -> Sequence[OwnSentence]:
        """Return examples of the user's own commands; the same object until the files change."""

    def meant(self, meaning: Meaning, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return the call that a meaning stands for, with what was said of its slots; ``None`` if it cannot be made."""


@attrs.frozen(kw_only=True)
class GuardStatistics:
    """A moment's view of how a language model is treated.

    * ``name``: the provider
    * ``breaker``: ``closed``, ``open`` (it is left alone) or ``probing`` (one request tries it)
    * ``limit``: how many requests may be in work at once
    * ``in_flight``: how many are
    * ``waiting``: how many wait for that
    """

    name: str
    breaker: str
    limit: int
    in_flight: int
    waiting: int


class LanguageModel(Protocol):
    """One provider of completions."""

    name: str

    async def is_available(self) -> bool:
        """Return whether it answers and has its model; never raises for a server that is not there."""

    async def generate(self, request: CompletionRequest) -> Generation:
        """Stream one completion; raises ``ProviderError``."""

    async def aclose(self) -> None:
        """Close its connections."""


class ProviderError(Exception):
    """A language-model server refused, broke off or could not be reached; the message says which and what to do."""


class ToolConnection(Protocol):
    """One connected MCP server."""

    name: str
    notes: tuple[str, ...]
    """The tools of its last list that were left out, each with the reason."""

    async def list_tools(self) -> tuple[ToolSpec, ...]:
        """Return its tools; raises ``ToolServerLost``."""

    async def list_offers(self) -> tuple[McpOffer, ...]:
        """Return its resources and prompts; a server that cannot list them has none."""

    async def call(self, request: CallTool) -> ToolOutcome:
        """Call a tool; a failed call is an outcome with ``ok=False``. Cancelling the task cancels the call.

        Raises ``ToolServerLost``, and ``CallNotSent`` if the server was gone before.
        """

    async def set_listeners(self, sessions: Mapping[str, str]) -> None:
        """Tell the server which sessions there are, with the user of each; one that does not care is not told."""

    async def confirm_told(self, receipts: Sequence[int]) -> bool:
        """Tell the server that announcements were said; return whether it knows."""

    async def wait_changed(self) -> None:
        """Wait until the server says that its list of tools has changed."""

    async def wait_lost(self) -> str:
        """Wait until the server is gone or silent; return why."""


class ToolServerLost(Exception):
    """The server's process or connection is gone."""


class ToolServerRefused(ToolServerLost):
    """The server does not accept our credentials: that stays so until a person mends it."""


class ToolsNotListed(ToolServerLost):
    """The server did not list its tools in time; the next attempt will take as long, so it may wait."""


class CallNotSent(ToolServerLost):
    """The server was gone before the call was sent, so another connection may make it."""


class ToolConnectionFactory(Protocol):
    """Opens a connection; leaving the block ends the server."""

    def __call__(
        self, name: str, *, on_announcement: Callable[[ToolAnnouncement], None]
    ) -> AbstractAsyncContextManager[ToolConnection]:
        """Connect; ``on_announcement`` is called for each announcement of the server."""


class HomeLink(Protocol):
    """One connection to a smart home's registries; one task uses it."""

    async def read_names(self) -> HomeNames:
        """Return all names; raises ``HomeLinkLost``."""

    async def wait_changed(self) -> None:
        """Wait until names may have changed since they were read; raises ``HomeLinkLost``."""


class HomeLinkLost(Exception):
    """The smart home cannot be reached, or sends what it should not; the message says why."""


class HomeLinkRefused(HomeLinkLost):
    """The smart home refuses the token: that stays so until a person mends it."""


class HomeLinkFactory(Protocol):
    """Opens a connection; leaving the block closes it."""

    def __call__(self) -> AbstractAsyncContextManager[HomeLink]:
        """Connect; the block raises ``HomeLinkLost``."""


@attrs.frozen
class StoreFigures:
    """How a database is used, in total since it was opened first.

    * ``connections``: how many are open
    * ``used``: how many of them are at work
    * ``retries``: how often something was sent again because a connection was lost
    * ``fallbacks``: how often the primary was asked because no replica answered
    """

    connections: int = 0
    used: int = 0
    retries: int = 0
    fallbacks: int = 0


class Store(Protocol):
    """The history's database. Every call but ``figures`` runs in a thread."""

    async def open(self) -> None:
        """Create or migrate the schema; raises ``StoreError``."""

    async def check(self) -> int | None:
        """Open the file anew if it was deleted or replaced; return how many records were lost with it, or ``None``.

        Raises ``StoreError``.
        """

    async def write(self, records: Sequence[Record]) -> None:
        """Write all of them in one transaction; raises ``StoreError``.

        What is there already stays as it is, so a batch may be written again.
        """

    async def delete(self, what: Deletion, limit: int) -> int:
        """Delete up to ``limit`` of each kind of record; return how many those were. Raises ``StoreError``."""

    async def turns(self, wanted: TurnQuery) -> tuple[KeptTurn, ...]:
        """Return a page of turns with their calls, newest first; raises ``StoreError``."""

    async def conversations(self, wanted: ConversationQuery) -> tuple[KeptConversation, ...]:
        """Return a page of conversations, those that began last first; raises ``StoreError``."""

    async def close(self) -> None:
        """Close the database."""

    def figures(self) -> StoreFigures:
        """Return how the database is used."""


class StoreError(Exception):
    """The database refused, is damaged or does not answer; the message names it."""


@attrs.frozen
class Request:
    """The head of an HTTP request to one of our own routes."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    peer: str
    """Address and port of the sender, also behind a trusted proxy."""
    is_proxied: bool = False
    """Whether a trusted proxy has handed it on."""
    repeated: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    """All values of query keys that were given several times."""


@attrs.frozen
class HttpAnswer:
    """The answer of one of our own routes."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


Page = Callable[[Request], HttpAnswer]
"""One of our own routes: answered from figures in memory, so it never waits."""


class RequestKind(enum.Enum):
    """The kinds of request, by what each needs of the server."""

    PAGE = "page"  # answered by the listener from figures in memory: no place
    HTTP = "http"  # one of the places for requests that the HTTP app has in work
    WEBSOCKET = "websocket"  # a place for a session
    TEXT_SESSION = "text session"  # the same for a session that takes no audio: it needs nothing of the recogniser


NO_PLACE: Final = nullcontext()


@attrs.frozen
class Admitted:
    """A request that is served."""

    identity: Identity
    place: AbstractContextManager[None] = NO_PLACE
    """The request's place, taken already; the block that serves the request."""
    returning_only: ConnectionRefused | None = None
    """Of a WebSocket: the refusal unless its client resumes a session; ``None`` if it may open a new one."""
    retry_deferrable_s: float | None = None
    """When to come back with work that can wait, in seconds; ``None`` if it is taken now."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers of the answer."""


@attrs.frozen
class Refusal:
    """Why a request is not served."""

    status: int
    reason: str
    retry_after_s: float | None
    """When it is worth trying again; ``None`` if it never is."""
    cause: str
    """One word of a closed set, to count by."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers of the answer."""


class RequestAdmission(Protocol):
    """Decides which requests are served; asked once about each, when its head has come."""

    async def admit(self, request: Request, kind: RequestKind, *, is_reserved: bool = False) -> Admitted | Refusal:
        """Take the place that the request needs, or refuse it; never waits for a health check.

        On an ``is_reserved`` connection, one beyond the usual number, only health checks are served.
        """


class AdmissionCheck(Protocol):
    """A check of a request that may ask another server, such as a rate limit that replicas share."""

    kind: CheckKind
    """Which rule of ``protocol/admission/checks.py`` holds for it: its deadline, and what a missing answer means."""

    async def check(self, identity: Identity, request: Request) -> Identity | Refusal:
        """Return the identity with what the check found, or the reason for refusing the request.

        Raises ``CheckUnavailable``. It is cancelled at its deadline.
        """


class LiveKeys(Protocol):
    """The access keys that are good now."""

    async def refresh(self) -> None:
        """Notice keys that were changed elsewhere, and write down who did what since the last call."""

    def holds(self, grant: Grant) -> bool:
        """Return whether what a key has allowed is still allowed."""


class CheckUnavailable(Exception):
    """The server that a check needs does not answer; the message names it."""


class IngressHandlers(Protocol):
    """The functions that the listener calls."""

    def has_page(self, path: str) -> bool:
        """Return whether ``path`` is one of our own routes."""

    async def answer(self, request: Request) -> HttpAnswer | None:
        """Answer one of our own routes; ``None`` for any other path."""

    async def serve_client(self, client: ClientLink, request: Request, admitted: Admitted) -> None:
        """Run a session on an accepted socket; returns when the session is over."""

    def observe(self, method: str, endpoint: str, status: int, duration_s: float) -> None:
        """Take one request's figures; ``endpoint`` is a route, never a raw path."""


class Ingress(Protocol):
    """The listener."""

    async def serve(self, *, task_status: TaskStatus[Sequence[tuple[str, int]]]) -> None:
        """Listen until cancelled; starts with the bound addresses, raises ``PortInUse``."""

    async def stop(self) -> None:
        """Stop listening and close every connection, within seconds."""


# --- what replicas share -------------------------------------------------------------------------


class SharedUnavailable(Exception):
    """The shared store does not answer, or not in time; says why."""


class SessionTaken(Exception):
    """Another replica has taken over the session."""


class SharedStore(Protocol):
    """What the replicas of one server keep in common; every method raises ``SharedUnavailable``."""

    def connected(self) -> AbstractAsyncContextManager[None]:
        """Return the block within which the store can be asked; it ends with ``SharedUnavailable`` if that is over."""

    async def take(self, limits: Sequence[SharedLimit]) -> float:
        """Count one request for all limits and return 0; or for none, and return the seconds to wait."""

    async def give_back(self, limits: Sequence[SharedLimit]) -> None:
        """Count one request less, which was taken before."""

    async def find_answer(self, key: bytes) -> bytes | None:
        """Return an answer that a replica has kept."""

    async def keep_answer(self, key: bytes, answer: bytes, ttl_s: float) -> None:
        """Keep an answer for all replicas."""

    async def beat(self, ttl_s: float, *, is_leaving: bool = False) -> int:
        """Tell that this replica lives, for ``ttl_s``, or that it leaves; return how many others live."""

    async def save_session(self, session: SavedSession) -> None:
        """Keep a session for its client; raises ``SessionTaken`` if it is another replica's by now."""

    async def take_session(self, token: str) -> bytes | None:
        """Return the record of the session with that resume token, once; its old owner is told."""

    async def forget_session(self, owner: str, tokens: Sequence[str]) -> None:
        """Remove a session that has ended; does nothing to one that has another owner."""

    def wait_taken(self) -> AbstractAsyncContextManager[AsyncIterator[str]]:
        """Return a block with the owners of sessions that other replicas take from now on."""


class KeptProcess(Protocol):
    """A process that an actor keeps."""

    @property
    def pid(self) -> int:
        """Of the operating system."""

    async def wait_ready(self) -> bool:
        """Wait until it takes clients; returns ``False`` if it ended before."""

    async def wait_ended(self) -> int:
        """Wait for its end; returns the exit code, negative for a signal."""

    def leave(self) -> None:
        """Tell it to end in order."""

    def end(self) -> None:
        """End it at once, if it has not gone."""
