import struct
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest

from backends.commands import automaton as made
from backends.commands.automaton import END, START, arcs_of, automaton_of
from backends.commands.grammar import HassilGrammar
from protocol.messages.searching import SentenceAutomaton
from tests.backends.commands.small_grammars import intents_of


def sentences(automaton: SentenceAutomaton | None) -> set[str]:
    """Return every sentence of an automaton."""
    assert automaton is not None
    arcs: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for begin, label, end in arcs_of(automaton):
        arcs[begin].append((label, end))
    found, waiting = set(), [("", START)]
    while waiting:
        text, state = waiting.pop()
        if state == END:
            found.add(" ".join(text.split()))
        waiting += [(text + automaton.labels[label], end) for label, end in arcs[state]]
    return found


def of(*texts: str, slot_types: Mapping[str, str] | None = None, **lists: Any) -> SentenceAutomaton | None:
    return automaton_of("en", [(intents_of(*texts, **lists), slot_types or {})])


def test_a_template_is_all_of_its_sentences() -> None:
    found = sentences(
        of("[please] (make|brew) <what>", rules={"what": "[a] {drink}"}, drink=["tea", "white (tea|coffee)"])
    )
    drinks = [f"{article}{drink}" for article in ("", "a ") for drink in ("tea", "white tea", "white coffee")]
    assert found == {
        f"{polite}{verb} {drink}" for polite in ("", "please ") for verb in ("make", "brew") for drink in drinks
    }


def test_things_in_any_order_are_in_each_order() -> None:
    assert sentences(of("put (cups;bowls) away")) == {"put cups bowls away", "put bowls cups away"}


def test_numbers_and_durations_are_counted_out() -> None:
    numbers = sentences(of("pick {count}", count=None, slot_types={"count": "number"}))
    assert numbers == {f"pick {number}" for number in range(101)}
    durations = sentences(of("wait {time}", time=None, slot_types={"time": "duration"}))
    assert {"wait 1 second", "wait 90 seconds", "wait 20 minutes", "wait 2 hours"} < durations
    assert "wait 0 minutes" not in durations
    assert sentences(of("set {level} percent", level=(5, 7))) == {f"set {level} percent" for level in (5, 6, 7)}
    assert sentences(of("set {1..3:level} percent")) == {f"set {level} percent" for level in (1, 2, 3)}


@pytest.mark.parametrize(
    "left_out",
    ["note {words}", "the time in {place}", "open {program}", "put (a;b;c;d) away"],
    ids=["free text", "places", "a list that there is not", "too many orders"],
)
def test_a_sentence_that_cannot_be_counted_out_is_left_out_and_leaves_nothing_behind(left_out: str) -> None:
    assert sentences(of("stop", left_out, "go", words=None, place=None)) == {"stop", "go"}


def test_a_sentence_with_too_many_arcs_is_left_out_and_all_behind_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "MAX_SENTENCE_ARCS", 8)
    assert sentences(of("a (b|c|d|e|f|g)", "stop")) == {"stop"}
    monkeypatch.setattr(made, "MAX_ARCS", 4)
    assert sentences(of("stop", "go", "wait")) == {"stop", "go"}


def test_the_version_is_that_of_the_sentences() -> None:
    one, same, other = of("stop", "go"), of("stop", "go"), of("stop", "wait")
    assert one is not None
    assert other is not None
    assert one == same
    assert one.version != other.version


def test_a_language_whose_words_are_not_known_has_none() -> None:
    assert automaton_of("fr", [(intents_of("stop"), {})]) is None
    assert automaton_of("en", [(intents_of("note {words}", words=None), {})]) is None


@pytest.mark.parametrize("arcs", [b"123", struct.pack("<3i", 0, 9, 1), struct.pack("<3i", -1, 0, 1)])
def test_damaged_arcs_are_refused(arcs: bytes) -> None:
    with pytest.raises(ValueError, match="must"):
        list(arcs_of(SentenceAutomaton("v", ("", " "), arcs)))


def test_the_built_in_sentences_are_far_below_the_limit() -> None:
    automaton = HassilGrammar().automaton("en-US")
    assert automaton is not None
    assert len(list(arcs_of(automaton))) < made.MAX_ARCS / 4
    assert HassilGrammar().automaton("de") is None
