import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.admission.capacity import Demand
from protocol.admission.tenants import ACTIVE_S, KEPT_SHARE, REMEMBERED_MAX, Kept, Tenants, last_places, tenant_of

HALF = Kept(speech=KEPT_SHARE)
NOTHING = Kept()


def tenants() -> Tenants:
    return Tenants(limit=100, max_share=0.9)


def speaking(**busy: int) -> Demand:
    """Return the demand of a recogniser that nine people are enough for."""
    return Demand(0.1 * sum(busy.values()), 0.1, 5.0, busy)


@pytest.mark.parametrize(
    ("peer", "tenant"),
    [
        ("192.0.2.1:5000", "192.0.2.1"),
        ("::ffff:192.0.2.1:5000", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6:5000", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9:5000", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9:5000", "2001:db8:1:3::/64"),
        ("fe80::1%eth0:5000", "fe80::/64"),
        ("::1:5000", "::/64"),
        ("elsewhere", "elsewhere"),
        ("not:an:address:1", "not:an:address"),
        ("", ""),
    ],
)
def test_a_tenant_is_the_network_that_a_client_comes_from(peer: str, tenant: str):
    assert tenant_of(peer) == tenant


@given(st.text())
def test_whatever_a_peer_is_called_it_has_a_tenant(peer: str):
    assert isinstance(tenant_of(peer), str)


@pytest.mark.parametrize(
    ("busy", "kept"),
    [
        ({}, NOTHING),
        ({"a": 9}, NOTHING),  # no other tenant is active
        ({"a": 4, "b": 1}, NOTHING),  # half of nine are more
        ({"a": 5, "b": 1}, HALF),
        ({"a": 2, "b": 1, "c": 6}, NOTHING),
        ({"a": 3, "b": 1, "c": 6}, HALF),
        ({"b": 9}, NOTHING),  # it has nothing yet
        ({"a": 1} | {f"one of {number}": 1 for number in range(20)}, HALF),
    ],
)
def test_a_tenant_with_its_share_leaves_something_to_others(busy: dict[str, int], kept: Kept):
    assert tenants().kept_from("a", speaking(**busy), 0.0) == kept


def test_a_tenant_that_asked_recently_is_active_and_then_no_more():
    listener = tenants()
    listener.kept_from("b", speaking(), 0.0)
    seen = [(now_s, listener.kept_from("a", speaking(a=5), now_s)) for now_s in (1.0, ACTIVE_S, ACTIVE_S + 0.1)]
    assert seen == [(1.0, HALF), (ACTIVE_S, HALF), (ACTIVE_S + 0.1, NOTHING)]


def test_a_new_client_will_speak_and_counts_for_half_a_second():
    listener = tenants()
    listener.kept_from("b", speaking(), 0.0)
    for _ in range(5):
        listener.enter("a", 0.0)
    assert [listener.kept_from("a", speaking(), now_s) for now_s in (0.0, 0.5, 0.6)] == [HALF, HALF, NOTHING]


def test_places_are_shared_too_and_given_back():
    listener = tenants()
    for _ in range(50):
        listener.enter("a", 0.0)
    assert listener.kept_from("a", None, 1.0) == NOTHING
    assert listener.kept_from("b", None, 1.0) == NOTHING
    assert listener.kept_from("a", None, 1.0) == Kept(places=KEPT_SHARE)
    listener.leave("a")
    assert listener.kept_from("a", None, 1.0) == NOTHING


@pytest.mark.parametrize(
    ("limit", "share", "last"), [(100, 0.8, 8), (50, 0.8, 5), (9, 0.8, 0), (1_000, 0.5, 8), (100, 1.0, 0)]
)
def test_a_few_of_the_places_are_the_last_ones(limit: int, share: float, last: int):
    assert last_places(limit, share) == last


def test_the_last_places_are_for_tenants_that_hold_none():
    listener = Tenants(limit=100, max_share=0.9, last=8)
    assert listener.kept_from("a", None, 0.0) == NOTHING
    listener.enter("a", 0.0)
    assert listener.kept_from("a", None, 100.0) == Kept(places=0.08)
    assert listener.kept_from("b", None, 100.0) == NOTHING
    assert listener.kept_from("a", None, 100.0) == Kept(places=0.08)
    for _ in range(49):
        listener.enter("a", 0.0)
    assert listener.kept_from("a", None, 100.0) == Kept(places=KEPT_SHARE)


def test_the_quiet_are_forgotten():
    listener = tenants()
    for number in range(100):
        listener.kept_from(str(number), None, 0.0)
    assert listener.active({}, 1.0) == 100
    assert listener.active({"speaks": 3, "7": 1}, 1.0) == 101
    assert listener.active({}, ACTIVE_S + 1.0) == 0


def test_many_addresses_cannot_make_the_list_long():
    listener = tenants()
    for number in range(3 * REMEMBERED_MAX):
        listener.kept_from(str(number), None, 0.0)
    assert listener.active({}, 0.0) == REMEMBERED_MAX


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 5.0)), max_size=50))
def test_where_all_are_of_one_tenant_nothing_is_ever_kept(steps: list[tuple[bool, float]]):
    listener = Tenants(limit=4, max_share=0.9)
    now_s, places = 0.0, 0
    for comes, later_s in steps:
        now_s += later_s
        assert listener.kept_from("proxy", speaking(proxy=places), now_s) == NOTHING
        if comes:
            listener.enter("proxy", now_s)
            places += 1
        elif places:
            listener.leave("proxy")
            places -= 1
