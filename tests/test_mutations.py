"""The table of mutations fits the tree that it breaks; ``make mutations`` runs it."""

import ast

import pytest

from tests.mutations import running
from tests.mutations.__main__ import main
from tests.mutations.mutation import Mutation
from tests.mutations.running import check, mutated
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


def outcomes(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let a program of ours stand for pytest."""
    monkeypatch.setattr(running, "PYTEST", ("-c", program))


def test_a_mutation_that_no_test_notices_has_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    test = "tests/a.py::test_b"
    outcomes(monkeypatch, f"print('PASSED {test}[1]\\nPASSED {test}[2]')")
    finding = check(Mutation(HARMLESS.name, HARMLESS.file, HARMLESS.text, HARMLESS.replacement, (test,)))
    assert (finding.survived, finding.is_noticed) == ((test,), False)
    outcomes(monkeypatch, f"print('PASSED {test}[1]\\nFAILED {test}[2]')")
    assert check(finding.mutation).is_noticed


def test_a_mutation_whose_tests_cannot_even_run_is_not_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes(monkeypatch, "print('SyntaxError')")
    finding = check(MUTATIONS[0])
    assert not finding.is_noticed
    assert "SyntaxError" in finding.said


def test_tests_that_hang_have_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes(monkeypatch, "import time; time.sleep(60)")
    monkeypatch.setattr(running, "TIMEOUT_S", 0.2)
    finding = check(MUTATIONS[0])
    assert (finding.is_hung, finding.is_noticed) == (True, True)


def test_the_tool_ends_with_one_when_tests_are_red_at_rest(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    outcomes(monkeypatch, "print('FAILED x::y')")
    assert main(["--only", MUTATIONS[0].name]) == 1
    assert MUTATIONS[0].tests[0] in capsys.readouterr().out
