from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    Backoff,
    ChildSpec,
    Ref,
    Restart,
    RestartChild,
    StartChild,
    TerminateChild,
    Terminated,
    Tree,
)
from tests.runtime.probes import Do, Grow, Probe, Say, probe


@attrs.define(eq=False)
class Scene:
    """A watched actor and its watcher."""

    seen: list[Any] = attrs.field(factory=list)
    watched: Ref = attrs.field(factory=lambda: Ref("watched"))
    watcher: Ref = attrs.field(factory=lambda: Ref("watcher"))
    tree: Tree = attrs.field(init=False)

    async def open(self, grow: Grow, restart: Restart = Restart.TRANSIENT) -> None:
        """Start both."""
        specs = (
            ChildSpec(self.watched, lambda: Probe("watched"), restart=restart),
            ChildSpec(self.watcher, lambda: Probe("watcher", self.seen)),
        )
        self.tree = await grow(*specs, backoff=Backoff(base_s=1.0, cap_s=1.0))

    def told(self) -> list[Ref]:
        """The ends that were reported to the watcher."""
        return [message.ref for message in self.seen if isinstance(message, Terminated)]


async def stop_itself(actor: Any) -> None:
    actor.context.stop("done")


async def test_91_a_watcher_is_told_once_how_it_ended(grow: Grow, autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.open(grow)
    for _ in range(3):
        scene.watched.watch(scene.watcher)
    await scene.watched.ask(Do(stop_itself))
    await wait_all_tasks_blocked()
    assert scene.told() == [scene.watched]
    [terminated] = [message for message in scene.seen if isinstance(message, Terminated)]
    assert terminated.exit is not None
    assert terminated.exit.reason == "done"
    await scene.tree.ref.ask(TerminateChild("watched"))
    assert scene.told() == [scene.watched], "it ended once"


async def test_91_a_restart_is_no_end(grow: Grow, autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.open(grow)
    scene.watched.watch(scene.watcher)
    await scene.watched.tell("crash")
    await trio.sleep(5.0)
    assert await scene.watched.ask(Say("hello")) == "hello"
    assert scene.told() == []


async def test_91_a_late_watcher_is_told_at_once(grow: Grow, autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.open(grow)
    await scene.tree.ref.ask(TerminateChild("watched"))
    scene.watched.watch(scene.watcher)
    await wait_all_tasks_blocked()
    assert scene.told() == [scene.watched]


async def test_91_a_watch_that_was_taken_back_tells_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.open(grow)
    scene.watched.watch(scene.watcher)
    scene.watched.unwatch(scene.watcher)
    await scene.tree.ref.ask(TerminateChild("watched"))
    await wait_all_tasks_blocked()
    assert scene.told() == []


async def test_91_taking_it_back_removes_what_is_queued(grow: Grow, autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.open(grow)
    scene.watched.watch(scene.watcher)

    async def wait_and_unwatch(_: Any) -> None:
        await scene.tree.ref.ask(TerminateChild("watched"))
        scene.watched.unwatch(scene.watcher)

    await scene.watcher.ask(Do(wait_and_unwatch))
    await wait_all_tasks_blocked()
    assert scene.told() == []
    assert scene.watcher.statistics().counters.dropped["withdrawn"] == 1


async def test_91_a_watcher_that_is_gone_is_no_trouble(grow: Grow, autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.open(grow)
    scene.watched.watch(scene.watcher)
    await scene.tree.ref.ask(TerminateChild("watcher"))
    await scene.tree.ref.ask(TerminateChild("watched"))
    assert scene.told() == []


@pytest.mark.parametrize("restart", list(Restart))
async def test_91_one_that_comes_back_can_be_watched_again(
    grow: Grow, restart: Restart, autojump_clock: MockClock
) -> None:
    scene = Scene()
    await scene.open(grow, restart)
    await scene.tree.ref.ask(TerminateChild("watched"))
    if restart is Restart.TEMPORARY:
        await scene.tree.ref.ask(StartChild(ChildSpec(scene.watched, Probe)))
    else:
        await scene.tree.ref.ask(RestartChild("watched"))
    scene.watched.watch(scene.watcher)
    await wait_all_tasks_blocked()
    assert scene.told() == []
    await scene.tree.ref.ask(TerminateChild("watched"))
    await wait_all_tasks_blocked()
    assert scene.told() == [scene.watched]


async def test_many_watch_and_each_is_told(grow: Grow, autojump_clock: MockClock) -> None:
    seen: dict[str, list[Any]] = {name: [] for name in "abc"}
    watched = probe("watched")
    watchers = [probe(name, seen[name]) for name in seen]
    tree = await grow(watched, *watchers)
    for watcher in watchers:
        watched.ref.watch(watcher.ref)
    await tree.ref.ask(TerminateChild("watched"))
    await wait_all_tasks_blocked()
    assert [sum(isinstance(message, Terminated) for message in heard) for heard in seen.values()] == [1, 1, 1]
