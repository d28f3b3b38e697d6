import gc
import random
import weakref
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    AskError,
    Backoff,
    ChildSpec,
    DynamicSupervisor,
    Intensity,
    MailboxSpec,
    MaxChildren,
    Ref,
    Restart,
    StartChild,
    TerminateChild,
    WhichChildren,
)
from tests.runtime.probes import Do, Grow, Probe, Say, Stubborn, probe

Sessions = Callable[..., Awaitable[Ref]]


@pytest.fixture
def sessions(grow: Grow) -> Sessions:
    async def start(limit: int, **options: Any) -> Ref:
        ref = Ref("sessions", MailboxSpec(capacity=1_000))
        await grow(ChildSpec(ref, lambda: DynamicSupervisor(limit, **options)))
        return ref

    return start


async def test_64_a_child_too_many_is_refused_before_its_factory_is_called(
    sessions: Sessions, autojump_clock: MockClock
) -> None:
    ref = await sessions(2)
    made: list[Any] = []

    def make() -> Probe:
        made.append(1)
        return Probe()

    for number in range(2):
        await ref.ask(StartChild(ChildSpec(Ref(str(number)), make)))
    with pytest.raises(MaxChildren, match="all 2 places are taken") as caught:
        await ref.ask(StartChild(ChildSpec(Ref("2"), make)))
    assert caught.value.retry_after_s == 5.0
    assert len(made) == 2


async def test_64_a_limit_of_zero_refuses_all_and_a_negative_one_is_an_error(
    sessions: Sessions, autojump_clock: MockClock
) -> None:
    ref = await sessions(0)
    with pytest.raises(MaxChildren):
        await ref.ask(StartChild(probe("a")))
    with pytest.raises(ValueError, match="max_children must be >= 0, not -1"):
        DynamicSupervisor(-1)


async def test_65_children_in_backoff_keep_their_places(sessions: Sessions, autojump_clock: MockClock) -> None:
    ref = await sessions(1, backoff=Backoff(base_s=5.0))
    spec = probe("a")
    await ref.ask(StartChild(spec))
    await spec.ref.tell("crash")
    await wait_all_tasks_blocked()
    with pytest.raises(MaxChildren):
        await ref.ask(StartChild(probe("b")))


async def test_65_a_child_that_starts_has_its_place_already(
    sessions: Sessions, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    class Slow(Probe):
        async def on_start(self) -> None:
            await trio.sleep(1.0)

    ref = await sessions(1)
    nursery.start_soon(ref.ask, StartChild(ChildSpec(Ref("a"), Slow)))
    await wait_all_tasks_blocked()
    with pytest.raises(MaxChildren):
        await ref.ask(StartChild(probe("b")))


@pytest.mark.parametrize("restart", [Restart.TEMPORARY, Restart.TRANSIENT])
async def test_15_a_child_that_ended_is_forgotten_and_its_id_is_free(
    sessions: Sessions, restart: Restart, autojump_clock: MockClock
) -> None:
    ref = await sessions(1)

    async def done(actor: Probe) -> None:
        actor.context.stop("done")

    for _ in range(3):
        spec = probe("a", restart=restart)
        await ref.ask(StartChild(spec))
        await spec.ref.ask(Do(done))
        await wait_all_tasks_blocked()
    assert await ref.ask(WhichChildren()) == ()


async def test_a_terminated_child_frees_its_place_even_if_permanent(
    sessions: Sessions, autojump_clock: MockClock
) -> None:
    ref = await sessions(1)
    await ref.ask(StartChild(probe("a")))
    await ref.ask(TerminateChild("a"))
    await ref.ask(StartChild(probe("b")))


async def test_a_zombie_keeps_its_place_until_it_ends(sessions: Sessions, autojump_clock: MockClock) -> None:
    ref = await sessions(1)
    spec = ChildSpec(Ref("a"), lambda: Stubborn("a", [], 10.0), shutdown_s=1.0)
    await ref.ask(StartChild(spec))
    await ref.ask(TerminateChild("a"))
    (status,) = await ref.ask(WhichChildren())
    assert (status.state.value, status.zombies) == ("zombie", 1)
    with pytest.raises(MaxChildren):
        await ref.ask(StartChild(probe("b")))
    await trio.sleep(10.0)
    await ref.ask(StartChild(probe("b")))


async def test_27_one_of_many_crashes_and_comes_back_alone(sessions: Sessions, autojump_clock: MockClock) -> None:
    ref = await sessions(10)
    specs = [probe(str(number)) for number in range(5)]
    for spec in specs:
        await ref.ask(StartChild(spec))
    await trio.sleep(1.5)
    await specs[2].ref.tell("crash")
    await wait_all_tasks_blocked()
    assert [child.incarnation for child in await ref.ask(WhichChildren())] == [1, 1, 2, 1, 1]


async def test_49_50_many_children_stop_at_once_each_within_its_own_bound(
    grow: Grow, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []
    ref = Ref("sessions", MailboxSpec(capacity=1_000))
    tree = await grow(ChildSpec(ref, lambda: DynamicSupervisor(1_000)))
    for number in range(200):
        hold_s = 1.0 if number % 2 else 100.0
        spec = ChildSpec(Ref(str(number)), partial(Stubborn, "x", seen, hold_s), shutdown_s=2.0)
        await ref.ask(StartChild(spec))
    start_s = trio.current_time()
    with trio.move_on_after(60.0):
        await tree.stop("test")
    assert trio.current_time() - start_s == pytest.approx(5.0)  # 2 s, then 1 s for each level that holds zombies
    assert seen.count("x stops") == 100


@pytest.mark.parametrize("seed", range(3))
async def test_66_places_are_balanced_after_any_history(
    sessions: Sessions, seed: int, autojump_clock: MockClock
) -> None:
    rng = random.Random(seed)
    ref = await sessions(8, intensity=Intensity(10_000, 60.0), backoff=Backoff(max_consecutive=10_000))
    live: dict[str, Ref] = {}
    for number in range(300):
        action = rng.choice(["start", "start", "crash", "stop", "cancel"])
        name = rng.choice([*live, "none"])
        if action in ("start", "cancel"):
            spec = probe(str(number), restart=rng.choice(list(Restart)))
            live[str(number)] = spec.ref
            with trio.move_on_after(0.0 if action == "cancel" else 10.0):
                try:
                    await ref.ask(StartChild(spec))
                except MaxChildren:
                    del live[str(number)]
        elif action == "crash" and name != "none":
            live[name].tell_nowait("crash")
        else:
            try:
                await ref.ask(TerminateChild(name))
            except AskError:
                live.pop(name, None)
        await trio.sleep(rng.random() * 0.1)
    await trio.sleep(20.0)
    children = await ref.ask(WhichChildren())
    assert len(children) <= 8
    assert {child.state.value for child in children} <= {"ready"}
    for number in range(8 - len(children)):
        await ref.ask(StartChild(probe(f"new {number}")))
    with pytest.raises(MaxChildren):
        await ref.ask(StartChild(probe("too many")))


async def test_68_a_tenant_at_its_cap_is_refused_while_another_is_admitted(
    sessions: Sessions, autojump_clock: MockClock
) -> None:
    ref = await sessions(10, max_per_tenant=2)
    for number in range(2):
        await ref.ask(StartChild(probe(f"anna{number}", restart=Restart.TEMPORARY), tenant="anna"))
    with pytest.raises(MaxChildren, match="all 2 places of anna are taken"):
        await ref.ask(StartChild(probe("anna2"), tenant="anna"))
    await ref.ask(StartChild(probe("ben0"), tenant="ben"))
    await ref.ask(StartChild(probe("nobody")))
    await ref.ask(TerminateChild("anna0"))
    await ref.ask(StartChild(probe("anna2"), tenant="anna"))
    with pytest.raises(MaxChildren):
        await ref.ask(StartChild(probe("anna3"), tenant="anna"))


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_limit_of_0_for_each_tenant_is_an_error(limit: int) -> None:
    with pytest.raises(ValueError, match="max_per_tenant"):
        DynamicSupervisor(10, max_per_tenant=limit)


async def test_only_so_many_children_start_at_the_same_time(sessions: Sessions, autojump_clock: MockClock) -> None:
    starting = [0]
    most = [0]

    class Slow(Probe):
        async def on_start(self) -> None:
            starting[0] += 1
            most[0] = max(most[0], starting[0])
            await trio.sleep(1.0)
            starting[0] -= 1

    ref = await sessions(20, max_concurrent_starts=3)
    async with trio.open_nursery() as nursery:
        for number in range(9):
            nursery.start_soon(ref.ask, StartChild(ChildSpec(Ref(f"s{number}"), Slow)), 60.0)
    assert (most[0], trio.current_time()) == (3, 3.0)


@pytest.mark.parametrize("linked", [True, False])
async def test_67_a_start_whose_asker_is_gone_is_whole_or_not_at_all(
    sessions: Sessions, linked: bool, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []

    class Slow(Probe):
        async def on_start(self) -> None:
            await trio.sleep(5.0)
            await super().on_start()

    ref = await sessions(1)
    spec = ChildSpec(Ref("s"), lambda: Slow("s", seen))
    with trio.move_on_after(1.0):
        await ref.ask(StartChild(spec), 60.0, linked=linked)
    await trio.sleep(10.0)
    children = await ref.ask(WhichChildren())
    assert [child.state.value for child in children] in (["ready"], [])
    if children:
        assert await spec.ref.ask(Say("hello")) == "hello"
    else:
        await ref.ask(StartChild(probe("other")))


async def test_61_ended_temporary_children_leave_nothing_of_their_arguments(
    sessions: Sessions, autojump_clock: MockClock
) -> None:
    alive: list[weakref.ref[Any]] = []

    class Burden:
        pass

    def spec(number: int) -> ChildSpec:
        burden = Burden()
        alive.append(weakref.ref(burden))
        return ChildSpec(Ref(f"s{number}"), lambda: Probe(repr(burden)), restart=Restart.TEMPORARY)

    ref = await sessions(1_000)
    for number in range(300):
        child = spec(number)
        await ref.ask(StartChild(child))
        await child.ref.ask(Do(stop_itself))
        del child
    await trio.sleep(1.0)
    gc.collect()
    assert sum(burden() is not None for burden in alive) <= 1


async def stop_itself(actor: Any) -> None:
    actor.context.stop("done")


async def test_62_a_hundred_times_as_many_children_cost_no_more_steps_each(
    sessions: Sessions, autojump_clock: MockClock
) -> None:
    """Counts what Trio runs, because time says little on a busy machine."""

    class Steps(trio.abc.Instrument):
        count = 0

        def after_task_step(self, task: trio.lowlevel.Task) -> None:
            Steps.count += 1

    ref = await sessions(5_000)
    costs = []
    for many in (20, 2_000):
        steps = Steps()
        before = Steps.count
        trio.lowlevel.add_instrument(steps)
        for number in range(many):
            await ref.ask(StartChild(probe(f"{many}-{number}", restart=Restart.TEMPORARY)))
        for number in range(many):
            await ref.ask(TerminateChild(f"{many}-{number}"))
        trio.lowlevel.remove_instrument(steps)
        costs.append((Steps.count - before) / many)
    assert costs[1] <= 1.5 * costs[0]
