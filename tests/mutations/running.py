"""Runs the tests of a mutation in a copy of the tree, so that the tree itself is never broken.

A copy serves one mutation after the other: what is broken is mended again, with its time of change, so that Python
finds the compiled module beside it.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Queue

import attrs

from tests.mutations.mutation import Mutation
from tests.source_tree import ROOT

TIMEOUT_S = 60.0  # the tests of one mutation
AT_REST_S = 600.0  # those of all, on a machine that is busy with other things
LEFT_OUT = (".venv", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "results", "node_modules")
PYTEST = ("-m", "pytest", "-q", "--tb=no", "-rA", "-p", "no:cacheprovider", "-p", "no:cov")
OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR) (\S+?::\w+)", re.MULTILINE)


@attrs.frozen
class Finding:
    """What the tests said of one mutation."""

    mutation: Mutation
    survived: tuple[str, ...]
    """Tests that should have failed and did not."""
    said: str = ""
    """The last words of pytest, where it did not get as far as the tests."""
    is_hung: bool = False
    """The tests did not end in time: noticed, though not nicely."""

    @property
    def is_noticed(self) -> bool:
        """Whether the mutation turned every test red that it should."""
        return not self.survived and not self.said


@contextmanager
def copied_tree() -> Iterator[Path]:
    """Yield a copy of the repository; compiled modules come along, so that only what is changed is compiled anew."""
    with tempfile.TemporaryDirectory(prefix="sayso-mutation-") as folder:
        tree = Path(folder, "tree")
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
        yield tree


@contextmanager
def broken(tree: Path, mutation: Mutation) -> Iterator[None]:
    """Break the file for the block; raises ``ValueError`` if the text is not there exactly once."""
    file = tree / mutation.file
    source, status = file.read_text(), file.stat()
    file.write_text(mutated(source, mutation))
    try:
        yield
    finally:
        file.write_text(source)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def mutated(source: str, mutation: Mutation) -> str:
    """Return the broken source; raises ``ValueError`` if the text is not there exactly once."""
    if source.count(mutation.text) != 1:
        raise ValueError(f"{mutation.file} must have exactly one {mutation.text!r}, not {source.count(mutation.text)}")
    return source.replace(mutation.text, mutation.replacement)


def check_all(mutations: Sequence[Mutation], processes: int) -> Iterator[Finding]:
    """Yield what the tests say of each mutation, in order; every process has a copy of the tree."""
    with ExitStack() as stack:
        trees: Queue[Path] = Queue()
        for _ in range(processes):
            trees.put(stack.enter_context(copied_tree()))

        def check_one(mutation: Mutation) -> Finding:
            tree = trees.get_nowait()  # there are as many as threads
            try:
                return check(mutation, tree)
            finally:
                trees.put(tree)

        with ThreadPoolExecutor(processes) as pool:
            yield from pool.map(check_one, mutations)


def check(mutation: Mutation, tree: Path) -> Finding:
    """Break the file in ``tree``, a copy, and run the tests that must notice."""
    with broken(tree, mutation):
        try:
            outcomes, said = run_tests(tree, mutation.tests, TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return Finding(mutation, (), is_hung=True)
    survived = tuple(test for test in mutation.tests if outcomes.get(test) == "PASSED")
    return Finding(mutation, survived, "" if set(mutation.tests) <= set(outcomes) else said)


def red_at_rest(tests: Sequence[str]) -> tuple[str, ...]:
    """Return the tests that fail although nothing is broken: those say nothing."""
    with copied_tree() as tree:
        outcomes, _ = run_tests(tree, tests, AT_REST_S)
    return tuple(test for test in tests if outcomes.get(test) != "PASSED")


def run_tests(tree: Path, tests: Sequence[str], timeout_s: float) -> tuple[dict[str, str], str]:
    """Return how each test ended, the worst of its cases, and the last words of pytest."""
    done = run_pytest(tree, tests, timeout_s)
    outcomes: dict[str, str] = {}
    for outcome, test in OUTCOME.findall(done.stdout):
        outcomes[test] = outcome if outcomes.get(test, "PASSED") == "PASSED" else outcomes[test]
    return outcomes, done.stdout[-1_000:]


def run_pytest(tree: Path, arguments: Sequence[str], timeout_s: float) -> "subprocess.CompletedProcess[str]":
    """Run pytest in ``tree``, a group of processes that ends with it; raises ``subprocess.TimeoutExpired``."""
    environ = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        [sys.executable, *PYTEST, *arguments],
        cwd=tree,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    ) as running:
        try:
            said, _ = running.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(running.args, running.returncode, said)
