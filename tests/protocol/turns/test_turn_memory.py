"""What a session keeps of its turns."""

import pytest

from protocol.messages.errors import LocalProtocolError
from protocol.messages.events import Text
from protocol.messages.hearing import Recognition
from protocol.messages.understanding import Undo
from protocol.turns.actions import PendingTurn
from protocol.turns.last_sentence import DoneCall, DoneEvent, LastSentence
from protocol.turns.turn_memory import MAX_CALLS, MAX_KEPT_WORDS, MAX_TURNS, TurnMemory, TurnMemoryStatistics


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


def with_a_call_done() -> TurnMemory:
    kept = TurnMemory()
    kept.begin_sentence(LastSentence("t1", "set a timer for an hour", 0.0))
    kept.running = PendingTurn("t1", Text("x"))
    kept.begin_call("c1")
    kept.end_call(DoneCall("c1", "t", "set_timer", {}, Undo("cancel", {})), DoneEvent.CALL_DONE)
    return kept


def test_a_call_is_taken_back_once_and_the_turn_may_then_be_run_again() -> None:
    kept = with_a_call_done()
    kept.running = PendingTurn("t2", Text("thirty minutes"))
    assert kept.begin_call("u1", undoes=True)
    assert kept.has_acted("t2"), "until it is known what came of it"
    assert kept.sentence is not None
    assert not kept.sentence.is_known
    kept.end_undo("u1", "c1", ok=True)
    assert not kept.has_acted("t2")
    assert kept.sentence.all_calls == ()
    assert not kept.begin_call("u1", undoes=True)
    with pytest.raises(LocalProtocolError):
        kept.begin_call("u2", undoes=True)


def test_what_could_not_be_taken_back_is_left_alone() -> None:
    kept = with_a_call_done()
    kept.begin_call("u1", undoes=True)
    kept.end_undo("u1", "c1", ok=False)
    assert kept.sentence is not None
    assert not kept.sentence.is_known


def test_a_turn_that_is_run_again_finds_the_sentence_before_its_own() -> None:
    kept = with_a_call_done()
    for _ in range(2):
        before = kept.sentence_before("t2")
        assert before is not None
        assert before.turn_id == "t1"
        kept.begin_sentence(LastSentence("t2", "thirty minutes", 1.0))


def test_kept_words_are_forgotten_when_they_are_answered_and_the_oldest_when_there_are_too_many() -> None:
    memory = TurnMemory()
    for number in range(MAX_KEPT_WORDS + 1):
        memory.keep_words(Recognition(f"word {number}", "en", 0.9))
    answered = memory.kept_words
    assert [words.text for words in answered] == [f"word {number}" for number in range(1, MAX_KEPT_WORDS + 1)]
    memory.keep_words(Recognition("word 1", "en", 0.9))
    memory.forget_words(answered)
    assert [words.text for words in memory.kept_words] == ["word 1"], "what came meanwhile is another"
