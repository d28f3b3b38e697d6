from collections.abc import Callable, Mapping, Sequence
from math import log
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
import pytest

from backends.commands.automaton import arcs_of, automaton_of
from backends.speech import sentence_beam
from backends.speech.sentence_beam import WrittenSentence, find_sentences
from backends.speech.sentence_trie import SentenceTrie
from tests.backends.commands.small_grammars import intents_of
from tests.backends.speech.letter_tokens import END, LETTERS, decode, encode

FLOOR = -20.0


def trie_of(*sentences: str, **lists: Any) -> SentenceTrie:
    automaton = automaton_of("en", [(intents_of(*sentences, **lists), {})])
    assert automaton is not None
    return SentenceTrie(automaton.labels, list(arcs_of(automaton)), encode)


@attrs.define
class Speaker:
    """Says one of some texts, each with its probability: every letter is as likely as the texts that go on with it."""

    texts: Mapping[str, float]
    begun: list[str] = attrs.field(factory=lambda: [""])
    steps: int = 0

    @property
    def first(self) -> npt.NDArray[np.float32]:
        return self.following("")

    def follow(self, parents: Sequence[int], tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        self.steps += 1
        self.begun = [self.begun[parent] + LETTERS[token] for parent, token in zip(parents, tokens, strict=True)]
        return np.array([self.following(text) for text in self.begun], dtype=np.float32)

    def following(self, text: str) -> npt.NDArray[np.float32]:
        found = np.full(len(LETTERS), 1e-6)
        for said, probability in self.texts.items():
            if said == text:
                found[END] += probability
            elif said.startswith(text):
                found[LETTERS.index(said[len(text)])] += probability
        scores: npt.NDArray[np.float32] = np.log(found / found.sum()).astype(np.float32)
        return scores


def found(
    speaker: Speaker, trie: SentenceTrie, floor: float = FLOOR, is_late: Callable[[], bool] = lambda: False
) -> dict[str, float]:
    sentences = find_sentences(speaker, trie, END, floor=floor, is_late=is_late)
    assert sentences is not None
    assert list(sentences) == sorted(sentences, key=lambda one: -one.logprob)
    return {decode(one.tokens): one.logprob for one in sentences}


def test_a_sentence_is_found_with_the_probability_of_its_tokens_and_its_end() -> None:
    speaker = Speaker({" Make tea": 0.6, " Make me": 0.4})
    assert found(speaker, trie_of("make (tea|coffee)")) == {" Make tea": pytest.approx(log(0.6), abs=1e-3)}


def test_what_the_decoder_finds_likelier_and_is_no_sentence_is_not_found() -> None:
    speaker = Speaker({" Bake tea": 0.9, " Make tea": 0.1})
    assert list(found(speaker, trie_of("make tea"))) == [" Make tea"]


def test_a_sentence_may_begin_less_likely_than_others_go_on() -> None:
    speaker = Speaker({" Stop": 0.55, " Make tea": 0.45})
    assert list(found(speaker, trie_of("(stop now|make tea)"))) == [" Make tea"]


def test_of_the_ways_of_writing_commas_one_is_followed() -> None:
    speaker = Speaker({" Make tea, now": 0.5, " Make, tea now": 0.3, " Make, tea, now": 0.2})
    assert list(found(speaker, trie_of("make tea now"))) == [" Make tea, now"]


def test_the_search_ends_as_soon_as_nothing_can_be_above_the_floor() -> None:
    speaker = Speaker({" What is the capital of France": 1.0})
    assert found(speaker, trie_of("make tea [please] [now] [or never]"), floor=-9.0) == {}
    assert speaker.steps <= 1


def test_a_search_that_is_late_has_no_result() -> None:
    speaker = Speaker({" Make tea": 1.0})
    times = iter((False, False, True))
    assert find_sentences(speaker, trie_of("make tea"), END, floor=FLOOR, is_late=lambda: next(times)) is None


def test_a_sentence_without_an_end_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence_beam, "MAX_TOKENS", 4)
    assert found(Speaker({" Make tea": 1.0}), trie_of("make tea")) == {}


def test_so_many_sentences_are_followed_at_once() -> None:
    drinks = [letter * 3 for letter in "abcdefghijkl"]
    speaker = Speaker({f" Make {drink}": 1 / (9 + number) for number, drink in enumerate(drinks)})
    assert list(found(speaker, trie_of("make {drink}", drink=drinks))) == [
        f" Make {drink}" for drink in drinks[: sentence_beam.WIDTH]
    ]


def test_equal_sentences_are_in_a_fixed_order() -> None:
    speaker = Speaker({" A": 0.5, " B": 0.5})
    [first, second] = find_sentences(speaker, trie_of("(b|a)"), END, floor=FLOOR, is_late=lambda: False) or ()
    assert (decode(first.tokens), decode(second.tokens)) == (" A", " B")
    assert isinstance(first, WrittenSentence)
