"""Every program of ``sayso bench`` still runs: tiny counts, and no figure is judged."""

import ctypes
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from bench.engine.card import Card, CardError
from cli.sound import Sound, write_wav

pytestmark = pytest.mark.system

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 400


def run(name: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "bench", name, *arguments, "--dry"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


def row(name: str, table: str) -> list[float]:
    """Return the figures of a row of a printed table."""
    found = re.search(rf"│ {name} +│(.*)", table)
    assert found is not None, table
    return [float(figure.replace(",", "")) for figure in re.findall(r"-?[\d.,]*\d", found[1])]


def test_asks_tells_and_restarts_are_compared_with_bare_trio() -> None:
    shown = run("runtime", "--only", "ask,tell,restart", "--rounds", "1", "--messages", "50", "--restarts", "3")
    assert all(figure > 0 for figure in row("sayso", shown))
    assert row("trio channels", shown)[3:] == [1, 1, 1]


def test_a_worker_killed_in_its_job_is_followed_by_one_that_does_it() -> None:
    shown = run("runtime", "--only", "handover,kill", "--rounds", "1", "--jobs", "2", "--load-s", "0")
    assert len(re.findall(r"│ sayso", shown)) == 3


def test_sessions_leave_no_task_descriptor_or_process_behind() -> None:
    shown = run("sessions", "--count", "20", "--sockets", "5", "--idle-s", "0.2")
    assert row("sessions", shown) == [20, 5]
    for what in ("tasks", "fds", "children"):
        assert set(re.findall(rf"\b{what} (-?\d+)", shown)) == {"0"}, what


def test_an_unknown_comparison_is_answered_with_the_known_ones() -> None:
    with pytest.raises(AssertionError, match="expected some of ask, tell"):
        run("runtime", "--only", "nonsense")


def test_callers_speak_to_a_server_in_real_time(tmp_path: Path, spoken: Callable[[str], bytes]) -> None:
    write_wav(tmp_path / "time.wav", Sound(spoken("What time is it?"), 16_000))
    shown = run("load", "voice", "--corpus", str(tmp_path), "--rate", "2", "--duration", "1")
    assert re.search(r"^ +2 +2 +2 +0 +0", shown, re.MULTILINE), shown  # a second, offered, served, refused, lost
    assert row("stt", shown)[0] == 2


def test_engines_transcribe_the_same_clips(tmp_path: Path, spoken: Callable[[str], bytes]) -> None:
    (tmp_path / "clips").mkdir()
    write_wav(tmp_path / "clips" / "time.wav", Sound(spoken("What time is it?"), 16_000))
    shown = run("accuracy", "stt", "--corpus", str(tmp_path))
    assert len(re.findall(r"same_words 1", shown)) == 4, shown


def test_orders_are_heard_in_noise_with_and_without_the_search(tmp_path: Path, spoken: Callable[[str], bytes]) -> None:
    (tmp_path / "clips").mkdir()
    write_wav(tmp_path / "clips" / "time.wav", Sound(spoken("What time is it?"), 16_000))
    (tmp_path / "labels.json").write_text('{"time.wav": {"slots": {}}}')
    shown = run("noisy", "--corpus", str(tmp_path), "--levels", "30", "--rounds", "0")
    assert row("30 dB", shown)[:3] == [1, 1, 1]  # clips, right before and after: a call without arguments


def test_clients_are_served_by_both_sides_by_turns(tmp_path: Path, spoken: Callable[[str], bytes]) -> None:
    write_wav(tmp_path / "time.wav", Sound(spoken("What time is it?"), 16_000))
    shown = run("engine", "--corpus", str(tmp_path), "--clients", "2", "--clips", "1", "--rounds", "1")
    assert "'sayso': 2" in shown, shown  # texts like those of faster-whisper


def test_a_question_is_answered_with_and_without_the_cache() -> None:
    assert '"questions": 1,' in run("llm", "--questions", "1")


def test_the_card_is_measured_without_a_card_too(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0.0, 3_000.0, 16_000).astype("<i2").tobytes()
    for name in ("a", "b"):
        write_wav(tmp_path / f"{name}.wav", Sound(noise, 16_000))

    shown = run("gpu", "--device", "cpu", "--shape", "tiny", "--clips", str(tmp_path), "--short")

    for side in ("sayso", "batched pipeline", "transcribe"):
        assert re.search(rf"│ {side} +│ int8 │ +1 ", shown), shown
    assert "'side': 'sayso', 'speakers': 4" in shown


@attrs.define
class FakeDriver:
    """libcuda with a card of 100 MB, which gives no more than 60 MB at once."""

    free_mb: int = 100
    given: list[int] = attrs.field(factory=list)

    def __getattr__(self, name: str) -> Callable[..., int]:
        return lambda *_: 0

    def cuMemGetInfo_v2(self, free: Any, total: Any) -> int:  # noqa: N802 - the driver's name
        free._obj.value, total._obj.value = self.free_mb << 20, 100 << 20
        return 0

    def cuMemAlloc_v2(self, address: Any, size: Any) -> int:  # noqa: N802
        wanted_mb = size.value >> 20
        if wanted_mb > 60:
            return 2
        self.given.append(wanted_mb)
        self.free_mb -= wanted_mb
        return 0

    def cuMemFree_v2(self, address: Any) -> int:  # noqa: N802
        self.free_mb += self.given.pop()
        return 0


def test_a_cards_memory_is_taken_but_for_a_rest_and_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = FakeDriver()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: driver)
    card = Card()

    assert card.memory_mb() == (100, 100)
    assert card.take_all_but(45) == 45
    assert card.take_all_but(44) == 45, "less than the driver gives"
    card.give_back()
    assert card.memory_mb() == (100, 100)
    assert card.take_all_but(10) == 100, "no piece so large"


def test_a_machine_without_a_driver_has_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(CardError, match="there is no driver"):
        Card()
