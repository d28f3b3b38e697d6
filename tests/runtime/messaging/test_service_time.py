import random

from runtime.messaging.service_time import FLOOR_S, MIN_SAMPLES, ServiceTimes


class Kind:
    """What is estimated."""


class Other:
    """Something else."""


def learnt(*durations_s: float) -> ServiceTimes:
    times = ServiceTimes()
    for duration_s in durations_s:
        times.add(Kind, duration_s)
    return times


def test_nothing_is_refused_before_there_is_experience():
    times = learnt(*[5.0] * (MIN_SAMPLES - 1))

    assert not times.would_be_late(Kind, 0.001)
    times.add(Kind, 5.0)
    assert times.would_be_late(Kind, 0.001)


def test_what_can_be_done_in_time_is_begun():
    times = learnt(*[1.0] * 20)

    assert not times.would_be_late(Kind, 1.1)
    assert times.would_be_late(Kind, 0.5)


def test_the_estimate_is_near_the_ninetieth_percentile():
    rng = random.Random(3)
    durations_s = [rng.expovariate(1.0) for _ in range(5_000)]
    times = learnt(*durations_s)
    true_s = sorted(durations_s)[4_500]
    refused = [left_s for left_s in (0.5 * true_s, 2 * true_s) if times.would_be_late(Kind, left_s)]

    assert refused == [0.5 * true_s]


def test_a_slow_time_that_is_over_is_forgotten():
    times = learnt(*[4.0] * 50)
    refusals = 0
    while times.would_be_late(Kind, 1.0):
        refusals += 1

    assert 5 < refusals < 20


def test_kinds_have_nothing_to_do_with_each_other():
    times = learnt(*[9.0] * 50)

    assert not times.would_be_late(Other, 0.001)


def test_an_estimate_of_nothing_refuses_nothing_that_has_any_time_left():
    assert not learnt(*[0.0] * 100).would_be_late(Kind, 2 * FLOOR_S)
