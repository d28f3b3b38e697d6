"""The load benchmarks: that callers come when they are due, that records tell the truth, and that figures are right."""

import math
import os
import random
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from bench.load import voice
from bench.load.arrivals import burst, poisson
from bench.load.callers import Crowds, run
from bench.load.capacity import between, capacity, holds, rates
from bench.load.chaos import judged, merged
from bench.load.chaos import verdict as verdict_on
from bench.load.clips import clips
from bench.load.company import Company
from bench.load.faults import FAULTS
from bench.load.figures import percentile, summary
from bench.load.hooks.sitecustomize import POISON_SAMPLES, is_poison
from bench.load.overload import cells, compared, drifted, schedule
from bench.load.overload import judged as missed
from bench.load.records import Call, Clip, Plan, Turn
from bench.load.server import Watch, nodes, running, stop, strain, watching
from cli.sound import Sound, write_wav
from tests.system.model_fixtures import models_dir
from tests.system.server_fixtures import SMALL, need_models

pytestmark = pytest.mark.system

CLIP = Clip("silence", bytes(3_200), 0.1)
REFUSING = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that gives one answer to one request and closes; ``b""`` closes without any."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/ws"
        thread.join()


def heard_after(transcript_ms: float | None) -> dict[str, float]:
    return {} if transcript_ms is None else {"transcript": transcript_ms}


def turn(transcript_ms: float | None, outcome: str = "done") -> Turn:
    return Turn("x", transcripts=["x"] if transcript_ms else [], outcome=outcome, client_ms=heard_after(transcript_ms))


# --- arrivals and figures ------------------------------------------------------------------------


def test_poisson_arrivals_have_the_rate_and_are_the_same_for_the_same_seed() -> None:
    times = poisson(10, 100, random.Random(1))
    gaps = [after - before for before, after in pairwise(times)]
    assert times == poisson(10, 100, random.Random(1)) != poisson(10, 100, random.Random(2))
    assert len(times) == 1_000
    assert times == sorted(times)
    assert times[-1] < 100
    assert 0.3 < sum(gap > 0.1 for gap in gaps) / len(gaps) < 0.44  # 1/e of exponential gaps exceed their mean


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="rate_per_s must be > 0, not 0"):
        poisson(0, 1, random.Random(1))


def test_a_burst_is_evenly_spread() -> None:
    assert burst(4, 1.0) == [0.0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize(("percent", "expected"), [(50, 10.0), (95, 19.0), (100, 20.0), (0, 1.0)])
def test_a_percentile_is_a_value_that_was_measured(percent: float, expected: float) -> None:
    assert percentile([float(value) for value in range(20, 0, -1)], percent) == expected


def test_the_percentile_of_nothing_is_no_number() -> None:
    assert math.isnan(percentile([], 95))


def test_goodput_counts_only_turns_that_ended_well_in_time() -> None:
    late, failed, silent = turn(2_000), turn(100, "failed"), turn(None)
    calls = [Call(0.0, 1, turns=[one]) for one in (turn(100), turn(900), late, failed, silent)]
    refused = Call(0.0, 1, status=503, refused_ms=12.0)
    lost = Call(0.0, 2, turns=[turn(100, "lost")], close_code=1006, errors=["overloaded"])
    found = summary([*calls, refused, lost], duration_s=2.0, target_ms=1_000)
    assert found["goodput_per_s"] == 1.0
    assert found["offered_per_s"] == 3.5
    assert found["results"] == {"served": 5, "refused": 1, "lost": 1}
    assert found["answered_per_s"] == 1.5
    assert (found["p95_ms"], found["refusal_p50_ms"], found["refusal_p95_ms"]) == (2_000, 12.0, 12.0)
    assert found["errors"] == {"overloaded": 1}
    assert found["close_codes"] == {"None": 6, "1006": 1}


def test_capacity_is_the_highest_rate_that_held() -> None:
    def step(rate_per_s: float, p95_ms: float | None, served: int) -> dict[str, object]:
        return {"offered_per_s": rate_per_s, "p95_ms": p95_ms, "offered": 100, "results": {"served": served}}

    steps = [step(1, 700, 100), step(2, 900, 98), step(3, 900, 97), step(4, 1_600, 100), step(5, None, 0)]
    assert [holds(one, 1_500) for one in steps] == [True, True, False, False, False]
    assert capacity(steps, 1_500) == 2
    assert capacity(steps, 100) == 0.0
    assert list(rates(20)) == [20, 30, 45]


@pytest.mark.parametrize(
    ("tried", "expected"),
    [
        ([(2.0, True), (8.0, False)], 4.0),
        ([(2.0, True), (8.0, False), (4.0, True)], 5.66),
        ([(2.0, True), (8.0, False), (4.0, False)], 2.83),
        ([(2.0, True), (3.0, True)], None),
        ([(2.0, False)], None),
        ([], None),
    ],
)
def test_the_search_halves_between_what_held_and_what_did_not(
    tried: list[tuple[float, bool]], expected: float | None
) -> None:
    steps = [
        {"rate_per_s": rate_per_s, "p95_ms": 700, "offered": 10, "results": {"served": 10 if held else 5}}
        for rate_per_s, held in tried
    ]
    assert between(steps, 1_500) == expected


@pytest.mark.parametrize("bad", [["--processes", "0"], ["--corpus", "/nowhere"], ["--set", "workers"]])
def test_flags_that_cannot_be_used_are_refused(bad: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        voice.PART.parser("x").parse_args(bad)
    assert f"argument {bad[0]}: must be" in capsys.readouterr().err


# --- judging -------------------------------------------------------------------------------------

WELL = {"exit_code": 0, "level_s": 0.1, "level": [0, 0, ""], "is_clean": True, "processes": [4, 4], "files": [9, 9]}


def spoke(text: str, transcript_ms: float = 800) -> Call:
    done = Turn("time", is_heard=True, transcripts=[text], outcome="done", client_ms=heard_after(transcript_ms))
    return Call(0.0, 1, turns=[done], status=101)


def verdict(number: int, calls: list[Call], **after: object) -> list[str]:
    healthy = [spoke("What time is it?")]
    return judged(FAULTS[number], healthy, calls, {}, {**WELL, **after}, allowance_ms=100)


def test_a_fault_holds_where_everything_is_as_before() -> None:
    assert verdict(11, [spoke("what time is it")]) == []


@pytest.mark.parametrize(
    ("calls", "after", "expected"),
    [
        ([spoke("What time was it?")], {}, "What time was it?"),
        ([spoke("What time is it?", 1_101)], {}, "p95 1101 ms, at most 1100"),
        ([Call(2.0, 1, status=503, refused_ms=3.0)], {}, "call at 2.0 s: refused, status 503"),
        ([Call(2.0, 1, status=101, turns=[turn(None, "lost")], close_code=1006)], {}, "closed 1006"),
        ([spoke("What time is it?")], {"exit_code": -9}, "exit code -9"),
        ([spoke("What time is it?")], {"level_s": None}, "not as before"),
        ([spoke("What time is it?")], {"is_clean": False}, "left over"),
    ],
)
def test_what_did_not_hold_is_said(calls: list[Call], after: dict[str, object], expected: str) -> None:
    assert expected in "\n".join(verdict(11, calls, **after))


def test_a_part_of_the_others_must_be_served_beside_a_crowd() -> None:
    said, refused = spoke("What time is it?"), Call(2.0, 1, status=503, refused_ms=3.0)
    assert verdict(17, [said, said, said, refused, refused]) == []
    assert verdict(17, [said, said, refused, refused]) == ["2 of 4 served, at least 60%"]


def test_a_server_that_leaves_owes_an_answer_only_to_those_whom_it_has_heard() -> None:
    silent = Call(3.0, 1, status=101, turns=[Turn("time")], close_code=1012)
    cut = Call(3.0, 1, status=101, turns=[Turn("time", is_heard=True)], close_code=1012)
    late = Call(4.0, 1, trouble="nobody listens")
    assert verdict(7, [spoke("What time is it?"), silent, late]) == []
    assert len(verdict(7, [spoke("What time is it?"), cut])) == 2


def test_nothing_is_judged_by_a_healthy_server_that_was_not() -> None:
    found = judged(FAULTS[1], [Call(0.0, 1)], [spoke("x")], {}, WELL, allowance_ms=100)
    assert found == ["not judged: the healthy server did not serve all callers"]


@pytest.mark.parametrize(
    ("found", "failed", "expected"),
    [
        ({}, [], "held"),
        ({"bit": True}, ["x"], "did not hold"),
        ({"bit": False}, [], "not shown"),
        ({"bit": False}, ["x"], "not shown"),
    ],
)
def test_a_fault_that_did_not_bite_shows_nothing(found: dict[str, object], failed: list[str], expected: str) -> None:
    assert verdict_on([spoke("x")], found, failed) == expected
    assert verdict_on([Call(0.0, 1)], found, failed) == "not shown"


def test_a_report_keeps_the_last_run_of_each_fault() -> None:
    before = {"when": "then", "faults": [{"number": 9, "verdict": "held"}, {"number": 2, "verdict": "not shown"}]}
    assert merged(before, [{"number": 9, "verdict": "did not hold"}]) == {
        "faults": [{"number": 2, "verdict": "not shown"}, {"number": 9, "verdict": "did not hold"}],
        "missed": [9],
    }
    assert merged({}, [{"number": 1, "verdict": "held"}]) == {
        "faults": [{"number": 1, "verdict": "held"}],
        "missed": [],
    }


def overload(**differing: object) -> dict[str, object]:
    """A run of ``sayso bench overload`` that holds all targets at a peak of 10/s within 1,500 ms."""
    return {
        "round": 0,
        "factor": 2.0,
        "controller": True,
        "goodput_per_s": 9.0,
        "answered_per_s": 9.5,
        "p95_ms": 1_500,
        "results": {"refused": 40},
        "refusal_p50_ms": 5,
        "refusal_p95_ms": 50,
        "recovered_s": 30.0,
        "seen": {"restarts": 0, "max_level": 3},
        "usual": {"goodput_per_s": 9.9, "offered_per_s": 9.9},
        "drift": 1.0,
        "others": 0.1,
    } | differing


def test_on_and_off_take_turns_at_being_first() -> None:
    assert list(schedule(2, (2.0,))) == [(0, 2.0, True), (0, 2.0, False), (1, 2.0, False), (1, 2.0, True)]
    assert [factor for _, factor, _ in schedule(1, (2.0, 3.0))] == [2.0, 2.0, 3.0, 3.0]


def test_overload_is_judged_with_the_controller_only() -> None:
    bad = overload(goodput_per_s=8.9, p95_ms=1_501, refusal_p95_ms=51, recovered_s=None, seen={"restarts": 1})
    assert len(missed([bad, bad | {"controller": False}], 10.0, 1_500)) == 5
    assert missed([overload(), bad | {"controller": False}], 10.0, 1_500) == []
    assert missed([overload(p95_ms=None, refusal_p95_ms=None)], 10.0, 1_500) == []


def test_figures_are_judged_by_the_middle_of_the_rounds_and_recovery_by_each() -> None:
    late = overload(goodput_per_s=1.0, p95_ms=9_000)
    assert missed([overload(), overload(), late], 10.0, 1_500) == []
    found = missed([overload(), overload(), late, overload(recovered_s=None)], 10.0, 1_500)
    assert found == ["at 2 times: level not as before within 30 s"]


def test_a_round_on_a_slower_machine_is_judged_by_what_its_twin_carries() -> None:
    """The twin is the run without the controller, whose round and factor are the same."""
    usual = {"goodput_per_s": 5.0, "offered_per_s": 10.0}
    twin = overload(controller=False, goodput_per_s=1.0, usual=usual)
    rows = drifted([overload(goodput_per_s=4.5), twin, overload(goodput_per_s=4.5, factor=3.0)])
    assert [one["drift"] for one in rows] == [0.5, 0.5, 1.0]
    assert missed(rows, 10.0, 1_500) == ["at 3 times: goodput 45% of the peak of 10/s, not 90%"]


def test_on_is_compared_with_off_round_by_round() -> None:
    off = {"controller": False, "goodput_per_s": 4.5}
    rows = [overload(), overload(**off), overload(round=1, goodput_per_s=1.5, drift=0.8), overload(round=1, **off)]
    drift, others = "drift 1.00 (0.80 to 1.00)", "CPUs taken by others 0.10 (0.10 to 0.10)"
    line = f"2x, on/off: goodput 1.17 (0.33 to 2.00), answered 1.00 (1.00 to 1.00); {drift}, {others}"
    assert compared(rows) == [line]
    nothing = overload(controller=False, goodput_per_s=0.0, answered_per_s=0.0)
    assert compared([overload(), nothing])[0].startswith("2x, on/off: goodput -, answered -; drift 1.00")


def test_the_table_has_a_line_for_each_run() -> None:
    lines = cells([overload(recovered_s=None), overload(controller=False, p95_ms=None)])
    assert lines[0] == ["2x", "1", "off", "9", "9.5", "-", "40", "5", "50", "3", "-", "0", "10%"]
    assert lines[1][-3:] == ["never", "0", "10%"]


@pytest.mark.parametrize(
    ("machine_s", "own_s", "expected"),
    [(8.0, 4.0, 0.2), (8.0, 8.0, 0.0), (8.0, 9.0, 0.0), (40.0, 0.0, 1.0)],
)
def test_what_others_had_is_what_the_machine_did_without_us(machine_s: float, own_s: float, expected: float) -> None:
    before = Company(at_s=100.0, machine_s=50.0, own_s=20.0)
    later = Company(at_s=110.0, machine_s=50.0 + machine_s, own_s=20.0 + own_s)
    assert before.share_until(later, cores=2) == expected
    assert before.share_until(before, cores=2) == 0.0


def test_a_machine_can_be_asked_what_was_used() -> None:
    found = Company.now()
    assert found.machine_s >= found.own_s > 0


def test_the_watch_keeps_when_the_level_changed_and_by_what() -> None:
    watch = Watch()
    for level in (0, 3, 3, 2):
        driver = "queue_delay" if level else ""
        watch.note_load(
            level, {"driver": driver, "signals": {"queue_delay": {"value": level / 2}, "cpu": {"value": None}}}
        )
    seen = watch.seen()
    assert seen["levels"] == [(0.0, 0, ""), (0.5, 3, "queue_delay"), (1.5, 2, "queue_delay")]
    assert (seen["highest"], seen["drivers"]) == ({"queue_delay": 1.5}, ["2 by queue_delay", "3 by queue_delay"])


# --- callers -------------------------------------------------------------------------------------


def test_a_refused_upgrade_is_recorded_with_its_status_and_time() -> None:
    with answering(REFUSING) as url:
        (call,) = run(Plan(url, [0.0], [[CLIP]]))
    assert (call.result, call.status, call.retry_after_s, call.turns) == ("refused", 503, 7.0, [])
    assert call.refused_ms is not None
    assert 0 < call.refused_ms < 5_000


def test_a_server_that_hangs_up_loses_the_caller_with_its_reason() -> None:
    with answering(b"") as url:
        (call,) = run(Plan(url, [0.0], [[CLIP]]))
    assert (call.result, call.status) == ("lost", None)
    assert call.trouble


def test_where_nobody_listens_a_caller_is_lost_and_the_others_come_nevertheless() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        url = f"ws://127.0.0.1:{taken.getsockname()[1]}/ws"
    calls = run(Plan(url, [0.0, 0.05], [[CLIP], [CLIP]]))
    assert [call.result for call in calls] == ["lost", "lost"]
    assert all("refused" in call.trouble.lower() for call in calls)


# --- with a real server --------------------------------------------------------------------------


def test_callers_of_a_real_server_are_served_and_it_ends_well(tmp_path: Path, spoken: Callable[[str], bytes]) -> None:
    need_models()
    for name, sentence in (("sum", "What is twelve times seven?"), ("time", "What time is it?")):
        write_wav(tmp_path / f"{name}.wav", Sound(spoken(sentence), 16_000))
    total, time = clips(tmp_path)
    with running(SMALL | {"supervisor.models_dir": models_dir()}) as server, Crowds(2) as crowds:
        with watching(server) as watch:
            calls = crowds.run(Plan(server.url, burst(3, 1.5), [[time], [total, time], [total]]))
        page = server.status()
        assert strain(server)[0] == page["load_level"]
        code = stop(server)

    said = [[turn.name for turn in call.turns] for call in calls]
    assert [call.result for call in calls] == ["served"] * 3, calls
    assert said == [["time"], ["sum", "time"], ["sum"]]
    assert {call.close_code for call in calls} == {1000}
    turns = [turn for call in calls for turn in call.turns]
    assert all(turn.is_done and turn.is_heard and "stt" in turn.server_ms for turn in turns)
    assert all((turn.transcript_ms or 0) > 300 for turn in turns)  # the silence that ends an utterance is in it
    assert {tool for turn in turns for tool in turn.tools} == {"get_time", "calculate"}
    assert (max(watch.sessions) >= 1, watch.restarts, watch.unanswered) == (True, 0, 0)
    assert any(node["id"] == "transcription" for node in nodes(page["tree"]))
    assert code == 0


def test_a_server_that_was_killed_is_no_good_end() -> None:
    need_models()
    with running(SMALL | {"supervisor.models_dir": models_dir()}) as server:
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait(60)
        assert stop(server) == -signal.SIGKILL


def test_only_what_clips_for_20_ms_is_poison() -> None:
    loud = struct.pack("<2h", 32_767, -32_768)
    assert is_poison(bytes(640) + loud * (POISON_SAMPLES // 2) + bytes(640))
    assert not is_poison(bytes(640) + loud * (POISON_SAMPLES // 2 - 1) + bytes(640))
