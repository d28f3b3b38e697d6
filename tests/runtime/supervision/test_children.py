from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    ChildSpec,
    Ref,
    Restart,
    Strategy,
    Tree,
)
from runtime.supervision.status import SupervisorStatistics
from tests.fakes import shown_by
from tests.runtime.probes import Do, Fussy, Grow, Probe, probe


def incarnations(tree: Tree) -> dict[str, int]:
    return {child.id: child.incarnation for child in tree.status().children}


def states(tree: Tree) -> dict[str, str]:
    return {child.id: child.state.value for child in tree.status().children}


async def crash(ref: Ref) -> None:
    """Crash a healthy actor, so that it is restarted at once."""
    await trio.sleep(1.5)
    await ref.tell("crash")
    await wait_all_tasks_blocked()


async def background_crash(actor: Probe) -> None:
    actor.context.nursery.start_soon(Probe.handle, actor, "crash")


async def test_21_one_for_one_restarts_only_the_crashed(grow: Grow, autojump_clock: MockClock) -> None:
    specs = [probe(name) for name in "abc"]
    tree = await grow(*specs)
    await crash(specs[1].ref)
    assert incarnations(tree) == {"a": 1, "b": 2, "c": 1}


async def test_22_one_for_all_stops_all_in_reverse_before_any_starts(grow: Grow, autojump_clock: MockClock) -> None:
    seen: list[Any] = []
    specs = [probe(name, seen) for name in "abc"]
    tree = await grow(*specs, strategy=Strategy.ONE_FOR_ALL)
    seen.clear()
    await crash(specs[1].ref)
    assert seen == ["c stops", "a stops", "a starts", "b starts", "c starts"]
    assert incarnations(tree) == {"a": 2, "b": 2, "c": 2}


async def test_23_rest_for_one_restarts_the_later_ones_in_order(grow: Grow, autojump_clock: MockClock) -> None:
    seen: list[Any] = []
    specs = [probe(name, seen) for name in "abc"]
    tree = await grow(*specs, strategy=Strategy.REST_FOR_ONE)
    seen.clear()
    await crash(specs[1].ref)
    assert seen == ["c stops", "b starts", "c starts"]
    assert incarnations(tree) == {"a": 1, "b": 2, "c": 2}


async def test_24_a_temporary_sibling_is_stopped_and_not_restarted(grow: Grow, autojump_clock: MockClock) -> None:
    specs = [probe("a"), probe("b", restart=Restart.TEMPORARY), probe("c")]
    tree = await grow(*specs, strategy=Strategy.ONE_FOR_ALL)
    await crash(specs[0].ref)
    assert incarnations(tree) == {"a": 2, "c": 2}


async def test_siblings_keep_their_queued_messages_through_a_group_restart(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []
    a, b = probe("a"), probe("b", seen)
    await grow(a, b, strategy=Strategy.REST_FOR_ONE)

    async def nap(_: Probe) -> None:
        await trio.sleep(0.5)

    await b.ref.tell(Do(nap))
    await b.ref.tell("kept")
    await a.ref.tell("crash")
    await trio.sleep(2.0)
    assert seen == ["b starts", "b stops", "b starts", "kept"]


@pytest.mark.parametrize(("strategy", "wanted"), [(Strategy.ONE_FOR_ALL, 3), (Strategy.REST_FOR_ONE, 2)])
async def test_25_26_a_start_that_fails_in_a_group_restart_is_retried(
    grow: Grow, strategy: Strategy, wanted: Any, autojump_clock: MockClock
) -> None:
    fails: list[Exception] = []
    a, b = probe("a"), ChildSpec(Ref("b"), lambda: Fussy("b", [], fails))
    tree = await grow(a, b, strategy=strategy)
    fails.append(ValueError("once"))
    await crash(a.ref)
    await trio.sleep(1.0)
    assert incarnations(tree) == {"a": wanted, "b": 3}
    assert states(tree) == {"a": "ready", "b": "ready"}


async def test_29_a_group_restart_is_one_entry_in_the_window(grow: Grow, autojump_clock: MockClock) -> None:
    specs = [probe(name) for name in "abc"]
    tree = await grow(*specs, strategy=Strategy.ONE_FOR_ALL)
    for _ in range(2):
        await trio.sleep(1.5)
        await specs[0].ref.ask(Do(background_crash))
        await trio.sleep(1.5)
    assert shown_by(tree.status(), SupervisorStatistics).recent_restarts == 2


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE])
async def test_30_two_crashes_in_one_tick_are_never_interleaved(
    grow: Grow, strategy: Strategy, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []
    specs = [probe(name, seen) for name in "abc"]
    tree = await grow(*specs, strategy=strategy)
    await trio.sleep(1.5)
    seen.clear()
    for spec in specs[:2]:
        assert spec.ref.tell_nowait("crash")
    await trio.sleep(30.0)
    assert set(states(tree).values()) == {"ready"}
    starts = [entry[0] for entry in seen if entry.endswith("starts")]
    assert "".join(starts) in ("abc", "abcabc", "abcbc", "bcabc")
