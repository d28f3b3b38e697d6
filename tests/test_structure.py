"""Rules about the whole product: modules form no circle, a name means one thing, types hold."""

import ast
import graphlib
from collections import defaultdict
from pathlib import Path

import pytest

from tests.source_tree import classes, imported_modules, parsed, python_files


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
SERVER_SIDE = Path("protocol/messages/events.py")


def test_no_two_classes_share_a_name() -> None:
    on_the_wire = {found.name for found in classes(SERVER_SIDE)}  # one thing, seen from both ends
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
