"""What words say before it is sure that they were all."""

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.audio.early import Agreement, beginnings_in, is_unfinished, verdict_on
from protocol.messages.understanding import CommandMatch, SlotQuestion

MATCH = CommandMatch("Intent", "house", "tool", {}, 1.0, "lamp on", may_continue=False)


def test_a_whole_command_that_nothing_continues_is_complete() -> None:
    assert verdict_on("lamp on", "en", MATCH) == "complete"


def test_a_command_that_may_go_on_is_left_to_silence() -> None:
    assert verdict_on("lamp on", "en", attrs.evolve(MATCH, may_continue=True)) == "undecided"


@pytest.mark.parametrize(
    ("text", "doubt", "verdict"),
    [
        ("What time is it?", {}, "amendable"),
        ("Set an alarm for seven.", {}, "undecided"),  # seven thirty
        ("Set a timer for five minutes,", {}, "undecided"),
        ("Add eggs", {"has_free_text": True}, "undecided"),
        ("What thyme is it?", {"confidence": 0.9}, "undecided"),
    ],
)
def test_what_can_be_amended_is_acted_on_soon_where_it_is_certain(
    text: str, doubt: dict[str, Any], verdict: str
) -> None:
    match = attrs.evolve(MATCH, may_continue=True, **doubt)
    assert verdict_on(text, "en", match, is_amendable=True) == verdict


def test_a_match_that_ends_with_a_number_is_not_unfinished() -> None:
    assert verdict_on("what is twelve times seven", "en", attrs.evolve(MATCH, may_continue=True)) == "undecided"


def test_a_command_that_lacks_something_is_half_of_one() -> None:
    lacking = attrs.evolve(MATCH, may_continue=True, question=SlotQuestion("seconds", "For how long?"))
    assert verdict_on("Set a timer for,", "en", lacking) == "begun"
    assert verdict_on("Set a timer.", "en", lacking) == "begun"


@pytest.mark.parametrize(
    ("text", "language"),
    [("What is twelve times?", "en"), ("What is ten percent of", "en-US"), ("Was ist zwölf mal", "de")],
)
def test_a_sum_that_ends_with_its_operator_is_half_a_command(text: str, language: str) -> None:
    assert verdict_on(text, language, attrs.evolve(MATCH, may_continue=True)) == "begun"


@pytest.mark.parametrize(("text", "language"), [("Take a note that,", "en"), ("Add to", "en"), ("Notiere, dass", "de")])
def test_free_text_that_has_only_begun_is_half_a_command(text: str, language: str) -> None:
    free = attrs.evolve(MATCH, may_continue=True, has_free_text=True)
    assert verdict_on(text, language, free) == "begun"
    assert verdict_on(text, language, attrs.evolve(free, has_free_text=False)) == "undecided"


def test_words_that_break_off_are_unfinished() -> None:
    assert verdict_on("Set a timer for", "en", None) == "unfinished"
    assert verdict_on("Tell me a joke.", "en", None) == "undecided"


def test_words_that_a_sentence_of_the_grammar_begins_with_are_half_a_command() -> None:
    assert verdict_on("Turn on the.", "en", None, is_begun=True) == "begun"
    assert verdict_on("What is on my?", "en", None, is_begun=True) == "begun"
    assert verdict_on("lamp on", "en", MATCH, is_begun=True) == "complete"


def test_a_beginning_is_looked_for_with_and_without_the_last_and() -> None:
    assert beginnings_in("Add eggs and...", "en") == ("Add eggs and...", "Add eggs")
    assert beginnings_in("Licht an und", "de") == ("Licht an und", "Licht an")
    assert beginnings_in("Add eggs", "en") == ("Add eggs",)
    assert beginnings_in("And", "en") == ("And",)
    assert beginnings_in("", "en") == ("",)


@pytest.mark.parametrize(
    "text",
    [
        "Turn on the light and", "Send it to", "set a timer for", "Set a timer for ten.", "set a timer for 10",
        "And my", "Well, I think...", "I think\u2026", "I think,", "It was because.", "TURN ON THE",
    ],
)  # fmt: skip
def test_english_that_breaks_off(text: str) -> None:
    assert is_unfinished(text, "en")
    assert is_unfinished(text, "en-US")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "Turn it on.",
        "Log me in.",
        "Stop that.",
        "Who is it for?",
        "It was in 1984.",
        "Tell me a joke.",
        "2 eggs",
    ],
)
def test_english_that_may_be_all(text: str) -> None:
    assert not is_unfinished(text, "en")


def test_other_languages_have_words_of_their_own_or_none() -> None:
    assert is_unfinished("Stell einen Timer auf zehn", "de")
    assert is_unfinished("Licht an und", "de")
    assert not is_unfinished("Mach das Licht auf.", "de")
    assert not is_unfinished("Allume la lampe et", "fr")
    assert is_unfinished("Allume la lampe\u2026", "fr")


# --- what is stable ------------------------------------------------------------------------------


def shown(*decodes: str) -> list[str]:
    """Return what was shown after each decode in which more became stable."""
    agreement = Agreement()
    return [agreement.text for text in decodes if agreement.take(text)]


def test_what_two_decodes_agree_in_is_stable() -> None:
    assert shown("Set a", "Set a time", "Set a timer for") == ["Set a"]
    assert shown("Set a", "Set a timer", "Set a timer for", "Set a timer for ten") == [
        "Set a",
        "Set a timer",
        "Set a timer for",
    ]


def test_one_decode_is_not_enough_and_the_same_again_is_no_news() -> None:
    assert shown("Hello there") == []
    assert shown("Hello", "Hello", "Hello") == ["Hello"]


def test_case_and_punctuation_are_no_difference_and_not_shown_at_the_end() -> None:
    assert shown("What's the time.", "what's the time, in Tokyo?") == ["what's the time"]


def test_what_was_shown_is_never_taken_back() -> None:
    assert shown("two eggs", "two eggs and", "to eggs and", "to eggs and milk") == ["two eggs"]
    assert shown("two eggs", "two eggs", "to eggs", "two eggs and", "two eggs and milk") == ["two eggs", "two eggs and"]


def test_nothing_is_stable_in_nothing() -> None:
    assert shown("", "...", "") == []


@given(st.lists(st.text(alphabet="ab ,.", max_size=12), max_size=8))
def test_text_only_ever_grows(decodes: list[str]) -> None:
    agreement, before = Agreement(), ""
    for text in decodes:
        has_grown = agreement.take(text)
        assert agreement.text.startswith(before)
        assert has_grown == (agreement.text != before)
        before = agreement.text
