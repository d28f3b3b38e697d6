import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.admission.fair_share import FairShare


def filled(places: FairShare, *tenants: str) -> dict[str, int]:
    """Return how many each tenant has once all have taken in turn whatever they may."""
    held = dict.fromkeys(tenants, 0)
    while any(places.has_room_for(tenant) for tenant in tenants):
        for tenant in tenants:
            if places.has_room_for(tenant):
                places.take(tenant)
                held[tenant] += 1
    return held


@pytest.mark.parametrize(
    ("limit", "share", "count", "each", "free"),
    [
        (1_000, 0.8, 1, 800, 200),
        (1_000, 0.5, 1, 500, 500),
        (1_000, 0.8, 2, 445, 110),
        (1_000, 0.8, 20, 50, 12),
        (1_000, 1.0, 1, 1_000, 0),
        (2, 0.8, 1, 2, 0),
        (5, 0.8, 1, 4, 1),
        (1, 0.5, 1, 1, 0),
    ],
)
def test_greedy_tenants_get_the_same_and_leave_something(
    limit: int, share: float, count: int, each: int, free: int
) -> None:
    places = FairShare(limit, share)
    held = filled(places, *map(str, range(count)))
    assert max(held.values()) == each
    assert max(held.values()) - min(held.values()) <= 1
    assert places.free == pytest.approx(free, abs=1)


def test_a_newcomer_finds_room_beside_one_that_took_all_it_could() -> None:
    places = FairShare(100, 0.8)
    filled(places, "a")
    assert not places.has_room_for("a")
    assert places.has_room_for("b")


def test_places_that_are_given_back_can_be_taken_again() -> None:
    places = FairShare(3, 1.0)
    filled(places, "a")
    assert not places.has_room_for("b")
    assert places.has_room_for("b", freed=1)
    places.give_back("a")
    assert (len(places), places.free) == (2, 1)
    assert places.has_room_for("b")


@given(st.integers(1, 50), st.floats(0.1, 1.0), st.lists(st.tuples(st.sampled_from("abcd"), st.booleans())))
def test_no_more_are_taken_than_there_are(limit: int, share: float, steps: list[tuple[str, bool]]) -> None:
    places, held = FairShare(limit, share), dict.fromkeys("abcd", 0)
    for tenant, comes in steps:
        if comes and places.has_room_for(tenant):
            places.take(tenant)
            held[tenant] += 1
        elif not comes and held[tenant]:
            places.give_back(tenant)
            held[tenant] -= 1
        assert len(places) == sum(held.values()) <= limit
        assert places.free == limit - len(places)
