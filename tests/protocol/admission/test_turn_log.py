import attrs

from protocol.admission.turn_log import CALLS_MAX, PENDING_MAX, TEXT_CHARS, TURNS_MAX, StageFigures, TurnLog
from protocol.messages.records import ToolRecord, TurnRecord

TURN = TurnRecord("s1", "t1", "ada", 1_000.0, "light on", "Done.", "done", "command", {"stt": 200.0, "total": 900.0})
CALL = ToolRecord("s1", "t1", "c1", 1.0, "home", "turn_on", {"name": "light"}, True, "on", 12.0, "light on", 0.9)


def test_a_turn_is_shown_with_its_calls_and_words_or_without_words() -> None:
    log = TurnLog()
    log.add_call(CALL)
    log.add_call(attrs.evolve(CALL, turn_id="t2"))
    log.add(TURN, 0.0)
    [turn] = log.after(0)
    page = turn.shown(has_words=True)
    assert (page["number"], page["turn_id"], page["heard"], page["replied"]) == (1, "t1", "light on", "Done.")
    call = {"server": "home", "tool": "turn_on", "ok": True, "duration_ms": 12.0}
    assert page["calls"] == [{**call, "arguments": {"name": "light"}, "result": "on"}]
    private = turn.shown(has_words=False)
    assert {"heard", "replied"}.isdisjoint(private)
    assert private["calls"] == [call]
    assert private["latency_ms"] == {"stt": 200.0, "total": 900.0}


def test_the_newest_turns_are_kept_and_those_of_a_session_are_found() -> None:
    log = TurnLog()
    for number in range(TURNS_MAX + 5):
        log.add(attrs.evolve(TURN, turn_id=f"t{number}", session_id=f"s{number % 2}"), 0.0)
    assert (len(log.after(0)), log.last, len(log.after(203))) == (200, 205, 2)
    assert len(log.of_session("s1")) == 100
    assert log.of_session("nobody") == ()


def test_turns_that_failed_are_counted() -> None:
    log = TurnLog()
    for outcome in ("done", "failed", "interrupted", "failed"):
        log.add(attrs.evolve(TURN, outcome=outcome), 0.0)
    assert log.failed == 2


def test_long_texts_many_calls_and_calls_of_turns_that_never_end_are_bounded() -> None:
    log = TurnLog()
    for _ in range(3 * CALLS_MAX):
        log.add_call(attrs.evolve(CALL, result="x" * 9_000, arguments={"text": "y" * 9_000}))
    log.add(attrs.evolve(TURN, heard="z" * 9_000), 0.0)
    [turn] = log.after(0)
    assert len(turn.calls) == CALLS_MAX
    assert len(turn.calls[0].result) == len(turn.record.heard) == TEXT_CHARS
    assert turn.calls[0].arguments == {"…": "too long to be shown"}
    for number in range(2 * PENDING_MAX):
        log.add_call(attrs.evolve(CALL, turn_id=f"open {number}"))
    assert len(log._calls) == PENDING_MAX


def test_the_percentiles_of_each_stage_are_of_the_last_five_minutes() -> None:
    log = TurnLog()
    log.add(attrs.evolve(TURN, latency_ms={"total": 90_000.0, "tool": 5.0}), 0.0)
    for number in range(101):
        log.add(attrs.evolve(TURN, latency_ms={"total": float(number)}), 301.0)
    assert log.stages(301.0) == {"total": StageFigures(101, 50.0, 95.0)}
    assert log.stages(900.0) == {}


def test_one_turn_is_its_own_percentile() -> None:
    log = TurnLog()
    log.add(TURN, 0.0)
    assert log.stages(1.0)["stt"] == StageFigures(1, 200.0, 200.0)
