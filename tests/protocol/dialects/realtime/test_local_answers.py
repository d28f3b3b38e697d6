"""What a dialect answers by itself."""

from protocol.dialects.realtime.local_answers import LocalAnswers
from protocol.messages.events import Pong


def test_an_answer_is_given_once_with_its_pong() -> None:
    answers = LocalAnswers()
    first, second = answers.ask(lambda: ("a",)), answers.ask(lambda: ("b",))
    assert [answers.give(Pong(one.t)) for one in (second, first, first)] == [("b",), ("a",), ()]


def test_the_next_event_of_the_client_ends_what_was_not_given() -> None:
    answers = LocalAnswers()
    answers.culprit = "e1"
    asked = answers.ask(lambda: ("a",))
    answers.begin()
    assert not answers.give(Pong(asked.t))
    assert answers.culprit is None


def test_a_pong_of_somebody_else_is_none_of_ours() -> None:
    answers = LocalAnswers()
    answers.ask(lambda: ("a",))
    assert [answers.give(Pong(t)) for t in (None, "1", 1.5, 7)] == [(), (), (), ()]
