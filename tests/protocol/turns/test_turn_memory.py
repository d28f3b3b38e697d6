"""What a session keeps of its turns."""

from protocol.messages.events import Text
from protocol.turns.actions import PendingTurn
from protocol.turns.turn_memory import MAX_CALLS, MAX_TURNS, TurnMemory, TurnMemoryStatistics


def test_recent_turns_are_the_last_ones_in_their_order() -> None:
    kept = TurnMemory()
    for number in range(MAX_TURNS + 5):
        kept.remember_turn(f"u{number}", f"a{number}")
    assert kept.recent_turns(2) == (("u35", "a35"), ("u36", "a36"))
    assert kept.recent_turns(0) == ()
    assert kept.recent_turns(-1) == ()
    assert len(kept.recent_turns(10_000)) == MAX_TURNS


def test_a_call_id_is_taken_once() -> None:
    kept = TurnMemory()
    assert kept.begin_call("c1")
    assert not kept.begin_call("c1")
    assert kept.begin_call("c2")


def test_a_turn_has_acted_once_it_has_begun_a_call() -> None:
    kept = TurnMemory()
    kept.running = PendingTurn("turn 1", Text("go"))
    assert not kept.has_acted("turn 1")
    kept.begin_call("c1")
    kept.running = None
    assert kept.has_acted("turn 1")
    assert not kept.has_acted("turn 2")


def test_calls_are_bounded_and_the_oldest_is_forgotten_first() -> None:
    kept = TurnMemory()
    for number in range(MAX_CALLS + 1):
        assert kept.begin_call(f"c{number}")
    assert not kept.begin_call("c1")
    assert kept.begin_call("c0")
    assert kept.statistics().calls == MAX_CALLS


def test_statistics_show_how_much_is_kept() -> None:
    kept = TurnMemory()
    kept.remember_turn("hello", "good morning")
    kept.open_turns.add("t")
    assert kept.statistics() == TurnMemoryStatistics(turns=1, calls=0, open_turns=1)
