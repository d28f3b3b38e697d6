import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.fair_queue import FairQueue


def drain(queue):
    taken = []
    while (item := queue.take()) is not None:
        taken.append(item)
    return taken


def test_one_key_is_first_in_first_out():
    queue = FairQueue(10)
    for item in "abc":
        queue.put("one", item)

    assert drain(queue) == ["a", "b", "c"]


def test_a_late_key_does_not_wait_behind_a_long_line_of_another():
    queue = FairQueue(10)
    for item in ("a1", "a2", "a3", "a4"):
        queue.put("a", item)
    queue.put("b", "b1")

    assert drain(queue).index("b1") <= 1


def test_service_is_shared_by_cost_and_not_by_count():
    queue = FairQueue(100, quantum=1.0)
    for number in range(10):
        queue.put("long", ("long", number), cost=4.0)
        for part in range(4):
            queue.put("short", ("short", 4 * number + part), cost=1.0)

    first_half = drain(queue)[:25]

    long_s = sum(4.0 for key, _ in first_half if key == "long")
    short_s = sum(1.0 for key, _ in first_half if key == "short")
    assert abs(long_s - short_s) <= 8.0


def test_a_full_queue_refuses_and_keeps_what_it_has():
    queue = FairQueue(1)

    assert queue.put("a", 1)
    assert queue.is_full
    assert not queue.put("a", 2)
    assert drain(queue) == [1]


def test_a_discarded_item_is_not_taken_and_frees_its_place():
    queue = FairQueue(2)
    first, second = object(), object()
    queue.put("a", first)
    queue.put("a", second)

    assert queue.discard("a", first)
    assert not queue.discard("a", first)
    assert not queue.discard("b", second)
    assert len(queue) == 1
    assert drain(queue) == [second]


def test_what_waits_can_be_looked_at_and_stays():
    queue = FairQueue(4)
    for key, item in (("a", 1), ("b", 2), ("a", 3)):
        queue.put(key, item)

    assert sorted(queue) == [1, 2, 3]
    assert len(queue) == 3


def test_of_two_equal_items_the_very_one_is_discarded():
    queue: FairQueue[list[int]] = FairQueue(2)
    first, second = [1], [1]
    queue.put("a", first)
    queue.put("a", second)

    assert queue.discard("a", second)
    assert queue.take() is first


@pytest.mark.parametrize(("capacity", "quantum", "rule"), [(0, 1.0, "capacity"), (1, 0.0, "quantum")])
def test_bounds_that_cannot_work_are_refused(capacity, quantum, rule):
    with pytest.raises(ValueError, match=rf"^{rule} must be"):
        FairQueue(capacity, quantum)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.1, 30.0)), max_size=60))
def test_everything_put_is_taken_once_and_in_order_for_each_key(puts):
    queue = FairQueue(100)
    for number, (key, cost) in enumerate(puts):
        queue.put(key, (key, number), cost)

    taken = drain(queue)

    assert sorted(taken) == sorted((key, number) for number, (key, _) in enumerate(puts))
    for key in "abc":
        numbers = [number for found, number in taken if found == key]
        assert numbers == sorted(numbers)
    assert len(queue) == 0
