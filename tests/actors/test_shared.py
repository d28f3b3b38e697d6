import random

import attrs
import pytest
import trio
from trio.testing import MockClock

from actors.shared import BEAT_S, SharedActions, SharedKeeper, SharedReport, SharedStatistics
from backends.protocols import SharedUnavailable
from backends.shared.guarded import GuardedShared
from protocol.messages.events import Degraded, Recovered
from protocol.messages.records import Count, Gauge
from runtime import Backoff, ChildSpec, Ref, Tree
from tests.fake_shared import FakeShared, SharedMemory
from tests.fakes import Grow, Script, scripted, shown_by

BACKOFF = Backoff(base_s=0.5, cap_s=5.0)


@attrs.define(eq=False)
class Replica:
    """A keeper, and what it did."""

    memory: SharedMemory
    name: str = "here"
    told: list[Degraded | Recovered] = attrs.field(factory=list)
    reports: list[SharedReport] = attrs.field(factory=list)
    let_go: list[str] = attrs.field(factory=list)
    is_leaving: bool = False
    written: int = 0
    """How often the sessions were to be written again."""
    metrics: Script = attrs.field(factory=Script)
    keeper: Ref = attrs.field(factory=lambda: Ref("shared"))
    store: GuardedShared = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.store = GuardedShared(FakeShared(self.memory, self.name), 0.05, lambda _: None)

    def end_half(self, owner: str) -> bool:
        self.let_go.append(owner)
        return owner == "mine"

    def write_again(self) -> None:
        self.written += 1

    def specs(self) -> tuple[ChildSpec, ChildSpec]:
        metrics = scripted(f"metrics of {self.name}", self.metrics)
        actions = SharedActions(
            lambda: self.is_leaving,
            self.end_half,
            self.write_again,
            self.told.append,
            self.reports.append,
        )
        rng = random.Random(1)
        keeper = ChildSpec(
            self.keeper, lambda: SharedKeeper(self.store, actions, metrics.ref, backoff=BACKOFF, rng=rng)
        )
        return metrics, keeper


def figures(tree: Tree) -> SharedStatistics:
    return shown_by(tree.find("shared").status(), SharedStatistics)


async def test_replicas_know_of_each_other_until_they_leave_or_fall_silent(
    grow: Grow, autojump_clock: MockClock
) -> None:
    memory = SharedMemory()
    first, second = Replica(memory, "first"), Replica(memory, "second", keeper=Ref("shared of second"))
    await grow(*first.specs(), *second.specs())
    await trio.sleep(2.5 * BEAT_S)
    assert (first.reports[-1], second.reports[-1]) == (SharedReport(1), SharedReport(1))
    second.is_leaving = True
    await trio.sleep(2.1 * BEAT_S)
    assert (first.reports[-1], second.reports[-1]) == (SharedReport(0), SharedReport(1))
    assert Gauge("replicas", (), 2) in first.metrics.of(Gauge)
    assert Gauge("replicas", (), 1) in first.metrics.of(Gauge)


async def test_a_trouble_is_told_once_and_so_is_its_end(grow: Grow, autojump_clock: MockClock, caplog) -> None:
    caplog.set_level("INFO", "sayso.shared")
    replica = Replica(SharedMemory())
    tree = await grow(*replica.specs())
    await trio.sleep(BEAT_S / 2)
    replica.memory.trouble = "frozen"
    await trio.sleep(5 * BEAT_S)
    assert figures(tree) == SharedStatistics(is_up=False, others=0, trouble="no answer in 50 ms")
    replica.memory.trouble = ""
    await trio.sleep(2 * BEAT_S)
    assert figures(tree) == SharedStatistics(is_up=True, others=0, trouble=None)
    assert replica.told == [
        Degraded("shared store", "no answer in 50 ms"),
        Recovered("shared store", "it answers again"),
    ]
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "INFO"]


async def test_clients_are_not_told_of_a_store_that_was_never_there(grow: Grow, autojump_clock: MockClock) -> None:
    replica = Replica(SharedMemory(trouble="dead"))
    await grow(*replica.specs())
    await trio.sleep(3 * BEAT_S)
    replica.memory.trouble = ""
    await trio.sleep(2 * BEAT_S)
    assert replica.told == []
    assert replica.store.trouble is None


@pytest.mark.parametrize("between", [False, True])
async def test_sessions_are_written_again_as_soon_as_the_store_is_back(
    between: bool, grow: Grow, autojump_clock: MockClock
) -> None:
    """Also after a trouble that begins and ends between two heartbeats."""
    replica = Replica(SharedMemory())
    await grow(*replica.specs())
    await trio.sleep(BEAT_S / 2)
    before = replica.written
    replica.memory.trouble = "frozen"
    with pytest.raises(SharedUnavailable):
        await replica.store.find_answer(b"question")
    assert replica.written == before
    await trio.sleep(0.0 if between else 3 * BEAT_S)
    replica.memory.trouble = ""
    await trio.sleep(1.1 * BEAT_S)
    assert replica.written == before + 1
    await trio.sleep(5 * BEAT_S)
    assert replica.written == before + 1


async def test_a_session_that_another_replica_takes_is_let_go(grow: Grow, autojump_clock: MockClock) -> None:
    replica = Replica(SharedMemory())
    await grow(*replica.specs())
    await trio.sleep(BEAT_S / 2)
    for listener in replica.memory.listeners:
        listener.send_nowait("mine")
        listener.send_nowait("another's")
    await trio.sleep(BEAT_S)
    assert replica.let_go == ["mine", "another's"]
    assert replica.metrics.of(Count) == [Count("moves_total", ("let_go",))]


async def test_a_trouble_of_a_moment_is_over_in_a_moment_and_not_told(grow: Grow, autojump_clock: MockClock) -> None:
    replica = Replica(SharedMemory())
    await grow(*replica.specs())
    await trio.sleep(BEAT_S / 2)
    before = replica.written
    replica.memory.trouble = "dead"
    with pytest.raises(SharedUnavailable):
        await replica.store.find_answer(b"question")
    replica.memory.trouble = ""
    await trio.sleep(0.001)
    assert (replica.store.trouble, replica.written) == (None, before + 1)
    assert replica.told == []


class BeatsOnly(FakeShared):
    """A store that answers nothing but heartbeats."""

    async def find_answer(self, key: bytes) -> bytes | None:
        raise SharedUnavailable("too slow")


async def test_a_store_that_answers_heartbeats_only_is_asked_less_and_less(
    grow: Grow, autojump_clock: MockClock
) -> None:
    replica = Replica(SharedMemory())
    replica.store.store = BeatsOnly(replica.memory)
    await grow(*replica.specs())
    failed = 0
    with trio.move_on_after(10.0):
        while True:
            if replica.store.trouble is None:
                failed += 1
                with pytest.raises(SharedUnavailable):
                    await replica.store.find_answer(b"question")
            await trio.sleep(0.01)
    assert failed < 20
