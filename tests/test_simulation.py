"""The whole server, simulated: many seeds keep all claims, the same seed gives the same trace, and claims can fail."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import attrs
import pytest

from protocol.messages.records import TurnRecord
from protocol.messages.socket import SocketClosed
from tests.simulation import judging, seams
from tests.simulation.__main__ import main
from tests.simulation.callers import CLOSE_CODES, Caller, Loss, Step
from tests.simulation.claims import broken_claims
from tests.simulation.faults import Fault
from tests.simulation.interleavings import INGREDIENTS, plan_interleaving
from tests.simulation.judging import judge, judge_in_processes
from tests.simulation.kept import Kept, keep, kept_runs
from tests.simulation.outside import speech_of, spoken_in
from tests.simulation.wire import CUT, OUTBOX_FRAMES, SEND_TIMEOUT_S, SimulatedSocket
from tests.simulation.world import Plan, Report, plan_run, simulate
from tests.source_tree import ROOT

SEEDS = 200
CLAIMED = 50  # `make sim`, a part of `make test`, judges these and 1,950 more
PART = 25
COMPARED = range(20)


@pytest.mark.parametrize("kept", kept_runs(), ids=lambda kept: kept.found)
def test_a_run_that_once_found_a_fault_finds_none_now(kept: Kept) -> None:
    verdict = judge(kept.plan)
    assert not verdict.problems, verdict.story


@pytest.mark.parametrize("first", range(0, CLAIMED, PART))
def test_all_claims_hold_whatever_goes_wrong(first: int) -> None:
    for seed in range(first, first + PART):
        verdict = judge(plan_run(seed))
        assert not verdict.problems, f"seed {seed}: {verdict.problems}\n{verdict.story}"


def digests_of(seeds: Iterator[int] | range, hash_seed: str) -> list[str]:
    """Return the digests as another process sees them."""
    program = "import sys; from tests.simulation.judging import judge; from tests.simulation.world import plan_run\n"
    program += "print(*(judge(plan_run(int(seed))).digest for seed in sys.argv[1:]))"
    command = [sys.executable, "-c", program, *map(str, seeds)]
    environ = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True, timeout=100)
    return done.stdout.split()


def test_the_same_seed_gives_the_same_trace_in_every_process() -> None:
    first, second = digests_of(COMPARED, "1"), digests_of(COMPARED, "2")
    assert first == second
    assert len(set(first)) == len(COMPARED), "different seeds gave the same trace"
    assert first[3] == judge(plan_run(3)).digest, "a seed depends on those before it"


def test_several_processes_find_in_order_what_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "PLANS_AT_ONCE", 3)
    plans = [plan_run(seed) for seed in range(10)]  # the first process has two parts, and the last has one plan
    together = list(judge_in_processes(plans, 2))
    assert [verdict.plan for verdict in together] == plans
    assert [verdict.digest for verdict in together[-3:]] == [judge(plan).digest for plan in plans[-3:]]


def test_nothing_is_left_of_a_simulation_that_is_killed() -> None:
    program = """
import os, signal
from tests.simulation.judging import judge_in_processes
from tests.simulation.world import plan_run

if __name__ == "__main__":
    verdicts = judge_in_processes([plan_run(seed % 3) for seed in range(300)], 2)
    next(verdicts)
    os.kill(os.getpid(), signal.SIGTERM)
"""
    command = [sys.executable, "-c", program]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == -signal.SIGTERM
    assert done.stderr == "", "the children and the resource tracker had something to say"


def test_many_seeds_are_drawn_with_every_kind_of_fault() -> None:
    plans = [plan_run(seed) for seed in range(SEEDS)]
    kinds = {(fault.kind, fault.target, fault.how) for plan in plans for fault in plan.faults}
    assert {kind for kind, _, _ in kinds} == {"crash", "weather", "deaf", "flood"}
    assert len(kinds) > 40
    assert {plan.end for plan in plans} == {"idle", "drain", "stop"}
    assert sum(not plan.faults for plan in plans) > SEEDS / 20, "some runs must be quiet, or nothing is exact"


def test_machines_of_every_load_are_drawn() -> None:
    loads = [plan_run(seed).load for seed in range(SEEDS)]
    assert {level for load in loads for _, level in load} == {0, 1, 2, 3, 4}
    assert SEEDS / 10 < sum(bool(load) for load in loads) < SEEDS / 2


def test_clients_lose_their_sockets_in_many_ways_and_the_answer_to_their_return_too() -> None:
    callers = [caller for seed in range(SEEDS) for caller in plan_run(seed).callers]
    losses = [loss for caller in callers for loss in caller.losses]
    assert {loss.close_code for loss in losses} == set(CLOSE_CODES)
    assert {len(loss.lost_answers_s) for loss in losses} == {0, 1, 2}


def test_a_client_that_loses_the_answer_to_its_return_finds_its_session_all_the_same() -> None:
    plans = (plan for plan in map(plan_run, range(SEEDS)) if not plan.faults and plan.end == "idle" and not plan.load)
    reports = [simulate(plan) for plan in plans if any(loss.lost_answers_s for loss in losses_of(plan))]
    clients = [client for report in reports for client in report.clients if client.heard.lost_answers]
    assert [client.caller.name for client in clients if not client.heard.returned] == []
    assert sum(client.heard.returned for client in clients) > 0


def losses_of(plan: Plan) -> Iterator[Loss]:
    return (loss for caller in plan.callers for loss in caller.losses)


def test_a_planned_load_is_the_level_of_the_server(caplog) -> None:
    plan = next(plan for plan in map(plan_run, range(SEEDS)) if any(level == 4 for _, level in plan.load))
    simulate(plan)
    assert "-> 4 (memory)" in caplog.text


INTERLEAVINGS = 40


def test_claims_hold_however_callers_and_faults_interleave_and_everything_strikes() -> None:
    verdicts = [judge(plan_interleaving(seed)) for seed in range(INTERLEAVINGS)]
    for verdict in verdicts:
        assert not verdict.problems, f"seed {verdict.plan.seed}: {verdict.problems}\n{verdict.story}"
    hit = {what: sum(verdict.struck[what] > 0 for verdict in verdicts) for what in INGREDIENTS}
    assert min(hit.values()) > 0.6 * INTERLEAVINGS, hit


def in_two_halves(second: str, *faults: Fault) -> Plan:
    """Return a run in which "begin 1" and its rest are typed."""
    steps = (Step("text", 1, pause_s=0.5), Step("text", 2))
    caller = Caller("caller", 0.0, steps, "bye", "yes", ("stt", "llm", "tools", "tts"))
    return Plan(1, (caller,), {1: "begin 1", 2: second}, faults, "idle", 0.0)


@pytest.mark.parametrize(("second", "in_effect"), [("rest 2", (0, 1)), ("undo that", (0, 0)), ("do 2", (1, 1))])
def test_a_sentence_in_two_halves_is_in_effect_once(second: str, in_effect: tuple[int, int]) -> None:
    report = simulate(in_two_halves(second))
    assert not broken_claims(report)
    assert (report.outside.shed.in_effect(1), report.outside.shed.in_effect(2)) == in_effect


@pytest.mark.parametrize("how", ["before", "after", "besides"])
def test_a_crash_at_any_time_leaves_at_most_one_of_two_halves_in_effect(how: str) -> None:
    seen = set()
    for at in range(12):
        report = simulate(in_two_halves("rest 2", Fault(0.4 + at / 10, "crash", "dialogue", how)))
        assert not broken_claims(report)
        shed = report.outside.shed
        seen.add((shed.in_effect(1), shed.in_effect(2)))
    assert (0, 1) in seen
    assert (1, 1) not in seen


# --- the claims can fail -------------------------------------------------------------------------


def claims_broken_by(report: Report) -> set[str]:
    return {problem.partition(":")[0] for problem in broken_claims(report)}


def audible(caller: Caller) -> Caller:
    return attrs.evolve(caller, capabilities=("stt", "llm", "tools", "tts"))


def quiet_report() -> Report:
    """Return a run without faults in which speech was answered by a tool."""
    for seed in range(1_000):
        plan = plan_run(seed)
        texts = [plan.sayings[step.number] for step in plan.callers[0].steps if step.kind == "say"]
        if not plan.faults and plan.end == "idle" and any(text.startswith("do") for text in texts):
            callers = tuple(attrs.evolve(audible(caller), vanishes=()) for caller in plan.callers)
            report = simulate(attrs.evolve(plan, callers=callers, load=()))
            if plan.callers[0].end == "bye" and all(step.is_awaited for step in plan.callers[0].steps):
                assert not broken_claims(report)
                return report
    raise AssertionError("no quiet run among a thousand")


def first_of(report: Report, kind: str) -> int:
    log = report.clients[0].heard.log
    return next(at for at, (_, name, _) in enumerate(log) if name == kind)


def without_an_end(report: Report) -> None:
    del report.clients[0].heard.log[first_of(report, "turn_completed")]


def with_two_ends(report: Report) -> None:
    log = report.clients[0].heard.log
    log.append((len(log) + 1, *log[first_of(report, "turn_completed")][1:]))


def with_two_answers(report: Report) -> None:
    log = report.clients[0].heard.log
    log.append((len(log) + 1, *log[first_of(report, "reply")][1:]))


def with_a_change_made_twice(report: Report) -> None:
    report.outside.shed.changes[next(iter(report.outside.shed.changes))] += 1


def with_a_call_taken_back_twice(report: Report) -> None:
    report.outside.shed.undone[next(iter(report.outside.shed.changes))] += 2


def with_a_call_made_twice(report: Report) -> None:
    report.outside.shed.calls[next(iter(report.outside.shed.calls))] += 1


def with_other_words(report: Report) -> None:
    report.clients[0].heard.of("transcript")[0]["text"] = "do something else"


def record(report: Report, rows: Iterable[Any]) -> None:
    """Let the database hold other rows."""
    report.outside.database.batches[:] = [tuple(rows)]


def with_a_record_lost(report: Report) -> None:
    record(report, (row for row in report.outside.database.rows if not isinstance(row, TurnRecord)))


def with_a_record_twice(report: Report) -> None:
    rows = report.outside.database.rows
    record(report, [*rows, next(row for row in rows if isinstance(row, TurnRecord))])


def with_another_answer_recorded(report: Report) -> None:
    rows = report.outside.database.rows
    changed = (attrs.evolve(row, replied="?", outcome="done") if isinstance(row, TurnRecord) else row for row in rows)
    record(report, changed)


def with_a_sentence_heard_twice(report: Report) -> None:
    voice = report.outside.voice
    text = voice.sentences[-1]
    report.clients[0].heard.played["a turn"] = 2 * [(len(voice.sentences) - 1, voice.size_bytes(text))]


def with_more_recorded_than_heard(report: Report) -> None:
    rows = report.outside.database.rows
    mine = {data["turn_id"] for data in report.clients[0].heard.of("turn_completed")}
    changed = (
        attrs.evolve(row, outcome="interrupted", replied="never said")
        if isinstance(row, TurnRecord) and row.turn_id in mine
        else row
        for row in rows
    )
    record(report, changed)


def with_a_refusal(report: Report) -> None:
    report.plan = attrs.evolve(report.plan, load=())
    report.clients[0].heard.refused = 1


def with_a_message_lost(report: Report) -> None:
    report.refs[0].mailbox.counters.processed -= 1


def with_an_ask_left(report: Report) -> None:
    report.open_asks = 1


def with_a_late_ask(report: Report) -> None:
    report.late_asks.append("0.500 s past its deadline")


def with_a_slow_stop(report: Report) -> None:
    report.stop_s = 60.0


def with_an_end_of_its_own(report: Report) -> None:
    report.ended_by = ExceptionGroup("", [ValueError("a bug")])


def with_a_client_in_vain(report: Report) -> None:
    report.clients[0].heard.gave_up = 1


@pytest.mark.parametrize(
    ("spoil", "claim"),
    [
        (without_an_end, "every_turn_ends_once"),
        (with_two_ends, "every_turn_ends_once"),
        (without_an_end, "events_are_numbered_without_gaps"),
        (with_two_answers, "no_answer_is_given_twice"),
        (with_a_change_made_twice, "nothing_is_done_twice"),
        (with_a_call_taken_back_twice, "the_last_whole_command_is_in_effect_once"),
        (with_a_call_made_twice, "nothing_is_done_twice"),
        (with_other_words, "words_are_heard_once"),
        (with_a_record_lost, "history_is_what_was_heard"),
        (with_a_record_twice, "history_is_what_was_heard"),
        (with_another_answer_recorded, "history_is_what_was_heard"),
        (with_a_sentence_heard_twice, "no_sentence_is_spoken_twice"),
        (with_more_recorded_than_heard, "history_is_no_more_than_was_heard"),
        (with_a_refusal, "no_client_is_refused_without_need"),
        (with_a_message_lost, "messages_are_conserved"),
        (with_an_ask_left, "nothing_is_left"),
        (with_a_late_ask, "every_ask_ends_in_time"),
        (with_a_slow_stop, "the_server_ends_in_order"),
        (with_an_end_of_its_own, "the_server_ends_in_order"),
        (with_a_client_in_vain, "no_task_waits_in_vain"),
    ],
)
def test_a_claim_that_is_broken_is_noticed(spoil, claim: str) -> None:
    report = quiet_report()
    spoil(report)
    assert claim in claims_broken_by(report)


# --- the simulation's own parts ------------------------------------------------------------------


def test_a_failing_seed_is_shown_with_its_claim_and_its_trace(monkeypatch, capsys) -> None:
    monkeypatch.setattr("tests.simulation.judging.broken_claims", lambda _: ["no_claim: it is only a test"])
    status = main(["--seed", "1"])
    shown = capsys.readouterr().out
    assert status == 1
    assert "no_claim: it is only a test" in shown
    assert "has ended" in shown
    assert "1 failed 1" in shown


def test_kept_runs_stay_with_what_they_found_first(tmp_path) -> None:
    file = tmp_path / "runs.json"
    first, second = plan_run(7), plan_run(3)
    keep([Kept("a turn never ended", first)], file)
    keep([Kept("something else", first), Kept("a gap", second)], file)
    assert kept_runs(file) == [Kept("a turn never ended", first), Kept("a gap", second)]


def test_the_machine_is_put_back_after_a_run() -> None:
    import random
    import secrets

    before = random.Random, secrets.token_hex
    with seams.seeded_machine(1):
        assert random.Random().random() == pytest.approx(0.0, abs=1.0)
        assert secrets.token_hex is not before[1]
    assert (random.Random, secrets.token_hex) == before


def test_speech_says_its_number_wherever_an_utterance_begins() -> None:
    pcm = bytes(1_024) + speech_of(7, 10) + bytes(2_048) + speech_of(300, 5)
    assert spoken_in(pcm) == [7, 300]
    assert spoken_in(pcm[2_048:]) == [7, 300]
    assert spoken_in(bytes(4_096)) == []


async def test_a_client_that_has_stopped_reading_is_cut(autojump_clock) -> None:
    socket = SimulatedSocket("nobody")
    for _ in range(OUTBOX_FRAMES):
        await socket.send("{}")
    with pytest.raises(SocketClosed):
        await socket.send("{}")
    assert autojump_clock.current_time() == pytest.approx(SEND_TIMEOUT_S)
    assert await socket.wait_closed() == CUT
