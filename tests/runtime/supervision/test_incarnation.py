from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import ChildSpec, Exit, ExitKind, Ref, Restart, Shutdown, TerminateChild, Tree
from tests.runtime.probes import Do, Grow, Probe, Say, Stubborn, end_of, probe


async def ended(tree: Tree) -> Exit:
    await wait_all_tasks_blocked()
    return end_of(tree.status().children[0])


async def test_an_exit_tells_when_and_after_what(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a", restart=Restart.TRANSIENT)
    tree = await grow(spec)
    start_s = trio.current_time()
    await trio.sleep(2.0)
    for message in ("one", "two", "crash"):
        await spec.ref.tell(message)
    found = await ended(tree)
    assert (found.kind, found.reason, found.incarnation) == (ExitKind.ABNORMAL, "ValueError: as told", 1)
    assert (found.started_s, found.ready_s, found.ended_s) == (start_s, start_s, start_s + 2.0)
    assert (found.handled, found.has_quarantined) == (2, True)
    assert found.last_message_id is not None
    assert isinstance(found.error, ValueError)


async def test_shutdown_raised_by_an_actor_is_an_orderly_end(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a", restart=Restart.TRANSIENT)
    tree = await grow(spec)

    async def leave(_: Probe) -> None:
        raise Shutdown("enough")

    await spec.ref.tell(Do(leave))
    found = await ended(tree)
    assert (found.kind, found.reason) == (ExitKind.SHUTDOWN, "Shutdown: enough")


async def test_background_tasks_end_with_their_incarnation(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a")
    tree = await grow(spec)
    ends: list[Any] = []

    async def background() -> None:
        try:
            await trio.sleep_forever()
        finally:
            ends.append(trio.current_time())

    async def begin(actor: Probe) -> None:
        actor.context.nursery.start_soon(background)

    await spec.ref.ask(Do(begin))
    await wait_all_tasks_blocked()
    await tree.ref.ask(TerminateChild("a"))
    assert ends == [trio.current_time()]


async def test_a_handler_that_outlasts_the_stop_is_cancelled_in_time(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a", shutdown_s=2.0)
    tree = await grow(spec)

    async def sleep(_: Probe) -> None:
        await trio.sleep_forever()

    await spec.ref.tell(Do(sleep))
    await wait_all_tasks_blocked()
    start_s = trio.current_time()
    await tree.ref.ask(TerminateChild("a"))
    assert trio.current_time() - start_s == pytest.approx(2.0)
    assert (await ended(tree)).kind is ExitKind.SHUTDOWN


async def test_an_actor_that_ends_itself_and_hangs_is_stuck_and_restarted(
    grow: Grow, autojump_clock: MockClock
) -> None:
    spec = ChildSpec(Ref("a"), lambda: Stubborn("a", [], 100.0), shutdown_s=2.0)
    tree = await grow(spec)

    async def leave(actor: Probe) -> None:
        actor.context.stop("done")

    await spec.ref.ask(Do(leave))
    await trio.sleep(3.5)
    (status,) = tree.status().children
    assert (end_of(status).kind, status.incarnation, status.zombies) == (ExitKind.STUCK, 2, 1)
    await trio.sleep(100.0)
    assert tree.status().children[0].zombies == 0
    assert await spec.ref.ask(Say("alive")) == "alive"
    await tree.ref.ask(TerminateChild("a"))
    await trio.sleep(200.0)
