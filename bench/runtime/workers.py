"""What worker processes cost: a job handed over, and a worker killed in its job, beside executors of others."""

import importlib
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AsyncExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import trio

from bench.report import Case, installed
from bench.runtime.jobs import DieOnce, MeasureBlob, bytes_of, killed_once
from bench.runtime.options import AT_ONCE, Options, background, timed
from runtime.workers.pool import Pool, WorkerSpec

trio_parallel: Any = importlib.import_module("trio_parallel") if installed("trio-parallel") else None

MIB: Final = 1 << 20
LIMIT_S: Final = 60.0
TARGET: Final = "bench.runtime.jobs:Worker"


async def handover_cases(options: Options, stack: AsyncExitStack) -> Mapping[str, Case]:
    count, blob = options.jobs, bytes(MIB)
    pool = await _run_pool(stack, Pool(WorkerSpec(name="bench", target=TARGET, params={"load_s": 0}), 1))
    executor = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))

    async def with_pool() -> None:
        for _ in range(count):
            measured, _ = await pool.call(MeasureBlob(), blob, timeout_s=LIMIT_S)
            assert measured.size_bytes == MIB

    async def with_executor() -> None:
        for _ in range(count):
            assert await trio.to_thread.run_sync(executor.submit(bytes_of, blob).result) == MIB

    async def with_trio_parallel() -> None:
        for _ in range(count):
            assert await context.run_sync(bytes_of, blob) == MIB

    cases = {"sayso": with_pool, "ProcessPoolExecutor": with_executor}
    if trio_parallel is not None:
        context = await stack.enter_async_context(trio_parallel.open_worker_context())
        cases["trio-parallel"] = with_trio_parallel
    for work in cases.values():
        await work()  # start the processes and warm them up
    return {name: partial(timed, count, work) for name, work in cases.items()}


async def _run_pool(stack: AsyncExitStack, pool: Pool) -> Pool:
    await (await background(stack)).start(pool.run)
    return pool


# --- kill -9 -------------------------------------------------------------------------------------


async def kill_cases(options: Options, stack: AsyncExitStack) -> Mapping[str, Case]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    spec = WorkerSpec(name="bench", target=TARGET, params={"load_s": options.load_s})
    cold = await _run_pool(stack, Pool(spec, 1, backoff=AT_ONCE))
    warm = await _run_pool(stack, Pool(spec, 1, spares=1, backoff=AT_ONCE))
    flags = (str(folder / str(number)) for number in range(10**9))

    async def with_pool(pool: Pool, ready: int) -> float:
        while pool.ready < ready:  # noqa: ASYNC110 - a pool tells of the first only
            await trio.sleep(0.01)
        survived, _ = await pool.call(DieOnce(next(flags)), timeout_s=LIMIT_S)
        return survived.killed_s

    cases: dict[str, Callable[[], Awaitable[float]]] = {
        "sayso with a spare": partial(with_pool, warm, 2),
        "sayso": partial(with_pool, cold, 1),
        "ProcessPoolExecutor, made anew": lambda: _killed_executor(options.load_s, next(flags)),
    }
    if trio_parallel is not None:
        manager = trio_parallel.open_worker_context(init=partial(load_model, options.load_s))
        context = await stack.enter_async_context(manager)
        cases["trio-parallel, asked again"] = lambda: _killed_trio_parallel(context, next(flags))
    return {name: partial(_mean_ms_after, options.kills, case) for name, case in cases.items()}


def load_model(load_s: float) -> None:
    """Take as long as a model; that it is found here lets a process load this program's modules before it."""
    time.sleep(load_s)


async def _mean_ms_after(count: int, case: Callable[[], Awaitable[float]]) -> float:
    """Return the milliseconds from the kill to the right result."""
    return sum([1000 * (-(await case()) + time.monotonic()) for _ in range(count)]) / count


async def _killed_trio_parallel(context: Any, flag: str) -> float:
    await context.run_sync(bytes_of, b"")  # loaded before the kill, like the others
    try:
        killed_s: float = await context.run_sync(killed_once, flag)
    except trio_parallel.BrokenWorkerError:
        killed_s = await context.run_sync(killed_once, flag)
    return killed_s


async def _killed_executor(load_s: float, flag: str) -> float:
    def make() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, get_context("spawn"), initializer=load_model, initargs=(load_s,))

    async def call(executor: ProcessPoolExecutor, function: Callable[..., Any], *arguments: object) -> Any:
        return await trio.to_thread.run_sync(executor.submit(function, *arguments).result)

    with make() as executor:
        await call(executor, bytes_of, b"")
        try:
            await call(executor, killed_once, flag)
        except BrokenProcessPool:
            with make() as other:
                killed_s: float = await call(other, killed_once, flag)
                # closing it is not part of the answer
                late_s = time.monotonic()
                executor.shutdown(wait=False)
    return killed_s + (time.monotonic() - late_s)
