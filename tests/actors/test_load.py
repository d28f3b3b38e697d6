from collections.abc import Sequence

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.load import Load, LoadHands, p95
from config.settings import LoadSettings
from protocol.messages import Gauge
from runtime import ChildSpec, Ref, Tree
from runtime.load import MEMORY, LoadReport, Reading
from tests.fakes import Grow, Script, default_settings, scripted


@attrs.define(eq=False)
class House:
    """What the controller looks at, and what it did."""

    memory: float = 0.1
    cpu_percent: float = 5.0
    queue_delay_s: float = 0.0
    was_killed: bool = False
    settings: LoadSettings = attrs.field(factory=lambda: default_settings().load)
    reports: list[LoadReport] = attrs.field(factory=list)
    evictions: list[float] = attrs.field(factory=list)
    farewells: list[str] = attrs.field(factory=list)
    metrics: Script = attrs.field(factory=Script)
    tree: Tree = attrs.field(init=False)

    def look(self) -> tuple[Sequence[Reading], bool]:
        was_killed, self.was_killed = self.was_killed, False
        return [Reading(MEMORY, self.memory)], was_killed

    async def open(self, grow: Grow, level: int = 0) -> None:
        """Start it in a house at ``level``."""
        hands = LoadHands(
            look=self.look,
            cpu_percent=lambda: self.cpu_percent,
            queue_delay_s=lambda: self.queue_delay_s,
            publish=self.reports.append,
            evict=lambda: self.evictions.append(trio.current_time()),
            leave=self.farewells.append,
        )
        metrics = scripted("metrics", self.metrics)
        self.tree = await grow(
            metrics, ChildSpec(Ref("load"), lambda: Load(self.settings, hands, metrics.ref, level=level))
        )

    @property
    def level(self) -> int:
        return int(self.reports[-1].level)


@pytest.fixture(autouse=True)
def _no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run_sync(function):  # a thread would stop the clock from jumping
        await trio.lowlevel.checkpoint()
        return function()

    monkeypatch.setattr(trio.to_thread, "run_sync", run_sync)


async def test_a_calm_house_is_at_level_0_and_says_so(grow: Grow, autojump_clock: MockClock) -> None:
    house = House()
    await house.open(grow)
    await trio.sleep(3.0)
    assert house.level == 0
    await wait_all_tasks_blocked()
    assert Gauge("load_level", (), 0) in house.metrics.seen
    assert Gauge("load_signal", ("memory",), 0.1) in house.metrics.seen


async def test_each_signal_raises_the_level_and_the_calm_brings_it_back(grow: Grow, autojump_clock: MockClock) -> None:
    house = House()
    await house.open(grow)
    house.queue_delay_s = 1.2
    await trio.sleep(2.0)
    assert (house.level, house.reports[-1].driver) == (3, "queue_delay")
    house.queue_delay_s = 0.0
    await trio.sleep(40.0)
    assert house.level == 0


async def test_the_cpu_is_measured_against_its_limit(grow: Grow, autojump_clock: MockClock) -> None:
    house = House(cpu_percent=85.0)
    await house.open(grow)
    await trio.sleep(2.0)
    assert house.level == 1
    house.cpu_percent = 100.0
    await trio.sleep(2.0)
    assert house.level == 2, "a busy machine that meets its deadlines is healthy"


async def test_at_level_4_sessions_are_asked_to_leave_now_and_then(grow: Grow, autojump_clock: MockClock) -> None:
    house = House(memory=0.95)
    await house.open(grow)
    await trio.sleep(13.0)
    assert len(house.evictions) == 3
    assert house.farewells == []


@pytest.mark.parametrize("exits", [True, False])
async def test_an_unsafe_house_leaves_if_it_may(grow: Grow, exits: bool, autojump_clock: MockClock) -> None:
    house = House(memory=0.98)
    house.settings = attrs.evolve(house.settings, exit_when_unsafe=exits)
    await house.open(grow)
    await trio.sleep(2.0)
    assert house.level == 5
    assert set(house.farewells) == ({"not safe: memory"} if exits else set())


async def test_a_process_killed_for_memory_keeps_new_ones_out(grow: Grow, autojump_clock: MockClock) -> None:
    house = House(was_killed=True)
    await house.open(grow)
    await trio.sleep(50.0)
    assert house.level == 3
    await trio.sleep(60.0)
    assert house.level == 0


async def test_a_controller_that_was_started_again_goes_on_at_the_level_of_the_house(
    grow: Grow, autojump_clock: MockClock
) -> None:
    house = House()
    await house.open(grow, level=3)
    await trio.sleep(5.0)
    assert house.level == 3
    await trio.sleep(30.0)
    assert house.level == 0


async def test_it_takes_no_messages() -> None:
    house = House()
    none = lambda: 0.0  # noqa: E731 - shorter than a function
    hands = LoadHands(house.look, none, none, house.reports.append, house.evictions.clear, house.farewells.append)
    with pytest.raises(TypeError, match="cannot handle str"):
        await Load(house.settings, hands, Ref("metrics")).handle("hello")


def test_the_percentile_of_nothing_is_nothing():
    assert p95([]) is None
    assert p95([1.0]) == 1.0
    assert p95(range(101)) == 95
