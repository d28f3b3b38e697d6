import pytest

from backends.commands.spelling import Speller, distance

SPELLER = Speller(frozenset({"timer", "time", "ten", "minutes", "shopping", "calculator", "set", "to", "25", "milk"}))


@pytest.mark.parametrize(
    ("heard", "meant", "cost"),
    [
        ("timer", "timer", 0),
        ("time", "timer", 0.5),
        ("sat", "set", 0.5),
        ("tide", "time", 1),
        ("thymer", "timer", 1),
        ("chopping", "shopping", 0.5),
        ("calculater", "calculator", 0.5),
        ("abc", "mno", 3),
        ("", "ten", 3),
    ],
)
def test_what_sounds_alike_costs_less(heard, meant, cost):
    assert distance(heard, meant) == cost
    assert distance(meant, heard) == cost


@pytest.mark.parametrize(
    ("heard", "best"),
    [
        ("sat", "set"),
        ("tymer", "timer"),
        ("chopping", "shopping"),
        ("minuets", "minutes"),
        ("calculater", "calculator"),
    ],
)
def test_the_nearest_word_comes_first(heard, best):
    assert SPELLER.candidates(heard)[0].word == best


@pytest.mark.parametrize("heard", ["to", "24", "capital", "a", "", "mp3", "xylophone"])
def test_short_words_numbers_and_unknown_words_have_no_candidates(heard):
    assert not SPELLER.candidates(heard)


def test_a_known_word_may_have_been_another_but_never_itself():
    assert [correction.word for correction in SPELLER.candidates("time")] == ["timer"]


def test_one_word_may_have_been_heard_as_two():
    speller = Speller(frozenset({"almond", "milk", "cappuccino"}))

    assert speller.joined("all", "mint")[0].word == "almond"
    assert [correction.cost for correction in speller.joined("cappu", "ccino")] == [0.5]
    assert not speller.joined("some", "bread")


def test_numbers_and_the_vocabulary_are_known():
    assert SPELLER.knows("timer")
    assert SPELLER.knows("17")
    assert not SPELLER.knows("tymer")


def test_candidates_are_few():
    speller = Speller(frozenset({"cat", "bat", "rat", "mat", "hat"}))

    assert len(speller.candidates("fat")) == 3


def test_a_name_is_known_but_nothing_is_exchanged_for_it():
    speller = Speller(frozenset({"island"}), frozenset({"ireland"}))

    assert speller.knows("ireland")
    assert [correction.word for correction in speller.candidates("iceland")] == ["island"]


def test_a_word_that_is_longer_than_any_known_one_is_not_taken_apart(monkeypatch):
    asked = []
    monkeypatch.setattr("backends.commands.spelling._shortened", lambda word, _edits: asked.append(word))
    assert SPELLER.candidates("\u8bbe" * 400) == ()
    assert SPELLER.joined("a" * 200, "b" * 200) == ()
    assert asked == []
