from hypothesis import given
from hypothesis import strategies as st

from protocol.admission.connections import (
    GRACE_S,
    RESERVED,
    RESERVED_IF_SCARCE,
    RESERVED_PER_ADDRESS,
    ConnectionGrant,
    Connections,
)
from protocol.admission.fair_share import FairShare


def connections(limit: int = 10, share: float = 0.8) -> Connections:
    return Connections(FairShare(limit, share))


def entered(known: Connections, tenant: str, now_s: float) -> ConnectionGrant:
    entry = known.enter(tenant, now_s)
    assert entry is not None
    return entry


def test_with_room_a_connection_gets_an_ordinary_place() -> None:
    known = connections()
    assert known.enter("a", 0.0) == ConnectionGrant(1, is_reserved=False, leaver=None)
    assert len(known) == 1


def test_an_address_that_has_its_share_closes_its_own_longest_waiting_connection() -> None:
    known = connections()
    for _ in range(8):
        entered(known, "a", 0.0)
    known.work(1, 0.0)
    assert entered(known, "b", 0.0).leaver is None
    entry = entered(known, "a", GRACE_S)
    assert (entry.leaver, entry.is_reserved) == (2, False)


def test_in_a_full_server_the_address_with_most_waiting_connections_closes_one() -> None:
    known = connections(share=1.0)
    for tenant in ("b", *"aaaaaaaaa"):
        entered(known, tenant, 0.0)
    entry = entered(known, "c", 1.0)
    assert (entry.leaver, entry.is_reserved) == (2, False)
    assert len(known) == 10


def test_a_connection_that_waits_again_is_the_last_one_to_leave() -> None:
    known = connections(limit=2, share=1.0)
    first, second = entered(known, "a", 0.0), entered(known, "a", 0.1)
    known.work(first.number, 0.0)
    known.wait(first.number, 5.0)
    assert entered(known, "b", 6.0).leaver == second.number


def test_nothing_leaves_within_its_grace_and_the_newcomer_may_ask_for_health_checks() -> None:
    known = connections(limit=2, share=1.0)
    entered(known, "a", 0.0)
    entered(known, "a", 0.0)
    entry = entered(known, "b", GRACE_S / 2)
    assert (entry.is_reserved, entry.leaver) == (True, None)


def test_connections_with_requests_in_work_never_leave() -> None:
    known = connections(limit=2, share=1.0)
    for _ in range(2):
        known.work(entered(known, "a", 0.0).number, 0.0)
    assert entered(known, "b", 100.0).is_reserved


def test_of_the_reserved_places_an_address_has_two_and_its_older_connection_leaves_at_once() -> None:
    known = connections(limit=1, share=1.0)
    known.work(entered(known, "a", 0.0).number, 0.0)
    first, _ = (entered(known, "b", 0.0) for _ in range(RESERVED_PER_ADDRESS))
    assert entered(known, "b", 0.0).leaver == first.number


def test_a_newcomer_takes_the_reserved_place_of_the_connection_that_has_waited_longest() -> None:
    known = connections(limit=1, share=1.0)
    known.work(entered(known, "a", 0.0).number, 0.0)
    reserved = [entered(known, f"stranger {number}", 0.0) for number in range(RESERVED)]
    known.work(reserved[0].number, 0.0)
    assert entered(known, "late", 0.1) == ConnectionGrant(
        reserved[-1].number + 1, is_reserved=True, leaver=reserved[1].number
    )


def test_a_reserved_connection_whose_request_has_come_leaves_after_the_grace_if_none_waits() -> None:
    known = connections(limit=1, share=1.0)
    known.work(entered(known, "a", 0.0).number, 0.0)
    reserved = [entered(known, f"stranger {number}", 0.0) for number in range(RESERVED)]
    for number, entry in enumerate(reserved):
        known.work(entry.number, 10.0 + number)
    assert known.enter("late", 10.0) is None
    assert entered(known, "late", 10.0 + GRACE_S).leaver == reserved[0].number


def test_while_descriptors_are_scarce_one_leaves_for_each_new_one() -> None:
    known = connections()
    first = entered(known, "a", 0.0)
    entry = known.enter("b", 1.0, is_scarce=True)
    assert entry == ConnectionGrant(2, is_reserved=False, leaver=first.number)
    known.work(2, 0.0)
    entries = [known.enter(f"c{number}", 2.0, is_scarce=True) for number in range(RESERVED_IF_SCARCE + 1)]
    assert [entry is not None and entry.is_reserved for entry in entries] == [True] * (RESERVED_IF_SCARCE + 1)
    assert entries[-1] is not None
    assert entries[0] is not None
    assert entries[-1].leaver == entries[0].number


def test_a_place_is_given_back_once() -> None:
    known = connections()
    entry = entered(known, "a", 0.0)
    for _ in range(2):
        known.leave(entry.number)
    known.wait(entry.number, 1.0)
    known.work(entry.number, 0.0)
    assert len(known) == 0
    assert len(known.places) == 0


STEPS = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from(["enter", "work", "wait", "leave"]), st.integers(0, 9))
)


@given(STEPS)
def test_whatever_comes_and_goes_the_places_are_counted_right(steps: list[tuple[str, str, int]]) -> None:
    known, ordinary, reserved = connections(limit=4), set(), set()
    for now_s, (tenant, step, pick) in enumerate(steps):
        if step == "enter":
            entry = known.enter(tenant, float(now_s))
            if entry is not None:
                ordinary.discard(entry.leaver)
                reserved.discard(entry.leaver)
                (reserved if entry.is_reserved else ordinary).add(entry.number)
        elif step == "leave":
            known.leave(pick)
            ordinary.discard(pick)
            reserved.discard(pick)
        elif step == "work":
            known.work(pick, float(now_s))
        else:
            known.wait(pick, float(now_s))
        assert len(known.places) == len(ordinary) <= 4
        assert len(known) == len(ordinary) + len(reserved)
        assert len(reserved) <= RESERVED
