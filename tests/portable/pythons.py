"""Finds the Pythons that a machine has, and chooses which of them to test on."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

OLDEST = 11  # of Python 3; pyproject.toml says the same
NEWEST = 19

Version = tuple[int, int]
VersionOf = Callable[[str], Version | None]


def installed() -> dict[Version, str]:
    """Return an interpreter for each version that this machine has."""
    return by_version(candidates(), version_of)


def by_version(commands: Iterable[str], version_of: VersionOf) -> dict[Version, str]:
    """Return the first command of each version that the product is for."""
    found: dict[Version, str] = {}
    for command in commands:
        version = version_of(command)
        if version is not None and version >= (3, OLDEST):
            found.setdefault(version, command)
    return found


def oldest_and_newest(found: Mapping[Version, str]) -> dict[Version, str]:
    """Return the two ends, or the only one."""
    return {version: found[version] for version in sorted({min(found), max(found)})} if found else {}


def candidates() -> Iterator[str]:
    """Yield commands that may be an interpreter: on ``PATH``, then those of pyenv, which has more than it shows."""
    names = [f"python3.{minor}" for minor in range(OLDEST, NEWEST + 1)]
    yield from filter(None, map(shutil.which, names))
    if shutil.which("pyenv") is not None:
        root = Path(_said(["pyenv", "root"]) or os.devnull)
        yield from (str(path) for name in names for path in sorted(root.glob(f"versions/*/bin/{name}")))


def version_of(command: str) -> Version | None:
    """Return what an interpreter is, or ``None`` if it does not run."""
    said = _said([command, "-c", "import sys, venv; print(*sys.version_info[:2])"]).split()
    return (int(said[0]), int(said[1])) if said else None


def _said(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
