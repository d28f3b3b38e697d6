from typing import Any

import pytest

from backends.commands.automaton import arcs_of, automaton_of
from backends.speech import sentence_trie
from backends.speech.sentence_trie import SentenceTrie, TriePlace
from tests.backends.commands.small_grammars import intents_of
from tests.backends.speech.letter_tokens import decode, encode


def trie_of(*sentences: str, **lists: Any) -> SentenceTrie:
    automaton = automaton_of("en", [(intents_of(*sentences, **lists), {})])
    assert automaton is not None
    return SentenceTrie(automaton.labels, list(arcs_of(automaton)), encode)


def texts(trie: SentenceTrie, at_most: int = 2_000) -> set[str]:
    """Return every text that the trie allows."""
    found: set[str] = set()
    waiting: list[tuple[TriePlace, tuple[int, ...]]] = [(trie.start, ())]
    while waiting:
        assert len(found) <= at_most
        place, tokens = waiting.pop()
        if place.is_sentence:
            found.add(decode(tokens))
        waiting += [(trie.behind(place, token), (*tokens, token)) for token in trie.allowed(place)]
    return found


def without_signs(found: set[str]) -> set[str]:
    return {text.replace(",", "").rstrip(".?!") for text in found}


def test_every_sentence_begins_with_a_capital_and_may_have_commas_and_a_sign_at_its_end() -> None:
    words = ("Tea now", "Tea, now")
    assert texts(trie_of("tea now")) == {f" {text}{sign}" for text in words for sign in ("", ".", "?", "!")}


def test_options_choices_and_lists_are_written_out() -> None:
    trie = trie_of("[please] (make|brew) {drink}", drink=["tea", "iced tea"])
    drinks = ("tea", "iced tea")
    assert without_signs(texts(trie)) == {
        text
        for drink in drinks
        for text in (f" Make {drink}", f" Brew {drink}", f" Please make {drink}", f" Please brew {drink}")
    }


def test_a_word_that_is_made_of_parts_is_one_word() -> None:
    assert without_signs(texts(trie_of("stop timer[s] (un|)lock"))) == {
        " Stop timer unlock",
        " Stop timer lock",
        " Stop timers unlock",
        " Stop timers lock",
    }


def test_numbers_are_written_in_digits_and_in_words_and_joined_by_a_hyphen_to_what_they_count() -> None:
    found = texts(trie_of("set 20 minute timer"))
    assert {
        " Set 20 minute timer",
        " Set twenty minute timer",
        " Set 20-minute timer",
        " Set twenty-minute timer.",
    } <= (found)
    assert not any("minute-timer" in text for text in found)


def test_nothing_comes_behind_the_sign_at_the_end() -> None:
    trie = trie_of("tea")
    place = trie.start
    for token in encode(" Tea."):
        place = trie.behind(place, token)
    assert place.is_over
    assert trie.allowed(place) == set()


def test_a_sentence_that_another_one_goes_on_with_may_end_or_go_on() -> None:
    assert without_signs(texts(trie_of("tea", "tea with milk"))) == {" Tea", " Tea with milk"}


def test_tries_are_kept_up_to_a_number_and_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence_trie, "MAX_TRIES", 2)
    assert without_signs(texts(trie_of("make tea (now|soon) please"))) == {
        " Make tea now please",
        " Make tea soon please",
    }
