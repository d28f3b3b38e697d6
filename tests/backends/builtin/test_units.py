from decimal import Decimal

import pytest

from backends.builtin.units import UnitError, convert, find_unit, fitted, unit_names, unit_words

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
    ("1", "byte", "bits", "8"),
    ("1", "year", "days", "365"),
    ("10", "years", "days", "3650"),
    ("1", "leap year", "days", "366"),
    ("1", "year", "months", "12"),
    ("1", "decade", "years", "10"),
    ("1", "century", "decades", "10"),
    ("1", "fortnight", "days", "14"),
    ("1", "ton", "pounds", "2000"),
    ("1", "tonne", "kilograms", "1000"),
    ("1", "metric pound", "grams", "500"),
    ("100", "km/h", "meters per second", "27.777777777778"),
    ("2", "tbsp", "tsp", "6"),
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


@pytest.mark.parametrize(
    ("source", "target", "meant"),
    [
        ("cup", "ounces", ("cup", "fluid ounce")),
        ("oz", "milliliters", ("fluid ounce", "milliliter")),
        ("pound", "ounces", ("pound", "ounce")),
        ("ounce", "gram", ("ounce", "gram")),
        ("degrees", "celsius", ("degree Fahrenheit", "degree Celsius")),
        ("degrees", "fahrenheit", ("degree Celsius", "degree Fahrenheit")),
        ("kelvin", "degrees", ("kelvin", "degree Celsius")),
        ("miles", "km", ("mile", "kilometer")),
    ],
)
def test_two_units_are_read_as_they_are_meant_beside_each_other(source, target, meant):
    assert tuple(unit.name for unit in fitted(find_unit(source), find_unit(target))) == meant


def test_a_german_pound_is_half_a_kilogram_and_an_english_one_is_not():
    assert find_unit("Pfund", "de").plural == "metric pounds"
    assert find_unit("metric pounds").german == ("Pfund", "Pfund")
    assert find_unit("pound", "de") == find_unit("pound", "en") != find_unit("Pfund", "de")


@pytest.mark.parametrize("language", ["en", "de"])
def test_no_name_means_two_units(language):
    english = {name: find_unit(name) for name in unit_names("en")}
    assert all(find_unit(name, language) == unit for name, unit in english.items())
