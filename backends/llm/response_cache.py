"""A cache of language-model answers.

Rules kept here:

* Only answers that would be the same again are kept: see ``cache_key``.
* A question with a conversation before it is answered from that session only; a bare question's answer is its user's.
* Replicas share what they keep, where there is a store for that: nobody who has not the question can read it there.
* Of several equal questions at a time, one is sent to the model; if its answer cannot be kept, each is sent.
"""

import hashlib
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Literal

import attrs
import msgspec
import trio

from backends.json_faults import JSON_FAULTS
from backends.protocols import SharedStore, SharedUnavailable
from protocol.messages.understanding import Generate, Generation

Found = Literal["hit", "joined", "miss"]
BARE: Final = ("system", "user")
MIN_COMPRESSED_BYTES: Final = 512  # below it zlib's header costs more than it saves


@attrs.frozen(kw_only=True)
class CacheSettings:
    """Which answers are kept, how many and for how long."""

    ttl_s: float
    max_entries: int
    is_compressed: bool
    parameters: Mapping[str, Any]
    """Everything else that an answer depends on: model, sampling, limits."""
    is_deterministic: bool
    """Whether the sampling gives the same answer each time (temperature 0)."""
    tasks: frozenset[str]
    """Tasks whose answers may be given again although the sampling is random."""


def cache_key(message: Generate, settings: CacheSettings) -> bytes | None:
    """Return the key of an answer, ``None`` if it must not be kept.

    Kept are deterministic answers and those of cacheable tasks, unless a tool's result is part of the question.
    Case, spaces and the last full stop make no difference: they cannot be heard.
    """
    if not settings.is_deterministic and message.task not in settings.tasks:
        return None
    roles = tuple(item.role for item in message.messages)
    if "tool" in roles:
        return None
    owner = "" if roles == BARE else message.session_id
    user = message.user
    question = [(item.role, " ".join(item.content.lower().split()).rstrip(".!?")) for item in message.messages]
    tools = [(tool.server, tool.name, tool.description, str(tool.input_schema)) for tool in message.tools]
    limits = [message.max_tokens, message.must_call, dict(settings.parameters)]
    named = [user, owner, message.task, question, tools, limits]
    return hashlib.blake2b(msgspec.msgpack.encode(named), digest_size=16).digest()


@attrs.frozen
class _Entry:
    until_s: float
    body: bytes
    is_compressed: bool


class ResponseCache:
    """Keeps the newest answers; times are of the Trio clock."""

    def __init__(self, settings: CacheSettings, shared: SharedStore | None = None) -> None:
        """``shared`` keeps answers for all replicas, if there are several."""
        self._settings = settings
        self._shared = shared
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._under_way: dict[bytes, trio.Event] = {}

    def __len__(self) -> int:
        return len(self._entries)

    async def answer(self, message: Generate, make: Callable[[], Awaitable[Generation]]) -> tuple[Generation, Found]:
        """Return the kept answer, an equal question's answer in progress, or that of ``make``; and which it was.

        A kept answer's text goes to ``message.text_sink`` at once. Raises what ``make`` raises.
        """
        key = cache_key(message, self._settings)
        if key is None:
            return await make(), "miss"
        found: Found = "hit"
        others = self._under_way.get(key)
        if others is not None:
            await others.wait()
            found = "joined"
        kept = self._find(key) or await self._find_shared(key)
        if kept is None:
            return await self._made(key, make), "miss"
        await message.text_sink.send(kept.text)
        return kept, found

    async def _made(self, key: bytes, make: Callable[[], Awaitable[Generation]]) -> Generation:
        arrived = self._under_way.setdefault(key, trio.Event())
        try:
            generation = await make()
            if generation.text and not generation.tool_calls:
                await self._share(key, self._keep(key, generation))
        finally:
            arrived.set()
            if self._under_way.get(key) is arrived:
                del self._under_way[key]
        return generation

    def _find(self, key: bytes) -> Generation | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.until_s <= trio.current_time():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        body = zlib.decompress(entry.body) if entry.is_compressed else entry.body
        return msgspec.msgpack.decode(body, type=Generation)

    async def _find_shared(self, key: bytes) -> Generation | None:
        """Return the answer that another replica has kept, if this one can read it."""
        if self._shared is None:
            return None
        try:
            body = await self._shared.find_answer(key)
            return None if body is None else msgspec.msgpack.decode(body, type=Generation)
        except (SharedUnavailable, *JSON_FAULTS):  # it may be another version of the server
            return None

    async def _share(self, key: bytes, body: bytes) -> None:
        if self._shared is not None:
            with suppress(SharedUnavailable):
                await self._shared.keep_answer(key, body, self._settings.ttl_s)

    def _keep(self, key: bytes, generation: Generation) -> bytes:
        """Keep an answer; return it as bytes."""
        kept = attrs.evolve(generation, is_cached=True, prompt_tokens=None, completion_tokens=None, first_token_s=None)
        body = msgspec.msgpack.encode(kept)
        is_compressed = self._settings.is_compressed and len(body) >= MIN_COMPRESSED_BYTES
        until_s = trio.current_time() + self._settings.ttl_s
        self._entries[key] = _Entry(until_s, zlib.compress(body) if is_compressed else body, is_compressed)
        while len(self._entries) > self._settings.max_entries:
            self._entries.popitem(last=False)
        return body
