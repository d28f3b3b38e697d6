import pytest

from runtime.policies.breaker import Breaker, BreakerPolicy, BreakerState


def broken(failures: int = 3) -> Breaker:
    breaker = Breaker()
    for _ in range(failures):
        assert breaker.retry_after_s(0.0) is None
        breaker.fail(0.0)
    return breaker


def test_some_failures_are_forgiven():
    breaker = broken(2)

    assert breaker.retry_after_s(0.0) is None
    breaker.succeed()
    for _ in range(2):
        breaker.fail(0.0)
    assert breaker.state is BreakerState.CLOSED


def test_after_three_in_a_row_no_request_passes_for_a_while():
    breaker = broken()

    assert breaker.state is BreakerState.OPEN
    assert breaker.retry_after_s(0.25) == 0.75


def test_then_one_probe_passes_and_the_others_wait_for_it():
    breaker = broken()

    assert breaker.retry_after_s(1.0) is None
    assert breaker.retry_after_s(1.0) == 1.0
    breaker.succeed()
    assert breaker.retry_after_s(1.0) is None
    assert breaker.state is BreakerState.CLOSED


def test_the_pauses_double_up_to_their_limit():
    breaker = broken()
    now_s, pauses = 0.0, []
    for _ in range(8):
        pause_s = breaker.retry_after_s(now_s)
        pauses.append(pause_s)
        assert pause_s is not None
        now_s += pause_s
        assert breaker.retry_after_s(now_s) is None
        breaker.fail(now_s)

    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_probe_that_tells_nothing_leaves_the_next_one_to_find_out():
    breaker = broken()
    assert breaker.retry_after_s(1.0) is None

    breaker.abandon(1.5)

    assert breaker.retry_after_s(1.5) is None


def test_leaving_says_nothing_about_one_that_works():
    breaker = Breaker()
    breaker.abandon(0.0)

    assert breaker.retry_after_s(0.0) is None


@pytest.mark.parametrize("wrong", [{"failures": 0}, {"pause_s": 0.0}, {"max_pause_s": -1.0}])
def test_a_policy_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        BreakerPolicy(**wrong)
