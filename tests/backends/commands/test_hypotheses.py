from backends.commands.hypotheses import Hypothesis, WordExchange, exchanged, exchanges, heard_as, variants
from backends.commands.spelling import Speller

FILLERS = (("please",), ("um",), ("could", "you"), ("thank", "you"))


def words(hypotheses: list[Hypothesis]) -> list[str]:
    return [each.text for each in hypotheses]


def test_fillers_before_and_behind_a_sentence_are_left_out() -> None:
    assert heard_as("Um, could you please read it, thank you please.", "en", FILLERS).text == "read it"
    assert heard_as("please", "en", FILLERS).text == ""


def test_a_sentence_is_read_as_it_is_then_without_fillers_then_without_what_leads_to_it() -> None:
    heard = heard_as("I need you to um read please it", "en", FILLERS)
    assert words(list(variants(heard, FILLERS, "en"))) == [
        "i need you to um read please it",
        "i need you to read it",
        "read please it",
    ]


def test_a_sentence_that_has_nothing_to_leave_out_is_read_once() -> None:
    assert words(list(variants(heard_as("read it", "en", FILLERS), FILLERS, "en"))) == ["read it"]


def test_a_sentence_of_fillers_alone_is_not_read() -> None:
    assert variants(heard_as("please", "en", FILLERS), FILLERS, "en") == ()


def test_words_are_exchanged_one_or_two_at_a_time_and_never_a_sign() -> None:
    speller = Speller(frozenset({"timer", "minus", "kitchen"}), frozenset())
    heard = heard_as("timmer minus kitchin", "en", ())
    found = list(exchanges(speller, heard, {0, 2}))
    assert all(isinstance(each, WordExchange) for changes in found for each in changes)
    assert "timer minus kitchen" in words([exchanged(heard, changes, "en") for changes in found])
    assert {change.at for changes in found for change in changes} == {0, 2}
