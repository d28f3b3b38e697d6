from collections.abc import Iterator

import pytest

from backends.builtin import wording
from backends.builtin.things import hinted, named, on_list, without_article


@pytest.fixture
def in_german() -> Iterator[None]:
    token = wording.LANGUAGE.set("de")
    yield
    wording.LANGUAGE.reset(token)


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ("Eggs", "eggs"),
        ("the eggs", "eggs"),
        ("egg", "eggs"),
        ("some more cheese", "cheese"),
        ("an avocado", "avocados"),
        ("tomato", "Tomatoes"),
        ("strawberry", "strawberries"),
        ("loaf", "loaves"),
        ("box", "boxes"),
        ("olives", "olive"),
        ("shoe", "shoes"),
        ("glass", "glasses"),
        ("my green apple", "green apples"),
    ],
)
def test_an_article_or_the_plural_makes_no_other_thing(wanted: str, kept: str) -> None:
    assert named(wanted, ["milk", kept]) == [1]
    assert named(kept, ["milk", wanted]) == [1]


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [("mac", "mac and cheese"), ("ham", "hamster"), ("bra", "brass"), ("apple", "green apples"), ("", "eggs")],
)
def test_another_thing_is_another_thing(wanted: str, kept: str) -> None:
    assert named(wanted, [kept]) == []


def test_a_list_may_say_how_many_of_a_thing() -> None:
    assert on_list("the avocados", ["milk", "two avocados", "3 eggs"]) == [1]
    assert on_list("egg", ["milk", "two avocados", "3 eggs"]) == [2]
    assert on_list("egg", ["3 eggs", "egg"]) == [1]
    assert named("three avocados", ["two avocados"]) == []


def test_the_same_words_come_before_other_forms_of_them() -> None:
    assert named("egg", ["eggs", "Egg"]) == [1]
    assert named("the egg", ["eggs", "egg"]) == [1]
    assert named("egg", ["eggs", "milk", "the eggs"]) == [0, 2]


@pytest.mark.usefixtures("in_german")
@pytest.mark.parametrize(
    ("wanted", "kept"),
    [("das Ei", "Eier"), ("Apfel", "Äpfel"), ("die Tomate", "Tomaten"), ("Brote", "Brot"), ("den Käse", "Käse")],
)
def test_german_articles_and_plurals_are_known(wanted: str, kept: str) -> None:
    assert named(wanted, ["Milch", kept]) == [1]


@pytest.mark.parametrize(
    ("said", "kept"),
    [("the milk", "milk"), (" Some cheese", "cheese"), ("a trip to the lake", "a trip to the lake"), ("the", "the")],
)
def test_an_article_that_says_nothing_is_not_kept(said: str, kept: str) -> None:
    assert without_article(said) == kept


@pytest.mark.parametrize(
    ("wanted", "kept", "expected"),
    [
        ("ham", ["hamster", "ham"], [1]),
        ("ham", ["hamster"], []),
        ("tea", ["green tea", "black tea"], [0, 1]),
        ("tea", ["green tea", "tea"], [1]),
        ("noodle", ["noodles for Anna"], [0]),
        ("pizza", [""], []),
    ],
)
def test_a_part_of_a_name_is_enough_where_no_name_fits(wanted: str, kept: list[str], expected: list[int]) -> None:
    assert hinted(wanted, kept) == expected
