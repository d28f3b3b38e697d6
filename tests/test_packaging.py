"""What is installed is what the folders hold, and no other package has the same names."""

import importlib
import importlib.metadata
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.source_tree import ROOT, UNITS, committed_files, pyproject


def section(*names: str) -> Any:
    value: Any = pyproject()
    for name in names:
        value = value[name]
    return value


def test_the_wheel_holds_the_units_and_nothing_else() -> None:
    included = section("tool", "hatch", "build", "targets", "wheel", "only-include")
    code = {name.removesuffix(".py") for name in included} - {"web", "examples"}
    assert code == set(UNITS)
    assert all((ROOT / name).exists() for name in included)


def test_everything_that_the_code_reads_at_run_time_is_inside_the_units() -> None:
    data = [path for path in committed_files() if path.parts[0] in UNITS and path.suffix != ".py"]
    assert Path("config/defaults.toml") in data
    assert not [path for path in data if path.suffix in {".txt", ".md", ".ipynb"}], "notes do not belong in a package"


def test_the_console_script_is_there() -> None:
    target = section("project", "scripts", "sayso")
    module, _, attribute = target.partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))


def test_the_package_can_never_be_uploaded() -> None:
    assert "Private :: Do Not Upload" in section("project", "classifiers")


def test_no_other_distribution_owns_our_top_level_names() -> None:
    owners = importlib.metadata.packages_distributions()
    for name in UNITS:
        assert set(owners.get(name, ())) <= {"sayso"}, f"{name} belongs to {owners[name]}"


def test_a_unit_is_imported_from_here() -> None:
    for name in UNITS:
        found = importlib.import_module(name)
        where = Path(found.__file__ or next(iter(found.__path__)))
        assert where.resolve().is_relative_to(ROOT), f"{name} is imported from {where}"


# --- pinned requirements -------------------------------------------------------------------------

LOCKS = ("runtime", "dev", "build", "models")


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return {
        match[1].lower().replace("_", "-").replace(".", "-"): match[0]
        for match in re.finditer(r"^([A-Za-z0-9._-]+)==[^\n]*(?:(?<=\\)\n[^\n]*)*", text, flags=re.MULTILINE)
    }


def wanted(requirements: list[str]) -> set[str]:
    names = (re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0] for requirement in requirements)
    return {name.lower().replace("_", "-").replace(".", "-") for name in names if name}


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash(name: str) -> None:
    assert pins(name)
    for package, pin in pins(name).items():
        assert "--hash=sha256:" in pin, f"{package} in requirements/{name}.txt has no hash"


def test_every_dependency_is_pinned() -> None:
    needed = section("project", "dependencies") + section("project", "optional-dependencies", "piper")
    assert wanted(needed) <= set(pins("runtime"))
    assert wanted(section("build-system", "requires")) <= set(pins("build"))


@pytest.mark.parametrize("name", ["dev", "build", "models"])
def test_every_listed_requirement_is_pinned(name: str) -> None:
    lines = (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
    listed = [line.partition("#")[0] for line in lines if not line.startswith(("-", "#"))]
    assert wanted(listed) <= set(pins(name))


def test_the_locks_agree_with_each_other() -> None:
    def version(pin: str) -> str:
        return pin.partition("==")[2].partition(" ")[0]

    runtime = pins("runtime")
    for name in ("dev", "build"):
        for package, pin in pins(name).items():
            if package in runtime:
                assert version(pin) == version(runtime[package]), f"{package} differs in requirements/{name}.txt"


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    block = text[text.index("dependencies = [") : text.index("[project.optional-dependencies]")]
    bare = [line for line in block.splitlines() if line.strip().startswith('"') and "#" not in line]
    assert [line for line in bare if "quart-trio>=0.13" not in line] == []  # the same library, the reason above it


def test_the_version_is_written_once() -> None:
    version = section("project", "version")
    lines = [
        path
        for path in committed_files()
        if path.suffix == ".py" and path.parts[0] in UNITS and f'"{version}"' in (ROOT / path).read_text()
    ]
    assert lines == []
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == version
