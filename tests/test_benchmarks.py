"""Every part of ``sayso bench`` and every program that one starts can be started: no import or name is out of date.

What they measure is run in ``tests/system/test_bench.py`` and ``test_bench_load.py``.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping

from tests.source_tree import ROOT
from tests.systems import on_linux

LIMIT_S = 120

PARTS = """
import importlib
from bench.__main__ import PROGRAMS

for parts in PROGRAMS.values():
    for name, module in parts.items():
        assert name in importlib.import_module(module).PART.parser(name).format_help()
"""

BAR = "import bench.accuracy.bar.server"

HOOKS = """
import importlib, os, signal, struct
import sitecustomize as hooks

for signum in (hooks.LEAK, hooks.HOG, hooks.BLOCK):
    assert callable(signal.getsignal(signum)), signum

worker = importlib.import_module(hooks.WHISPER).WhisperWorker
assert worker.handle.__name__ == "handle_or_die"
try:
    worker.handle(None, None, bytes(640))
except AttributeError:  # the worker's own method was reached, which has no use for None
    pass

hooks.HOG_S = hooks.BLOCK_S = 0.0
for signum in (hooks.HOG, hooks.BLOCK):
    os.kill(os.getpid(), signum)

worker.handle(None, None, struct.pack("<h", -32_768) * hooks.POISON_SAMPLES)
"""


def run(program: str, environ: Mapping[str, str] = {}) -> "subprocess.CompletedProcess[str]":
    """Run a program of Python in the repository's folder."""
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environ}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def test_every_part_can_be_loaded_and_tells_its_flags() -> None:
    done = run(PARTS)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_bar_that_callers_order_from_can_be_loaded() -> None:
    done = run(BAR)
    assert (done.returncode, done.stderr) == (0, "")


@on_linux  # its signals are real-time ones
def test_a_server_with_the_hooks_of_the_crowd_misbehaves_on_demand_and_dies_of_the_poison_alone() -> None:
    done = run(HOOKS, {"PYTHONPATH": f"{ROOT / 'bench' / 'load' / 'hooks'}{os.pathsep}{ROOT}"})
    assert done.returncode == -signal.SIGSEGV, done.stderr
