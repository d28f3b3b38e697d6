import logging
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    Actor,
    ActorDied,
    AutoShutdown,
    Backoff,
    ChildSpec,
    ChildState,
    ExitKind,
    Intensity,
    Ref,
    Restart,
    RestartIntensityExceeded,
    StartFailed,
    Supervisor,
    TerminateChild,
    Tree,
    run_tree,
)
from tests.runtime.probes import Do, Fussy, Grow, Probe, Say, Stubborn, end_of, probe


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


# --- A. start and readiness ----------------------------------------------------------------------


async def test_01_children_start_in_order_each_when_the_one_before_is_ready(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []
    made: list[Any] = []

    def make(name: str, kind: type[Probe]) -> Probe:
        made.append((name, trio.current_time()))
        return kind(name, seen)

    specs = [ChildSpec(Ref("a"), lambda: make("a", Slow)), ChildSpec(Ref("b"), lambda: make("b", Probe))]
    start_s = trio.current_time()
    await nursery.start(run_tree, Supervisor(specs))
    assert made == [("a", start_s), ("b", start_s + 5.0)]
    assert seen == ["a starts", "b starts"]


async def test_02_a_child_that_never_becomes_ready_undoes_the_start(autojump_clock: MockClock) -> None:
    seen: list[Any] = []
    slow = ChildSpec(Ref("c"), lambda: Slow("c", seen), start_timeout_s=2.0)
    with pytest.raises(StartFailed, match=r"c did not start: start_timeout: StartTimeout: not ready within 2 s"):
        await run_tree(Supervisor([probe("a", seen), probe("b", seen), slow]))
    assert seen == ["a starts", "b starts", "b stops", "a stops"]


async def test_03_a_factory_that_raises_is_named_with_the_original_exception(autojump_clock: MockClock) -> None:
    seen: list[Any] = []

    def make() -> Actor:
        raise ValueError("no such model")

    with pytest.raises(StartFailed, match="b did not start: start_failed: ValueError: no such model") as caught:
        await run_tree(Supervisor([probe("a", seen), ChildSpec(Ref("b"), make)]))
    assert isinstance(caught.value.exit.error, ValueError)
    assert seen == ["a starts", "a stops"]


async def test_12_a_stop_during_the_start_stops_what_runs_and_starts_no_more(autojump_clock: MockClock) -> None:
    seen: list[Any] = []
    specs = [probe("a", seen), ChildSpec(Ref("b"), lambda: Slow("b", seen)), probe("c", seen)]
    with trio.move_on_after(1.0):
        await run_tree(Supervisor(specs))
    assert seen == ["a starts", "a stops"]
    assert trio.current_time() == pytest.approx(1.0)


# --- B. exits and restart types ------------------------------------------------------------------


async def end_normally(actor: Probe) -> None:
    actor.context.stop("done")


@pytest.mark.parametrize(
    ("restart", "message", "wanted"),
    [
        (Restart.PERMANENT, "crash", {"a": 2}),
        (Restart.PERMANENT, Do(end_normally), {"a": 2}),
        (Restart.TRANSIENT, "crash", {"a": 2}),
        (Restart.TRANSIENT, Do(end_normally), {"a": 1}),
        (Restart.TEMPORARY, "crash", {}),
        (Restart.TEMPORARY, Do(end_normally), {}),
    ],
)
async def test_13_14_15_restart_types(
    grow: Grow, restart: Restart, message: Any, wanted: Any, autojump_clock: MockClock
) -> None:
    spec = probe("a", restart=restart)
    tree = await grow(spec)
    await trio.sleep(1.5)
    await spec.ref.tell(message)
    await wait_all_tasks_blocked()
    assert incarnations(tree) == wanted


async def test_an_actor_that_ends_itself_stops_in_order(grow: Grow, autojump_clock: MockClock) -> None:
    seen: list[Any] = []
    spec = probe("a", seen, restart=Restart.TRANSIENT)
    tree = await grow(spec)
    await spec.ref.ask(Do(end_normally))
    await wait_all_tasks_blocked()
    ended = end_of(tree.status().children[0])
    assert (ended.kind, ended.reason) == (ExitKind.NORMAL, "done")
    assert seen == ["a starts", "a stops"]


async def test_17_a_fatal_exception_stops_the_tree_in_order_and_comes_out(autojump_clock: MockClock) -> None:
    seen: list[Any] = []
    specs = [probe("a", seen), probe("b", seen)]

    async def interrupt(_: Probe) -> None:
        await trio.sleep(1.0)
        raise KeyboardInterrupt

    await specs[0].ref.tell(Do(interrupt))
    with pytest.raises(KeyboardInterrupt):
        await run_tree(Supervisor(specs))
    assert seen == ["a starts", "b starts", "b stops"]


@pytest.mark.parametrize("restart", [Restart.PERMANENT, Restart.TRANSIENT])
@pytest.mark.parametrize("message", ["crash", Do(end_normally)])
async def test_19_exits_during_the_stop_restart_nothing(
    grow: Grow, nursery: trio.Nursery, restart: Restart, message: Any, autojump_clock: MockClock
) -> None:
    a, b = probe("a", restart=restart), ChildSpec(Ref("b"), lambda: Stubborn("b", [], 2.0))
    tree = await grow(a, b)
    nursery.start_soon(tree.stop, "test")
    await wait_all_tasks_blocked()
    await a.ref.tell(message)
    await trio.sleep(3.0)
    assert incarnations(tree) == {}
    assert end_of(tree.status()).kind is ExitKind.SHUTDOWN


# --- C. trees -------------------------------------------------------------------------------


async def test_28_a_supervisor_that_gives_up_is_restarted_with_its_static_children(
    grow: Grow, autojump_clock: MockClock
) -> None:
    leaf = probe("leaf")
    sub = ChildSpec(
        Ref("sub"), lambda: Supervisor([leaf], intensity=Intensity(0, 1.0)), restart=Restart.TRANSIENT
    )  # statement 42: transient, and yet restarted
    tree = await grow(sub)
    with pytest.raises(ActorDied):
        await leaf.ref.ask(Say("crash"))  # poison does not count
    assert await leaf.ref.ask(Say("alive")) == "alive"

    async def crash_in_background(actor: Probe) -> None:
        actor.context.nursery.start_soon(Probe.handle, actor, "crash")

    await leaf.ref.tell(Do(crash_in_background))
    await trio.sleep(5.0)
    (status,) = tree.status().children
    assert (status.incarnation, end_of(status).kind) == (2, ExitKind.ABNORMAL)
    assert isinstance(end_of(status).error, RestartIntensityExceeded)
    assert [child.state for child in status.children] == [ChildState.READY]
    assert await leaf.ref.ask(Say("again")) == "again"


async def background_crash(actor: Probe) -> None:
    actor.context.nursery.start_soon(Probe.handle, actor, "crash")


# --- D. intensity, backoff, escalation -----------------------------------------------------------


async def test_32_one_restart_too_many_stops_all_and_raises(autojump_clock: MockClock) -> None:
    seen: list[Any] = []
    a, b = probe("a", seen), probe("b", seen)

    async def crash_often() -> None:
        for _ in range(3):
            await a.ref.tell(Do(background_crash))
            await trio.sleep(5.0)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(crash_often)
        with pytest.raises(RestartIntensityExceeded) as caught:
            await run_tree(Supervisor([a, b], intensity=Intensity(2, 60.0)))
    error = caught.value
    assert (error.child_id, len(error.history), error.last_exit.incarnation) == ("a", 3, 3)
    assert seen[-1] == "b stops"


async def test_35_failed_starts_during_a_restart_count(grow: Grow, autojump_clock: MockClock) -> None:
    fails: list[Exception] = []
    spec = ChildSpec(Ref("a"), lambda: Fussy("a", [], fails))
    sub = ChildSpec(Ref("sub"), lambda: Supervisor([spec], intensity=Intensity(2, 60.0)), restart=Restart.TEMPORARY)
    tree = await grow(sub)
    fails.extend(ValueError(str(number)) for number in range(10))
    await spec.ref.tell(Do(background_crash))
    await trio.sleep(60.0)
    assert states(tree) == {}
    assert len(fails) == 8  # a crash and two failed starts


async def test_36_a_stop_during_backoff_is_immediate(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a")
    tree = await grow(spec, backoff=Backoff(base_s=10.0))
    await spec.ref.tell("crash")
    await wait_all_tasks_blocked()
    start_s = trio.current_time()
    await tree.stop("test")
    assert trio.current_time() == start_s


async def test_80_a_mailbox_in_backoff_keeps_what_comes(grow: Grow, autojump_clock: MockClock) -> None:
    seen: list[Any] = []
    spec = probe("a", seen)
    await grow(spec, backoff=Backoff(base_s=1.0))
    await spec.ref.tell("crash")
    await wait_all_tasks_blocked()
    await spec.ref.tell("kept")
    await trio.sleep(2.0)
    assert seen == ["a starts", "a starts", "kept"]


# --- E. stop -------------------------------------------------------------------------------------


async def test_45_children_stop_in_reverse_each_when_the_one_before_is_gone(
    grow: Grow, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []
    specs = [ChildSpec(Ref(name), partial(Stubborn, name, seen, 1.0)) for name in "abc"]
    tree = await grow(*specs)
    start_s = trio.current_time()
    await tree.stop("test")
    assert seen[3:] == ["c stops", "b stops", "a stops"]
    assert trio.current_time() - start_s == pytest.approx(3.0)


async def test_46_the_message_in_hand_is_finished_before_the_stop(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []
    spec = probe("a", seen)
    tree = await grow(spec)

    async def nap(actor: Probe) -> str:
        await trio.sleep(2.0)
        actor.seen.append("napped")
        return "answer"

    async def ask() -> None:
        seen.append(await spec.ref.ask(Do(nap)))

    nursery.start_soon(ask)
    await wait_all_tasks_blocked()
    await tree.stop("test")
    await wait_all_tasks_blocked()
    assert seen in (["a starts", "napped", "a stops", "answer"], ["a starts", "napped", "answer", "a stops"])


async def test_47_a_child_that_resists_is_given_up_with_its_stack(
    nursery: trio.Nursery, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []
    told: list[Any] = []
    stubborn = ChildSpec(Ref("b"), lambda: Stubborn("b", seen, 100.0), shutdown_s=2.0)

    async def run(task_status: trio.TaskStatus[Tree]) -> None:
        supervisor = Supervisor([probe("a", seen), stubborn])
        await run_tree(supervisor, on_zombies=lambda: told.append(trio.current_time()), task_status=task_status)
        told.append("over")

    tree = await nursery.start(run)
    asks: list[Any] = []

    async def ask() -> None:
        try:
            await stubborn.ref.ask(Do(defer_for_ever), timeout_s=60.0)
        except ActorDied as error:
            asks.append(error.exit.kind)

    nursery.start_soon(ask)
    await wait_all_tasks_blocked()
    start_s = trio.current_time()
    await tree.stop("test")
    await wait_all_tasks_blocked()
    assert told == [pytest.approx(start_s + 4.0)]  # 2 s to stop, 1 s until it is given up, 1 s more for the root
    assert seen == ["a starts", "b starts", "a stops"]
    assert asks == [ExitKind.SHUTDOWN]
    assert "in on_stop" in caplog.text
    await trio.sleep(100.0)
    assert told[1:] == ["over"]


async def defer_for_ever(actor: Probe) -> None:
    actor.context.reply_in_task(trio.sleep_forever)


async def test_52_a_stop_that_fails_and_one_that_hangs_delay_no_other(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Any] = []

    class Failing(Probe):
        async def on_stop(self) -> None:
            raise ValueError("cannot stop")

    class Hanging(Probe):
        async def on_stop(self) -> None:
            await trio.sleep_forever()

    specs = [
        probe("first", seen),
        ChildSpec(Ref("failing"), lambda: Failing("failing", seen)),
        ChildSpec(Ref("hanging"), lambda: Hanging("hanging", seen), shutdown_s=3.0),
        probe("last", seen),
    ]
    caplog.set_level(logging.WARNING, "sayso.runtime")
    async with trio.open_nursery() as nursery:
        tree = await nursery.start(run_tree, Supervisor(specs))
        await tree.stop("test")
    assert seen[-2:] == ["last stops", "first stops"]
    assert trio.current_time() == 3.0
    assert "cannot stop" in caplog.text
    assert "hanging: on_stop took more than 3 s" in caplog.text


# --- F. significant children ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auto", "ends", "is_over"),
    [
        (AutoShutdown.ANY_SIGNIFICANT, ["a"], True),
        (AutoShutdown.ALL_SIGNIFICANT, ["a"], False),
        (AutoShutdown.ALL_SIGNIFICANT, ["a", "b"], True),
        (AutoShutdown.ANY_SIGNIFICANT, ["c"], False),
    ],
)
async def test_54_55_57_the_end_of_significant_children_ends_their_supervisor(
    grow: Grow, auto: AutoShutdown, ends: Any, is_over: bool, autojump_clock: MockClock
) -> None:
    significant: dict[str, Any] = {"restart": Restart.TRANSIENT, "significant": True}
    specs = {"a": probe("a", **significant), "b": probe("b", **significant), "c": probe("c", restart=Restart.TRANSIENT)}
    sub = ChildSpec(
        Ref("sub"), lambda: Supervisor(tuple(specs.values()), auto_shutdown=auto), restart=Restart.TRANSIENT
    )
    tree = await grow(sub)
    for name in ends:
        await specs[name].ref.ask(Do(end_normally))
        await wait_all_tasks_blocked()
    (status,) = tree.status().children
    assert (status.state is ChildState.STOPPED) is is_over
    if is_over:
        assert end_of(status).kind is ExitKind.SHUTDOWN


async def test_56_neither_a_termination_nor_a_crash_that_is_restarted_counts(
    grow: Grow, autojump_clock: MockClock
) -> None:
    specs = [probe(name, restart=Restart.TRANSIENT, significant=True) for name in "ab"]
    tree = await grow(*specs, auto_shutdown=AutoShutdown.ANY_SIGNIFICANT)
    await crash(specs[0].ref)
    await tree.ref.ask(TerminateChild("b"))
    await trio.sleep(10.0)
    assert states(tree) == {"a": "ready", "b": "stopped"}
