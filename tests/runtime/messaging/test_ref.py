import math
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    ActorDied,
    ActorUnavailable,
    AskCycle,
    Asked,
    AskTimeout,
    Backoff,
    ChildSpec,
    MailboxClosed,
    MailboxDeadlock,
    MailboxFull,
    MailboxSpec,
    MailboxTimeout,
    NoSuchActor,
    Overflow,
    Ref,
    Restart,
    TerminateChild,
)
from runtime.messaging.ref import wait_until_s
from tests.runtime.probes import Do, Grow, Probe, Refused, Say, probe


def asleep(seconds: float = math.inf) -> Do:
    async def sleep(_: Probe) -> str:
        await trio.sleep(seconds)
        return "rested"

    return Do(sleep)


def asking(ref: Ref, message: Asked[Any, object], timeout_s: float | None = None) -> Do:
    async def ask(_: Probe) -> object:
        return await ref.ask(message, timeout_s)

    return Do(ask)


def is_balanced(ref: Ref) -> bool:
    shown = ref.statistics()
    c = shown.counters
    gone = c.expired + c.quarantined + sum(c.dropped.values())
    return c.accepted == c.processed + shown.queued + c.in_flight + gone


@pytest.mark.parametrize(
    ("timeout_s", "inherited_s", "deadline_s"),
    [(None, math.inf, 105.0), (20.0, math.inf, 120.0), (None, 130.0, 130.0), (20.0, 110.0, 110.0), (1.0, 110.0, 101.0)],
)
def test_83_a_deadline_is_the_earlier_of_both_or_five_seconds(
    timeout_s: float | None, inherited_s: float, deadline_s: float
) -> None:
    assert wait_until_s(100.0, timeout_s, inherited_s) == deadline_s


# --- ask -----------------------------------------------------------------------------------------


async def test_an_ask_is_answered(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a")
    await grow(spec)
    assert await spec.ref.ask(Say("hello")) == "hello"
    assert is_balanced(spec.ref)


async def test_an_ask_before_the_start_waits_for_it(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    spec = probe("a")
    nursery.start_soon(grow, spec)
    assert await spec.ref.ask(Say("early")) == "early"


async def test_81_a_timeout_is_raised_at_the_deadline_and_the_late_reply_is_dropped(
    grow: Grow, autojump_clock: MockClock
) -> None:
    spec = probe("a")
    await grow(spec)
    started_s = trio.current_time()
    with pytest.raises(AskTimeout, match=r"a did not answer Do in 1\.0 s"):
        await spec.ref.ask(asleep(2.0), timeout_s=1.0)
    assert trio.current_time() - started_s == pytest.approx(1.0)
    assert await spec.ref.ask(Say("next")) == "next"
    assert spec.ref.statistics().counters.late_replies == 1
    assert is_balanced(spec.ref)


async def test_82_a_request_that_expired_in_the_queue_is_not_executed(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []
    spec = probe("a", seen)
    await grow(spec)
    nursery.start_soon(spec.ref.ask, asleep(3.0))
    await wait_all_tasks_blocked()
    with pytest.raises(AskTimeout):
        await spec.ref.ask(Say("late"), timeout_s=1.0)
    assert await spec.ref.ask(Say("next")) == "next"
    assert seen == ["a starts", "next"]
    assert spec.ref.statistics().counters.expired == 1
    assert is_balanced(spec.ref)


async def test_83_a_nested_ask_inherits_the_deadline_of_its_message(grow: Grow, autojump_clock: MockClock) -> None:
    a, b = probe("a"), probe("b")
    await grow(b, a)
    started_s = trio.current_time()
    with pytest.raises(AskTimeout):
        await a.ref.ask(asking(b.ref, asleep(10.0), timeout_s=60.0), timeout_s=2.0)
    assert trio.current_time() - started_s == pytest.approx(2.0)
    assert await a.ref.ask(Say("alive")) == "alive"  # its own ask within had the same deadline: no crash


async def test_an_ask_within_that_times_out_early_crashes_the_actor(grow: Grow, autojump_clock: MockClock) -> None:
    a, b = probe("a"), probe("b")
    tree = await grow(b, a)
    with pytest.raises(ActorDied, match="AskTimeout"):
        await a.ref.ask(asking(b.ref, asleep(10.0), timeout_s=0.5), timeout_s=2.0)
    assert await a.ref.ask(Say("alive")) == "alive"
    assert tree.status().children[1].restarts == 1


async def test_84_every_pending_ask_fails_at_once_when_the_actor_dies(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    spec = probe("a")
    await grow(spec)
    ends: list[Any] = []

    async def wait(actor: Probe) -> None:
        actor.context.reply_in_task(trio.sleep_forever)

    async def ask() -> None:
        try:
            await spec.ref.ask(Do(wait), timeout_s=60.0)
        except ActorDied as error:
            ends.append((trio.current_time(), error.exit.reason))

    for _ in range(3):
        nursery.start_soon(ask)
    await trio.sleep(1.0)
    died_s = trio.current_time()
    await spec.ref.tell("crash")
    await wait_all_tasks_blocked()
    assert ends == [(died_s, "ValueError: as told")] * 3
    assert is_balanced(spec.ref)


async def test_85_an_ask_during_backoff_fails_at_once_or_is_served(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a")
    await grow(spec, backoff=Backoff(base_s=4.0))
    await spec.ref.tell("crash")
    await wait_all_tasks_blocked()
    with pytest.raises(ActorUnavailable) as caught:
        await spec.ref.ask(Say("now"), timeout_s=1.0)
    assert caught.value.retry_after_s is not None
    assert 2.0 <= caught.value.retry_after_s <= 4.0
    assert await spec.ref.ask(Say("later"), timeout_s=5.0) == "later"


async def test_86_a_caller_cancelled_before_the_start_of_its_message_leaves_nothing(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []
    spec = probe("a", seen)
    await grow(spec)
    nursery.start_soon(spec.ref.ask, asleep(2.0))
    await wait_all_tasks_blocked()
    with trio.move_on_after(1.0):
        await spec.ref.ask(Say("never"), timeout_s=60.0)
    assert await spec.ref.ask(Say("next")) == "next"
    assert "never" not in seen
    assert is_balanced(spec.ref)


@pytest.mark.parametrize("is_linked", [True, False])
@pytest.mark.parametrize("is_deferred", [True, False])
async def test_86_a_linked_caller_takes_the_handler_along(
    grow: Grow, is_linked: bool, is_deferred: bool, autojump_clock: MockClock
) -> None:
    spec = probe("a")
    await grow(spec)
    ends: list[Any] = []

    async def work(_: Probe) -> None:
        try:
            await trio.sleep(5.0)
            ends.append("done")
        except trio.Cancelled:
            ends.append("cancelled")
            raise

    async def handle(actor: Probe) -> None:
        if is_deferred:
            actor.context.reply_in_task(work, actor)
        else:
            await work(actor)

    with trio.move_on_after(1.0):
        await spec.ref.ask(Do(handle), timeout_s=60.0, linked=is_linked)
    await trio.sleep(10.0)
    assert ends == ["cancelled" if is_linked else "done"]
    assert await spec.ref.ask(Say("alive")) == "alive"
    assert is_balanced(spec.ref)


async def test_87_a_asks_b_asks_a_is_a_cycle(grow: Grow, autojump_clock: MockClock) -> None:
    a, b = probe("a"), probe("b")
    await grow(a, b)
    found: list[Any] = []

    async def ask_back(_: Probe) -> object:
        try:
            return await a.ref.ask(Say("deadlock"))
        except AskCycle as error:
            found.append(str(error))
            return "broken"

    assert await a.ref.ask(asking(b.ref, Do(ask_back))) == "broken"
    assert found == ["a waits for this answer itself"]


async def test_a_background_task_of_the_asker_closes_no_cycle(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    a, b = probe("a"), probe("b")
    await grow(a, b)
    answers: list[Any] = []

    async def in_background(actor: Probe) -> None:
        async def ask_b() -> None:
            answers.append(await b.ref.ask(asking(a.ref, Say("fine"))))

        actor.context.nursery.start_soon(ask_b)

    await a.ref.ask(Do(in_background))
    await wait_all_tasks_blocked()
    assert answers == ["fine"]


async def test_88_a_domain_error_is_an_answer(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a")
    tree = await grow(spec)
    with pytest.raises(Refused):
        await spec.ref.ask(Say("refuse"))
    assert tree.status().children[0].incarnation == 1


async def test_a_domain_error_without_an_asker_is_logged(
    grow: Grow, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    spec = probe("a")
    await grow(spec)
    await spec.ref.tell("refuse")
    assert await spec.ref.ask(Say("alive")) == "alive"
    assert "a refused str: as told" in caplog.text


async def test_60_an_actor_that_is_gone_is_not_waited_for(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    spec = probe("a")
    tree = await grow(spec)
    await tree.ref.ask(TerminateChild("a"))
    started_s = trio.current_time()
    with pytest.raises(NoSuchActor) as caught:
        await spec.ref.ask(Say("x"))
    assert caught.value.retry_after_s is None
    with pytest.raises(MailboxClosed):
        await spec.ref.tell("x")
    assert not spec.ref.tell_nowait("x")
    spec.ref.signal("x")
    assert spec.ref.statistics().counters.rejected == 2
    assert trio.current_time() == started_s


async def test_queued_asks_fail_when_the_actor_is_not_coming_back(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    spec = probe("a", restart=Restart.TEMPORARY)
    await grow(spec)

    async def crash_later(_: Probe) -> None:
        await trio.sleep(1.0)
        raise ValueError("late")

    await spec.ref.tell(Do(crash_later))
    await wait_all_tasks_blocked()
    with pytest.raises((ActorDied, NoSuchActor)):
        await spec.ref.ask(Say("queued"))
    assert is_balanced(spec.ref)


# --- tell ----------------------------------------------------------------------------------------


def busy(name: str, **mailbox: Any) -> ChildSpec:
    return ChildSpec(Ref(name, MailboxSpec(**mailbox)), Probe)


async def test_70_a_blocked_tell_ends_at_its_deadline_and_is_not_enqueued(
    grow: Grow, autojump_clock: MockClock
) -> None:
    spec = busy("a", capacity=1)
    await grow(spec)
    await spec.ref.tell(asleep())
    await wait_all_tasks_blocked()
    await spec.ref.tell("fills")
    with pytest.raises(MailboxTimeout, match=r"no room in the mailbox of a for 2\.0 s"):
        await spec.ref.tell("x", timeout_s=2.0)
    assert spec.ref.statistics().queued == 1
    assert not spec.ref.tell_nowait("x")
    assert is_balanced(spec.ref)


async def test_a_blocked_tell_goes_through_when_there_is_room(grow: Grow, autojump_clock: MockClock) -> None:
    spec = busy("a", capacity=1)
    await grow(spec)
    await spec.ref.tell(asleep(1.0))
    await wait_all_tasks_blocked()
    await spec.ref.tell("fills")
    await spec.ref.tell("waits", timeout_s=2.0)
    assert await spec.ref.ask(Say("end")) == "end"
    assert spec.ref.statistics().counters.processed == 4


async def test_72_reject_tells_depth_and_when_to_come_again(grow: Grow, autojump_clock: MockClock) -> None:
    spec = busy("a", capacity=1, overflow=Overflow.REJECT)
    await grow(spec)
    await spec.ref.tell(asleep())
    await wait_all_tasks_blocked()
    await spec.ref.tell("fills")
    for send in (spec.ref.tell, spec.ref.ask):
        with pytest.raises(MailboxFull) as caught:
            await send(Say("x"))
        assert (caught.value.depth, caught.value.retry_after_s) == (1, 0.1)
    assert spec.ref.statistics().counters.rejected == 2


@pytest.mark.parametrize("overflow", [Overflow.DROP_OLDEST, Overflow.DROP_NEWEST])
async def test_the_asker_of_a_dropped_message_is_told(
    grow: Grow, nursery: trio.Nursery, overflow: Overflow, autojump_clock: MockClock
) -> None:
    spec = busy("a", capacity=1, overflow=overflow)
    await grow(spec)
    await spec.ref.tell(asleep(1.0))
    await wait_all_tasks_blocked()
    ends: list[Any] = []

    async def ask(message: str) -> None:
        try:
            ends.append(await spec.ref.ask(Say(message)))
        except MailboxFull:
            ends.append(f"{message} was dropped")

    for message in ("first", "second"):
        nursery.start_soon(ask, message)
        await wait_all_tasks_blocked()
    await trio.sleep(2.0)
    lost, kept = ("first", "second") if overflow is Overflow.DROP_OLDEST else ("second", "first")
    assert ends == [f"{lost} was dropped", kept]


async def test_78_an_actor_does_not_wait_for_room_in_its_own_mailbox(grow: Grow, autojump_clock: MockClock) -> None:
    spec = busy("a", capacity=1)
    await grow(spec)

    async def tell_self(actor: Probe) -> str:
        await actor.context.ref.tell("one")
        with pytest.raises(MailboxDeadlock):
            await actor.context.ref.tell("two")
        return "refused"

    assert await spec.ref.ask(Do(tell_self)) == "refused"


async def test_75_a_signal_behind_many_messages_is_handled_next(grow: Grow, autojump_clock: MockClock) -> None:
    seen: list[Any] = []
    spec = ChildSpec(Ref("a", MailboxSpec(capacity=1_000)), lambda: Probe("a", seen))
    await grow(spec)
    await spec.ref.tell(asleep(1.0))
    await wait_all_tasks_blocked()
    for number in range(1_000):
        await spec.ref.tell(number)
    spec.ref.signal("barge-in")
    await trio.sleep(2.0)
    assert seen[1:4] == ["barge-in", 0, 1]
    assert len(seen) == 1_002
