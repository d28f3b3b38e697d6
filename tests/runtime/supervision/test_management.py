from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    Actor,
    ActorDied,
    AlreadyStarted,
    Backoff,
    ChildCounts,
    ChildPresent,
    ChildSpec,
    ChildState,
    CountChildren,
    DeleteChild,
    NoSuchActor,
    NoSuchChild,
    Ref,
    Restart,
    RestartChild,
    Skip,
    StartChild,
    StartFailed,
    Strategy,
    Supervisor,
    TerminateChild,
    Tree,
    WhichChildren,
    run_tree,
)
from tests.runtime.probes import Fussy, Grow, Probe, Say, probe


class Slow(Probe):
    """Takes 5 s to start."""

    async def on_start(self) -> None:
        await trio.sleep(5.0)
        await super().on_start()


def incarnations(tree: Tree) -> dict[str, int]:
    return {child.id: child.incarnation for child in tree.status().children}


def states(tree: Tree) -> dict[str, str]:
    return {child.id: child.state.value for child in tree.status().children}


async def crash(ref: Ref) -> None:
    """Crash a healthy actor, so that it is restarted at once."""
    await trio.sleep(1.5)
    await ref.tell("crash")
    await wait_all_tasks_blocked()


async def test_08_a_child_that_fails_to_start_is_not_stored_but_an_old_spec_stays(
    grow: Grow, autojump_clock: MockClock
) -> None:
    fails: list[Exception] = [ValueError("x")]
    spec = ChildSpec(Ref("b"), lambda: Fussy("b", [], fails))
    tree = await grow()
    with pytest.raises(StartFailed):
        await tree.ref.ask(StartChild(spec))
    assert states(tree) == {}
    assert await tree.ref.ask(StartChild(spec)) is spec.ref
    await tree.ref.ask(TerminateChild("b"))
    fails.append(ValueError("y"))
    with pytest.raises(StartFailed):
        await tree.ref.ask(RestartChild("b"))
    assert states(tree) == {"b": "stopped"}


async def test_09_an_id_that_is_taken_is_refused(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a")
    tree = await grow(spec)
    with pytest.raises(AlreadyStarted) as caught:
        await tree.ref.ask(StartChild(probe("a")))
    assert caught.value.ref is spec.ref
    await tree.ref.ask(TerminateChild("a"))
    with pytest.raises(ChildPresent, match="a is stopped"):
        await tree.ref.ask(StartChild(probe("a")))


async def test_10_which_children_is_answered_while_a_child_starts(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    tree = await grow()
    nursery.start_soon(tree.ref.ask, StartChild(ChildSpec(Ref("slow"), lambda: Slow("slow"))), 60.0)
    await wait_all_tasks_blocked()
    start_s = trio.current_time()
    (child,) = await tree.ref.ask(WhichChildren())
    assert child.state is ChildState.STARTING
    assert trio.current_time() == start_s


@pytest.mark.parametrize("strategy", list(Strategy))
async def test_36_41_terminating_a_child_in_backoff_prevents_its_restart(
    grow: Grow, strategy: Strategy, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []
    spec = probe("a", seen)
    tree = await grow(spec, strategy=strategy, backoff=Backoff(base_s=10.0, cap_s=10.0))
    await spec.ref.tell("crash")
    await wait_all_tasks_blocked()
    assert states(tree) == {"a": "backoff"}
    start_s = trio.current_time()
    with pytest.raises(ChildPresent, match="a is backoff"):
        await tree.ref.ask(RestartChild("a"))
    await tree.ref.ask(TerminateChild("a"))
    assert trio.current_time() == start_s
    await trio.sleep(60.0)
    assert states(tree) == {"a": "stopped"}
    assert seen == ["a starts"]


async def test_58_unknown_and_stopped_children(grow: Grow, autojump_clock: MockClock) -> None:
    tree = await grow(probe("a"))
    with pytest.raises(NoSuchChild, match="no child 'x' among 1"):
        await tree.ref.ask(TerminateChild("x"))
    with pytest.raises(ChildPresent, match="a is ready"):
        await tree.ref.ask(RestartChild("a"))
    await tree.ref.ask(TerminateChild("a"))
    await tree.ref.ask(TerminateChild("a"))
    await tree.ref.ask(RestartChild("a"))
    assert states(tree) == {"a": "ready"}


async def test_58_a_stopped_child_can_be_deleted_and_a_running_one_not(grow: Grow, autojump_clock: MockClock) -> None:
    crashing = probe("b")
    tree = await grow(probe("a"), crashing, backoff=Backoff(base_s=10.0, cap_s=10.0))
    await crashing.ref.tell("crash")
    await wait_all_tasks_blocked()
    with pytest.raises(NoSuchChild, match="no child 'x' among 2"):
        await tree.ref.ask(DeleteChild("x"))
    with pytest.raises(ChildPresent, match="a is ready"):
        await tree.ref.ask(DeleteChild("a"))
    with pytest.raises(ChildPresent, match="b is backoff"):
        await tree.ref.ask(DeleteChild("b"))
    await tree.ref.ask(TerminateChild("a"))
    await tree.ref.ask(DeleteChild("a"))
    assert states(tree) == {"b": "backoff"}
    assert (await tree.ref.ask(StartChild(probe("a")))).name == "a", "its id is free"


async def test_59_children_are_counted_and_one_that_restarts_is_not_active(
    grow: Grow, autojump_clock: MockClock
) -> None:
    crashing = probe("crashing")
    tree = await grow(
        probe("runs"),
        crashing,
        ChildSpec(Ref("below"), Supervisor),
        probe("stopped"),
        backoff=Backoff(base_s=10.0, cap_s=10.0),
    )
    await tree.ref.ask(TerminateChild("stopped"))
    await crashing.ref.tell("crash")
    await wait_all_tasks_blocked()
    assert await tree.ref.ask(CountChildren()) == ChildCounts(specs=4, active=2, supervisors=1, workers=3)
    await trio.sleep(20.0)
    assert await tree.ref.ask(CountChildren()) == ChildCounts(specs=4, active=3, supervisors=1, workers=3)


async def test_a_child_that_is_restarted_on_request_keeps_its_mailbox(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    spec = ChildSpec(Ref("slow"), lambda: Slow("slow"))
    tree = await grow(spec)
    answers: list[str] = []

    async def say() -> None:
        answers.append(await spec.ref.ask(Say("hello"), timeout_s=60.0))

    nursery.start_soon(tree.ref.ask, RestartChild("slow", stops=True), 60.0)
    await wait_all_tasks_blocked()
    assert states(tree) == {"slow": "starting"}
    with pytest.raises(ChildPresent, match="slow is starting"):
        await tree.ref.ask(RestartChild("slow", stops=True))
    nursery.start_soon(say)
    await trio.sleep(6.0)
    assert answers == ["hello"]
    assert incarnations(tree) == {"slow": 2}
    assert tree.status().children[0].restarts == 0, "those are of crashes"


async def test_a_child_that_fails_to_start_after_a_request_is_tried_again(
    grow: Grow, autojump_clock: MockClock
) -> None:
    fails: list[Exception] = []
    tree = await grow(ChildSpec(Ref("b"), lambda: Fussy("b", [], fails)))
    fails.append(ValueError("x"))
    with pytest.raises(StartFailed):
        await tree.ref.ask(RestartChild("b", stops=True))
    assert states(tree) == {"b": "backoff"}
    await trio.sleep(5.0)
    assert (states(tree), incarnations(tree)) == ({"b": "ready"}, {"b": 3})


async def test_a_child_that_is_terminated_while_it_restarts_stays_stopped(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    class Reluctant(Probe):
        async def on_stop(self) -> None:
            await trio.sleep(1.0)

    tree = await grow(ChildSpec(Ref("r"), lambda: Reluctant("r")))
    refused: list[str] = []

    async def restart() -> None:
        try:
            await tree.ref.ask(RestartChild("r", stops=True))
        except NoSuchChild as error:
            refused.append(str(error))

    nursery.start_soon(restart)
    await wait_all_tasks_blocked()
    await tree.ref.ask(TerminateChild("r"))
    await wait_all_tasks_blocked()
    assert refused == ["r was stopped for good meanwhile"]
    assert states(tree) == {"r": "stopped"}


@pytest.mark.parametrize("restart", list(Restart))
async def test_04_a_factory_that_skips_leaves_a_stopped_child_and_its_siblings_start(
    grow: Grow, restart: Restart, autojump_clock: MockClock
) -> None:
    optional = ChildSpec(Ref("optional"), Skip, restart=restart)
    tree = await grow(optional, probe("next"))
    kept = {} if restart is Restart.TEMPORARY else {"optional": "skipped"}
    assert states(tree) == {**kept, "next": "ready"}
    with pytest.raises(NoSuchActor):
        await optional.ref.ask(Say("anybody there?"))
    await trio.sleep(60.0)
    assert states(tree) == {**kept, "next": "ready"}


async def test_04_a_skipped_child_can_be_started_when_it_is_wanted(grow: Grow, autojump_clock: MockClock) -> None:
    wanted: list[Actor | Skip] = [Skip(), Probe("optional")]
    spec = ChildSpec(Ref("optional"), lambda: wanted.pop(0))
    tree = await grow(spec)
    await tree.ref.ask(RestartChild("optional"))
    assert states(tree) == {"optional": "ready"}
    assert await spec.ref.ask(Say("hello")) == "hello"


async def test_a_message_that_a_supervisor_does_not_know_crashes_it(autojump_clock: MockClock) -> None:
    sub: ChildSpec[Any] = ChildSpec(Ref("sub"), Supervisor, restart=Restart.TEMPORARY)
    async with trio.open_nursery() as nursery:
        tree = await nursery.start(run_tree, Supervisor([sub]))
        with pytest.raises(ActorDied, match="Supervisor handles no Say"):
            await sub.ref.ask(Say("hello"))
        await tree.stop("test")
