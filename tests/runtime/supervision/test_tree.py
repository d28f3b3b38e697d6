from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import ChildSpec, ChildState, Ref, Restart, Supervisor, TerminateChild, run_tree
from tests.runtime.probes import Grow, Probe, Stubborn, end_of, probe


async def test_cancelling_the_tree_stops_it_in_order(autojump_clock: MockClock) -> None:
    seen: list[Any] = []
    with trio.move_on_after(1.0):
        await run_tree(Supervisor([probe("a", seen), probe("b", seen)]))
    assert seen == ["a starts", "b starts", "b stops", "a stops"]


async def test_51_many_stops_are_one_and_the_first_reason_is_kept(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []
    tree = await grow(ChildSpec(Ref("a"), lambda: Stubborn("a", seen, 1.0)))
    for number in range(10):
        nursery.start_soon(tree.stop, f"reason {number}")
        await wait_all_tasks_blocked()
    await trio.sleep(1.0)
    await wait_all_tasks_blocked()
    assert seen == ["a starts", "a stops"]
    assert end_of(tree.status()).reason == "reason 0"
    assert tree.status().state is ChildState.STOPPED
    await tree.stop("again")


async def test_the_whole_stop_is_bounded(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    class Endless(Probe):
        async def on_stop(self) -> None:
            await trio.sleep_forever()

    spec = ChildSpec(Ref("a"), Endless, shutdown_s=1_000.0)
    tree = await nursery.start(partial(run_tree, Supervisor([spec]), stop_timeout_s=3.0))
    start_s = trio.current_time()
    await tree.stop("test")
    assert trio.current_time() - start_s == pytest.approx(3.0)


async def test_a_child_finds_the_root_by_its_handle(grow: Grow, autojump_clock: MockClock) -> None:
    tree = await grow(probe("a"))
    assert [child.id for child in tree.status().children] == ["a"]
    assert tree.status().id == "root"


async def test_more_zombies_than_a_process_can_bear_are_told_at_once(autojump_clock: MockClock) -> None:
    told: list[float] = []
    specs = [
        ChildSpec(Ref(f"s{number}"), lambda: Stubborn("s", [], 100.0), restart=Restart.TRANSIENT, shutdown_s=1.0)
        for number in range(3)
    ]
    async with trio.open_nursery() as nursery:
        run = partial(run_tree, Supervisor(specs), on_zombies=lambda: told.append(trio.current_time()))
        tree = await nursery.start(run)
        for number in range(3):
            await tree.ref.ask(TerminateChild(f"s{number}"), 10.0)
            assert len(told) == (1 if number == 2 else 0), "two are borne"
        assert told == [6.0]
        nursery.cancel_scope.cancel()
