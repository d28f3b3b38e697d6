"""Which session ends when a newcomer needs its place."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.admission.population import Population


def populated(limit: int, awaited: str = "", live: int = 0) -> Population:
    """Return a population with live sessions, and awaited ones of the tenants named: ``aab`` has a0, a1 and b2."""
    population = Population(limit)
    for number in range(live):
        population.count(f"live{number}")
    for number, tenant in enumerate(awaited):
        population.count(f"{tenant}{number}")
        population.lose(f"{tenant}{number}", tenant)
    return population


def test_while_there_is_room_no_session_ends() -> None:
    population = populated(limit=4, awaited="aaa")
    assert population.admit("new") is None
    assert len(population) == 4


def test_beyond_the_limit_the_longest_awaited_ends_for_each_newcomer() -> None:
    population = populated(limit=4, awaited="aaa", live=1)
    assert [population.admit(f"new{number}") for number in range(3)] == ["a0", "a1", "a2"]
    assert len(population) == 4


def test_sessions_with_a_client_never_end_for_a_newcomer() -> None:
    population = populated(limit=2, live=2)
    assert population.admit("new") is None


def test_the_tenant_that_has_lost_the_most_clients_gives_way_first() -> None:
    population = populated(limit=6, awaited="baacaa")
    assert [population.admit(f"new{number}") for number in range(5)] == ["a1", "a2", "a4", "b0", "c3"]


def test_a_client_that_is_back_is_not_awaited() -> None:
    population = populated(limit=2, awaited="aa")
    population.regain("a0")
    assert population.admit("new") == "a1"
    assert population.admit("newer") is None


def test_a_session_that_loses_its_client_again_waits_from_then_on() -> None:
    population = populated(limit=2, awaited="aa")
    population.regain("a0")
    population.lose("a0", "a")
    assert population.admit("new") == "a1"


def test_a_session_that_has_ended_takes_no_place() -> None:
    population = populated(limit=2, awaited="aa")
    population.forget("a0")
    population.forget("a0")
    assert population.admit("new") is None
    assert population.admit("newer") == "a1"


def test_a_connection_that_crashed_is_counted_once_and_takes_no_place_from_others() -> None:
    population = populated(limit=2, awaited="a", live=1)
    population.count("live0")
    assert len(population) == 2


STEPS = st.lists(st.tuples(st.sampled_from(["admit", "lose", "regain", "forget"]), st.integers(0, 9)), max_size=60)


@given(STEPS, st.integers(0, 5))
def test_there_are_never_more_than_the_limit_unless_all_have_their_client(
    steps: list[tuple[str, int]], limit: int
) -> None:
    population, live, awaited = Population(limit), set[str](), set[str]()
    for step, number in steps:
        name = f"{'ab'[number % 2]}{number}"
        if step == "admit" and name not in live | awaited:
            chosen = population.admit(name)
            assert (chosen is not None) == (len(live | awaited) + 1 > limit and bool(awaited))
            assert chosen is None or chosen in awaited
            live.add(name)
            awaited.discard(str(chosen))
        elif step == "lose" and name in live:
            population.lose(name, name[0])
            live.remove(name)
            awaited.add(name)
        elif step == "regain" and name in awaited:
            population.regain(name)
            awaited.remove(name)
            live.add(name)
        elif step == "forget":
            population.forget(name)
            live.discard(name)
            awaited.discard(name)
        assert len(population) == len(live | awaited)
