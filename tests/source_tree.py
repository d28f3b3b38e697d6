"""The repository as the guard tests see it: which files there are, and what each one says."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UNITS = ("config", "protocol", "runtime", "sayso_client", "backends", "actors", "assembly", "supervisor", "cli")


@cache
def committed_files() -> tuple[Path, ...]:
    """Return every file that git keeps or would keep, relative to the root; without git, every file there is."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        hidden = (".venv", ".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        return tuple(path for path in found if not set(path.parts) & set(hidden))
    return tuple(Path(name) for name in listed if name and (ROOT / name).is_file())


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """Return our modules in ``folders`` (all units if none), relative to the root."""
    wanted = folders or UNITS
    return tuple(path for path in committed_files() if path.suffix == ".py" and unit_of(path) in wanted)


def unit_of(path: Path) -> str:
    """Return the top-level name that a file belongs to: ``actors/audio.py`` and ``supervisor.py`` have one each."""
    return path.parts[0].removesuffix(".py")


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse((ROOT / path).read_text(), filename=str(path))


def imported_modules(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every module that a file imports, wherever in it, with the line."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield from ((name, node.lineno) for name in _from(node))


def _from(node: ast.ImportFrom) -> list[str]:
    """Return what ``from x import y`` reaches: ``x.y`` where that is a module of ours, ``x`` otherwise."""
    module = str(node.module)
    names = [f"{module}.{alias.name}" for alias in node.names]
    return [name if (ROOT / f"{name.replace('.', '/')}.py").is_file() else module for name in names]


def is_third_party(module: str) -> bool:
    """Return whether a module is neither ours nor Python's."""
    top = module.partition(".")[0]
    return top not in UNITS and top not in sys.stdlib_module_names


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function of a file, methods and inner ones included."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def classes(path: Path) -> Iterator[ast.ClassDef]:
    """Yield every class of a file."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ClassDef):
            yield node


@cache
def pyproject() -> dict[str, object]:
    """Return ``pyproject.toml``."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())
