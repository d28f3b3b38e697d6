"""Runs the nearest tests of a mutant in a copy of the tree, and says what came of it."""

import enum
import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs

from tests.mutants.drawing import Mutant, nearest_tests
from tests.mutations.running import copied_tree, run_pytest

TEST_S = 60  # one test; the slowest takes 6 s on a processor of its own
TIMEOUT_S = 600.0  # all tests of a mutant
FIRST_FAILURE = ("-x", "-m", "not system")
BOUNDED = ("-o", f"faulthandler_timeout={TEST_S}", "-o", "faulthandler_exit_on_timeout=true")
ALL_PASSED = 0  # pytest's exit status; 1 is for failures, 2 for a module that cannot be imported


class Verdict(enum.Enum):
    """What the tests said."""

    NOTICED = "noticed"
    HUNG = "noticed (hangs)"
    SURVIVED = "SURVIVED"


@attrs.frozen
class Judged:
    """A mutant and its verdict."""

    mutant: Mutant
    verdict: Verdict

    @property
    def is_noticed(self) -> bool:
        """Whether any test noticed; one that hangs did, though not nicely."""
        return self.verdict is not Verdict.SURVIVED


def judge(mutant: Mutant) -> Judged:
    """Change a copy of the tree and run the tests that are nearest."""
    nearest, *others = nearest_tests(mutant.file) or ("",)
    with copied_tree() as tree:
        file = tree / mutant.file
        file.write_text(mutant.place.applied_to(file.read_text()))
        try:
            is_noticed = _is_red(tree, [nearest]) or _is_red(tree, others)  # most are noticed by the first
        except subprocess.TimeoutExpired:
            return Judged(mutant, Verdict.HUNG)
    return Judged(mutant, Verdict.NOTICED if is_noticed else Verdict.SURVIVED)


def _is_red(tree: Path, tests: Sequence[str]) -> bool:
    return any(tests) and run_pytest(tree, (*FIRST_FAILURE, *BOUNDED, *tests), TIMEOUT_S).returncode != ALL_PASSED


def red_at_rest(mutants: list[Mutant]) -> str:
    """Return what pytest says if tests of these mutants fail although nothing is changed; nothing if they pass."""
    tests = dict.fromkeys(test for mutant in mutants for test in nearest_tests(mutant.file))
    with copied_tree() as tree:
        done = run_pytest(tree, (*FIRST_FAILURE, *BOUNDED, *tests), 3 * TIMEOUT_S)
    return "" if done.returncode == ALL_PASSED else done.stdout[-1_000:]
