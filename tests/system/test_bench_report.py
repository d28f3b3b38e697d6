"""Reports of the benchmarks: kept whole or not at all, and a disk that is full costs the file alone."""

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import report
from bench.part import Part, Report
from bench.progress import progress
from tests.systems import on_linux

pytestmark = pytest.mark.system


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    return tmp_path


def fill_disk(results: Path, name: str) -> None:
    """Let the next report of this name find no room."""
    (results / f"{name}.json.part").symlink_to("/dev/full")


def measure(_options: argparse.Namespace) -> Iterator[Report]:
    yield {"figure": 1}
    yield {"figure": 2}


PART = Part("quick", measure, ())


def run(*flags: str) -> int:
    """Run a benchmark of two steps; returns its exit code."""
    with pytest.raises(SystemExit) as ended:
        PART.run(PART.parser("quick").parse_args(flags))
    return int(ended.value.code or 0)


def test_the_last_step_is_what_is_kept(results: Path) -> None:
    assert run() == 0
    assert report.read("quick")["figure"] == 2
    assert [path.name for path in results.iterdir()] == ["quick.json"]


@on_linux  # which has /dev/full
def test_a_full_disk_is_said_and_leaves_the_older_report(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report.write("quick", {"figure": 1})
    fill_disk(results, "quick")
    assert report.write("quick", {"figure": 2}) is False
    assert json.loads((results / "quick.json").read_text()) == {"figure": 1}
    assert [path.name for path in results.iterdir()] == ["quick.json"]
    assert "bench/results/quick.json could not be written: No space left on device" in capsys.readouterr().err


def test_a_benchmark_whose_report_could_not_be_kept_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results").write_text("no folder")
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    assert (run(), run("--dry")) == (1, 0)
    assert re.search(r"quick\.json could not be written: \w+", capsys.readouterr().err)


def test_where_there_is_no_terminal_no_bar_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("long", 2) as advance:
        advance(1)
    assert capsys.readouterr() == ("", "")
