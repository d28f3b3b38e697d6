"""Runs the programs that check the files of ``deploy/``. Where one is missing, its test says how to get it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
import yaml

from tests.source_tree import ROOT

DEPLOY: Final = ROOT / "deploy"
LIMIT_S: Final = 60.0


@attrs.frozen
class Verdict:
    """What a validator says."""

    code: int
    output: str


def verdict(
    command: str,
    *arguments: str | Path,
    install: str,
    folder: Path = DEPLOY,
    environ: Mapping[str, str] | None = None,
    given: str = "",
) -> Verdict:
    """Return what ``command`` says, with the text ``given`` on its input; skips where it is missing.

    ``install`` is how to get it.
    """
    beside = Path(sys.executable).with_name(command)  # of this environment, or of the system
    found = str(beside) if beside.exists() else shutil.which(command)
    if found is None:
        pytest.skip(f"there is no {command}: {install}")
    ended = subprocess.run(
        [found, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1", **(environ or {})},
        input=given,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return Verdict(ended.returncode, ended.stdout + ended.stderr)


def planted(folder: Path, file: str, right: str, wrong: str) -> Path:
    """Return a copy of a file of ``deploy/`` in which the first ``right`` is ``wrong``."""
    text = (DEPLOY / file).read_text(encoding="utf-8")
    assert right in text
    copy = folder / Path(file).name
    copy.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    return copy


def documents(file: str) -> list[Any]:
    """Return the YAML documents of a file of ``deploy/``."""
    return list(yaml.safe_load_all((DEPLOY / file).read_text(encoding="utf-8")))
