"""One worker whose process may stop reading at any moment, in orders drawn from seeds.

The process is simulated: a stream with two ends, and an end of its own. Everything else is real: the worker, its
channel, and how a process is stopped; the clock is virtual. Streams raise ``BusyResourceError`` where two tasks send.
"""

import random
import signal
from functools import partial
from typing import Any, cast

import pytest
import trio

from runtime.workers.channel import Channel
from runtime.workers.errors import WorkerError
from runtime.workers.frames import Frame, FrameReader, encode
from runtime.workers.process import WorkerProcess, WorkerSpec
from runtime.workers.worker import Worker
from tests.simulation.seams import run_seeded

SEEDS = 200
PIECE_BYTES = 7  # so that a frame takes several reads
SPEC = WorkerSpec(name="simulated", target="none", params={})


class SimulatedProcess(WorkerProcess):
    """A process that reads until it hangs, answers what it reads, and ends when it is stopped or killed."""

    def __init__(self, rng):
        ours, theirs = trio.testing.lockstep_stream_pair()
        self._send, self._receive = cast("Any", theirs.send_stream), cast("Any", theirs.receive_stream)
        self.channel = Channel(ours, None)
        self.pid, self.code = 1, None
        self._rng = rng
        self._pidfd = None
        self._watching, self._said = trio.Lock(), bytearray()
        self._stderr_end, self._stderr = trio.testing.memory_stream_one_way_pair()
        self._ended = trio.Event()
        self.deaf_from_s = rng.uniform(0.0, 12.0)
        self.read = []

    async def run(self):
        reader = FrameReader()
        await self._send.send_all(encode(Frame("ready")))
        while not self._ended.is_set():
            with trio.move_on_at(self.deaf_from_s) as scope:
                data = await self._receive.receive_some(PIECE_BYTES)
                if not data:
                    self._end(75)
                for frame in reader.feed(data):
                    await self._answer(frame)
            if scope.cancelled_caught:
                await self._ended.wait()

    async def _answer(self, frame):
        self.read.append(frame.kind)
        await trio.sleep(self._rng.choice([0.0, 0.0, 0.3]))
        if frame.kind == "job":
            await self._send.send_all(encode(Frame("done", frame.job_id)))
        elif frame.kind == "ping":
            await self._send.send_all(encode(Frame("pong")))
        elif frame.kind == "stop":
            self._end(0)

    def send_signal(self, number):
        if number is signal.SIGKILL:
            self._end(-number)

    def _end(self, code):
        if not self._ended.is_set():
            self.code = code
            self._ended.set()
            for stream in (self._send, self._receive, self._stderr_end):
                stream.close()

    async def wait(self):
        await self._ended.wait()


async def live(seed):
    """Use a worker for some seconds; return how it ended and what its process has read."""
    rng = random.Random(seed)
    process = SimulatedProcess(rng)
    worker = Worker(SPEC, start=lambda _: process)
    is_ready, ends = trio.Event(), []

    async def use(number):
        await is_ready.wait()
        await trio.sleep(rng.uniform(0.0, 12.0))
        if worker.state != "ready":
            return
        assignment = worker.accept(Frame("job", number, "echo", blob=bytes(rng.choice([0, 50]))), 5.0)
        async with trio.open_nursery() as nursery:
            if rng.random() < 0.3:
                nursery.start_soon(worker.revoke, assignment)
            try:
                await worker.do(assignment)
            except WorkerError:
                return

    async def stop():
        await is_ready.wait()
        await trio.sleep(rng.uniform(2.0, 14.0))
        for _ in range(100):  # a busy worker is not stopped
            await worker.stop()
            await trio.sleep(0.1)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(process.run)
            nursery.start_soon(stop)
            for number in range(4):
                nursery.start_soon(use, number)
            ends.append(await worker.run(lambda _: is_ready.set()))
            nursery.cancel_scope.cancel()
    return ends[0], process


def test_a_worker_ends_in_order_whenever_its_process_stops_reading():
    ends = [run_seeded(seed, partial(live, seed)) for seed in range(SEEDS)]

    reasons = {ended.reason for ended, _ in ends}
    assert {"ended with exit code 0", "was ended by SIGKILL", "closed its channel"} <= reasons
    assert all(process.code is not None for _, process in ends)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_is_the_same_story(seed):
    (first, one), (second, other) = (run_seeded(seed, partial(live, seed)) for _ in range(2))

    assert (first, one.read) == (second, other.read)
