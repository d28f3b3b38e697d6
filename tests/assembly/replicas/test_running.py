import os
import signal
from collections.abc import Callable
from functools import partial

import attrs
import pytest
import trio

from assembly.replicas.running import ReplicaGroup, ReplicaStarters
from backends.replicas.haproxy import ReplicaAddress
from backends.replicas.state_file import ReplicasState
from runtime import StartFailed
from tests.fakes import Notes, default_settings

ADDRESSES = (ReplicaAddress("replica-1", 8001), ReplicaAddress("replica-2", 8002))


@attrs.define(eq=False)
class ScriptedProcess:
    """A process that is ready after five seconds, and leaves when it is told."""

    pid: int
    name: str
    log: list[str]
    is_good: bool = True
    ended: trio.Event = attrs.field(factory=trio.Event)

    async def wait_ready(self) -> bool:
        if not self.is_good:
            self.end()
            return False
        await trio.sleep(5.0)
        self.log.append(f"{self.name} ready")
        return True

    async def wait_ended(self) -> int:
        await self.ended.wait()
        return 0

    def leave(self) -> None:
        self.log.append(f"{self.name} leaves")
        self.ended.set()

    def end(self) -> None:
        self.ended.set()


@attrs.define(eq=False)
class Group:
    """A group of two replicas with scripted processes; ``is_good`` says which process, by its number, gets ready."""

    is_good: Callable[[int], bool] = lambda _number: True
    log: list[str] = attrs.field(factory=list)
    processes: list[ScriptedProcess] = attrs.field(factory=list)
    states: Notes[ReplicasState] = attrs.field(factory=Notes)
    group: ReplicaGroup = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        starters = ReplicaStarters(partial(self.start, "proxy"), lambda address: self.start(address.name))
        state = ReplicasState(pid=1, started_s=0.0)
        self.group = ReplicaGroup(default_settings(), ADDRESSES, starters, self.states.add, state)

    def start(self, name: str) -> ScriptedProcess:
        number = len(self.processes)
        process = ScriptedProcess(100 + number, name, self.log, is_good=self.is_good(number))
        self.processes.append(process)
        return process


async def test_the_proxy_starts_first_and_stops_last(nursery: trio.Nursery, autojump_clock) -> None:
    running = Group()
    async with trio.open_nursery() as inner:
        await inner.start(running.group.run)
        assert running.log == ["proxy ready", "replica-1 ready", "replica-2 ready"]
        await trio.sleep(1.0)
        assert [one.pid for one in running.states[-1].replicas] == [101, 102]
        os.kill(os.getpid(), signal.SIGTERM)
    assert sorted(running.log[3:5]) == ["replica-1 leaves", "replica-2 leaves"]
    assert running.log[5:] == ["proxy leaves"]


async def test_replicas_are_replaced_one_after_the_other_and_the_proxy_stays(
    nursery: trio.Nursery, autojump_clock
) -> None:
    running = Group()
    async with trio.open_nursery() as inner:
        await inner.start(running.group.run)
        del running.log[:]
        os.kill(os.getpid(), signal.SIGHUP)
        await running.states.wait_until(lambda states: bool(states) and states[-1].phase == "done")
        assert running.log == ["replica-1 leaves", "replica-1 ready", "replica-2 leaves", "replica-2 ready"]
        state = running.states[-1]
        assert (state.restarts, [one.pid for one in state.replicas]) == (1, [103, 104])
        os.kill(os.getpid(), signal.SIGTERM)


async def test_a_replacement_that_does_not_start_ends_the_round_and_the_others_go_on(
    nursery: trio.Nursery, autojump_clock
) -> None:
    running = Group(is_good=lambda number: number != 3)
    async with trio.open_nursery() as inner:
        await inner.start(running.group.run)
        del running.log[:]
        await running.group.restart()
        state = running.states[-1]
        assert state.phase == "failed"
        assert state.why.startswith("replica-1: ")
        assert "replica-2 leaves" not in running.log
        await trio.sleep(30.0)
        assert [process.pid for process in running.processes if not process.ended.is_set()] == [100, 102, 104]
        os.kill(os.getpid(), signal.SIGTERM)


async def test_a_replica_that_dies_is_started_again(nursery: trio.Nursery, autojump_clock) -> None:
    running = Group()
    async with trio.open_nursery() as inner:
        await inner.start(running.group.run)
        await trio.sleep(30.0)
        running.processes[1].ended.set()
        await trio.sleep(30.0)
        assert [one.pid for one in running.states[-1].replicas] == [103, 102]
        os.kill(os.getpid(), signal.SIGTERM)


async def test_a_replica_that_cannot_start_at_first_is_told(autojump_clock) -> None:
    running = Group(is_good=lambda number: number != 2)
    with pytest.RaisesGroup(StartFailed, flatten_subgroups=True, allow_unwrapped=True):
        await running.group.run()
    assert all(process.ended.is_set() for process in running.processes)


async def test_a_signal_during_the_start_ends_it(nursery: trio.Nursery, autojump_clock) -> None:
    running = Group()
    nursery.start_soon(running.group.run)
    await trio.sleep(7.0)
    os.kill(os.getpid(), signal.SIGTERM)
    await trio.sleep(60.0)
    assert all(process.ended.is_set() for process in running.processes)
    assert len(running.processes) == 2
