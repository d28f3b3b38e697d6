import errno
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import trio

from runtime.workers import process as worker_process
from runtime.workers.frames import Frame
from runtime.workers.limits import ProcessMemory
from runtime.workers.process import WorkerProcess, WorkerSpec, read_memory
from tests.systems import is_there, open_descriptors


def start(**params):
    return WorkerProcess(WorkerSpec(name="echo", target="tests.runtime.worker_targets:Echo", params=params))


async def end(process):
    with trio.fail_after(10):
        await process.end(politely=False)


async def test_its_end_is_seen_by_all_waiting_tasks():
    process = start()
    seen = []

    async def wait(name):
        await process.wait()
        seen.append((name, process.how_it_ended))

    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            for name in range(3):
                nursery.start_soon(wait, name)
            await trio.testing.wait_all_tasks_blocked()
            process.send_signal(signal.SIGKILL)
    await end(process)

    assert sorted(seen) == [(name, "was ended by SIGKILL") for name in range(3)]


async def test_one_that_waited_in_vain_leaves_the_end_to_others():
    process = start(hang=True)

    assert not await process.has_ended_within(0.05)
    assert process.how_it_ended == "has not ended"
    process.send_signal(signal.SIGKILL)
    assert await process.has_ended_within(5)
    await end(process)


async def test_the_end_is_seen_where_the_kernel_has_no_pidfd(monkeypatch):
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    process = start(hang=True)
    process.send_signal(signal.SIGKILL)

    assert await process.has_ended_within(5)
    await end(process)


async def test_what_it_said_last_is_kept():
    process = start(fail=True)
    with trio.fail_after(10):
        await process.keep_stderr(trio.Event())
        await process.wait()
    await end(process)

    assert process.said.startswith("Traceback")
    assert process.last_words == "RuntimeError: the model is missing: install it"


async def test_a_signal_to_an_ended_process_reaches_no_other():
    process = start(fail=True)
    with trio.fail_after(10):
        await process.wait()
    process.send_signal(signal.SIGTERM)
    await end(process)

    assert process.how_it_ended == "ended with exit code 1"


async def test_the_end_is_bounded_also_when_cancelled():
    process = start(hang=True)
    with trio.CancelScope() as scope:
        scope.cancel()
        await end(process)

    assert process.how_it_ended == "was ended by SIGTERM"


async def test_one_that_reads_nothing_is_stopped_while_a_task_is_still_sending_to_it():
    process = start()
    with trio.fail_after(30):
        assert await process.channel.receive() == Frame("ready")
        process.send_signal(signal.SIGSTOP)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(process.channel.send, Frame("job", 1, "echo", blob=bytes(4 << 20)))
            await trio.testing.wait_all_tasks_blocked()
            await process.end(politely=True)

    assert process.how_it_ended == "was ended by SIGKILL"


async def test_a_folder_in_the_working_directory_does_not_take_the_place_of_ours(tmp_path, monkeypatch):
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime" / "__init__.py").write_text("raise RuntimeError('not ours')")
    monkeypatch.chdir(tmp_path)
    process = start()
    with trio.fail_after(10):
        assert await process.channel.receive() == Frame("ready"), process.said
    await end(process)


async def test_parameters_that_cannot_be_told_are_refused_before_anything_starts():
    with pytest.raises(TypeError):
        start(model=object())


def test_a_start_that_fails_half_way_leaves_nothing(monkeypatch):
    started = []

    def refuse(pid):
        started.append(pid)
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)
    before = open_descriptors()

    with pytest.raises(OSError, match="Too many open files"):
        start(hang=True)

    assert open_descriptors() == before
    assert not is_there(started[0])


async def test_a_kernel_too_old_for_pidfds_is_none_that_refuses(monkeypatch):
    def refuse(_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)
    process = start(hang=True)
    process.send_signal(signal.SIGKILL)

    assert await process.has_ended_within(5)
    await end(process)


def test_a_process_has_its_share_of_what_is_shared():
    memory = read_memory(os.getpid())

    assert 1_000_000 < memory.pss_bytes <= memory.rss_bytes


def test_where_the_kernel_does_not_tell_shares_all_that_is_resident_counts(monkeypatch):
    real = Path.read_text

    def read_text(path, **options):
        if path.name == "smaps_rollup":
            raise FileNotFoundError(path)
        return real(path, **options)

    monkeypatch.setattr(Path, "read_text", read_text)
    memory = read_memory(os.getpid())

    assert 1_000_000 < memory.pss_bytes == memory.rss_bytes


@pytest.mark.skipif(shutil.which("ps") is None, reason="needs ps, which every desktop system has; on Debian: procps")
def test_where_there_is_no_proc_ps_tells_what_is_resident(monkeypatch, tmp_path):
    monkeypatch.setattr(worker_process, "PROC", tmp_path)
    memory = read_memory(os.getpid())

    assert 1_000_000 < memory.pss_bytes == memory.rss_bytes

    process = subprocess.Popen(["true"])
    process.wait()
    assert read_memory(process.pid) == ProcessMemory()


def test_where_there_is_neither_proc_nor_ps_nothing_is_known(monkeypatch, tmp_path):
    monkeypatch.setattr(worker_process, "PROC", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert read_memory(os.getpid()) == ProcessMemory()


def test_a_process_that_has_gone_has_nothing():
    process = subprocess.Popen(["true"])
    process.wait()

    assert read_memory(process.pid) == ProcessMemory()
