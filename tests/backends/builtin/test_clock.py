import zoneinfo
from datetime import UTC, datetime

import pytest

from backends.builtin.clock import PlaceError, date_text, find_zone, ordinal_suffix, time_text


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("Tokyo", "Asia/Tokyo"),
        ("new york", "America/New_York"),
        ("New-York", "America/New_York"),
        ("Munich", "Europe/Berlin"),
        ("japan", "Asia/Tokyo"),
        ("Tokio", "Asia/Tokyo"),
        ("Europe/Paris", "Europe/Paris"),
        ("UTC", "UTC"),
    ],
)
def test_places_have_their_time_zone(place, zone):
    assert find_zone(place) == zoneinfo.ZoneInfo(zone)


@pytest.mark.parametrize("place", ["narnia", "", "../../etc/passwd", "leon", "Paris, Narnia", "Paris, Texas"])
def test_an_unknown_place_is_refused(place):
    with pytest.raises(PlaceError, match="do not know the place"):
        find_zone(place)


@pytest.mark.parametrize("place", ["Europe", "the USA", "Canada", "russland", "Georgia"])
def test_a_place_with_several_zones_is_asked_about(place):
    with pytest.raises(PlaceError, match="has more than one time zone; say which city"):
        find_zone(place)


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ("utc", "UTC"),
        ("la", "LA"),
        ("washington dc", "Washington DC"),
        ("são paulo", "São Paulo"),
        ("Paris, France", "Paris, France"),
        ("uk", "the UK"),
        ("port-au-prince", "Port-Au-Prince"),
        ("isle of man", "Isle of Man"),
    ],
)
def test_the_time_is_told_with_the_place_as_it_is_written(place, named):
    assert time_text(datetime(2026, 11, 23, 15, 5, tzinfo=UTC), place) == f"It is 3:05 PM in {named}."


@pytest.mark.parametrize(
    ("hour", "minute", "expected"),
    [(0, 5, "It is 12:05 AM."), (9, 0, "It is 9:00 AM."), (12, 30, "It is 12:30 PM."), (23, 59, "It is 11:59 PM.")],
)
def test_the_time_is_told_on_a_clock_of_twelve_hours(hour, minute, expected):
    assert time_text(datetime(2026, 11, 23, hour, minute, tzinfo=UTC)) == expected


def test_a_place_is_named_in_the_answer():
    noon = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    assert time_text(noon, "new york") == "It is 12:00 PM in New York."
    assert date_text(noon, "tokyo") == "In Tokyo it is Monday, November 23rd, 2026."
    assert date_text(noon) == "Today is Monday, November 23rd, 2026."


@pytest.mark.parametrize(
    ("number", "suffix"), [(1, "st"), (2, "nd"), (3, "rd"), (4, "th"), (11, "th"), (12, "th"), (21, "st"), (113, "th")]
)
def test_days_have_their_endings(number, suffix):
    assert ordinal_suffix(number) == suffix
