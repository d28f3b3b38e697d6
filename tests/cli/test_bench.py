from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import PROGRAMS, resolved, summary
from bench.__main__ import main as run_bench
from cli import bench as bench_module
from cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bench"
    folder.mkdir()
    monkeypatch.setattr(bench_module, "FOLDER", folder)
    return folder


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_without_a_name_the_programs_are_listed_with_their_parts(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    run_bench(arguments)
    usage, *lines = capsys.readouterr().out.splitlines()
    assert usage.startswith("Usage: sayso bench PROGRAM [PART]")
    assert [line for line in lines if line and line[0] != " "] == list(PROGRAMS)
    assert f"  cache        {summary('bench.llm.cache')}" in lines


def test_every_part_says_in_a_line_what_it_is_for() -> None:
    modules = [module for parts in PROGRAMS.values() for module in parts.values()]
    assert [module for module in modules if not summary(module)] == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("load commands --count 3", "load commands --count 3"),
        ("commands --count 3", "load commands --count 3"),
        ("accuracy --corpus load", "accuracy orders --corpus load"),
        ("accuracy stt", "accuracy stt"),
        ("stt", "accuracy stt"),
        ("runtime --only ask", "runtime comparisons --only ask"),
        ("sessions", "sessions idle"),
        ("guide --test load", "guide benchmark --test load"),
    ],
)
def test_the_name_of_a_part_is_enough_and_a_program_alone_runs_its_first(arguments: str, expected: str) -> None:
    found = resolved(arguments.split())
    assert found is not None
    program, name, flags = found
    assert " ".join([program, name, *flags]) == expected


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SystemExit, match=r"expected one of load, guide, accuracy, .*, cache, .*, not '\.\./stt'"):
        run_bench(["../stt"])


def test_a_benchmark_gets_its_arguments_and_gives_its_exit_code(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    program = f"import sys; open({str(out)!r}, 'w').write(' '.join(sys.argv[1:])); sys.exit(4)"
    (folder / "__main__.py").write_text(program)
    result = CliRunner().invoke(main, ["bench", "quick", "--count", "3", "--help"])
    assert result.exit_code == 4
    assert out.read_text() == "quick --count 3 --help"


@pytest.mark.usefixtures("folder")
def test_outside_of_a_checkout_there_is_nothing_to_run() -> None:
    result = CliRunner().invoke(main, ["bench", "stt"])
    assert result.exit_code == 1
    assert "in a checkout only" in result.output
