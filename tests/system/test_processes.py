"""Processes of a replica's keeper: started, ready, told to leave, ended, and gone with their parent."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest
import trio

from backends.replicas.processes import ServerProcess
from tests.source_tree import ROOT

pytestmark = pytest.mark.system
LIMIT_S = 60.0
SERVER = textwrap.dedent("""
    import pathlib, signal, sys, time
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
    pathlib.Path(sys.argv[1]).write_text("ready")
    time.sleep(600)
""")


def server(ready: Path) -> ServerProcess:
    return ServerProcess([sys.executable, "-c", SERVER, str(ready)], ready)


async def test_a_process_is_ready_when_it_says_so_and_leaves_when_it_is_told(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    ready.write_text("of an earlier one")
    with trio.fail_after(LIMIT_S):
        process = server(ready)
        assert await process.wait_ready()
        assert ready.read_text() == "ready"
        assert psutil.Process(process.pid).cmdline()[1] == "-c"  # nothing of ours stays between
        process.leave()
        assert await process.wait_ended() == 7
    process.end()  # it has gone


async def test_a_process_that_ends_is_never_ready_and_one_that_stays_is_killed(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT_S):
        assert not await ServerProcess([sys.executable, "-c", "exit(3)"], tmp_path / "never").wait_ready()
        process = server(tmp_path / "ready")
        assert await process.wait_ready()
        process.end()
        assert await process.wait_ended() == -signal.SIGKILL


async def test_a_program_that_is_missing_ends_at_once(tmp_path: Path) -> None:
    with trio.fail_after(LIMIT_S):
        assert not await ServerProcess(["/nonexistent/haproxy"], tmp_path / "never").wait_ready()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux tells a process of its parent's end")
def test_a_process_leaves_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = textwrap.dedent("""
        import sys, time, pathlib
        from backends.replicas.processes import ServerProcess
        ready = pathlib.Path(sys.argv[2])
        process = ServerProcess([sys.executable, "-c", sys.argv[1], str(ready)], ready)
        while not ready.exists():
            time.sleep(0.02)
        print(process.pid, flush=True)
        time.sleep(600)
    """)
    command = [sys.executable, "-c", parent, SERVER, str(tmp_path / "ready")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        child = psutil.Process(int(started.stdout.readline()))
        started.kill()
    child.wait(LIMIT_S)
    assert not child.is_running()
