"""More cities, and short names of zones."""

import zoneinfo

import pytest

from backends.builtin.city_tables import MORE_CITIES, SHORT_ZONES
from backends.builtin.places import spoken_place, zones_of


@pytest.mark.parametrize("table", [MORE_CITIES, SHORT_ZONES], ids=["cities", "zones"])
def test_each_zone_is_one_of_the_database(table: dict[str, str]) -> None:
    assert table.keys() <= zoneinfo.available_timezones()


@pytest.mark.parametrize("table", [MORE_CITIES, SHORT_ZONES], ids=["cities", "zones"])
def test_each_name_is_found(table: dict[str, str]) -> None:
    missing = [name for names in table.values() for name in names.split("|") if not zones_of(name)]
    assert not missing


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("\u0141\u00f3d\u017a", "Europe/Warsaw"),
        ("Lodz", "Europe/Warsaw"),
        ("Troms\u00f8", "Europe/Oslo"),
        ("Nuku'alofa", "Pacific/Tongatapu"),
        ("Neu-Delhi", "Asia/Kolkata"),
        ("Vancouver, BC", "America/Vancouver"),
        ("Austin TX", "America/Chicago"),
        ("Quebec", "America/Toronto"),
        ("CET", "Europe/Berlin"),
    ],
)
def test_capitals_and_letters_of_other_alphabets_are_known(place: str, zone: str) -> None:
    assert zones_of(place) == (zone,)


@pytest.mark.parametrize("words", ["go on", "tell me", "springfield", "birmingham"])
def test_a_word_or_an_ambiguous_name_is_no_place(words: str) -> None:
    assert zones_of(words) == ()


def test_codes_of_states_are_written_in_capitals() -> None:
    assert spoken_place("austin tx", "en") == "Austin TX"
    assert spoken_place("Vancouver, bc", "en") == "Vancouver, BC"
