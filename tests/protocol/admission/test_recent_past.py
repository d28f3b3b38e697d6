from protocol.admission.recent_past import RecentPast


def test_a_server_that_has_just_started_has_no_past() -> None:
    past = RecentPast()
    assert (past.notices.last, past.turns.last, past.tally.totals["refused"]) == (0, 0, 0)
    assert past.figures.part(1.0, "24h", ("sessions",)).values == {"sessions": ()}
