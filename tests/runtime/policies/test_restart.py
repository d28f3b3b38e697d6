import random
from collections.abc import Callable
from typing import Any

import pytest

from runtime.messaging.exits import Exit, ExitKind
from runtime.policies.restart import (
    QUARANTINES_PER_MINUTE,
    Backoff,
    Decision,
    Intensity,
    Restart,
    RestartHistory,
    Verdict,
    backoff_delay_s,
    judge,
    wants_restart,
)
from tests.runtime.probes import an_exit

CRASHES = [ExitKind.ABNORMAL, ExitKind.START_FAILED, ExitKind.START_TIMEOUT, ExitKind.STUCK]
ORDERLY = [ExitKind.NORMAL, ExitKind.SHUTDOWN]


def decide(
    ended: Exit,
    *,
    consecutive: int = 0,
    history: RestartHistory | None = None,
    intensity: Intensity | None = None,
    backoff: Backoff | None = None,
    restart: Restart = Restart.PERMANENT,
) -> Decision:
    return judge(
        restart,
        ended,
        history=history or RestartHistory(),
        consecutive=consecutive,
        intensity=intensity or Intensity(),
        backoff=backoff or Backoff(),
        rng=random.Random(1),
    )


@pytest.mark.parametrize("kind", CRASHES + ORDERLY)
def test_the_restart_type_decides_first(kind: ExitKind) -> None:
    assert wants_restart(Restart.PERMANENT, kind) is Verdict.RESTART
    assert wants_restart(Restart.TEMPORARY, kind) is Verdict.FORGET
    assert wants_restart(Restart.TRANSIENT, kind) is (Verdict.KEEP if kind in ORDERLY else Verdict.RESTART)


def test_a_fatal_exit_is_never_restarted() -> None:
    assert wants_restart(Restart.PERMANENT, ExitKind.FATAL) is Verdict.KEEP


def test_no_restart_leaves_no_trace() -> None:
    decision = decide(an_exit(ExitKind.NORMAL), restart=Restart.TRANSIENT, consecutive=2)
    assert (decision.verdict, decision.history, decision.consecutive) == (Verdict.KEEP, RestartHistory(), 2)


@pytest.mark.parametrize("attempt", range(1, 21))
def test_37_the_delay_lies_between_half_and_whole_and_never_above_the_cap(attempt: int) -> None:
    backoff = Backoff(base_s=0.2, cap_s=10.0)
    whole_s = min(10.0, 0.2 * 2 ** (attempt - 1))
    for seed in range(1_000):
        delay_s = backoff_delay_s(attempt, backoff, random.Random(seed))
        assert whole_s / 2 <= delay_s <= whole_s


def test_the_delay_of_a_huge_attempt_does_not_overflow() -> None:
    assert backoff_delay_s(100_000, Backoff(), random.Random(1)) <= 10.0


def test_attempts_count_from_one() -> None:
    with pytest.raises(ValueError, match="attempt must be >= 1, not 0"):
        backoff_delay_s(0, Backoff(), random.Random(1))


def test_32_exactly_n_restarts_in_the_window_are_allowed() -> None:
    history, verdicts = RestartHistory(), []
    for now_s in (0.0, 1.0, 2.0, 3.0):
        decision = decide(an_exit(ended_s=now_s, ready_s=0.0), history=history)
        history = decision.history
        verdicts.append(decision.verdict)
    assert verdicts == [Verdict.RESTART] * 3 + [Verdict.ESCALATE]
    assert history.restarts == (0.0, 1.0, 2.0, 3.0)
    assert decision.why == "more than 3 restarts in 60 s"


def test_31_an_intensity_of_zero_escalates_at_the_first_crash() -> None:
    assert decide(an_exit(), intensity=Intensity(0, 1.0)).verdict is Verdict.ESCALATE


def test_33_crashes_spaced_more_than_the_window_never_escalate() -> None:
    history = RestartHistory()
    for turn in range(100):
        ended = an_exit(ready_s=turn * 61.0 - 50, ended_s=turn * 61.0, handled=1)
        decision = decide(ended, history=history, intensity=Intensity(1, 60.0))
        history = decision.history
        assert decision.verdict is Verdict.RESTART
    assert len(history.restarts) == 1


def test_35_a_failed_start_counts() -> None:
    decision = decide(an_exit(ExitKind.START_FAILED), intensity=Intensity(1, 60.0), history=RestartHistory((0.0,)))
    assert decision.verdict is Verdict.ESCALATE


@pytest.mark.parametrize(("ready_for_s", "is_at_once"), [(1.0, True), (0.999, False), (0.0, False)])
def test_the_first_restart_is_immediate_after_a_second_of_health(ready_for_s: float, is_at_once: bool) -> None:
    decision = decide(an_exit(ready_s=0.0, ended_s=ready_for_s))
    assert (decision.delay_s == 0.0) is is_at_once
    assert decide(an_exit(ready_s=0.0, ended_s=ready_for_s), consecutive=1).delay_s > 0


@pytest.mark.parametrize(
    ("ready_for_s", "handled", "consecutive"),
    [(5.1, 1, 1), (5.099, 1, 4), (5.1, 0, 4)],
)
def test_38_health_and_a_message_reset_the_backoff(ready_for_s: float, handled: int, consecutive: int) -> None:
    ended = an_exit(ready_s=0.0, ended_s=ready_for_s, handled=handled)
    assert decide(ended, consecutive=3).consecutive == consecutive


def test_the_reset_waits_at_least_five_seconds() -> None:
    assert Backoff(0.1, 1.0).reset_after_s == 5.0
    assert Backoff(0.2, 30.0).reset_after_s == pytest.approx(15.1)


def test_40_too_many_crashes_in_a_row_escalate_however_rare() -> None:
    ended = an_exit(ended_s=1e6)
    assert decide(ended, consecutive=7).verdict is Verdict.RESTART
    decision = decide(ended, consecutive=8)
    assert decision.verdict is Verdict.ESCALATE
    assert decision.why == "more than 8 crashes in a row"


def test_90_poison_does_not_count_towards_the_intensity() -> None:
    history, consecutive = RestartHistory(), 0
    for turn in range(QUARANTINES_PER_MINUTE):
        ended = an_exit(ended_s=float(turn), ready_s=0.0, has_quarantined=True)
        decision = decide(ended, history=history, consecutive=consecutive, intensity=Intensity(0, 60.0))
        history, consecutive = decision.history, decision.consecutive
        assert decision.verdict is Verdict.RESTART
    assert (history.restarts, consecutive) == ((), 0)


def test_a_stream_of_poison_escalates() -> None:
    history = RestartHistory((), tuple(float(n) for n in range(QUARANTINES_PER_MINUTE)))
    assert decide(an_exit(ended_s=59.0, has_quarantined=True), history=history).verdict is Verdict.ESCALATE
    assert decide(an_exit(ended_s=61.0, has_quarantined=True), history=history).verdict is Verdict.RESTART


@pytest.mark.parametrize(
    "make",
    [
        lambda: Intensity(-1, 1.0),
        lambda: Intensity(1, 0.0),
        lambda: Backoff(base_s=0.0),
        lambda: Backoff(cap_s=-1.0),
        lambda: Backoff(max_consecutive=0),
    ],
)
def test_limits_out_of_range_are_refused(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        make()
