"""The shared store on a real Redis: its scripts against the plain arithmetic, and what a Redis can do wrong."""

import gc
import math
import socketserver
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.protocols import SessionTaken, SharedUnavailable
from backends.shared.guarded import GuardedShared
from backends.shared.redis import RedisShared
from protocol.admission.rate import RateLimit, RateTable
from protocol.messages.shared import SavedSession, SharedLimit
from tests.system.redis_fixtures import RedisServer, running_redis

pytestmark = [pytest.mark.system, pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning")]
pytest.importorskip("coredis", reason="pip install 'sayso[redis]'")
LONG_S = 60.0


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Collect what coredis does not close, where that warning is expected."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@asynccontextmanager
async def replica(url: str, name: str = "one", prefix: str = "test") -> AsyncIterator[RedisShared]:
    store = RedisShared(url, replica=name, prefix=prefix)
    with trio.fail_after(LONG_S):
        async with store.connected():
            yield store


# --- limits --------------------------------------------------------------------------------------

BOUNDS = st.builds(RateLimit, st.integers(1, 50), st.sampled_from((1.0, 10.0, 60.0)), st.integers(1, 12))
LIMITS = st.lists(BOUNDS, min_size=1, max_size=3, unique_by=lambda limit: (limit.count, limit.window_s))
STEPS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3_000), st.booleans()), max_size=40)
prefixes = (f"case{number}" for number in range(1_000_000))


@settings(max_examples=60, deadline=None)
@given(
    limits=st.lists(BOUNDS, min_size=1, max_size=3, unique_by=lambda limit: (limit.count, limit.window_s)), steps=STEPS
)
def test_redis_lets_through_what_the_plain_arithmetic_does(
    redis: RedisServer, limits: list[RateLimit], steps: list[tuple[str, int, bool]]
) -> None:
    async def both() -> None:
        table, now_ms = RateTable(limits, 1_000), 1_000_000
        async with replica(redis.url, prefix=next(prefixes)) as store:
            for sender, later_ms, is_given_back in steps:
                now_ms += later_ms
                shared = [SharedLimit(sender, limit.count, limit.window_s, limit.burst) for limit in limits]
                wait_s = await store.take_at(shared, 1_000 * now_ms)
                plain_s = table.wait_s(sender, now_ms / 1_000)
                assert math.isclose(wait_s, plain_s, abs_tol=1e-5)
                if plain_s == 0:
                    table.take(sender, now_ms / 1_000)
                    if is_given_back:
                        table.give_back(sender)
                        await store.give_back(shared)

    trio.run(both)


async def test_several_replicas_let_through_what_one_would(redis: RedisServer) -> None:
    limits = [SharedLimit("address 192.0.2.1", 100, 86_400.0, 10), SharedLimit("address 192.0.2.1", 90, 86_400.0, 50)]
    waits: list[float] = []

    async def ask(store: RedisShared) -> None:
        waits.extend([await store.take(limits) for _ in range(25)])

    async with (
        replica(redis.url, "one", "rates") as one,
        replica(redis.url, "two", "rates") as two,
        trio.open_nursery() as nursery,
    ):
        for store in (one, two, one, two):
            nursery.start_soon(ask, store)
    assert (len(waits), waits.count(0.0)) == (100, 10)


# --- answers, replicas and sessions --------------------------------------------------------------


async def test_an_answer_is_found_by_its_key_alone_and_not_read_in_redis(redis: RedisServer) -> None:
    async with replica(redis.url) as one, replica(redis.url, "two") as two:
        await one.keep_answer(b"question", b"a private answer", 60.0)
        assert await two.find_answer(b"question") == b"a private answer"
        assert await two.find_answer(b"another") is None
        client = one._ready
        keys = [key async for key in client.scan_iter(match="test:answer:*")]
        assert len(keys) == 1
        assert b"private" not in (await client.get(keys[0]) or b"")


async def test_replicas_count_each_other_until_they_leave(redis: RedisServer) -> None:
    async with replica(redis.url, "one", "beats") as one, replica(redis.url, "two", "beats") as two:
        assert await one.beat(60.0) == 0
        assert await two.beat(60.0) == 1
        assert await one.beat(60.0) == 1
        assert await two.beat(60.0, is_leaving=True) == 1
        assert await one.beat(0.001) == 0


def saved(
    owner: str, version: int, *tokens: str, former: tuple[str, ...] = (), record: bytes = b"record"
) -> SavedSession:
    return SavedSession(owner, version, tokens, record, former, 60.0)


async def test_a_session_is_taken_once_by_any_of_its_tokens_and_its_owner_is_told(redis: RedisServer) -> None:
    async with replica(redis.url, "one", "moves") as one, replica(redis.url, "two", "moves") as two:
        async with one.wait_taken() as owners:
            await one.save_session(saved("A", 1, "new", "old"))
            taken: list[bytes | None] = []

            async def take(token: str) -> None:
                taken.append(await two.take_session(token))

            async with trio.open_nursery() as nursery:
                for token in ("new", "old", "new", "stranger"):
                    nursery.start_soon(take, token)
            assert sorted(taken, key=str) == [None, None, None, b"record"] or taken.count(b"record") == 1
            assert await anext(owners) == "A"
        with pytest.raises(SessionTaken):
            await one.save_session(saved("A", 2, "new"))
        await two.save_session(saved("B", 1, "newest", "new"))
        with pytest.raises(SessionTaken):
            await one.save_session(saved("C", 3, "new"))
        assert await one.take_session("new") == b"record"
        assert await one.take_session("newest") is None


async def test_an_older_version_never_replaces_a_newer_one_and_former_tokens_are_forgotten(redis: RedisServer) -> None:
    async with replica(redis.url, prefix="versions") as one:
        await one.save_session(saved("A", 2, "first", record=b"two"))
        await one.save_session(saved("A", 1, "first", record=b"one"))
        await one.save_session(saved("A", 3, "second", former=("first",), record=b"three"))
        assert await one.take_session("first") is None
        assert await one.take_session("second") == b"three"
        await one.save_session(saved("B", 1, "third"))
        await one.forget_session("another", ("third",))
        await one.forget_session("B", ("third",))
        assert await one.take_session("third") is None


async def test_a_record_that_another_token_has_sealed_is_nobody_s(redis: RedisServer) -> None:
    async with replica(redis.url, prefix="seals") as one:
        await one.save_session(saved("A", 1, "token"))
        key = one._session_key("token")
        assert b"record" not in (await one._ready.hget(key, "record") or b"")
        await one._ready.hset(key, {"record": b"forged"})
        assert await one.take_session("token") is None


# --- what a Redis can do wrong -------------------------------------------------------------------


LIMIT = [SharedLimit("address 192.0.2.9", 100_000, 60.0, 50_000)]


@asynccontextmanager
async def guarded(url: str, deadline_s: float = 1.0) -> AsyncIterator[GuardedShared]:
    """Yield a store as the server has it; its deadline is long enough for a busy machine."""
    shared = GuardedShared(RedisShared(url, replica="one", prefix="faults"), deadline_s, lambda _: None)
    with trio.fail_after(LONG_S):
        async with shared.connected():
            yield shared


async def well_again(shared: GuardedShared) -> None:
    """Beat until the store answers."""
    while True:
        try:
            await shared.beat(60.0)
        except SharedUnavailable:
            await trio.sleep(0.05)
        else:
            return


def frozen(server: RedisServer) -> Callable[[], None]:
    server.freeze()
    return server.thaw


def restarted(server: RedisServer) -> Callable[[], None]:
    server.kill()
    return server.start


@pytest.mark.parametrize("fault", [frozen, restarted])
async def test_a_redis_that_was_gone_is_used_again(fault: Callable[[RedisServer], Callable[[], None]]) -> None:
    with running_redis() as server:
        async with guarded(server.url, 0.3) as shared:
            await well_again(shared)
            assert await shared.take(LIMIT) == 0
            mend = fault(server)
            with pytest.raises(SharedUnavailable):
                await shared.take(LIMIT)
            with pytest.raises(SharedUnavailable):
                await shared.beat(60.0)
            mend()
            await well_again(shared)
            assert await shared.take(LIMIT) == 0


async def test_a_full_redis_is_a_trouble_with_its_own_words() -> None:
    with running_redis("--maxmemory", "2mb", "--maxmemory-policy", "noeviction") as server:
        async with guarded(server.url) as shared:
            await well_again(shared)
            with pytest.raises(SharedUnavailable, match="memory"):
                await fill(shared)


async def fill(shared: GuardedShared) -> None:
    for number in range(100):
        await shared.keep_answer(b"%d" % number, bytes(range(256)) * 4_000, 60.0)
        await shared.save_session(saved("A", number + 1, f"token {number}", record=b"%d" % number))


async def test_a_redis_that_evicts_forgets_answers_before_the_rest() -> None:
    with running_redis("--maxmemory", "8mb", "--maxmemory-policy", "volatile-lfu") as server:
        async with guarded(server.url) as shared:
            await well_again(shared)
            await shared.save_session(saved("A", 1, "token"))
            only_once = [SharedLimit("address 192.0.2.9", 1, 60.0, 1)]
            assert await shared.take(only_once) == 0
            for number in range(600):
                await shared.keep_answer(b"%d" % number, random_bytes(number), 3_600.0)
            kept = [await shared.find_answer(b"%d" % number) for number in range(600)]
            assert 0 < len([answer for answer in kept if answer]) < 300
            assert await shared.take(only_once) > 0
            assert await shared.take_session("token") == b"record"


def random_bytes(number: int) -> bytes:
    import random

    return random.Random(number).randbytes(40_000)


async def test_a_password_is_asked_for_and_taken() -> None:
    with running_redis("--requirepass", "secret") as server:
        for url in (server.url, server.url.replace("redis://", "redis://:wrong@")):
            with pytest.raises(SharedUnavailable) as refused:
                await beat_once(url)
            assert "wrong" not in str(refused.value).lower() or "WRONGPASS" in str(refused.value)
        await beat_once(server.url.replace("redis://", "redis://:secret@"))


async def beat_once(url: str) -> None:
    async with guarded(url) as shared:
        await shared.beat(60.0)


@contextmanager
def babbling(answer: bytes) -> Iterator[str]:
    """Run a server that says the same to everything."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while self.request.recv(4_096):
                self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"redis://127.0.0.1:{server.server_address[1]}/0"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\x00\xff\r\n", b"$5\r\nab\r\n", b"-ERR no\r\n"]
)
async def test_a_server_that_is_no_redis_is_a_trouble_and_no_crash(answer: bytes) -> None:
    with babbling(answer) as url, pytest.raises(SharedUnavailable):
        await beat_once(url)
