from decimal import Decimal

import pytest

from backends.builtin.units import UnitError, convert, find_unit, unit_words

CONVERSIONS = [
    ("5", "miles", "kilometers", "8.04672"),
    ("1", "foot", "inches", "12"),
    ("100", "degrees celsius", "fahrenheit", "212"),
    ("32", "°F", "celsius", "0"),
    ("0", "celsius", "kelvin", "273.15"),
    ("-40", "celsius", "fahrenheit", "-40"),
    ("60", "miles per hour", "km/h", "96.56064"),
    ("1", "pound", "grams", "453.59237"),
    ("1", "cup", "milliliters", "236.5882365"),
    ("2", "hours", "minutes", "120"),
    ("1", "terabyte", "gigabytes", "1000"),
]


@pytest.mark.parametrize(("value", "source", "target", "expected"), CONVERSIONS)
def test_measures_are_converted(value, source, target, expected):
    assert convert(Decimal(value), find_unit(source), find_unit(target)) == Decimal(expected)


def test_units_are_known_by_their_german_names():
    assert find_unit("Meilen", "de").plural == "miles"
    with pytest.raises(UnitError, match="do not know the unit Meilen"):
        find_unit("Meilen", "en")


def test_units_of_different_kinds_are_refused():
    with pytest.raises(UnitError, match="miles measure length, but kilograms measure mass"):
        convert(Decimal(1), find_unit("miles"), find_unit("kilo"))


@pytest.mark.parametrize("name", ["", "parsecs", "of france"])
def test_an_unknown_unit_is_refused(name):
    with pytest.raises(UnitError, match="do not know the unit"):
        find_unit(name)


def test_the_words_of_units_are_told_for_spelling():
    assert {"kilometers", "fahrenheit", "ounce"} <= unit_words("en")
    assert "meilen" in unit_words("de") - unit_words("en")
