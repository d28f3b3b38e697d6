from protocol.messages.events import LatencyMs, TurnCompleted
from protocol.messages.records import TurnRecord
from protocol.turns.turn_report import TurnReport


def test_client_and_history_are_told_the_same_times() -> None:
    report = TurnReport("t", origin_s=10.0)
    report.heard, report.replied, report.source = "hello", "Hi.", "model"
    report.mark("stt", 0.25)
    report.mark_until("total", 11.5)
    assert report.completed("done") == TurnCompleted("t", "done", LatencyMs(stt=250.0, total=1_500.0))
    assert report.record("done", session_id="s", user_id="u", timestamp=1.0) == TurnRecord(
        "s", "t", "u", 1.0, "hello", "Hi.", "done", "model", {"stt": 250.0, "total": 1_500.0}
    )


def test_the_last_time_of_a_stage_counts_and_none_is_negative() -> None:
    report = TurnReport("t", origin_s=10.0)
    report.mark("tool", 2.0)
    report.mark("tool", 0.01234)
    report.mark_until("endpoint", 9.0)
    assert report.completed("done").latency_ms == LatencyMs(tool=12.3, endpoint=0.0)
