import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.turns.model_answer import BELIEFS, Belief, BeliefEvent, ModelAnswer, PassedText


def said(answer: ModelAnswer, *pieces: str) -> tuple[str, list[str]]:
    """Return what is shown and said of these pieces and the end of the paragraph."""
    passed = [*(answer.feed(piece) for piece in pieces), answer.end_paragraph()]
    return "".join(part.shown for part in passed), [sentence for part in passed for sentence in part.sentences]


def test_text_is_shown_as_it_comes_and_said_by_sentences() -> None:
    answer = ModelAnswer("en", Belief.BELIEVED)
    assert answer.feed("It is") == PassedText("It is", [], is_first=True)
    assert answer.feed(" noon, and the sun shines. And") == PassedText(
        " noon, and the sun shines. And", ["It is noon, and the sun shines."]
    )
    assert answer.end_paragraph() == PassedText("", ["And"])
    assert answer.text == "It is noon, and the sun shines. And "


def test_thoughts_are_neither_shown_nor_said() -> None:
    answer = ModelAnswer("en", Belief.BELIEVED)
    assert answer.feed("<think>Hm.") == PassedText("", [])
    assert said(answer, "</think>", "Noon.") == ("Noon.", ["Noon."])


def test_where_an_action_is_asked_for_text_goes_on_by_whole_sentences() -> None:
    answer = ModelAnswer("en", Belief.CHECKED)
    first = answer.feed("Let me think about that")
    assert (first.shown, first.sentences) == ("", [])
    assert said(answer, ". One moment please.") == (
        "Let me think about that. One moment please. ",
        ["Let me think about that.", "One moment please."],
    )


def test_a_claim_and_what_comes_after_it_are_neither_shown_nor_said() -> None:
    answer = ModelAnswer("en", Belief.CHECKED)
    assert said(answer, "I have set a timer for you. Have fun.") == ("", [])
    assert answer.belief is Belief.DISBELIEVED
    assert answer.text == ""


def test_a_claim_may_come_true_by_the_call_after_it() -> None:
    answer = ModelAnswer("en", Belief.CHECKED)
    said(answer, "I have set a timer for you.")
    answer.call()
    answer.read_result(ok=True)
    assert said(answer, "I have set a timer for you.")[1] == ["I have set a timer for you."]


def test_a_call_that_failed_proves_nothing() -> None:
    answer = ModelAnswer("en", Belief.CHECKED)
    answer.call()
    answer.read_result(ok=False)
    assert said(answer, "I have set a timer for you.") == ("", [])
    assert answer.results == 1


def test_every_belief_knows_every_event() -> None:
    assert {belief: set(row) for belief, row in BELIEFS.items()} == {belief: set(BeliefEvent) for belief in Belief}


@pytest.mark.parametrize("belief", [Belief.BELIEVED, Belief.CHECKED])
@given(st.lists(st.sampled_from(["Noon", ".", " ", "The sun shines. ", "<think>", "</think>", "\n"]), max_size=20))
def test_all_that_is_shown_is_in_the_answer_and_nothing_else(belief: Belief, pieces: list[str]) -> None:
    answer = ModelAnswer("en", belief)
    shown, _ = said(answer, *pieces)
    assert answer.text in (shown, f"{shown} ")
