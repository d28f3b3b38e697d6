import logging
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import Backoff, ChildSpec, ChildState, MailboxClosed, Ref, Restart, Supervisor, TerminateChild
from runtime.messaging.exits import Exit, ExitKind
from runtime.supervision.child import is_explained, stack_of
from runtime.supervision.status import SupervisorStatistics
from runtime.workers.errors import StartFailure
from tests.fakes import shown_by
from tests.runtime.probes import Do, Grow, Probe, Say, Stubborn, probe


async def test_every_change_of_state_is_one_line(
    grow: Grow, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    caplog.set_level(logging.DEBUG, "sayso.runtime")
    spec = probe("a")
    tree = await grow(spec, backoff=Backoff(base_s=1.0))
    await spec.ref.tell("crash")
    await trio.sleep(2.0)
    await tree.ref.ask(TerminateChild("a"))
    lines = [record.getMessage() for record in caplog.records if " -> " in record.getMessage()]
    assert [line.removeprefix("a: ") for line in lines if line.startswith("a: ")] == [
        "stopped -> starting",
        "starting -> ready",
        "ready -> stopped",
        "stopped -> backoff",
        "backoff -> starting",
        "starting -> ready",
        "ready -> stopping",
        "stopping -> stopped",
    ]


async def test_a_child_in_backoff_is_active_and_a_stopped_one_is_not(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a")
    tree = await grow(spec)
    await spec.ref.tell("crash")
    await wait_all_tasks_blocked()
    assert tree.status().children[0].state is ChildState.BACKOFF
    assert tree.status().children[0].mailbox.counters.quarantined == 1
    assert shown_by(tree.status(), SupervisorStatistics).active == 1
    await tree.ref.ask(TerminateChild("a"))
    assert shown_by(tree.status(), SupervisorStatistics).active == 0


async def test_a_stack_shows_the_tasks_that_are_waited_for(nursery: trio.Nursery) -> None:
    async def outer() -> None:
        async with trio.open_nursery() as inner_nursery:
            inner_nursery.start_soon(inner)

    async def inner() -> None:
        await trio.sleep_forever()

    nursery.start_soon(outer)
    await wait_all_tasks_blocked()
    (task,) = nursery.child_tasks
    shown = stack_of(task)
    assert "in outer" in shown
    assert "in inner" in shown
    assert stack_of(None) == ""
    nursery.cancel_scope.cancel()


async def test_a_hard_stop_of_a_supervisor_leaves_no_address_open(grow: Grow, autojump_clock: MockClock) -> None:
    """A bug that crashes a supervisor cancels its children; no task may wait for them afterwards."""
    leaf = probe("leaf")
    sub: ChildSpec[Any] = ChildSpec(Ref("sub"), lambda: Supervisor([leaf]), restart=Restart.TEMPORARY)
    await grow(sub)
    await sub.ref.tell("nonsense")
    await wait_all_tasks_blocked()
    with pytest.raises(MailboxClosed):
        await leaf.ref.tell("x")


@pytest.mark.parametrize(
    ("error", "ready_s", "explained"),
    [
        (OSError(98, "in use"), None, True),
        (ExceptionGroup("", [StartFailure("no model")]), None, True),
        (ValueError("a bug"), None, False),
        (ExceptionGroup("", [OSError(2, "gone"), ValueError("a bug")]), None, False),
        (OSError(98, "in use"), 1.0, False),
        (None, None, False),
    ],
)
def test_a_start_that_the_world_refused_needs_no_traceback(error, ready_s, explained):
    ended = Exit(
        kind=ExitKind.START_FAILED, reason="", incarnation=1, started_s=0.0, ended_s=2.0, ready_s=ready_s, error=error
    )

    assert is_explained(ended) is explained


async def test_20_the_end_of_a_given_up_incarnation_is_no_news(
    grow: Grow, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Any] = []
    hold_s = [100.0, 0.0]
    spec = ChildSpec(Ref("a"), lambda: Stubborn("a", seen, hold_s.pop(0)), shutdown_s=1.0)
    tree = await grow(spec)

    async def leave(actor: Any) -> None:
        actor.context.stop("done")

    await spec.ref.tell(Do(leave))
    await trio.sleep(10.0)
    assert await spec.ref.ask(Say("hello")) == "hello", "another incarnation has taken its place"
    await trio.sleep(200.0)
    [child] = tree.status().children
    assert (child.state, child.incarnation, child.restarts, child.zombies) == (ChildState.READY, 2, 1, 0)
    assert "incarnation 1, given up before, has ended" in caplog.text
    assert await spec.ref.ask(Say("still there")) == "still there"


async def test_a_child_that_only_waits_for_the_processor_is_no_zombie(grow: Grow, mock_clock: MockClock) -> None:
    class Slow(Probe):
        """Needs some passes of the loop to end."""

        async def on_stop(self) -> None:
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    for _ in range(20):
                        await trio.lowlevel.checkpoint()

    async def hog() -> None:
        while True:
            mock_clock.jump(0.5)  # what a pass takes when ten thousand clients leave at once
            await trio.lowlevel.checkpoint()

    tree = await grow(ChildSpec(Ref("a"), Slow, shutdown_s=1.0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hog)
        await tree.ref.ask(TerminateChild("a"), timeout_s=1_000.0)
        nursery.cancel_scope.cancel()
    [child] = tree.status().children
    assert (child.state, child.zombies, tree.shared.zombies.count) == (ChildState.STOPPED, 0, 0)
