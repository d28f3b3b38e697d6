import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.load import Load, LoadActions
from config.settings import LoadSettings
from protocol.admission.load import CPU, MEMORY, LoadReport, Look, Reading
from protocol.messages.records import Count, Gauge
from runtime import ChildSpec, Ref, Tree
from runtime.messaging.pace import IDLE_S, Pace
from tests.fakes import Grow, Script, default_settings, scripted


@attrs.define(eq=False)
class Server:
    """What the controller looks at, and what it did."""

    memory: float = 0.1
    cpu: float = 0.05
    missing: float | None = None
    hangs: bool = False
    is_busy_with_others: bool = False
    waited_s: float = 0.0
    queue_delay_s: float = 0.0
    was_killed: bool = False
    settings: LoadSettings = attrs.field(factory=lambda: default_settings().load)
    reports: list[LoadReport] = attrs.field(factory=list)
    evictions: list[float] = attrs.field(factory=list)
    farewells: list[str] = attrs.field(factory=list)
    metrics: Script = attrs.field(factory=Script)
    tree: Tree = attrs.field(init=False)

    def look(self) -> Look:
        was_killed, self.was_killed = self.was_killed, False
        return Look([Reading(MEMORY, self.memory), Reading(CPU, self.cpu)], was_killed, self.is_busy_with_others)

    async def open(self, grow: Grow, level: int = 0, pace: Pace | None = None) -> None:
        """Start it in a server at ``level``."""
        actions = LoadActions(
            look=self.look,
            waited_s=lambda: self.waited_s,
            queue_delay_s=lambda: self.queue_delay_s,
            workers_missing=lambda: self.missing,
            publish=self.reports.append,
            evict=lambda: self.evictions.append(trio.current_time()),
            leave=self.farewells.append,
        )
        metrics = scripted("metrics", self.metrics)
        self.tree = await grow(
            metrics, ChildSpec(Ref("load"), lambda: Load(self.settings, actions, metrics.ref, level=level)), pace=pace
        )

    @property
    def level(self) -> int:
        return int(self.reports[-1].level)


@pytest.fixture(autouse=True)
def _no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run_sync(function, **_options):  # a thread would stop the clock from jumping
        await trio.lowlevel.checkpoint()
        return function()

    monkeypatch.setattr(trio.to_thread, "run_sync", run_sync)


async def test_a_calm_server_is_at_level_0_and_says_so(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    await server.open(grow)
    await trio.sleep(3.0)
    assert server.level == 0
    await wait_all_tasks_blocked()
    assert Gauge("load_level", (), 0) in server.metrics.seen
    assert Gauge("load_signal", ("memory",), 0.1) in server.metrics.seen


async def test_each_signal_raises_the_level_and_the_calm_brings_it_back(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    await server.open(grow)
    server.queue_delay_s = 1.2
    await trio.sleep(2.0)
    assert (server.level, server.reports[-1].driver) == (3, "queue_delay")
    server.queue_delay_s = 0.0
    await trio.sleep(40.0)
    assert server.level == 0


async def test_the_cpu_alone_refuses_no_client(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server(cpu=1.06)
    await server.open(grow)
    await trio.sleep(2.0)
    assert server.level == 1
    server.cpu = 1.25
    await trio.sleep(2.0)
    assert server.level == 2, "a busy machine that meets its deadlines is healthy"


async def test_at_level_4_sessions_are_asked_to_leave_now_and_then(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server(memory=0.95)
    await server.open(grow)
    await trio.sleep(13.0)
    assert len(server.evictions) == 3
    assert server.farewells == []


@pytest.mark.parametrize("exits", [True, False])
async def test_an_unsafe_server_leaves_if_it_may(grow: Grow, exits: bool, autojump_clock: MockClock) -> None:
    server = Server(memory=0.98)
    server.settings = attrs.evolve(server.settings, exit_when_unsafe=exits)
    await server.open(grow)
    await trio.sleep(2.0)
    assert server.level == 5
    assert set(server.farewells) == ({"not safe: memory"} if exits else set())


async def test_a_process_killed_for_memory_keeps_new_ones_out(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server(was_killed=True)
    await server.open(grow)
    await trio.sleep(50.0)
    assert server.level == 3
    await trio.sleep(60.0)
    assert server.level == 0


async def test_a_controller_that_was_started_again_goes_on_at_the_last_level(
    grow: Grow, autojump_clock: MockClock
) -> None:
    server = Server()
    await server.open(grow, level=3)
    await trio.sleep(5.0)
    assert server.level == 3
    await trio.sleep(30.0)
    assert server.level == 0


async def test_workers_that_stay_away_keep_new_ones_out_and_one_that_is_back_soon_does_not(
    grow: Grow, autojump_clock: MockClock
) -> None:
    server = Server(missing=0.0)
    await server.open(grow)
    await trio.sleep(6.0)
    server.missing = 1.0
    await trio.sleep(4.0)
    server.missing = 0.0
    await trio.sleep(6.0)
    assert max(report.level for report in server.reports) == 0
    server.missing = 1.0
    await trio.sleep(7.0)
    assert (server.level, server.reports[-1].driver) == (3, "workers_missing")


async def test_a_look_that_hangs_stops_nothing_and_what_was_read_last_counts(
    grow: Grow, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(memory=0.9)
    looks = 0

    async def run_sync(function, *, limiter, **_options):
        nonlocal looks
        if server.hangs:
            looks += 1
            limiter.acquire_on_behalf_of_nowait("the thread")
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        return function()

    monkeypatch.setattr(trio.to_thread, "run_sync", run_sync)
    await server.open(grow)
    await trio.sleep(2.0)
    server.hangs = True
    await trio.sleep(30.0)
    assert (server.level, server.reports[-1].driver) == (3, "memory")
    server.queue_delay_s, server.memory = 1.5, 0.1
    await trio.sleep(20.0)
    assert server.level == 3
    assert looks == 1
    assert server.metrics.seen.count(Count("load_looks_late_total")) == 1
    assert len(server.reports) > 90


async def test_while_nobody_uses_the_server_the_machine_is_looked_at_seldom_and_at_once_for_the_first_client(
    grow: Grow, autojump_clock: MockClock
) -> None:
    server, pace = Server(), Pace()
    await server.open(grow, pace=pace)
    await trio.sleep(60.5)
    assert len(server.reports) == 60 / IDLE_S
    with pace.use():
        await wait_all_tasks_blocked()
        assert len(server.reports) == 60 / IDLE_S + 1
        await trio.sleep(5.0)
    assert len(server.reports) == pytest.approx(60 / IDLE_S + 11, abs=1)


async def test_the_lag_is_measured_in_use_only_and_what_was_measured_is_forgotten(
    grow: Grow, autojump_clock: MockClock
) -> None:
    server, pace = Server(), Pace(linger_s=1.0)
    await server.open(grow, pace=pace)

    def lag() -> float | None:
        return next(reading.value for reading in server.reports[-1].readings if reading.signal.name == "loop_lag")

    await trio.sleep(25.0)
    assert lag() is None
    with pace.use():
        await trio.sleep(2.0)
        assert lag() == pytest.approx(0.0, abs=1e-6)
    await trio.sleep(25.0)
    assert lag() is None


async def test_a_server_that_refuses_work_is_looked_at_often_though_nobody_uses_it(
    grow: Grow, autojump_clock: MockClock
) -> None:
    server = Server()
    await server.open(grow, level=3, pace=Pace())
    await trio.sleep(40.0)
    assert server.level <= 1
