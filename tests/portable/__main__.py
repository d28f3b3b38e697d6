"""Runs the quick tests where they do not run every day: ``python -m tests.portable [PYTHON ...]``.

On the oldest and the newest Python of this machine (or those that are named), each in an environment of its own in
``.venv/portable``, and on this Python as if it were no Linux. Ends with 1 if a test fails.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.portable.pythons import Version, by_version, installed, oldest_and_newest, version_of
from tests.source_tree import ROOT

ENVIRONMENTS = ROOT / ".venv" / "portable"
REQUIREMENTS = ("runtime", "build", "dev")
QUICK = ("-m", "pytest", "-q", "-m", "not system", "--tb=short", "-p", "no:cacheprovider", "-p", "no:cov")
TIMEOUT_S = 1_800.0
AT_ONCE = 2

Run = Callable[[], "subprocess.CompletedProcess[str]"]


def main(argv: Sequence[str]) -> int:
    """Run all; return the exit status."""
    pythons = by_version(argv, version_of) if argv else oldest_and_newest(installed())
    if not pythons:
        sys.stdout.write(f"none of these is a Python to test on: {', '.join(argv) or 'python3.11 and later'}\n")
        return 1
    runs: dict[str, Run] = {
        f"Python {version[0]}.{version[1]}": partial(run_on, version, command) for version, command in pythons.items()
    }
    runs["without Linux"] = partial(run, (sys.executable, *QUICK, "--without-linux"))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        passed = list(pool.map(show, runs, runs.values()))
    return 0 if all(passed) else 1


def show(name: str, run_it: Run) -> bool:
    """Run, write what came of it, and return whether all passed."""
    begun_s = time.perf_counter()
    done = run_it()
    took_s = time.perf_counter() - begun_s
    *before, last = done.stdout.strip().splitlines() or [""]
    said = before[-100:] if done.returncode else []
    sys.stdout.write("\n".join([*said, f"{name}: {last.strip('= ')}; {took_s:.0f} s with its environment", ""]))
    sys.stdout.flush()
    return done.returncode == 0


def run_on(version: Version, command: str) -> "subprocess.CompletedProcess[str]":
    """Run the tests on one Python, in an environment that is made if it is missing or older than its requirements."""
    folder = ENVIRONMENTS / f"{version[0]}.{version[1]}"
    python, stamp = str(folder / "bin" / "python"), folder / "requirements.txt"
    wanted = "".join((ROOT / "requirements" / f"{name}.txt").read_text() for name in REQUIREMENTS)
    if not stamp.is_file() or stamp.read_text() != wanted:
        for step in steps(command, folder, python):
            done = run(step)
            if done.returncode:
                return done
        stamp.write_text(wanted)
    return run((python, *QUICK))


def steps(command: str, folder: Path, python: str) -> list[Sequence[str]]:
    """Return the commands that make an environment: hashed requirements, then sayso itself."""
    pip = (python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
    hashed = ((*pip, "--require-hashes", "-r", str(ROOT / "requirements" / f"{name}.txt")) for name in REQUIREMENTS)
    sayso = (*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    return [(command, "-m", "venv", "--clear", str(folder)), *hashed, sayso]


def run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run a command in the repository; its output is kept."""
    return subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S, check=False
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
