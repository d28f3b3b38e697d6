"""The glossary names files that exist, and no name or docstring of the product uses a word that it has replaced."""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.source_tree import ROOT, python_files

GLOSSARY: Final = ROOT / "docs" / "glossary.md"
TERMS_MIN: Final = 40
ROW: Final = re.compile(r"^\| (?P<term>[^|]+) \| (?P<meaning>[^|]+) \| `(?P<file>[^`]+)` \|$", re.MULTILINE)

# Metaphors that the code once had for the server, recogniser, synthesiser, queue, admission, context, job and so on.
REPLACED: Final = re.compile(r"house|ears?|mouths?|desks?|crews?|errands?|kits?|wishes|facts")
# One part of an identifier: "SocketPhase" and "socket_phase" have two.
PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words_of(name: str) -> Iterator[str]:
    """Yield the parts of an identifier in lower case."""
    for part in PART.findall(name):
        yield part.lower()


def names_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and name of everything that is named in a module."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.lineno, node.name
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                yield node.lineno, name
            case _:
                pass


def docstrings_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and text of every docstring, those below a field included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, node.value.value


def replaced_words(source: str) -> list[str]:
    """Return the names and docstrings of a module that have a replaced word, each with its line.

    Only whole words count, so "hands-free", "earshot" and "household" are no trouble; other texts, such as the tables
    of languages, are not looked at.
    """
    tree = ast.parse(source)
    found = [f"{line}: {name}" for line, name in names_in(tree) if any(map(REPLACED.fullmatch, words_of(name)))]
    words = ((line, word) for line, text in docstrings_in(tree) for word in re.findall(r"[\w-]+", text.lower()))
    return found + [f"{line}: {word!r} in a docstring" for line, word in words if REPLACED.fullmatch(word)]


def test_the_glossary_has_the_words_of_the_code() -> None:
    terms = [match["term"] for match in ROW.finditer(GLOSSARY.read_text(encoding="utf-8"))]
    assert len(terms) >= TERMS_MIN
    assert len(set(terms)) == len(terms)


def test_every_file_of_the_glossary_exists() -> None:
    text = GLOSSARY.read_text(encoding="utf-8")
    missing = {match["file"] for match in ROW.finditer(text) if not (ROOT / match["file"]).is_file()}
    assert not missing


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_the_glossary_is_linked(page: str) -> None:
    assert "glossary.md)" in (ROOT / page).read_text(encoding="utf-8")


def test_no_name_and_no_docstring_uses_a_replaced_word() -> None:
    found = [
        f"{path}:{trouble}"
        for path in python_files()
        for trouble in replaced_words((ROOT / path).read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("class RemoteEars: ...", True),
        ("def open_mouth(): ...", True),
        ("self.desk = queue", True),
        ('def f():\n    """Ask the house."""', True),
        ("class House:\n    x: int\n    '''What the crew does.'''", True),
        ("heard = household, nearly, kitchen, earshot, artefacts", False),
        ('def f():\n    """Return hands-free, earshot and the kitchen."""', False),
        ("text = 'turn off the lights of the house'", False),
    ],
)
def test_a_replaced_word_is_seen(source: str, *, is_found: bool) -> None:
    assert bool(replaced_words(source)) is is_found
