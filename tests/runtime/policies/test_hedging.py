import pytest

from runtime.policies.hedging import LEAST_ANSWERS, REMEMBERED, HedgePolicy, Hedging


def test_before_enough_answers_a_request_is_late_after_a_share_of_its_deadline() -> None:
    hedging = Hedging(8.0)
    for _ in range(LEAST_ANSWERS - 1):
        hedging.note(0.1)
    assert hedging.after_s == 2.0
    hedging.note(0.1)
    assert hedging.after_s == 0.1


def test_a_request_is_late_after_the_time_within_which_most_are_answered() -> None:
    hedging = Hedging(8.0)
    for number in range(REMEMBERED):
        hedging.note((number + 1) / 100)
    assert hedging.after_s == pytest.approx(0.95)
    for _ in range(REMEMBERED):
        hedging.note(0.2)
    assert hedging.after_s == pytest.approx(0.2), "old answers are forgotten"


def test_no_request_is_late_after_its_deadline() -> None:
    hedging = Hedging(1.0)
    for _ in range(REMEMBERED):
        hedging.note(3.0)
    assert hedging.after_s == 1.0


def test_few_requests_are_sent_twice_however_late_all_are() -> None:
    hedging = Hedging(1.0, HedgePolicy(share=0.1, burst=2.0))
    twice = 0
    for _ in range(100):
        hedging.begin()
        twice += hedging.take()
    assert twice == 11, "the burst, and a tenth; what cannot be kept is lost"
    assert hedging.sent == twice
