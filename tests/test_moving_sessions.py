"""Two simulated replicas: whatever dies when, no word is lost, nothing is done twice, one half answers."""

import logging
from collections.abc import Iterator

import pytest

from tests.simulation.__main__ import main
from tests.simulation.replicas import (
    Misfortune,
    ReplicaPlan,
    ReplicaWorld,
    broken_promises,
    plan_replicas,
    simulate_replicas,
)

RUNS = 24


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_no_word_is_lost_and_nothing_is_done_twice_whatever_dies_when() -> None:
    moved = 0
    for seed in range(RUNS):
        world = simulate_replicas(plan_replicas(seed))
        assert list(broken_promises(world)) == [], f"python -m tests.simulation --first {seed} --replicas 1 --trace"
        moved += sum(talker.moved for talker in world.talkers)
    assert moved > RUNS / 2, "clients must come back, or nothing is shown"


def said(*misfortunes: Misfortune) -> ReplicaPlan:
    """Return a plan with one client that speaks three commands."""
    sayings = {number: f"do {number}" for number in (1, 2, 3)}
    return ReplicaPlan(1, ((("say", 1), ("say", 2), ("say", 3)),), misfortunes, sayings)


def only_talker(world: ReplicaWorld):
    (talker,) = world.talkers
    return talker


@pytest.mark.parametrize("kind", ["kill", "drain"])
def test_a_session_goes_on_elsewhere_at_whatever_moment_its_replica_goes(kind: str) -> None:
    for at in range(10):
        world = simulate_replicas(said(*(Misfortune(1.6 + at / 4, kind, which) for which in range(2))))
        assert list(broken_promises(world)) == [], f"{kind} after {at} steps"
        assert only_talker(world).forgotten == 0
        if kind == "drain":
            assert world.changes == {1: 1, 2: 1, 3: 1}
            assert {data["outcome"] for data in only_talker(world).of("turn_completed")} == {"done"}


def test_a_client_that_lost_its_socket_is_answered_by_one_half() -> None:
    for at in range(7):
        world = simulate_replicas(said(Misfortune(1.6 + at / 3, "cut", 0)))
        assert list(broken_promises(world)) == []
        assert world.changes == {1: 1, 2: 1, 3: 1}
        talker = only_talker(world)
        assert len({data["session_id"] for data in talker.of("connection_accepted")}) == 1


def test_a_client_that_roams_is_answered_by_one_half_though_its_old_socket_is_open() -> None:
    roamed = 0
    for at in range(10):
        world = simulate_replicas(said(Misfortune(1.6 + at / 4, "roam", 0), Misfortune(3.0 + at / 4, "roam", 0)))
        assert list(broken_promises(world)) == [], f"roaming after {at} steps"
        assert world.changes == {1: 1, 2: 1, 3: 1}
        roamed += only_talker(world).roamed
    assert roamed > 5, "old sockets must stay open, or nothing is shown"


def with_a_change_made_twice(world: ReplicaWorld) -> None:
    world.changes[1] += 1


def with_a_call_made_twice(world: ReplicaWorld) -> None:
    world.calls[next(iter(world.calls))] += 1


def with_words_lost(world: ReplicaWorld) -> None:
    talker = only_talker(world)
    talker.log = [entry for entry in talker.log if entry[1] != "transcript"]
    world.changes.clear()


def with_an_end_told_twice(world: ReplicaWorld) -> None:
    talker = only_talker(world)
    end = next(data for _, kind, data in talker.log if kind == "turn_completed")
    talker.log.append((talker.log[-1][0] + 1, "turn_completed", end))


def with_a_number_twice(world: ReplicaWorld) -> None:
    talker = only_talker(world)
    talker.log.append(talker.log[-1])


def with_two_halves(world: ReplicaWorld) -> None:
    world.doubled_sessions.add("0")


def with_an_old_socket_that_is_told(world: ReplicaWorld) -> None:
    only_talker(world).overheard.append("reply")


@pytest.mark.parametrize(
    "spoil",
    [
        with_a_change_made_twice,
        with_a_call_made_twice,
        with_words_lost,
        with_an_end_told_twice,
        with_a_number_twice,
        with_two_halves,
        with_an_old_socket_that_is_told,
    ],
)
def test_a_promise_that_is_broken_is_noticed(spoil) -> None:
    world = simulate_replicas(said())
    assert not list(broken_promises(world))
    spoil(world)
    assert list(broken_promises(world))


def test_the_same_seed_gives_the_same_trace() -> None:
    digests = [simulate_replicas(plan_replicas(seed)).trace.digest() for seed in (3, 3, 4)]
    assert digests[0] == digests[1] != digests[2]


def test_runs_of_replicas_are_made_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "1", "--replicas", "2"]) == 0
    assert "2 runs of two replicas" in capsys.readouterr().out
