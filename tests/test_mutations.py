"""The table of mutations fits the tree that it breaks; ``make mutations`` runs it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mutations import running
from tests.mutations.__main__ import main
from tests.mutations.mutation import Mutation
from tests.mutations.running import broken, check, check_all, copied_tree, mutated
from tests.mutations.table import MUTATIONS
from tests.source_tree import ROOT, python_files

HARMLESS = Mutation("change nothing", "runtime/messaging/lane.py", "class DataLane:", "class DataLane(object):", ())


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_changes_one_place_and_leaves_python(mutation: Mutation) -> None:
    source = (ROOT / mutation.file).read_text()
    broken = mutated(source, mutation)
    assert ast.dump(ast.parse(broken)) != ast.dump(ast.parse(source))


def test_a_text_that_is_gone_or_ambiguous_is_refused() -> None:
    for source in ("", 2 * HARMLESS.text):
        with pytest.raises(ValueError, match=r"must have exactly one 'class DataLane:', not \d"):
            mutated(source, HARMLESS)


def test_every_mutation_names_tests_that_exist() -> None:
    known = {
        f"{path}::{node.name}"
        for path in python_files("tests")
        for node in ast.parse((ROOT / path).read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for mutation in MUTATIONS:
        assert mutation.tests, mutation.name
        assert not set(mutation.tests) - known, mutation.name


def test_names_are_unique() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS)


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    """A copy of the repository."""
    with copied_tree() as copied:
        yield copied


def outcomes(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let a program of ours stand for pytest."""
    monkeypatch.setattr(running, "PYTEST", ("-c", program))


def test_a_mutation_that_no_test_notices_has_survived(monkeypatch: pytest.MonkeyPatch, tree: Path) -> None:
    test = "tests/a.py::test_b"
    outcomes(monkeypatch, f"print('PASSED {test}[1]\\nPASSED {test}[2]')")
    finding = check(Mutation(HARMLESS.name, HARMLESS.file, HARMLESS.text, HARMLESS.replacement, (test,)), tree)
    assert (finding.survived, finding.is_noticed) == ((test,), False)
    outcomes(monkeypatch, f"print('PASSED {test}[1]\\nFAILED {test}[2]')")
    assert check(finding.mutation, tree).is_noticed


def test_a_mutation_whose_tests_cannot_even_run_is_not_noticed(monkeypatch: pytest.MonkeyPatch, tree: Path) -> None:
    outcomes(monkeypatch, "print('SyntaxError')")
    finding = check(MUTATIONS[0], tree)
    assert not finding.is_noticed
    assert "SyntaxError" in finding.said


def test_tests_that_hang_have_noticed(monkeypatch: pytest.MonkeyPatch, tree: Path) -> None:
    outcomes(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(running, "TIMEOUT_S", 0.2)
    finding = check(MUTATIONS[0], tree)
    assert (finding.is_hung, finding.is_noticed) == (True, True)


def test_a_copy_is_whole_again_after_a_mutation_with_its_time_of_change(tree: Path) -> None:
    file = tree / HARMLESS.file
    source, status = file.read_text(), file.stat()
    with broken(tree, HARMLESS):
        assert HARMLESS.replacement in file.read_text()
        assert file.stat().st_mtime_ns != status.st_mtime_ns, "Python would take the compiled module"
    assert (file.read_text(), file.stat().st_mtime_ns) == (source, status.st_mtime_ns)


def test_copies_are_shared_and_findings_come_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes(monkeypatch, "print('FAILED tests/a.py::test_b')")
    tests = ("tests/a.py::test_b",)
    many = [Mutation(str(at), HARMLESS.file, HARMLESS.text, HARMLESS.replacement, tests) for at in range(4)]
    findings = list(check_all(many, 2))
    assert [finding.mutation for finding in findings] == many
    assert all(finding.is_noticed for finding in findings)


def test_the_tool_ends_with_one_when_tests_are_red_at_rest(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    outcomes(monkeypatch, "print('FAILED x::y')")
    assert main(["--only", MUTATIONS[0].name]) == 1
    assert MUTATIONS[0].tests[0] in capsys.readouterr().out
