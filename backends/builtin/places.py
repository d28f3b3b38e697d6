"""Which time zone a place has: cities, countries, states, and a city with its country; pure but for the zone database.

Rules kept here:

* A place is found by its name or not at all: never by a name that looks or sounds alike.
* A country or state with several time zones has none by itself; a city in it has one.
* A second name ("Paris, Texas") decides between places of the same name; one that contradicts makes the place unknown.
"""

import unicodedata
import zoneinfo
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from backends.builtin.city_tables import MORE_CITIES, SHORT_ZONES
from backends.builtin.place_tables import (
    ABBREVIATED,
    ALONE,
    AREAS,
    CITIES,
    DIVIDED,
    REGIONS,
    SMALL_WORDS,
    STATE_CODES,
    WITH_ARTICLE,
)

_LETTERS: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
"""Letters that are no letter with an accent, but are written without one where there are none."""
MAX_CITY_WORDS: Final = 3  # of a town that only its state is known of
WORDS_LIKE_STATES: Final = frozenset({"on", "al", "co", "de", "hi", "la", "ma", "me", "mo", "oh", "ok", "or", "pa"})
"""Codes of states that are words as well: "tell me" is no town in Maine."""


def folded(place: str) -> str:
    """Return a place's name for comparing: lower case, without accents, points, commas and hyphens."""
    letters = unicodedata.normalize("NFKD", place.casefold().translate(_LETTERS))
    kept = "".join(char for char in letters if not unicodedata.combining(char) and char not in ".'\u2019")
    words = "".join(" " if char in "_-,/()" else char for char in kept).split()
    return " ".join("st" if word in {"saint", "sankt"} else word for word in words)


def zones_of(place: str) -> Sequence[str]:
    """Return the IANA zone of a place; several for one that is divided, none for one that is not known."""
    name = folded(place).removeprefix("the ").removesuffix(" timezone").removesuffix(" time zone")
    if not name:
        return ()
    alone = zone_names().get(name)
    if alone is not None:
        return (alone,)
    if name in divided_regions():
        return divided_regions()[name]
    if "/" in place and place in zoneinfo.available_timezones():  # looks at the disk
        return (place,)
    return _city_in_region(name.split())


@cache
def zone_names() -> Mapping[str, str]:
    """Return IANA names by the folded names of places; empty on a machine without a zone database."""
    available = zoneinfo.available_timezones()
    cities = {
        folded(name.rpartition("/")[2]): name
        for name in sorted(available)
        if name.partition("/")[0] in AREAS and name.rpartition("/")[2] not in {"East", "West", "North", "South"}
    }
    tables = (MORE_CITIES, SHORT_ZONES, CITIES)
    others = {folded(alias): name for table in tables for name, some in table.items() for alias in some.split("|")}
    regions = {folded(alias): zones.split()[0] for names, zones in REGIONS.items() for alias in names.split("|")}
    found = {name: zone for name, zone in (cities | others | regions).items() if zone in available}
    whole = {name: zone for name, zone in found.items() if name not in divided_regions()}
    return whole | {name: zone for name, zone in ALONE.items() if zone in available}


@cache
def divided_regions() -> Mapping[str, Sequence[str]]:
    """Return the zones of the countries and states that have several, by their folded names."""
    return {
        folded(alias): tuple(zones.split()) or ("UTC", "Etc/UTC")
        for names, zones in DIVIDED.items()
        for alias in names.split("|")
    }


@cache
def _state_codes() -> Mapping[str, str]:
    pairs = (pair.partition("=") for pair in STATE_CODES.split("|"))
    return {code: state for code, _, state in pairs}


@cache
def _regions() -> Mapping[str, Sequence[str]]:
    """Return the zones of all countries and states by their folded names."""
    whole = {folded(alias): tuple(zones.split()) for names, zones in REGIONS.items() for alias in names.split("|")}
    return {**whole, **divided_regions()}


def _city_in_region(words: Sequence[str]) -> Sequence[str]:
    """Return the zone of "paris france" or "springfield illinois": the city's where it lies in the region."""
    for size in range(1, len(words)):
        region = " ".join(words[size:]).removeprefix("the ")
        zones = _regions().get(_state_codes().get(region, region))
        if zones is None:
            continue
        city = " ".join(words[: size - 1] if words[size - 1] == "in" else words[:size])
        own = zone_names().get(city)
        if own is not None and _same(own, zones):
            return (own,)
        is_named = own is not None or region not in WORDS_LIKE_STATES
        if is_named and len(zones) == 1 and 0 < len(city.split()) <= MAX_CITY_WORDS:
            return zones
    return ()


def _same(zone: str, zones: Sequence[str]) -> bool:
    """Whether a zone is one of these, perhaps under another of its names ("Asia/Istanbul", "Europe/Istanbul")."""
    return zone in zones or zone.rpartition("/")[2] in {other.rpartition("/")[2] for other in zones}


def spoken_place(place: str, language: str) -> str:
    """Return a place as a sentence names it: "the UK", "São Paulo", "der Türkei"."""
    words = " ".join(place.split()).removeprefix("the ").split(" ")
    key = f"|{' '.join(words).lower()}|"
    article = next((word for word, names in WITH_ARTICLE.get(language, {}).items() if key in names), None)
    named = [_capital(word, is_first=at == 0) for at, word in enumerate(words)]
    if len(words) > 1 and folded(words[-1]) in _state_codes():
        named[-1] = named[-1].upper()
    return " ".join([article, *named] if article else named)


def _capital(word: str, *, is_first: bool) -> str:
    if word.lower() in ABBREVIATED:
        return word.upper()
    if word.lower() in SMALL_WORDS and not is_first:
        return word.lower()
    if word != word.lower():
        return word  # written with care already
    return "-".join(part[:1].upper() + part[1:] for part in word.split("-"))
