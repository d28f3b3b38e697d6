from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.metrics import ACTORS_AT_ONCE, Metrics, is_session_id, role_of, totals_of
from protocol.messages.records import Count, Observe, ToolRecord, TurnRecord
from runtime import ChildSpec, ChildState, ChildStatus, MailboxSpec, Overflow, Ref, Tree
from runtime.messaging.pace import IDLE_S, Pace
from runtime.policies.balancing import AddressStatistics
from runtime.workers.pool_statistics import PoolOwnerStatistics, PoolStatistics, RemoteStatistics
from tests.fake_pool import pool_statistics
from tests.fakes import Grow, Notes, default_settings

SESSION_ID = "0123456789abcdef"


@attrs.define(eq=False)
class FakeRegistry:
    """Keeps figures by name and labels."""

    counts: Counter[tuple[str, tuple[str, ...]]] = attrs.field(factory=Counter)
    gauges: dict[tuple[str, tuple[str, ...]], float] = attrs.field(factory=dict)
    observed: Notes[tuple[str, tuple[str, ...], float]] = attrs.field(factory=Notes)
    samples: Notes[float] = attrs.field(factory=Notes)
    exemplars: list[tuple[object, ...]] = attrs.field(factory=list)

    def count(self, name: str, labels: Sequence[str], amount: float = 1.0) -> None:
        self.counts[name, tuple(labels)] += amount  # type: ignore[assignment] # seconds are counted too

    def gauge(self, name: str, labels: Sequence[str], value: float) -> None:
        self.gauges[name, tuple(labels)] = value
        if name == "sessions":  # the last but the tree
            self.samples.add(trio.current_time())

    def observe(
        self, name: str, labels: Sequence[str], value: float, exemplar: Mapping[str, str] | None = None
    ) -> None:
        self.observed.add((name, tuple(labels), value))
        if exemplar is not None:
            self.exemplars.append((name, *labels, exemplar))


@attrs.frozen
class FakeMachine:
    """Figures of the machine."""

    memory_bytes: int = 1_000
    cpu_percent: float = 12.5


def child(name: str, *below: ChildStatus, restarts: int = 0, pool: PoolStatistics | None = None) -> ChildStatus:
    """Return an actor's status with an empty mailbox."""
    return ChildStatus(
        id=name,
        state=ChildState.READY,
        incarnation=restarts + 1,
        restarts=restarts,
        zombies=0,
        last_exit=None,
        mailbox=Ref(name).statistics(),
        statistics=PoolOwnerStatistics(pool=pool),
        children=below,
    )


def flatten(children: Sequence[ChildStatus]) -> Iterator[ChildStatus]:
    for one in children:
        yield one
        yield from flatten(one.children)


@attrs.define(eq=False)
class Watch:
    """Metrics with a fake machine and a fake tree."""

    registry: FakeRegistry = attrs.field(factory=FakeRegistry)
    children: tuple[ChildStatus, ...] = ()
    machine: FakeMachine | None = attrs.field(factory=FakeMachine)
    ref: Ref = attrs.field(factory=lambda: Ref("metrics"))
    monitor: Ref = attrs.field(factory=lambda: Ref("monitor"))
    tree: Tree = attrs.field(init=False)

    async def open(self, grow: Grow, pace: Pace | None = None) -> None:
        """Start it, and wait for the first sample."""

        def make() -> Metrics:
            settings = default_settings().metrics
            return Metrics(
                settings,
                self.registry,
                sample_machine=lambda: self.machine,
                actors=self._actors,
                count_sessions=lambda: 3,
                monitor=self.monitor,
            )

        self.tree = await grow(ChildSpec(self.ref, make), pace=pace)
        await self.sampled()

    def _actors(self) -> Iterator[ChildStatus]:
        return flatten(self.children)

    async def sampled(self, count: int = 1) -> None:
        """Wait until that many samples were taken: the thread takes real time, so the clock stands still for it."""
        await self.registry.samples.wait_until(lambda samples: len(samples) >= count)
        await wait_all_tasks_blocked()

    async def tell(self, message: object) -> None:
        """Let it have a record."""
        await self.ref.tell(message)
        await wait_all_tasks_blocked()


async def test_what_others_count_is_counted(grow: Grow, mock_clock: MockClock) -> None:
    watch = Watch()
    await watch.open(grow)
    await watch.tell(Count("shed_total", ("0", "session")))
    await watch.tell(Count("stt_audio_seconds_total", (), 2.5))
    await watch.tell(Observe("db_write_seconds", (), 0.1))
    assert watch.registry.counts == {("shed_total", ("0", "session")): 1.0, ("stt_audio_seconds_total", ()): 2.5}
    assert ("db_write_seconds", (), 0.1) in watch.registry.observed


async def test_the_monitor_is_told_of_turns_tool_calls_refusals_and_crashes_and_of_no_other_count(
    grow: Grow, mock_clock: MockClock
) -> None:
    watch = Watch()
    turn = TurnRecord("s", "t1", "local", 1.0, "hello", "good day", "done", "command", {})
    call = ToolRecord("s", "t1", "c1", 1.0, "home", "light_on", {}, True, "on", 12.0, "light on", 0.9)
    await watch.open(grow)
    counts = Count("refusals_total", ("rate",), 3), Count("session_faults_total", ("recovered", "", ""))
    for record in (Count("wakes_total", ("okay nabu",)), turn, call, *counts):
        await watch.tell(record)
    told = [envelope.message for envelope in iter(watch.monitor.mailbox.take_nowait, None)]
    assert told == [turn, call, *counts]


async def test_a_turn_is_counted_and_its_stages_are_seconds(grow: Grow, mock_clock: MockClock) -> None:
    watch = Watch()
    await watch.open(grow)
    latency_ms = {"stt": 250.0, "total": 1_500.0}
    await watch.tell(TurnRecord("s", "t", "u", 1.0, "hello", "hi", "done", "model", latency_ms))
    await watch.tell(TurnRecord("s", "t", "u", 1.0, "", "", "no_speech", None, {}))
    assert watch.registry.counts == {("turns_total", ("done", "model")): 1, ("turns_total", ("no_speech", "none")): 1}
    stages = [entry for entry in watch.registry.observed if entry[0] == "turn_seconds"]
    assert stages == [("turn_seconds", ("stt",), 0.25), ("turn_seconds", ("total",), 1.5)]
    assert watch.registry.exemplars == [("turn_seconds", stage, {"turn_id": "t"}) for stage in ("stt", "total")]


@pytest.mark.parametrize(("is_ok", "outcome"), [(True, "ok"), (False, "error")])
async def test_a_tool_call_is_counted_by_its_outcome(
    grow: Grow, mock_clock: MockClock, is_ok: bool, outcome: str
) -> None:
    watch = Watch()
    await watch.open(grow)
    await watch.tell(ToolRecord("s", "t", "c", 1.0, "house", "clock", {}, is_ok, "noon", 5.0, "what time", 0.9))
    assert watch.registry.counts == {("tool_calls_total", ("house", "clock", outcome)): 1}


async def test_a_machine_that_cannot_be_looked_at_leaves_the_rest_to_be_sampled(
    grow: Grow, mock_clock: MockClock
) -> None:
    watch = Watch(machine=None)
    await watch.open(grow)
    assert watch.registry.gauges["sessions", ("live",)] == 3
    assert ("memory_usage_bytes", ()) not in watch.registry.gauges


async def test_the_machine_is_sampled_again_and_again(grow: Grow, mock_clock: MockClock) -> None:
    watch = Watch()
    await watch.open(grow)
    gauges = watch.registry.gauges
    assert gauges["memory_usage_bytes", ()] == 1_000
    assert gauges["cpu_usage_percent", ()] == 12.5
    assert gauges["active_connections", ()] == gauges["sessions", ("live",)] == 3
    assert gauges["event_loop_tasks", ()] == trio.lowlevel.current_statistics().tasks_living
    mock_clock.jump(5.0)
    await watch.sampled(2)
    mock_clock.jump(4.9)
    await wait_all_tasks_blocked()
    assert watch.registry.samples == [0.0, 5.0]


async def test_the_lag_of_the_loop_is_measured(grow: Grow, mock_clock: MockClock) -> None:
    watch = Watch()
    await watch.open(grow)
    mock_clock.jump(0.1)
    await wait_all_tasks_blocked()
    mock_clock.jump(0.4)  # something held up the loop for 0.3 s
    await wait_all_tasks_blocked()
    lags = [entry for entry in watch.registry.observed if entry[0] == "event_loop_lag_seconds"]
    assert [(labels, round(lag_s, 3)) for _, labels, lag_s in lags] == [((), 0.0), ((), 0.3)]


async def test_actors_of_a_session_share_their_role_s_label(grow: Grow, mock_clock: MockClock) -> None:
    other_id = SESSION_ID[::-1]
    watch = Watch(
        children=(
            child("transcription", pool=pool_statistics(rss_bytes=500, busy_ratio=0.5)),
            child(
                "sessions",
                child(SESSION_ID, child(f"{SESSION_ID}.audio", restarts=1)),
                child(other_id, child(f"{other_id}.audio", restarts=2)),
            ),
        )
    )
    await watch.open(grow)
    mock_clock.jump(5.0)
    await watch.sampled(2)
    roles = {labels[0] for name, labels in watch.registry.gauges if name == "actor_mailbox_depth"}
    assert roles == {"transcription", "sessions", "session", "session.audio"}
    assert watch.registry.gauges["worker_memory_bytes", ("transcription",)] == 500
    assert watch.registry.gauges["worker_busy_ratio", ("transcription",)] == 0.5
    assert watch.registry.counts["actor_restarts_total", ("session.audio", "crash")] == 3, "counted once, not twice"


async def test_each_server_that_does_a_pool_s_jobs_has_its_figures(grow: Grow, mock_clock: MockClock) -> None:
    def elsewhere(answers: int) -> PoolStatistics:
        first = AddressStatistics(url="http://a", breaker="closed", in_work=2, answers=answers, failures=1, overtaken=3)
        second = attrs.evolve(first, url="http://b", breaker="open", in_work=0)
        remote = RemoteStatistics(addresses=(first, second), fallbacks=4, hedges=5, hedge_after_s=0.7)
        return pool_statistics(remote=remote)

    watch = Watch(children=(child("transcription", pool=elsewhere(7)),))
    await watch.open(grow)
    watch.children = (child("transcription", pool=elsewhere(9)),)
    mock_clock.jump(5.0)
    await watch.sampled(2)
    gauges, counts = watch.registry.gauges, watch.registry.counts
    assert [gauges["remote_up", ("transcription", url)] for url in ("http://a", "http://b")] == [1, 0]
    assert gauges["remote_in_work", ("transcription", "http://a")] == 2
    assert gauges["remote_hedge_after_seconds", ("transcription",)] == 0.7
    assert counts["remote_requests_total", ("transcription", "http://a", "answered")] == 9
    assert counts["remote_requests_total", ("transcription", "http://b", "overtaken")] == 3
    assert counts["remote_hedges_total", ("transcription",)] == 5
    assert counts["remote_fallbacks_total", ("transcription",)] == 4


async def test_others_have_their_turn_while_thousands_are_sampled(grow: Grow, mock_clock: MockClock) -> None:
    sampled: list[ChildStatus] = []

    class Crowd(Watch):
        def _actors(self) -> Iterator[ChildStatus]:
            for one in self.children:
                sampled.append(one)
                yield one

    turns: set[int] = set()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Crowd(children=(child("history"),) * 1_000).open, grow)
        while len(sampled) < 1_000:
            await trio.lowlevel.checkpoint()
            turns.add(len(sampled))
    assert max(later - earlier for earlier, later in pairwise(sorted(turns))) <= 3 * ACTORS_AT_ONCE


async def test_restarts_are_counted_as_they_come(grow: Grow, mock_clock: MockClock) -> None:
    watch = Watch(children=(child("history", restarts=1),))
    await watch.open(grow)
    watch.children = (child("history", restarts=3),)
    mock_clock.jump(5.0)
    await watch.sampled(2)
    watch.children = ()
    mock_clock.jump(5.0)
    await watch.sampled(3)
    assert watch.registry.counts == {("actor_restarts_total", ("history", "crash")): 3}


async def test_what_a_mailbox_did_not_deliver_is_counted_by_reason() -> None:
    ref = Ref("audio", MailboxSpec(capacity=1, overflow=Overflow.DROP_OLDEST))
    ref.mailbox.counters.expired = 2
    ref.mailbox.counters.rejected = 3
    ref.mailbox.counters.dropped.update({"overflow": 4})
    status = attrs.evolve(child("audio", restarts=1), mailbox=ref.mailbox.statistics(0.0))
    assert totals_of("session.audio", status) == {
        ("actor_restarts_total", ("session.audio", "crash")): 1,
        ("expired_total", ("session.audio",)): 2,
        ("dropped_total", ("session.audio", "rejected")): 3,
        ("dropped_total", ("session.audio", "overflow")): 4,
    }


async def test_anything_else_is_a_bug(grow: Grow, mock_clock: MockClock) -> None:
    watch = Watch()
    await watch.open(grow)
    await watch.tell("nonsense")
    last = watch.tree.status().children[0].last_exit
    assert last is not None
    assert last.reason == "TypeError: Metrics handles no str"


@pytest.mark.parametrize(
    ("actor_id", "role"),
    [
        ("history", "history"),
        ("tools.router", "tools.router"),
        (SESSION_ID, "session"),
        (f"{SESSION_ID}.audio", "session.audio"),
        ("0123456789abcdeg.audio", "0123456789abcdeg.audio"),
    ],
)
def test_only_session_ids_are_left_out_of_a_label(actor_id: str, role: str) -> None:
    assert role_of(actor_id) == role


@pytest.mark.parametrize("name", ["", "0123", SESSION_ID.upper(), SESSION_ID + "0"])
def test_a_session_id_has_sixteen_small_hexadecimal_digits(name: str) -> None:
    assert not is_session_id(name)


async def test_the_lag_of_the_loop_is_measured_at_the_slow_beats_while_nobody_uses_the_server(
    grow: Grow, mock_clock: MockClock
) -> None:
    watch = Watch()
    await watch.open(grow, pace=Pace())
    mock_clock.jump(IDLE_S - 0.1)
    await wait_all_tasks_blocked()
    assert watch.registry.observed == []
    mock_clock.jump(0.1)
    await watch.sampled(2)
    assert watch.registry.observed == [("event_loop_lag_seconds", (), 0.0)]
