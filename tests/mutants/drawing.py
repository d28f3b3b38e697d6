"""Draws mutants by a seed, and finds the tests that should notice each."""

import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import attrs

from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.places import Place, places_in
from tests.source_tree import ROOT, imported_modules, python_files

RIGHT_BELOW = frozenset({Path("tests/test_supervisor.py")})
FOLDERS = ("actors", "backends", "protocol", "runtime")


@attrs.frozen
class Mutant:
    """One place of one file, and what stands there instead."""

    file: str
    place: Place

    def __str__(self) -> str:
        return f"{self.file}:{self.place.line}  {self.place.before}  ->  {self.place.after}"


def drawn(seed: int, count: int, mutants: list[Mutant]) -> list[Mutant]:
    """Return ``count`` of the mutants (all, if there are fewer): the same ones for the same seed and sources."""
    return random.Random(seed).sample(mutants, min(count, len(mutants)))


def all_mutants(only: str = "") -> list[Mutant]:
    """Return the mutants of every file whose name holds ``only``, but those that are known to change nothing."""
    files = sorted(path for path in python_files(*FOLDERS) if only in path.as_posix())
    return [mutant for path in files for mutant in mutants_of(path)]


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yield the mutants of one file."""
    source = (ROOT / path).read_text()
    lines = source.splitlines()
    for place in places_in(source):
        if (path.as_posix(), lines[place.line - 1].strip(), place.after) not in EQUIVALENT:
            yield Mutant(path.as_posix(), place)


def nearest_tests(file: str) -> tuple[str, ...]:
    """Return the test files for a source file: its own, then those of its folder, then those that import it.

    Tests in ``tests/system`` are too slow for it, and most of those right below ``tests`` are about the sources' text.
    """
    path = Path(file)
    own = Path("tests", *path.parts[:-1], f"test_{path.name}")
    beside = [test for test in _test_files() if test.parent == own.parent]
    importers = [test for test in _test_files() if path in _sources_of(test)]
    found = dict.fromkeys([own, *beside, *importers])
    return tuple(test.as_posix() for test in found if test in _test_files())


@cache
def _test_files() -> tuple[Path, ...]:
    tests = (path for path in python_files("tests") if path.name.startswith("test_") and path.parts[1] != "system")
    return tuple(sorted(path for path in tests if len(path.parts) > 2 or path in RIGHT_BELOW))


@cache
def _sources_of(test: Path) -> frozenset[Path]:
    return frozenset(Path(*module.split(".")).with_suffix(".py") for module, _ in imported_modules(test))
