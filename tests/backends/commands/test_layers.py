from collections.abc import Mapping, Sequence

import attrs
import pytest

from backends.commands.layers import MAX_VOCABULARY, LayeredGrammar
from protocol.messages.meaning import Certainty, Meaning, OwnSentence
from protocol.messages.searching import SentenceAutomaton
from protocol.messages.understanding import CommandMatch, CommandSamples, SlotQuestion


def match(server: str, confidence: float = 1.0) -> CommandMatch:
    return CommandMatch("Intent", server, "tool", {}, confidence, "text")


@attrs.define
class Sentences:
    server: str
    confidences: Mapping[str, float]
    words: tuple[str, ...] = ()
    asked_answer: CommandMatch | None = None
    looks: int = 0
    beginning: str = ""

    def begins(self, text: str, language: str) -> bool:
        return text == self.beginning

    def match(self, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        self.looks += 1
        found = self.confidences.get(hypotheses[0])
        return None if found is None else match(self.server, found)

    def match_exactly(self, text: str, language: str) -> CommandMatch | None:
        return self.match((text,), language)

    def answer(self, asked: CommandMatch, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        return self.asked_answer

    def vocabulary(self, language: str, asked: CommandMatch | None = None) -> tuple[str, ...]:
        return self.words

    def samples(self) -> Sequence[CommandSamples]:
        return [CommandSamples("en", "Intent", self.server, "tool", ("say it",))]

    def automaton(self, language: str) -> SentenceAutomaton | None:
        return None

    def own_sentences(self) -> Sequence[OwnSentence]:
        return [OwnSentence("Intent", "say it")]

    def meant(self, meaning: Meaning, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        return match(self.server, meaning.confidence)


@pytest.mark.parametrize(
    ("own", "home", "taken"),
    [
        ({"x": 1.0}, {"x": 1.0}, "own"),
        ({"x": 0.8}, {"x": 1.0}, "home"),
        ({"x": 0.97}, {"x": 0.97}, "own"),
        ({}, {"x": 0.94}, "home"),
        ({"x": 0.8}, {}, "own"),
        ({}, {}, None),
    ],
)
def test_the_surer_match_wins_and_own_sentences_when_both_are(
    own: Mapping[str, float], home: Mapping[str, float], taken: str | None
) -> None:
    found = LayeredGrammar(Sentences("own", own), Sentences("home", home)).match(["x"], "en")
    assert (None if found is None else found.server) == taken


def test_the_home_is_not_looked_at_for_an_exact_own_sentence() -> None:
    home = Sentences("home", {"x": 1.0})
    LayeredGrammar(Sentences("own", {"x": 1.0}), home).match(["x"], "en")
    assert home.looks == 0


def test_a_part_of_a_sentence_is_looked_for_in_both() -> None:
    both = LayeredGrammar(Sentences("own", {"x": 1.0}), Sentences("home", {"x": 1.0, "y": 1.0}))
    assert [both.match_exactly(text, "en") for text in ("x", "y", "z")] == [match("own"), match("home"), None]


def test_half_a_sentence_of_either_is_a_beginning() -> None:
    both = LayeredGrammar(Sentences("own", {}, beginning="set a"), Sentences("home", {}, beginning="turn on"))
    assert [both.begins(text, "en") for text in ("set a", "turn on", "hello")] == [True, True, False]


def test_names_of_the_home_are_expected_first_unless_a_question_is_open() -> None:
    both = LayeredGrammar(Sentences("own", {}, ("timer", "lamp")), Sentences("home", {}, ("lamp", "Küche")))
    assert both.vocabulary("en") == ("lamp", "Küche", "timer")
    asked = attrs.evolve(match("own"), question=SlotQuestion("slot", "Which?"))
    assert both.vocabulary("en", asked) == ("timer", "lamp", "Küche")


def test_the_words_to_expect_are_bounded() -> None:
    many = tuple(f"w{at}" for at in range(99))
    assert (
        len(LayeredGrammar(Sentences("own", {}, many), Sentences("home", {}, many)).vocabulary("en")) == MAX_VOCABULARY
    )


def test_own_sentences_answer_questions_and_are_shown_first() -> None:
    own = Sentences("own", {}, asked_answer=match("own"))
    both = LayeredGrammar(own, Sentences("home", {}))
    assert both.answer(match("own"), ["five"], "en") == match("own")
    assert [sample.server for sample in both.samples()] == ["own", "home"]


def test_a_meaning_and_the_examples_are_those_of_own_sentences() -> None:
    own = Sentences("own", {})
    both = LayeredGrammar(own, Sentences("home", {}))
    assert both.own_sentences() == own.own_sentences()
    assert both.meant(Meaning("timer", 0.8, Certainty.SURE), ["x"], "en") == match("own", 0.8)
