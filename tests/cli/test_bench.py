from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import bench as bench_module
from cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bench"
    folder.mkdir()
    monkeypatch.setattr(bench_module, "FOLDER", folder)
    return folder


def test_without_a_name_the_benchmarks_are_listed(folder: Path) -> None:
    (folder / "stt.py").write_text('"""How fast it hears.\n\nAnd more."""\n')
    (folder / "commands.py").touch()
    (folder / "_part.py").touch()
    for arguments in (["bench"], ["bench", "--help"], ["bench", "-h"]):
        _, empty, *lines = CliRunner().invoke(main, arguments).output.splitlines()
        assert (empty, lines) == ("", ["  commands", "  stt       How fast it hears."])


def test_every_benchmark_says_in_a_line_what_it_is_for() -> None:
    programs = list(bench_module.FOLDER.glob("[!_]*.py"))
    assert programs
    assert [file.name for file in programs if not bench_module.summary(file)] == []


def test_a_benchmark_gets_its_arguments_and_gives_its_exit_code(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (folder / "quick.py").write_text(f"import sys; open({str(out)!r}, 'w').write(' '.join(sys.argv[1:])); sys.exit(4)")
    result = CliRunner().invoke(main, ["bench", "quick", "--count", "3", "--help"])
    assert result.exit_code == 4
    assert out.read_text() == "--count 3 --help"


def test_an_unknown_name_is_answered_with_the_known_ones(folder: Path) -> None:
    (folder / "stt.py").touch()
    result = CliRunner().invoke(main, ["bench", "../stt"])
    assert result.exit_code == 2
    assert "expected one of stt" in result.output


@pytest.mark.usefixtures("folder")
def test_outside_of_a_checkout_there_is_nothing_to_run() -> None:
    result = CliRunner().invoke(main, ["bench", "stt"])
    assert result.exit_code == 1
    assert "in a checkout only" in result.output
