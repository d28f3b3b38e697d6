import logging
from collections.abc import Sequence

import attrs
import pytest
import trio
from trio.testing import MockClock

from backends.jobs import DescribeModel, ModelDescription, SpeakText, SpokenText
from backends.protocols import ProviderError
from backends.speech.remote_pool import RemoteFirst, shown_url
from runtime.policies.balancing import AddressStatistics
from runtime.workers.pool import PoolUnavailable
from runtime.workers.pool_statistics import RemoteStatistics
from tests.fake_pool import FakePool, PoolCall

DESCRIPTION = ModelDescription("cpu", "int8", is_multilingual=False, max_batch=0)
BROKEN = ProviderError("there is broken")
WITHIN_S = 4.0


@attrs.define(eq=False)
class Elsewhere:
    """A server's work, which takes ``takes_s`` and fails while ``trouble`` is set."""

    name: bytes = b"server"
    trouble: Exception | None = None
    takes_s: float = 0.0
    calls: int = 0
    cancelled: int = 0

    async def work(self, _job: SpeakText, _blob: bytes) -> tuple[SpokenText, bytes]:
        self.calls += 1
        try:
            await trio.sleep(self.takes_s)
        except trio.Cancelled:
            self.cancelled += 1
            raise
        if self.trouble is not None:
            raise self.trouble
        return SpokenText(24_000), self.name


async def here(call: PoolCall) -> tuple[SpokenText | ModelDescription, bytes]:
    await trio.lowlevel.checkpoint()
    return SpokenText(22_050) if isinstance(call.job, SpeakText) else DESCRIPTION, b"pool"


def first_of(servers: Sequence[Elsewhere], pool: FakePool | None = None, at_once: int = 8) -> RemoteFirst[SpeakText]:
    """Return the pool behind servers at http://0, http://1 and so on."""
    work = {f"http://{number}": server.work for number, server in enumerate(servers)}
    return RemoteFirst(SpeakText, work, pool, within_s=WITHIN_S, at_once=at_once)


async def speak(workers: RemoteFirst[SpeakText]) -> bytes:
    """Return the name of what has spoken."""
    _, pcm = await workers.call(SpeakText("Hello."), timeout_s=1.0)
    return pcm


def shown(workers: RemoteFirst[SpeakText]) -> RemoteStatistics:
    remote = workers.statistics().remote
    assert remote is not None
    return remote


def address(workers: RemoteFirst[SpeakText], number: int = 0) -> AddressStatistics:
    return shown(workers).addresses[number]


async def test_the_server_does_it_and_the_pool_what_the_server_cannot(autojump_clock: MockClock) -> None:
    elsewhere, pool = Elsewhere(), FakePool(here)
    workers = first_of([elsewhere], pool)
    assert await speak(workers) == b"server"
    elsewhere.trouble = BROKEN
    assert await speak(workers) == b"pool"
    assert await workers.call(DescribeModel(), timeout_s=1.0) == (DESCRIPTION, b"pool")
    assert shown(workers).fallbacks == 1
    assert address(workers) == AddressStatistics(
        url="http://0", breaker="closed", in_work=0, answers=1, failures=1, overtaken=0
    )


async def test_a_server_that_keeps_failing_is_left_alone_and_tried_again_later(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = Elsewhere(trouble=BROKEN)
    workers = first_of([elsewhere], FakePool(here))
    with caplog.at_level(logging.INFO, "sayso.speech"):
        for _ in range(10):
            assert await speak(workers) == b"pool"
        assert elsewhere.calls == 3
        elsewhere.trouble = None
        await trio.sleep(1.5)
        assert await speak(workers) == await speak(workers) == b"server"
    assert [record.message for record in caplog.records] == [*["there is broken"] * 3, "http://0 answers again"]


async def test_of_several_servers_the_least_busy_one_is_asked(autojump_clock: MockClock) -> None:
    slow, quick = Elsewhere(b"slow", takes_s=0.5), Elsewhere(b"quick", takes_s=0.1)
    workers = first_of([slow, quick])
    async with trio.open_nursery() as nursery:
        for _ in range(12):
            nursery.start_soon(speak, workers)
            await trio.sleep(0.1)
    assert (slow.calls, quick.calls) == (3, 9)


async def test_a_server_that_dies_loses_no_job(autojump_clock: MockClock) -> None:
    dead, alive = Elsewhere(b"dead", BROKEN), Elsewhere(b"alive")
    workers = first_of([dead, alive])
    assert [await speak(workers) for _ in range(20)] == [b"alive"] * 20
    assert (dead.calls, shown(workers).fallbacks) == (3, 0)


async def test_while_a_server_is_late_another_one_is_asked_as_well_and_the_first_answer_counts(
    autojump_clock: MockClock,
) -> None:
    late, other = Elsewhere(b"late", takes_s=3.0), Elsewhere(b"other", takes_s=0.1)
    workers = first_of([late, other])
    started_s = trio.current_time()
    assert await speak(workers) == b"other"
    assert trio.current_time() - started_s == pytest.approx(1.1), "a quarter of the deadline, and its answer"
    assert (late.cancelled, shown(workers).hedges) == (1, 1)
    assert (address(workers).overtaken, address(workers).in_work) == (1, 0)


async def test_the_first_server_may_still_answer_first(autojump_clock: MockClock) -> None:
    late, later = Elsewhere(b"late", takes_s=1.5), Elsewhere(b"later", takes_s=2.0)
    workers = first_of([late, later])
    assert await speak(workers) == b"late"
    assert (later.cancelled, address(workers, 1).overtaken) == (1, 0)
    assert address(workers, 1).breaker == "closed", "it was not slower than the first one"


async def test_a_frozen_server_is_left_alone_though_it_never_fails(autojump_clock: MockClock) -> None:
    frozen, other = Elsewhere(takes_s=3_600.0), Elsewhere(b"other", takes_s=0.1)
    workers = first_of([frozen, other])
    assert [await speak(workers) for _ in range(20)] == [b"other"] * 20
    assert frozen.calls == 3 + 1, "three jobs, and one that tried it a while later"
    frozen.takes_s = 0.1
    await trio.sleep(60.0)
    assert {await speak(workers) for _ in range(2)} == {b"server", b"other"}


async def test_all_servers_together_have_one_deadline_and_then_the_pool_speaks(autojump_clock: MockClock) -> None:
    frozen = [Elsewhere(takes_s=3_600.0), Elsewhere(takes_s=3_600.0)]
    workers = first_of(frozen, FakePool(here))
    started_s = trio.current_time()
    assert await speak(workers) == b"pool"
    assert trio.current_time() - started_s == pytest.approx(WITHIN_S)
    assert [address(workers, number).failures for number in (0, 1)] == [1, 1]


async def test_a_busy_service_is_not_given_twice_the_work(autojump_clock: MockClock) -> None:
    slow = [Elsewhere(takes_s=2.0), Elsewhere(takes_s=2.0)]
    workers = first_of(slow)
    async with trio.open_nursery() as nursery:
        for _ in range(60):
            nursery.start_soon(speak, workers)
    assert sum(server.calls for server in slow) == 60 + 10
    assert shown(workers).hedges == 10


async def test_beyond_what_the_servers_have_in_work_the_pool_speaks(autojump_clock: MockClock) -> None:
    spoken: list[bytes] = []

    async def note() -> None:
        spoken.append(await speak(workers))

    workers = first_of([Elsewhere(takes_s=0.5)], FakePool(here), at_once=2)
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(note)
    assert sorted(spoken) == [b"pool", b"server", b"server"]


async def test_without_a_pool_the_servers_get_all_of_it(autojump_clock: MockClock) -> None:
    elsewhere = Elsewhere(takes_s=0.5)
    workers = first_of([elsewhere], at_once=2)
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(speak, workers)
    assert elsewhere.calls == 5


async def test_a_cancelled_caller_is_no_failure_of_the_server(autojump_clock: MockClock) -> None:
    workers = first_of([Elsewhere(takes_s=3_600.0)], FakePool(here))
    for _ in range(5):
        with trio.move_on_after(1.0):
            await speak(workers)
    assert (address(workers).breaker, address(workers).in_work) == ("closed", 0)


async def test_an_error_of_ours_is_no_failure_of_the_server(autojump_clock: MockClock) -> None:
    workers = first_of([Elsewhere(trouble=ZeroDivisionError())], FakePool(here))
    with pytest.RaisesGroup(ZeroDivisionError):
        await speak(workers)
    assert (address(workers).failures, address(workers).in_work) == (0, 0)


async def test_without_a_pool_the_trouble_is_told(autojump_clock: MockClock) -> None:
    workers = first_of([Elsewhere(trouble=BROKEN), Elsewhere(trouble=ProviderError("here too"))])
    async with trio.open_nursery() as nursery:
        await nursery.start(workers.run)
        with pytest.raises(PoolUnavailable, match="there is broken; here too"):
            await speak(workers)
        statistics = workers.statistics()
        assert (statistics.size, statistics.ready, statistics.has_local_workers) == (2, 2, False)
        with pytest.raises(PoolUnavailable, match="http://0 and http://1 cannot do DescribeModel"):
            await workers.call(DescribeModel(), timeout_s=1.0)
        for _ in range(2):
            with pytest.raises(PoolUnavailable):
                await speak(workers)
        with pytest.raises(PoolUnavailable, match=r"(there is broken|here too); (there is broken|here too)"):
            await speak(workers)
        assert workers.statistics().trouble_now == "no server of the settings answers"
        nursery.cancel_scope.cancel()


async def test_without_a_pool_a_server_that_is_left_alone_is_asked_where_no_other_answers(
    autojump_clock: MockClock,
) -> None:
    slow, quick = Elsewhere(b"slow", takes_s=3.0), Elsewhere(b"quick", takes_s=0.1)
    workers = first_of([slow, quick])
    for _ in range(3):
        await speak(workers)
    assert address(workers).breaker == "open"
    quick.trouble = BROKEN
    assert await speak(workers) == b"slow", "its breaker has a second to go"


async def test_the_pool_behind_runs_with_it() -> None:
    pool = FakePool(here)
    changes: list[str] = []
    workers = first_of([Elsewhere()], pool)
    workers.set_on_change(lambda: changes.append("changed"))
    async with trio.open_nursery() as nursery:
        await nursery.start(workers.run)
        assert pool.starts == 1
        pool.show(pool.shown)
        assert changes == ["changed"]
        nursery.cancel_scope.cancel()


def test_an_address_is_shown_without_what_is_secret() -> None:
    assert shown_url("https://me:secret@example.org:8000/v1/?key=1") == "https://example.org:8000/v1/"
    assert shown_url("http://127.0.0.1:9/v1/") == "http://127.0.0.1:9/v1"
