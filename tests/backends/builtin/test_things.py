from collections.abc import Iterator

import pytest

from backends.builtin import wording
from backends.builtin.things import hinted, named


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
