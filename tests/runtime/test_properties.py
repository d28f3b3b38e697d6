"""Mailbox and supervisor against small reference models, over hundreds of random sequences of operations."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime import (
    Actor,
    Backoff,
    ChildPresent,
    ChildSpec,
    ChildState,
    DeleteChild,
    DomainError,
    Intensity,
    MailboxClosed,
    MailboxSpec,
    MessageTooLarge,
    NoSuchChild,
    Overflow,
    Ref,
    Restart,
    RestartChild,
    Shared,
    StartChild,
    Strategy,
    Supervisor,
    TerminateChild,
    WhichChildren,
    run_tree,
)
from runtime.messaging.envelope import Envelope
from runtime.messaging.mailbox import Mailbox, OfferResult
from tests.runtime.reference_models import ChildModel, Item, MailboxModel, SupervisorModel

OPERATIONS = 40
LONGER_THAN_ANY_BACKOFF_S = 60.0
MAILBOX_ERRORS = (MailboxClosed, MessageTooLarge)
MANAGEMENT_ERRORS = (ChildPresent, NoSuchChild)

# --- the mailbox ---------------------------------------------------------------------------------


def drawn_spec(rng: random.Random, overflow: Overflow) -> MailboxSpec:
    is_bounded = rng.random() < 0.6
    return MailboxSpec(
        capacity=rng.randint(1, 5),
        overflow=overflow,
        max_bytes=rng.randint(4, 12) if is_bounded else None,
        size_of=(lambda item: item.size) if is_bounded else None,
        key=(lambda item: item.key) if overflow is Overflow.COALESCE else None,
        max_in_flight=rng.randint(1, 4),
    )


class MailboxMachine:
    """Does the same to a mailbox and to its model."""

    def __init__(self, spec: MailboxSpec, rng: random.Random, nursery: trio.Nursery) -> None:
        self.model = MailboxModel(spec)
        self.dropped: list[tuple[Item, str]] = []
        self.box = Mailbox("box", spec, lambda envelope, reason: self.dropped.append((envelope.message, reason)))
        self._rng = rng
        self._nursery = nursery
        self._made = 0
        self._envelopes: dict[Item, Envelope] = {}
        self._senders: dict[Item, trio.CancelScope] = {}
        self._controls: set[Item] = set()
        self.refused: list[Item] = []
        """What senders waited with in vain, because the mailbox was closed."""
        self.expected_refused: list[Item] = []

    def operations(self) -> list[Callable[[], None]]:
        """Return what may be done; what stands there twice is done more often."""
        many = [self.offer, self.offer, self.offer, self.take, self.take, self.finish]
        return [*many, self.put_control, self.withdraw, self.cancel_sender, self.put_back]

    def offer(self) -> None:
        item = self._new_item()
        expected = outcome_of(partial(self.model.offer, item), MAILBOX_ERRORS)
        found = outcome_of(partial(self.box.offer, self._envelopes[item]), MAILBOX_ERRORS)
        assert found == expected
        if found is OfferResult.FULL and self.model.spec.overflow is Overflow.BLOCK:
            self.model.waiting.append(item)
            self._senders[item] = trio.CancelScope()
            self._nursery.start_soon(self._wait_for_room, item)

    def put_control(self) -> None:
        item = self._new_item()
        self._controls.add(item)
        expected = outcome_of(partial(self.model.put_control, item), MAILBOX_ERRORS)
        assert outcome_of(partial(self.box.put_control, self._envelopes[item]), MAILBOX_ERRORS) == expected

    def take(self) -> None:
        envelope = self.box.take_nowait()
        assert (None if envelope is None else envelope.message) == self.model.take()
        if envelope is not None:
            self.box.counters.in_flight += 1

    def finish(self) -> None:
        if self.model.in_flight:
            self.model.in_flight.pop(self._rng.randrange(len(self.model.in_flight)))
            self.model.processed += 1
            self.box.counters.finish(0.0)

    def withdraw(self) -> None:
        if self._made:
            item = self._rng.choice(list(self._envelopes))
            if item not in self.model.waiting:
                was_queued = self.box.withdraw(self._envelopes[item])
                assert was_queued == self.model.withdraw(item)
                if was_queued:
                    self.box.drop(self._envelopes[item], "withdrawn")

    def cancel_sender(self) -> None:
        if self.model.waiting:
            item = self._rng.choice(self.model.waiting)
            self.model.waiting.remove(item)
            self.model.admit()
            self._senders[item].cancel()

    def put_back(self) -> None:
        data = [item for item in self.model.in_flight if item not in self._controls]
        items = data[: self._rng.randint(0, 2)]
        self.model.put_back(items)
        self.box.counters.in_flight -= len(items)
        self.box.put_back([self._envelopes[item] for item in items])

    def close(self) -> None:
        self.model.is_closed = True
        self.expected_refused = list(self.model.waiting)
        self.model.waiting.clear()
        self.box.close()
        self.model.discard()
        self.box.discard()

    def check(self) -> None:
        """Compare all that can be seen, and what must be true of any mailbox."""
        model, statistics, counters = self.model, self.box.statistics(0.0), self.box.counters
        assert statistics.queued == len(model.control) + len(model.data)
        assert statistics.queued_bytes == (sum(i.size for i in model.data) if model.spec.size_of else 0)
        assert statistics.waiting_senders == len(model.waiting)
        assert (counters.accepted, counters.processed) == (model.accepted, model.processed)
        assert counters.in_flight == len(model.in_flight)
        assert +counters.dropped == +model.dropped
        assert len(self.dropped) == model.dropped.total()
        assert counters.accepted == (
            counters.processed + statistics.queued + counters.in_flight + counters.dropped.total()
        )

    async def _wait_for_room(self, item: Item) -> None:
        with self._senders[item]:
            try:
                await self.box.wait_for_room(self._envelopes[item])
            except MailboxClosed:
                self.refused.append(item)

    def _new_item(self) -> Item:
        self._made += 1
        item = Item(self._made, self._rng.randint(0, 14), self._rng.randint(0, 2))
        self._envelopes[item] = Envelope(item, 0.0)
        return item


def outcome_of(run: Callable[[], object], errors: tuple[type[Exception], ...]) -> object:
    """Return what came of it: a value, or the family of the error."""
    try:
        return run()
    except errors as error:
        return next(family for family in errors if isinstance(error, family))


@pytest.mark.parametrize("overflow", list(Overflow))
async def test_a_mailbox_does_what_its_model_does(autojump_clock, overflow: Overflow) -> None:
    for seed in range(80):
        rng = random.Random(f"{overflow.value}:{seed}")
        async with trio.open_nursery() as nursery:
            machine = MailboxMachine(drawn_spec(rng, overflow), rng, nursery)
            for _ in range(OPERATIONS):
                rng.choice(machine.operations())()
                await wait_all_tasks_blocked()
                machine.check()
            machine.close()
            await wait_all_tasks_blocked()
            machine.check()
            assert set(machine.refused) == set(machine.expected_refused)
            machine.offer()
            machine.put_control()


@pytest.mark.parametrize("overflow", list(Overflow))
async def test_a_mailbox_in_a_storm_loses_nothing_without_a_trace(autojump_clock, overflow: Overflow) -> None:
    """Operations in one tick, before another task could run: the order of wake-ups may not matter."""
    for seed in range(80):
        rng = random.Random(f"storm:{overflow.value}:{seed}")
        async with trio.open_nursery() as nursery:
            machine = MailboxMachine(drawn_spec(rng, overflow), rng, nursery)
            for _ in range(OPERATIONS // 5):
                machine.offer()
                await wait_all_tasks_blocked()
                for operation in rng.choices([machine.take, machine.finish, machine.put_back, machine.withdraw], k=4):
                    operation()
                machine.check()
            machine.close()


# --- the supervisor ------------------------------------------------------------------------------


@attrs.define
class Alive:
    """Counts the instances of each child that live now."""

    counts: dict[str, int] = attrs.field(factory=dict)

    def change(self, child_id: str, by: int) -> None:
        """Count one more or one less; two of one id must never live at the same time."""
        self.counts[child_id] = self.counts.get(child_id, 0) + by
        assert self.counts[child_id] in (0, 1), f"{self.counts[child_id]} incarnations of {child_id} live"


class Mortal(Actor):
    """Crashes or ends when told to."""

    def __init__(self, child_id: str, alive: Alive) -> None:
        self._id = child_id
        self._alive = alive

    async def on_start(self) -> None:
        await self.context.nursery.start(self._live)

    async def handle(self, message: object) -> None:
        if message == "crash":
            raise ValueError("told to crash")
        self.context.stop("told to end")

    async def _live(self, *, task_status: trio.TaskStatus[None]) -> None:
        self._alive.change(self._id, 1)
        try:
            task_status.started()
            await trio.sleep_forever()
        finally:
            self._alive.change(self._id, -1)


class SupervisorMachine:
    """Does the same to a supervisor and to its model."""

    def __init__(self, supervisor: Ref, model: SupervisorModel, rng: random.Random) -> None:
        self.model = model
        self.refs: dict[str, Ref] = {}
        self.alive = Alive()
        self._supervisor = supervisor
        self._rng = rng

    async def step(self) -> None:
        """Do one thing."""
        ids = [*self.model.children, "nobody"]
        child_id = self._rng.choice(ids)
        match self._rng.choice(("crash", "crash", "end", "start", "start", "terminate", "restart", "delete")):
            case "crash" | "end" as how:
                self._end(child_id, how)
            case "start":
                await self.start(f"child{self._rng.randint(0, 5)}", self._rng.choice(list(Restart)))
            case "terminate":
                await self._ask(TerminateChild(child_id), partial(self.model.terminate, child_id))
            case "restart":
                await self._ask(RestartChild(child_id), partial(self.model.restart, child_id))
            case "delete":
                await self._ask(DeleteChild(child_id), partial(self.model.delete, child_id))

    async def start(self, child_id: str, restart: Restart) -> None:
        """Start a child that may be there already."""
        ref = Ref(child_id)
        spec = ChildSpec(ref, partial(Mortal, child_id, self.alive), restart)
        if await self._ask(StartChild(spec), partial(self.model.start, child_id, restart)) is None:
            self.refs[child_id] = ref

    async def crash_together(self) -> None:
        """Crash some children in the same tick."""
        living = [child_id for child_id, child in self.model.children.items() if child.is_alive]
        for child_id in self._rng.sample(living, min(len(living), self._rng.randint(2, 3))):
            self.refs[child_id].tell_nowait("crash")

    async def check(self) -> None:
        """Compare the children, their order, their states and how often each was started."""
        found = await self._supervisor.ask(WhichChildren())
        assert [status.id for status in found] == list(self.model.children)
        for status in found:
            child = self.model.children[status.id]
            assert status.state is (ChildState.READY if child.is_alive else ChildState.STOPPED), status.id
            assert status.incarnation == child.incarnation, status.id
            assert self.alive.counts[status.id] == child.is_alive, status.id

    def _end(self, child_id: str, how: str) -> None:
        child = self.model.children.get(child_id)
        if child is not None and child.is_alive:
            self.refs[child_id].tell_nowait(how)
            self.model.end(child_id, is_crash=how == "crash")

    async def _ask(self, message: Any, model: Callable[[], Any]) -> object:
        expected = outcome_of(model, MANAGEMENT_ERRORS)
        found: object = None
        try:
            await self._supervisor.ask(message)
        except DomainError as error:
            found = next(family for family in MANAGEMENT_ERRORS if isinstance(error, family))
        assert found == expected, message
        return found


async def supervised(strategy: Strategy, seed: int, run: Callable[[SupervisorMachine], Any]) -> None:
    """Run ``run`` with a supervisor that never gives up."""
    patient = Backoff(max_consecutive=1_000)
    root = Supervisor((), strategy, Intensity(10_000, 60.0), patient)
    async with trio.open_nursery() as nursery:
        tree = await nursery.start(partial(run_tree, root, shared=Shared(rng=random.Random(seed))))
        machine = SupervisorMachine(tree.ref, SupervisorModel(strategy), random.Random(f"{strategy.value}:{seed}"))
        for at, restart in enumerate((Restart.PERMANENT, Restart.TRANSIENT, Restart.TEMPORARY)):
            await machine.start(f"child{at}", restart)
        await run(machine)
        await tree.stop("enough")
    assert not any(machine.alive.counts.values()), machine.alive


@pytest.mark.parametrize("strategy", list(Strategy))
async def test_a_supervisor_does_what_its_model_does(autojump_clock, strategy: Strategy) -> None:
    async def run(machine: SupervisorMachine) -> None:
        for _ in range(OPERATIONS):
            await machine.step()
            await trio.sleep(LONGER_THAN_ANY_BACKOFF_S)
            await machine.check()

    for seed in range(25):
        await supervised(strategy, seed, run)


@pytest.mark.parametrize("strategy", list(Strategy))
async def test_30_children_that_crash_together_are_all_back_and_none_lives_twice(
    autojump_clock, strategy: Strategy
) -> None:
    async def run(machine: SupervisorMachine) -> None:
        del machine.model.children["child2"]  # a temporary one, gone with the first group
        for _ in range(OPERATIONS // 4):
            await machine.crash_together()
            await trio.sleep(LONGER_THAN_ANY_BACKOFF_S)
            lives = [child_id for child_id, count in machine.alive.counts.items() if count]
            assert set(machine.model.children) <= set(lives)

    for seed in range(40):
        await supervised(strategy, seed, run)


def test_the_models_are_no_mirror_of_each_other() -> None:
    one, rest = SupervisorModel(Strategy.ONE_FOR_ONE), SupervisorModel(Strategy.REST_FOR_ONE)
    for model in (one, rest):
        model.children = {name: ChildModel(Restart.PERMANENT) for name in "abc"}
        model.end("b", is_crash=True)
    assert [child.incarnation for child in one.children.values()] == [1, 2, 1]
    assert [child.incarnation for child in rest.children.values()] == [1, 2, 2]
