from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from protocol.messages.searching import FoundSentence, FoundSentences
from protocol.messages.understanding import CommandMatch
from protocol.turns.found_sentences import SearchDecision, decide_found, letters_of, longest_left_out

FREE = -3.0


def command(text: str, confidence: float = 1.0, **slots: Any) -> CommandMatch:
    return CommandMatch("Order", "bar", "order", slots, confidence, text.lower(), slots=slots)


GRAMMAR: Mapping[str, CommandMatch] = {
    each.text: each
    for each in (
        command("make me a latte", drink="latte"),
        command("make a latte", drink="latte"),
        command("make me a mocha", drink="mocha"),
        command("wait 20 minutes", seconds=1_200),
        command("wait 14 minutes", seconds=840),
    )
}


def found(*sentences: tuple[str, float], free: str = "Make me a letter", **changes: Any) -> FoundSentences:
    """Return sentences with how far below the free text they are, in nats."""
    written = tuple(FoundSentence(text, FREE - below, 6) for text, below in sentences)
    return attrs.evolve(FoundSentences(written, free, FREE, 7, is_loop=False, compute_s=0.1), **changes)


def decided(result: FoundSentences, *, is_doubted: bool = False) -> tuple[SearchDecision, list[str]]:
    """Return what is done, and what was looked up."""
    looked_up: list[str] = []
    search = decide_found(result, "en", is_doubted=is_doubted)
    try:
        text = next(search)
        while True:
            looked_up.append(text)
            text = search.send(GRAMMAR.get(text.lower().strip(".")))
    except StopIteration as end:
        return end.value, looked_up


def outcome(*sentences: tuple[str, float], is_doubted: bool = False, **changes: Any) -> str:
    return decided(found(*sentences, **changes), is_doubted=is_doubted)[0].outcome


def test_a_sentence_that_is_nearly_as_likely_as_the_free_text_is_the_command_and_not_quite_sure() -> None:
    decision, _ = decided(found(("Make me a latte.", 1.0)))
    assert decision.outcome == "accepted"
    assert decision.text == "Make me a latte."
    assert decision.match == attrs.evolve(GRAMMAR["make me a latte"], confidence=0.867)


def test_a_sentence_that_is_likelier_than_the_free_text_is_still_not_quite_sure() -> None:
    decision, _ = decided(found(("Make me a latte.", -1.0)))
    assert decision.match is not None
    assert decision.match.confidence == 0.99


@pytest.mark.parametrize(
    ("below", "expected"),
    [(4.7, "accepted"), (4.9, "unlikely"), (5.1, "unlikely"), (8.0, "unlikely")],
)
def test_a_sentence_far_below_the_free_text_is_none(below: float, expected: str) -> None:
    assert outcome(("Make me a latte.", below)) == expected


def test_a_sentence_whose_own_tokens_are_improbable_is_none() -> None:
    assert outcome(("Make me a latte.", 0.0), free_logprob=-3.0) == "accepted"
    assert outcome(("Make me a latte.", 5.5), free_logprob=-8.5) == "unlikely"


def test_a_text_that_the_recogniser_has_rejected_itself_needs_more_probable_tokens() -> None:
    assert outcome(("Make me a latte.", 3.0)) == "accepted"
    assert outcome(("Make me a latte.", 3.0), is_doubted=True) == "unlikely"
    assert outcome(("Make me a latte.", 2.5), is_doubted=True) == "accepted"


@pytest.mark.parametrize(("other", "expected"), [(2.9, "ambiguous"), (3.1, "accepted")])
def test_another_call_that_is_nearly_as_likely_makes_both_none(other: float, expected: str) -> None:
    assert outcome(("Make me a latte.", 1.0), ("Make me a mocha.", other)) == expected


@pytest.mark.parametrize(("other", "expected"), [(3.9, "ambiguous"), (4.1, "accepted")])
def test_a_number_needs_a_larger_lead(other: float, expected: str) -> None:
    assert outcome(("Wait 20 minutes.", 0.0), ("Wait 14 minutes.", other), free="Wait 20 minutes") == expected


def test_sentences_that_mean_the_same_call_count_together() -> None:
    rival = ("Make me a mocha.", 2.6)
    assert outcome(("Make me a latte.", 1.0), rival) == "ambiguous"
    assert outcome(("Make me a latte.", 1.0), ("Make a latte.", 1.2), rival) == "accepted"


def test_a_sentence_that_leaves_out_what_was_heard_is_none_and_not_looked_up() -> None:
    decision, looked_up = decided(found(("Make me a latte.", 1.0), free="Make me a latte with my breakfast"))
    assert decision == SearchDecision("left_out")
    assert looked_up == []


def test_a_sentence_that_the_grammar_has_not_is_passed_over() -> None:
    assert outcome(("Make me a latter.", 0.5)) == "nothing"
    assert outcome(("Make me a latter.", 0.5), ("Make me a latte.", 1.0)) == "accepted"


def test_what_can_change_nothing_any_more_is_not_looked_up() -> None:
    _, looked_up = decided(found(("Make me a latte.", 0.0), ("Make me a mocha.", 4.5)))
    assert looked_up == ["Make me a latte."]


def test_nothing_found_and_a_text_that_repeats_itself_are_no_command() -> None:
    assert outcome() == "nothing"
    assert outcome(("Make me a latte.", 0.0), is_loop=True) == "loop"


@pytest.mark.parametrize(
    ("heard", "sentence", "letters"),
    [
        ("make me a latte", "Make me a latte.", 0),
        ("make me a letter", "Make me a latte.", 1),
        ("a coffee with my breakfast", "a coffee", 8),
        ("please a coffee", "a coffee", 6),
        ("", "a coffee", 0),
        ("12 ounce", "twelve ounce", 0),
        ("x" * 201, "a coffee", 201),
    ],
)
def test_the_letters_that_were_heard_and_stand_nowhere_are_counted(heard: str, sentence: str, letters: int) -> None:
    assert longest_left_out(letters_of(heard, "en"), letters_of(sentence, "en")) == letters
