"""Time and date as a voice says them, here and elsewhere; pure but for the zone database of the machine."""

import zoneinfo
from datetime import datetime, tzinfo

from backends.builtin.places import spoken_place, zones_of
from backends.builtin.wording import is_german, told, upper_first
from protocol.language.german import MONTHS, WEEKDAYS


class PlaceError(ValueError):
    """No time zone is known for a place; the message is fit to be spoken."""


def find_zone(place: str) -> tzinfo:
    """Return the time zone of a city, a country with one zone, or an IANA name; raises ``PlaceError``."""
    zones = zones_of(place)
    if not zones:
        raise PlaceError(told("I do not know the place {place}", place=_named(place) or "?"))
    if len(zones) > 1:
        named = _named(place) if is_german() else upper_first(_named(place))
        raise PlaceError(told("{place} has more than one time zone; say which city", place=named))
    return zoneinfo.ZoneInfo(zones[0])


def time_text(now: datetime, place: str = "") -> str:
    """Return "It is 3:05 PM in Tokyo.", "In Tokio ist es 15:05 Uhr."; ``now`` is in the zone of the answer."""
    if is_german():
        time = f"{now.hour}:{now:%M} Uhr" if now.minute else f"{now.hour} Uhr"
    else:
        time = f"{now.hour % 12 or 12}:{now:%M} {'AM' if now.hour < 12 else 'PM'}"  # noqa: PLR2004
    if not place.strip():
        return told("It is {time}.", time=time)
    return told("It is {time} in {place}.", time=time, place=_named(place))


def date_text(now: datetime, place: str = "") -> str:
    """Return "Today is Monday, November 23rd, 2026."."""
    if is_german():
        date = f"{WEEKDAYS[now.weekday()]}, der {now.day}. {MONTHS[now.month - 1]} {now.year}"
    else:
        date = f"{now:%A}, {now:%B} {now.day}{ordinal_suffix(now.day)}, {now.year}"
    if not place.strip():
        return told("Today is {date}.", date=date)
    return told("In {place} it is {date}.", date=date, place=_named(place))


def _named(place: str) -> str:
    return spoken_place(place, "de" if is_german() else "en") if place.strip() else ""


def ordinal_suffix(number: int) -> str:
    """Return "st", "nd", "rd" or "th"."""
    if number % 100 in {11, 12, 13}:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
