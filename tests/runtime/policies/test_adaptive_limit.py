import pytest

from runtime.policies.adaptive_limit import AdaptiveLimit


def test_it_starts_with_what_the_operator_allows():
    assert AdaptiveLimit(8).limit == 8


def test_each_failure_takes_a_tenth_down_to_the_floor():
    limit = AdaptiveLimit(10, floor=2)
    seen = []
    for _ in range(20):
        limit.fail()
        seen.append(limit.limit)

    assert seen[:5] == [9, 8, 7, 6, 5]
    assert seen[-1] == 2


def test_answers_bring_it_back_to_the_ceiling_and_no_further():
    limit = AdaptiveLimit(4, floor=1)
    for _ in range(30):
        limit.fail()
    assert limit.limit == 1
    for _ in range(10):
        limit.succeed(in_flight=4)

    assert limit.limit == 4


def test_it_does_not_grow_without_need():
    limit = AdaptiveLimit(10)
    for _ in range(5):
        limit.fail()
    low = limit.limit
    for _ in range(20):
        limit.succeed(in_flight=1)

    assert limit.limit == low


def test_a_floor_above_the_ceiling_is_the_ceiling():
    limit = AdaptiveLimit(1, floor=2)
    limit.fail()

    assert limit.limit == 1


def test_a_limit_of_none_is_refused():
    with pytest.raises(ValueError, match="ceiling"):
        AdaptiveLimit(0)
