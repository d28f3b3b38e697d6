"""Redis as the store that replicas share.

Rules kept here:

* Nothing here waits for long by its own will: callers have deadlines (``backends/shared/guarded.py``), and a request
  that was given up leaves its connection to the others.
* Whatever goes wrong is ``SharedUnavailable``, with the reason in words.
* A session's record is sealed with its resume token before it leaves the process, and an answer with the digest of its
  question: Redis holds nothing that it could read.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from typing import TypeVar

import anyio
import coredis
from coredis.commands.script import Script
from coredis.exceptions import RedisError
from coredis.retry import NoRetryPolicy

from backends.protocols import SessionTaken, SharedUnavailable
from backends.shared.scripts import BEAT, FORGET, GIVE_BACK, SAVE, TAKE, TAKE_SESSION
from backends.shared.sealing import BadSeal, seal, unseal
from protocol.dialects.session import resume_key
from protocol.messages.shared import SavedSession, SharedLimit
from runtime.messaging.exits import leaves

T = TypeVar("T")
US_PER_S = 1_000_000
MARK_MS = 600_000  # that a session was taken is remembered for ten minutes: no half of it lives as long unnoticed
CONNECT_S = 1.0
MAX_CONNECTIONS = 16  # requests of one replica at a time; one takes a fifth of a millisecond
LOST = (RedisError, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, ValueError)
"""What coredis raises when the server is gone, refuses, or answers what is no Redis protocol."""


class RedisShared:
    """One replica's way to Redis; ``url`` is such as ``redis://:password@redis.example:6379/0``, or ``rediss://``."""

    def __init__(self, url: str, *, replica: str, prefix: str) -> None:
        """``replica`` is this one's name; all keys begin with ``prefix``."""
        self._url = url
        self._replica = replica
        self._prefix = prefix
        self._client: coredis.Redis[bytes] | None = None
        self._scripts: dict[str, Script[bytes]] = {}

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Open the pool of connections for the block; raises ``SharedUnavailable`` when it breaks."""
        client: coredis.Redis[bytes] = coredis.Redis.from_url(
            self._url,
            max_connections=MAX_CONNECTIONS,
            connect_timeout=CONNECT_S,
            retry_policy=NoRetryPolicy(),
            verify_version=False,
        )
        with reasons():
            async with client:
                self._client = client
                self._scripts = {}
                try:
                    yield
                finally:
                    self._client = None

    # --- rate limits -----------------------------------------------------------------------------

    async def take(self, limits: Sequence[SharedLimit]) -> float:
        """Count one request for all limits and return 0; or for none, and return the seconds to wait."""
        return await self.take_at(limits, 0)

    async def take_at(self, limits: Sequence[SharedLimit], now_us: int) -> float:
        """Do as ``take`` at a time in microseconds; 0 is Redis's."""
        bounds = [bound for limit in limits for bound in (_step_us(limit), _step_us(limit) * (limit.burst - 1))]
        keys = [self._rate_key(limit) for limit in limits]
        wait_us = await self._run(TAKE, keys, [str(now_us), *(f"{bound:.3f}" for bound in bounds)])
        return float(int(str(wait_us))) / US_PER_S

    async def give_back(self, limits: Sequence[SharedLimit]) -> None:
        """Count one request less, which was taken before."""
        keys = [self._rate_key(limit) for limit in limits]
        await self._run(GIVE_BACK, keys, [f"{_step_us(limit):.3f}" for limit in limits])

    # --- answers ---------------------------------------------------------------------------------

    async def find_answer(self, key: bytes) -> bytes | None:
        """Return an answer that a replica has kept."""
        with reasons():
            sealed = await self._ready.get(self._answer_key(key))
        with suppress(BadSeal):
            return None if sealed is None else unseal(key.hex(), sealed)
        return None

    async def keep_answer(self, key: bytes, answer: bytes, ttl_s: float) -> None:
        """Keep an answer for all replicas."""
        with reasons():
            await self._ready.set(self._answer_key(key), seal(key.hex(), answer), px=max(1, round(1_000 * ttl_s)))

    # --- who lives -------------------------------------------------------------------------------

    async def beat(self, ttl_s: float, *, is_leaving: bool = False) -> int:
        """Tell that this replica lives, for ``ttl_s``, or that it leaves; return how many others live."""
        ttl_ms = 0 if is_leaving else round(1_000 * ttl_s)
        others = await self._run(BEAT, [f"{self._prefix}:replicas"], [self._replica, str(ttl_ms)])
        return int(str(others))

    # --- sessions --------------------------------------------------------------------------------

    async def save_session(self, session: SavedSession) -> None:
        """Keep a session for its client; raises ``SessionTaken`` if it is another replica's by now."""
        keys = [self._lost_key(session.owner), *map(self._session_key, session.tokens)]
        sealed = [seal(token, session.record) for token in session.tokens]
        former = " ".join(map(self._session_key, session.former_tokens))
        head = [session.owner, str(session.version), str(round(1_000 * session.ttl_s)), former]
        if await self._run(SAVE, keys, [*head, *sealed]) == 0:
            raise SessionTaken("the session goes on at another replica")

    async def take_session(self, token: str) -> bytes | None:
        """Return the record of the session with that resume token, once; its old owner is told."""
        marks = [self._lost_key(""), str(MARK_MS), self._channel]
        found = await self._run(TAKE_SESSION, [self._session_key(token)], marks)
        if not isinstance(found, list):
            return None
        with suppress(BadSeal):
            return unseal(token, found[1])
        return None

    async def forget_session(self, owner: str, tokens: Sequence[str]) -> None:
        """Remove a session that has ended; does nothing to one that has another owner."""
        await self._run(FORGET, [*map(self._session_key, tokens)], [owner])

    @asynccontextmanager
    async def wait_taken(self) -> AsyncIterator[AsyncIterator[str]]:
        """Return a block with the owners of sessions that other replicas take from now on."""
        with reasons():
            async with self._ready.pubsub(channels=[self._channel], ignore_subscribe_messages=True) as messages:

                async def owners() -> AsyncGenerator[str, None]:
                    async for message in messages:
                        if isinstance(message["data"], bytes):
                            yield message["data"].decode(errors="replace")

                async with aclosing(owners()) as found:
                    yield found

    # --- keys and requests -----------------------------------------------------------------------

    @property
    def _ready(self) -> "coredis.Redis[bytes]":
        if self._client is None:
            raise SharedUnavailable("not connected")
        return self._client

    @property
    def _channel(self) -> str:
        return f"{self._prefix}:taken"

    def _rate_key(self, limit: SharedLimit) -> str:
        return f"{self._prefix}:rate:{limit.count}/{limit.window_s:g}:{limit.sender}"

    def _answer_key(self, key: bytes) -> str:
        return f"{self._prefix}:answer:{resume_key(key.hex())}"

    def _session_key(self, token: str) -> str:
        return f"{self._prefix}:session:{resume_key(token)}"

    def _lost_key(self, owner: str) -> str:
        return f"{self._prefix}:lost:{owner}"

    async def _run(self, text: str, keys: Sequence[str], arguments: Sequence[str | bytes]) -> object:
        script = self._scripts.get(text)
        if script is None:
            script = self._scripts[text] = self._ready.register_script(text)
        with reasons():
            if self._client is None:
                raise SharedUnavailable("not connected")
            return await script(keys, arguments)


def _step_us(limit: SharedLimit) -> float:
    return limit.window_s * US_PER_S / limit.count


@contextmanager
def reasons() -> Iterator[None]:
    """Raise ``SharedUnavailable`` for what coredis raises in the block, also in a group."""
    try:
        yield
    except LOST as error:
        raise SharedUnavailable(_in_words(error)) from error
    except BaseExceptionGroup as group:
        lost, other = group.split((*LOST, SharedUnavailable))
        if other is not None:
            raise other from None  # it was cancelled, and what coredis raises of that is no news
        if lost is None:
            raise
        raise SharedUnavailable(_in_words(next(leaves(lost)))) from group


def _in_words(error: BaseException) -> str:
    return str(error) or type(error).__name__
