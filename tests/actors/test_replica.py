from collections.abc import Callable

import attrs
import pytest
import trio

from actors.replica import Replica
from protocol.messages.replicas import DismissReplica, ReplaceReplica
from runtime import AskError, ChildSpec, ChildState, Ref, StartFailed
from tests.fakes import Grow

LEAVE_S = 30.0


@attrs.define(eq=False)
class FakeProcess:
    """A process that does as it is told, but perhaps does not leave, or does not get ready."""

    pid: int
    is_good: bool = True
    is_stubborn: bool = False
    told: list[str] = attrs.field(factory=list)
    ended: trio.Event = attrs.field(factory=trio.Event)
    code: int = 0

    async def wait_ready(self) -> bool:
        if not self.is_good:
            self.die(1)
        await trio.sleep(5.0)  # to load models
        return self.is_good

    async def wait_ended(self) -> int:
        await self.ended.wait()
        return self.code

    def leave(self) -> None:
        self.told.append("leave")
        if not self.is_stubborn:
            self.die(0)

    def end(self) -> None:
        if not self.ended.is_set():
            self.told.append("kill")
            self.die(-9)

    def die(self, code: int) -> None:
        self.code = code
        self.ended.set()


@attrs.define(eq=False)
class Machine:
    """Starts processes, each as ``nature`` makes it, and keeps them."""

    nature: Callable[[FakeProcess], None] = lambda _process: None
    processes: list[FakeProcess] = attrs.field(factory=list)
    ref: Ref = attrs.field(factory=lambda: Ref("replica-1"))

    def start(self) -> FakeProcess:
        process = FakeProcess(100 + len(self.processes))
        self.nature(process)
        self.processes.append(process)
        return process

    def spec(self) -> ChildSpec:
        return ChildSpec(self.ref, self.make, start_timeout_s=60.0, shutdown_s=2 * LEAVE_S)

    def make(self) -> Replica:
        return Replica("replica-1", self.start, leave_within_s=LEAVE_S)


async def test_it_is_ready_when_the_process_takes_clients(grow: Grow, autojump_clock) -> None:
    machine = Machine()
    tree = await grow(machine.spec())
    assert trio.current_time() >= 5.0
    child = tree.find("replica-1")
    assert child.state is ChildState.READY
    figures = child.status().statistics
    assert (figures.pid, figures.starts) == (100, 1)


async def test_a_process_that_ends_before_it_is_ready_fails_the_start(grow: Grow, autojump_clock) -> None:
    machine = Machine(lambda process: setattr(process, "is_good", False))
    with pytest.raises(StartFailed, match="replica-1 has ended with exit code 1"):
        await grow(machine.spec())
    assert len(machine.processes) == 1


async def test_a_process_that_ends_by_itself_is_started_again(grow: Grow, autojump_clock) -> None:
    machine = Machine()
    await grow(machine.spec())
    await trio.sleep(60.0)
    machine.processes[0].die(70)
    await trio.sleep(30.0)
    assert [process.ended.is_set() for process in machine.processes] == [True, False]


async def test_a_replica_is_replaced_by_one_that_starts_when_it_has_left(grow: Grow, autojump_clock) -> None:
    machine = Machine()
    await grow(machine.spec())
    await machine.ref.ask(ReplaceReplica(), timeout_s=60.0)
    old, new = machine.processes
    assert (old.told, old.code) == (["leave"], 0)
    assert (new.told, new.ended.is_set()) == ([], False)


async def test_a_process_that_does_not_leave_is_killed_in_the_end(grow: Grow, autojump_clock) -> None:
    machine = Machine(lambda process: setattr(process, "is_stubborn", True))
    await grow(machine.spec())
    began_s = trio.current_time()
    await machine.ref.ask(ReplaceReplica(), timeout_s=120.0)
    assert machine.processes[0].told == ["leave", "kill"]
    assert trio.current_time() - began_s >= LEAVE_S


async def test_a_replacement_that_does_not_start_is_told_and_tried_again(grow: Grow, autojump_clock) -> None:
    machine = Machine(lambda process: setattr(process, "is_good", process.pid != 101))
    tree = await grow(machine.spec())
    with pytest.raises(AskError):
        await machine.ref.ask(ReplaceReplica(), timeout_s=60.0)
    await trio.sleep(30.0)
    assert tree.find("replica-1").state is ChildState.READY
    assert [process.pid for process in machine.processes if not process.ended.is_set()] == [102]


async def test_a_replica_that_is_dismissed_is_not_missed(grow: Grow, autojump_clock) -> None:
    machine = Machine()
    await grow(machine.spec())
    await machine.ref.ask(DismissReplica(), timeout_s=60.0)
    await machine.ref.ask(DismissReplica(), timeout_s=60.0)  # it has gone
    await trio.sleep(60.0)
    assert [process.told for process in machine.processes] == [["leave"]]


async def test_no_process_outlives_its_keeper(grow: Grow, autojump_clock) -> None:
    machine = Machine()
    tree = await grow(machine.spec())
    await tree.stop("over")
    assert machine.processes[0].told == ["leave"]
    assert machine.processes[0].ended.is_set()
