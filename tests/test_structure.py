"""Rules about the whole product: no circle of modules, a name means one thing, types hold, statistics are explained."""

import ast
import graphlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.source_tree import classes, functions, imported_modules, parsed, python_files


def import_graph() -> dict[str, set[str]]:
    """Return which module of ours imports which, packages' ``__init__`` files left out."""
    modules = {".".join(path.with_suffix("").parts): path for path in python_files() if path.name != "__init__.py"}
    return {
        name: {module for module, _ in imported_modules(path) if module in modules and module != name}
        for name, path in modules.items()
    }


def circle_in(graph: dict[str, set[str]]) -> str:
    """Return one circle of a graph in words; an empty text if there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return " <- ".join(error.args[1])
    return ""


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle_in(import_graph()) == ""


@pytest.mark.parametrize(
    ("graph", "circle"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, ""),
        ({"a": {"b"}, "b": {"a"}}, "a <- b <- a"),
    ],
)
def test_a_circle_is_seen(graph: dict[str, set[str]], circle: str) -> None:
    assert sorted(circle_in(graph)) == sorted(circle)


CLIENT_SIDE = frozenset({"sayso_client/events.py", "sayso_client/requests.py"})
SERVER_SIDE = tuple(Path(f"protocol/messages/{name}.py") for name in ("events", "tool_events", "event_values"))


def test_no_two_classes_share_a_name() -> None:
    on_the_wire = {found.name for path in SERVER_SIDE for found in classes(path)}  # one thing, seen from both ends
    places = defaultdict(list)
    for path in python_files():
        for found in classes(path):
            if path.as_posix() not in CLIENT_SIDE or found.name not in on_the_wire:
                places[found.name].append(f"{path}:{found.lineno}")
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert not twice, "\n".join(f"{name}: {', '.join(where)}" for name, where in twice.items())


ANY_LINES = 12
"""How many lines of ``actors/`` and ``runtime/`` may say ``Any``."""


def lines_with_any(path: Path) -> set[int]:
    """Return the lines in which a type is ``Any``."""
    return {node.lineno for node in ast.walk(parsed(path)) if isinstance(node, ast.Name) and node.id == "Any"}


def test_types_do_not_stop_at_the_border_of_an_actor() -> None:
    found = [f"{path}:{line}" for path in python_files("actors", "runtime") for line in lines_with_any(path)]
    assert len(found) <= ANY_LINES, "\n".join(["", *sorted(found)])


def fields_in(node: ast.ClassDef) -> list[str]:
    return [ast.unparse(inner.target) for inner in node.body if isinstance(inner, ast.AnnAssign)]


def problems_of_statistics(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the fault of a view of inner state that a reader of the status page could not look up."""
    match node:
        case ast.FunctionDef(name="statistics", returns=returns) if not ast.unparse(returns or node).endswith(
            "Statistics"
        ):
            yield node.lineno, "statistics() must return a frozen class whose name ends in Statistics"
        case ast.ClassDef() if node.name.endswith("Statistics") and (fields := fields_in(node)):
            if not ast.unparse(node.decorator_list[0]).startswith("attrs.frozen"):
                yield node.lineno, f"{node.name} must be frozen"
            doc = ast.get_docstring(node) or ""
            missing = [field for field in fields if f"* ``{field}``: " not in doc]
            if missing:
                yield node.lineno, f"the docstring of {node.name} must say what {', '.join(missing)} is"


def test_statistics_are_frozen_classes_that_say_what_each_field_is() -> None:
    found = [
        f"{path}:{line}: {fault}"
        for path in python_files()
        for node in (*functions(path), *classes(path))
        for line, fault in problems_of_statistics(node)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("def statistics(self) -> Mapping[str, object]: ...", "must return a frozen class"),
        ("def statistics(self): ...", "must return a frozen class"),
        ("@attrs.define\nclass AStatistics:\n    'A.\\n\\n    * ``n``: how many'\n    n: int", "must be frozen"),
        ("@attrs.frozen\nclass AStatistics:\n    'A.'\n    n: int", "must say what n is"),
    ],
)
def test_statistics_that_hide_something_are_seen(text: str, fault: str) -> None:
    [(_, found)] = problems_of_statistics(ast.parse(text).body[0])
    assert fault in found
