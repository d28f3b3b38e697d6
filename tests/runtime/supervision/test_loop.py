from typing import Any, ClassVar

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.messages.ask import Ask
from runtime import ActorDied, AskTimeout, ChildSpec, ExitKind, Intensity, MailboxSpec, PoisonMessage, Ref
from tests.runtime.probes import Do, DoTwice, Grow, Probe, Say, end_of, probe


def is_balanced(ref: Ref) -> bool:
    shown = ref.statistics()
    c = shown.counters
    gone = c.expired + c.quarantined + sum(c.dropped.values())
    return c.accepted == c.processed + shown.queued + c.in_flight + gone


async def crash(actor: Probe) -> None:
    actor.seen.append(f"crash of {actor.context.incarnation}")
    raise ValueError("poison")


async def test_79_what_is_queued_at_a_crash_is_handled_by_the_next_incarnation_in_order(
    grow: Grow, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []
    spec = probe("a", seen)
    await grow(spec)
    for message in (1, "crash", 2, 3):
        await spec.ref.tell(message)
    assert await spec.ref.ask(Say("end")) == "end"
    assert seen == ["a starts", 1, "a starts", 2, 3, "end"]
    assert is_balanced(spec.ref)


async def test_89_a_message_that_crashes_is_poison_and_the_next_is_served(
    grow: Grow, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []
    spec = probe("a", seen)
    tree = await grow(spec)
    with pytest.raises(PoisonMessage, match="a died: ValueError: poison"):
        await spec.ref.ask(Do(crash))
    assert await spec.ref.ask(Say("next")) == "next"
    assert seen == ["a starts", "crash of 1", "a starts", "next"]
    assert spec.ref.statistics().counters.quarantined == 1
    assert [letter.reason for letter in tree.shared.dead_letters.records()] == ["poison"]
    assert is_balanced(spec.ref)


async def test_89_an_idempotent_message_is_tried_twice(grow: Grow, autojump_clock: MockClock) -> None:
    seen: list[Any] = []
    spec = probe("a", seen)
    await grow(spec)
    with pytest.raises(PoisonMessage):
        await spec.ref.ask(DoTwice(crash))
    assert seen == ["a starts", "crash of 1", "a starts", "crash of 2"]
    assert is_balanced(spec.ref)


async def test_an_idempotent_message_that_works_the_second_time_is_answered(
    grow: Grow, autojump_clock: MockClock
) -> None:
    spec = probe("a")
    await grow(spec)

    async def fails_once(actor: Probe) -> int:
        if actor.context.incarnation == 1:
            raise ValueError("once")
        return actor.context.incarnation

    assert await spec.ref.ask(DoTwice(fails_once)) == 2
    assert is_balanced(spec.ref)


async def test_90_poison_messages_do_not_escalate(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a")
    await grow(spec, intensity=Intensity(0, 60.0))
    for _ in range(3):
        with pytest.raises(PoisonMessage):
            await spec.ref.ask(Do(crash))
    assert await spec.ref.ask(Say("alive")) == "alive"


async def test_a_message_in_flight_when_something_else_crashes_is_no_poison(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    seen: list[Any] = []
    spec = probe("a", seen)
    tree = await grow(spec)

    async def crash_in_background(actor: Probe) -> None:
        actor.context.nursery.start_soon(crash, actor)
        await trio.sleep_forever()

    with pytest.raises(ActorDied) as caught:
        await spec.ref.ask(Do(crash_in_background))
    assert not isinstance(caught.value, PoisonMessage)
    assert await spec.ref.ask(Say("next")) == "next"
    assert spec.ref.statistics().counters.dropped == {"actor_died": 1}
    assert not end_of(tree.status().children[0]).has_quarantined


async def test_replies_in_tasks_let_the_next_message_pass(
    grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    spec = probe("a")
    await grow(spec)

    async def slowly(actor: Probe) -> None:
        async def answer(text: str) -> str:
            await trio.sleep(1.0)
            return text

        actor.context.reply_in_task(answer, "slow")

    ends: list[Any] = []

    async def ask(message: Do | Say) -> None:
        ends.append(await spec.ref.ask(message))

    nursery.start_soon(ask, Do(slowly))
    await wait_all_tasks_blocked()
    assert spec.ref.statistics().counters.in_flight == 1
    await ask(Say("quick"))
    await trio.sleep(2.0)
    assert ends == ["quick", "slow"]
    assert is_balanced(spec.ref)


async def test_a_crash_of_a_reply_task_is_a_crash_of_the_actor(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a")
    tree = await grow(spec)

    async def defer(actor: Probe) -> None:
        actor.context.reply_in_task(crash, actor)

    with pytest.raises(PoisonMessage):
        await spec.ref.ask(Do(defer))
    assert await spec.ref.ask(Say("alive")) == "alive"
    assert tree.status().children[0].incarnation == 2


async def test_replies_in_tasks_are_bounded(grow: Grow, nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    spec = ChildSpec(Ref("a", MailboxSpec(max_in_flight=2)), Probe)
    await grow(spec)

    async def slowly(actor: Probe) -> None:
        actor.context.reply_in_task(trio.sleep, 1.0)

    for _ in range(5):
        await spec.ref.tell(Do(slowly))
    await wait_all_tasks_blocked()
    assert (spec.ref.statistics().counters.in_flight, spec.ref.statistics().queued) == (2, 3)
    await trio.sleep(3.5)
    assert spec.ref.statistics().counters.processed == 5


async def test_reply_in_task_belongs_into_a_handler(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a")
    await grow(spec)

    async def in_background(actor: Probe) -> str:
        found = trio.Event()

        async def background() -> None:
            with pytest.raises(RuntimeError, match="belongs into handle"):
                actor.context.reply_in_task(trio.sleep, 1.0)
            found.set()

        actor.context.nursery.start_soon(background)
        await found.wait()
        return "refused"

    assert await spec.ref.ask(Do(in_background)) == "refused"


async def test_a_busy_actor_lets_others_run(grow: Grow, autojump_clock: MockClock) -> None:
    spec = ChildSpec(Ref("a", MailboxSpec(capacity=10_000)), Probe)
    await grow(spec)
    for number in range(1_000):
        await spec.ref.tell(number)
    turns = 0
    while spec.ref.statistics().counters.processed < 1_000:
        await trio.lowlevel.checkpoint()
        turns += 1
    assert turns > 10


async def test_53_an_actor_that_drains_handles_all_that_was_accepted(grow: Grow, autojump_clock: MockClock) -> None:
    class Drains(Probe):
        async def on_stop(self) -> None:
            await self.context.drain()
            await super().on_stop()

    seen: list[Any] = []
    spec = ChildSpec(Ref("a"), lambda: Drains("a", seen))
    tree = await grow(spec)

    async def nap(_: Probe) -> None:
        await trio.sleep(1.0)

    for message in (Do(nap), 1, 2, 3):
        await spec.ref.tell(message)
    await wait_all_tasks_blocked()
    await tree.stop("test")
    assert seen == ["a starts", 1, 2, 3, "a stops"]
    assert not spec.ref.tell_nowait(4)
    assert is_balanced(spec.ref)


async def test_a_handler_that_takes_too_long_ends_the_actor_as_stuck(
    grow: Grow, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Any] = []
    spec = ChildSpec(Ref("a"), lambda: Probe("a", seen), max_handler_s=4.0)
    tree = await grow(spec)

    async def take_long(_: Probe) -> None:
        await trio.sleep(60.0)

    with pytest.raises(PoisonMessage, match="Do took longer than 4 s"):
        await spec.ref.ask(Do(take_long), 30.0)
    assert trio.current_time() == 4.0
    assert await spec.ref.ask(Say("hello")) == "hello"
    [child] = tree.status().children
    assert child.last_exit is not None
    assert (child.last_exit.kind, child.restarts) == (ExitKind.STUCK, 1)


async def test_a_handler_that_is_half_as_slow_is_warned_about(
    grow: Grow, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    spec = ChildSpec(Ref("a"), Probe, max_handler_s=4.0)
    await grow(spec)

    def nap(seconds: float) -> Do:
        async def sleep(_: Probe) -> None:
            await trio.sleep(seconds)

        return Do(sleep)

    await spec.ref.ask(nap(1.9))
    assert caplog.text == ""
    await spec.ref.ask(nap(2.1))
    assert "a took 2.1 s for Do, of 4 s at most" in caplog.text


@attrs.frozen
class Steady(Ask[str]):
    """A message of which one takes as long as another."""

    seconds: float
    has_steady_cost: ClassVar[bool] = True


class Worker(Probe):
    async def handle(self, message: Any) -> Any:
        if isinstance(message, Steady):
            await trio.sleep(message.seconds)
            self.seen.append("worked")
            return "done"
        return await super().handle(message)


async def test_20_the_answer_of_a_given_up_incarnation_is_late(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a", shutdown_s=1.0)
    await grow(spec)

    async def resist(actor: Probe) -> str:
        actor.context.stop("done")
        with trio.CancelScope(shield=True):
            await trio.sleep(50.0)
        return "at last"

    with pytest.raises(ActorDied):
        await spec.ref.ask(Do(resist), 20.0)
    assert await spec.ref.ask(Say("hello")) == "hello", "another incarnation has taken its place"
    await trio.sleep(60.0)
    counters = spec.ref.statistics().counters
    assert (counters.late_replies, counters.processed, counters.in_flight) == (1, 1, 0), "it is counted as dropped"
    assert is_balanced(spec.ref)


async def test_82_what_expired_in_the_queue_is_not_begun(grow: Grow, autojump_clock: MockClock) -> None:
    seen: list[Any] = []
    spec = probe("a", seen)
    await grow(spec)

    async def hold_up_everything(_: Probe) -> None:
        await wait_all_tasks_blocked()
        autojump_clock.jump(3.0)  # no asker runs meanwhile, so none takes its message back

    async def ask_late() -> None:
        with pytest.raises(AskTimeout):
            await spec.ref.ask(Say("late"), 1.0)

    spec.ref.tell_nowait(Do(hold_up_everything))
    await ask_late()
    assert seen == ["a starts"]
    assert spec.ref.statistics().counters.expired == 1
    assert is_balanced(spec.ref)


async def test_82_what_could_hardly_be_done_in_time_is_not_begun(grow: Grow, autojump_clock: MockClock) -> None:
    seen: list[Any] = []
    spec = ChildSpec(Ref("a"), lambda: Worker("a", seen))
    await grow(spec)
    for _ in range(12):
        await spec.ref.ask(Steady(2.0))
    start_s = trio.current_time()
    with pytest.raises(AskTimeout):
        await spec.ref.ask(Steady(2.0), 0.5)
    assert seen.count("worked") == 12
    assert trio.current_time() == start_s, "its asker need not wait for the deadline"
    assert spec.ref.statistics().counters.expired == 1
    assert await spec.ref.ask(Steady(2.0), 5.0) == "done"
    assert is_balanced(spec.ref)
