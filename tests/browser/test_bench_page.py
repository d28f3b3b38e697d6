"""``sayso bench page`` still runs: one command in a real browser, and no figure is judged."""

import subprocess
import sys

import pytest

from bench.page.first_sound import BrowserTurn, figures_of, turns_in
from tests.browser.browser_fixtures import need_browser
from tests.source_tree import ROOT
from tests.system.server_fixtures import need_models

LIMIT_S = 400


@pytest.mark.system
def test_a_command_is_measured_in_the_browser_and_on_the_server() -> None:
    need_browser()
    need_models(speech=True)
    command = [sys.executable, "-m", "bench", "page", "--commands", "1", "--dry"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    assert "1 of 1 commands" in done.stdout
    for name in ("in the browser", "on the server", "difference"):
        assert name in done.stdout


def test_only_turns_that_were_spoken_and_answered_aloud_are_figures() -> None:
    whole = {"voiceEndedMs": 100.0, "soundedMs": 900.0, "latency": {"first_audio": 700.0}}
    without = [{name: value for name, value in whole.items() if name != left} for left in whole]
    assert turns_in([whole, *without, {**whole, "latency": {"total": 5.0}}]) == [BrowserTurn(800.0, 700.0)]


def test_what_the_browser_adds_is_taken_turn_by_turn() -> None:
    figures = figures_of([BrowserTurn(800.0, 700.0), BrowserTurn(1_000.0, 600.0)])
    assert figures["in the browser"] == {"p50": 800.0, "p95": 1_000.0}
    assert figures["difference"] == {"p50": 100.0, "p95": 400.0}
    assert figures_of([])["difference"] == {"p50": None, "p95": None}
