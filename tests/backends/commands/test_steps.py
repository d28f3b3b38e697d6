from typing import Final

import pytest
from hassil import Intents, recognize_all

from backends.commands import grammar as module
from backends.commands.grammar import HassilGrammar
from backends.commands.steps import Steps, TooManyStepsError, count_in, counted_steps, take_steps

TEMPLATES: Final[dict[str, object]] = {
    "language": "en",
    "intents": {"A": {"data": [{"sentences": ["(a|b|c) <rest> {name}"]}]}},
    "expansion_rules": {"rest": "(d|e)"},
    "lists": {"name": {"values": ["f", "g (h|i)"]}},
}


def steps_of(text: str) -> int:
    intents = Intents.from_dict(TEMPLATES)
    count_in(intents)
    with counted_steps(10_000) as steps:
        list(recognize_all(text, intents))
    return steps.taken


def test_a_sentence_that_goes_further_through_a_template_takes_more_steps() -> None:
    assert 0 < steps_of("x") < steps_of("a d g i")


def test_steps_beyond_the_limit_end_the_search() -> None:
    with counted_steps(10) as steps:
        take_steps(10)
        with pytest.raises(TooManyStepsError):
            take_steps(1)
    assert steps.taken == 11


def test_nothing_is_counted_outside_of_a_search() -> None:
    take_steps(10**9)
    with counted_steps(1):
        pass
    take_steps(10**9)


@pytest.fixture(scope="module")
def grammar() -> HassilGrammar:
    return HassilGrammar(programs=["calculator"])


take: Final = Steps.take
LIMITS: Final = ("MAX_STEPS", "MAX_EXCHANGE_STEPS", "MAX_LAST_STEPS")
HARD = [
    "set a pasta timer and give the pizza two more minutes and read my notes and lap and delete my last note",
    "timer " * 40,
    "set a timer for pasta eight minutes cancel all the reminders set a timer for pasta eight minutes lap",
    "remind me to " * 13,
    "what is " + "5 plus " * 18,
    "add milk and " * 13,
]


@pytest.mark.parametrize("text", HARD)
def test_no_sentence_takes_more_steps_than_the_limits(
    grammar: HassilGrammar, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []

    def counting(steps: Steps, count: int) -> None:
        taken.append(count)
        take(steps, count)

    monkeypatch.setattr(Steps, "take", counting)
    grammar.match([text] * 5, "en")
    assert sum(taken) <= module.MAX_STEPS + module.MAX_EXCHANGE_STEPS + module.MAX_LAST_STEPS + 3 * max(taken)


def test_a_sentence_beyond_the_limit_is_none(grammar: HassilGrammar, monkeypatch: pytest.MonkeyPatch) -> None:
    assert grammar.match(["set a timer for five minutes"], "en") is not None
    for name in LIMITS:
        monkeypatch.setattr(module, name, 10)
    assert grammar.match(["set a timer for five minutes"], "en") is None
    assert grammar.match_exactly("set a timer for five minutes", "en") is None


def test_costly_hypotheses_do_not_hide_one_that_sounds_like_a_command(
    grammar: HassilGrammar, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = ["so the pastor is a thyme you know", "set a pasta timmer for five minutes"]
    expected = grammar.match(heard, "en")
    assert expected is not None
    monkeypatch.setattr(module, "MAX_STEPS", 10)
    assert grammar.match(heard, "en") == expected


@pytest.mark.parametrize(
    "text", ["a" * 5_000, "\U0001f600 " * 600, "消灯 " * 500, "and " * 500, "set a timer for " * 125]
)
def test_a_text_that_is_too_long_takes_no_step(
    grammar: HassilGrammar, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in LIMITS:
        monkeypatch.setattr(module, name, 0)
    assert grammar.match([text], "en") is None
