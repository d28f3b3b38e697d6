"""docs/conformance.md keeps its word: a hundred statements, each with tests that exist, or with the reason why not."""

import ast
import re
from functools import cache

import attrs
import pytest

from tests.source_tree import ROOT

ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|([^|]*)\|$")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@attrs.frozen
class Statement:
    """One row of the table."""

    number: int
    tests: tuple[tuple[str, str], ...]
    note: str


def statements() -> list[Statement]:
    rows = (ROW.match(line) for line in (ROOT / "docs" / "conformance.md").read_text().splitlines())
    return [Statement(int(row[1]), tuple(TEST.findall(row[3])), row[4].strip()) for row in rows if row is not None]


@cache
def functions_of(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.exists():
        return frozenset()
    nodes = ast.walk(ast.parse(file.read_text()))
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_there_are_a_hundred_statements_each_once() -> None:
    assert [statement.number for statement in statements()] == list(range(1, 101))


@pytest.mark.parametrize("statement", statements(), ids=lambda statement: str(statement.number))
def test_a_statement_has_tests_that_exist_or_a_reason(statement: Statement) -> None:
    missing = [f"{path}::{name}" for path, name in statement.tests if name not in functions_of(path)]
    assert not missing
    assert statement.tests or statement.note, "neither a test nor a reason"


def test_every_test_that_names_a_statement_is_about_one_that_exists() -> None:
    numbered = re.compile(r"^test_((?:\d{2,3}_)+)")
    for file in (ROOT / "tests").rglob("test_*.py"):
        for name in functions_of(str(file.relative_to(ROOT))):
            found = numbered.match(name)
            if found is not None:
                assert all(1 <= int(number) <= 100 for number in found[1].split("_") if number), name
