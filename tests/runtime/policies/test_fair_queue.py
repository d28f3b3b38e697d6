from collections import Counter, OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.policies.fair_queue import FairQueue


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


def test_groups_take_turns_before_their_keys_do():
    queue = FairQueue(100)
    for number in range(9):
        queue.put(f"session {number}", "crowd", group="crowd")
    queue.put("session", "single", group="single")
    queue.put("session", "single", group="single")

    assert drain(queue)[:4] == ["crowd", "single", "crowd", "single"]


def test_a_group_is_served_by_cost_however_many_keys_it_has():
    queue = FairQueue(100)
    for number in range(20):
        queue.put(number, "many", cost=1.0, group="many")
        queue.put("one", "one", cost=4.0, group="one")

    first = drain(queue)[:20]

    assert first.count("many") == pytest.approx(16, abs=4)


def test_an_item_is_discarded_in_its_group_only():
    queue = FairQueue(4)
    item = object()
    queue.put("key", item, group="a")
    queue.put("key", "other", group="b")

    assert not queue.discard("key", item, group="b")
    assert not queue.discard("key", item)
    assert queue.discard("key", item, group="a")
    assert drain(queue) == ["other"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.floats(0.1, 30.0)) | st.just(None), max_size=80),
    st.sampled_from([None, "tenant"]),
)
def test_with_one_group_the_order_is_that_of_one_round_of_keys(steps, group):
    """``None`` takes one; the reference is the paper's algorithm over keys alone."""
    queue = FairQueue(100)
    lanes: OrderedDict[str, list[tuple[int, float]]] = OrderedDict()
    deficits: dict[str, float] = {}

    def expected():
        while lanes:
            key, items = next(iter(lanes.items()))
            if deficits[key] >= items[0][1]:
                number, cost = items.pop(0)
                deficits[key] -= cost
                if not items:
                    del lanes[key]
                return number
            deficits[key] += 1.0
            lanes.move_to_end(key)
        return None

    for number, step in enumerate([*steps, *[None] * len(steps)]):
        if step is None:
            assert queue.take() == expected()
        else:
            key, cost = step
            queue.put(key, number, cost, group)
            if key not in lanes:
                lanes[key], deficits[key] = [], 0.0
            lanes[key].append((number, cost))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.floats(0.1, 30.0)), max_size=60))
def test_groups_with_work_are_never_further_apart_than_a_quantum_and_the_longest_item(puts):
    queue = FairQueue(100)
    left = Counter()
    for group, key, cost in puts:
        queue.put(key, (group, cost), cost, group)
        left[group] += 1
    longest = max((cost for *_, cost in puts), default=0.0)
    served = {"a": 0.0, "b": 0.0}
    while all(left[group] for group in "ab"):
        group, cost = queue.take() or pytest.fail("nothing is left")
        served[group] += cost
        left[group] -= 1
        assert abs(served["a"] - served["b"]) <= 2 * (longest + 1.0)
