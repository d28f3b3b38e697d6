"""Workers without processes, for what a group decides."""

import random
from contextlib import asynccontextmanager

import trio

from runtime.policies.restart import Backoff
from runtime.workers.assignments import Assignments
from runtime.workers.limits import ProcessMemory, Vitals, WorkerLimits
from runtime.workers.process import WorkerSpec
from runtime.workers.worker import ProcessEnd
from runtime.workers.worker_group import WorkerGroup

LOAD_S = 5.0


class FakeWorker:
    """The part of ``runtime.workers.worker.Worker`` that a group uses; loads for ``LOAD_S``, lives until ended."""

    def __init__(self, yard, last_job):
        self.yard, self.last_job = yard, last_job
        self.pid = yard.next_pid()
        self.state, self.ready_s = "starting", None
        self.assignments, self.memory, self.over = Assignments(), ProcessMemory(), trio.Event()
        self.ended = ProcessEnd("was ended by SIGKILL", 60.0)

    @property
    def vitals(self):
        age_s = 0.0 if self.ready_s is None else trio.current_time() - self.ready_s
        return Vitals(jobs=self.assignments.jobs_done, age_s=age_s, memory=self.memory, last_job=self.last_job)

    def note_memory(self, memory):
        self.memory = memory

    async def run(self, on_ready):
        self.yard.starts_s.append(trio.current_time())
        self.yard.loading += 1
        self.yard.most_loading = max(self.yard.most_loading, self.yard.loading)
        await trio.sleep(LOAD_S)
        self.yard.loading -= 1
        if self.yard.failure is not None:
            self.state = "dead"
            return self.yard.failure
        self.state, self.ready_s = "ready", trio.current_time()
        on_ready(self)
        await self.over.wait()
        self.state = "dead"
        return self.ended

    def kill(self, why):
        self.end(ProcessEnd(why, 60.0))

    def end(self, ended):
        self.state, self.ended = "dead", ended
        self.over.set()

    async def stop(self):
        if self.state == "ready":
            self.state = "stopping"
            await trio.sleep(0.5)
            self.end(ProcessEnd("ended with exit code 0", 60.0, was_stopped=True))


class Yard:
    """Where the workers of a test come from."""

    def __init__(self):
        self.failure, self.starts_s, self.loading, self.most_loading, self.made = None, [], 0, 0, []
        self.memory = {}

    def next_pid(self):
        return 100 + len(self.made)

    def make(self, _, last_job, *, pace=None):
        self.made.append(FakeWorker(self, last_job))
        return self.made[-1]

    async def run_sync(self, function, *args, abandon_on_cancel):
        assert abandon_on_cancel
        await trio.lowlevel.checkpoint()
        return function(*args)


def make_group(size, spares=0, **limits):
    spec = WorkerSpec(name="stt", target="nowhere:Nobody", params={})
    group = WorkerGroup(spec, size, spares, limits=WorkerLimits(**limits), backoff=Backoff(), rng=random.Random(7))
    group.ties.on_change = group.review  # as the pool does
    return group


@asynccontextmanager
async def loaded(group):
    """Run a group, and wait until all of it is loaded."""
    async with trio.open_nursery() as nursery:
        await nursery.start(group.run)
        await trio.sleep(10 * LOAD_S)
        yield group
        nursery.cancel_scope.cancel()


def roles(group):
    return [worker.role for worker in group.statistics().workers]
