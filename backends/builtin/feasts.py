"""Days of the year that have a name; pure."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final

import attrs


def easter(year: int) -> date:
    """Return Easter Sunday (Gregorian; the algorithm of Meeus, Jones and Butcher, Nature 1876)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    leaps, rest = divmod(century, 4)
    epact = (19 * golden + century - leaps - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    quads, more = divmod(of_century, 4)
    weekday = (32 + 2 * rest + 2 * quads - epact - more) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def nth_weekday(year: int, month: int, weekday: int, count: int) -> date:
    """Return the ``count``-th Monday (0) to Sunday (6) of a month, counted from 1."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))


@attrs.frozen
class Feast:
    """A day that has a name."""

    english: str
    german: str
    on: Callable[[int], date]
    """Of a year."""


def _fixed(month: int, day: int) -> Callable[[int], date]:
    return lambda year: date(year, month, day)


def _from_easter(days: int) -> Callable[[int], date]:
    return lambda year: easter(year) + timedelta(days=days)


FEASTS: Final[Mapping[str, Feast]] = {
    "new year": Feast("New Year's Day", "Neujahr", _fixed(1, 1)),
    "valentine": Feast("Valentine's Day", "Valentinstag", _fixed(2, 14)),
    "good friday": Feast("Good Friday", "Karfreitag", _from_easter(-2)),
    "easter": Feast("Easter", "Ostern", _from_easter(0)),
    "easter monday": Feast("Easter Monday", "Ostermontag", _from_easter(1)),
    "pentecost": Feast("Pentecost", "Pfingsten", _from_easter(49)),
    "halloween": Feast("Halloween", "Halloween", _fixed(10, 31)),
    "thanksgiving": Feast("Thanksgiving", "Thanksgiving", lambda year: nth_weekday(year, 11, 3, 4)),
    "st nicholas": Feast("Saint Nicholas Day", "Nikolaus", _fixed(12, 6)),
    "christmas eve": Feast("Christmas Eve", "Heiligabend", _fixed(12, 24)),
    "christmas": Feast("Christmas", "Weihnachten", _fixed(12, 25)),
    "boxing day": Feast("Boxing Day", "der zweite Weihnachtstag", _fixed(12, 26)),
    "new year's eve": Feast("New Year's Eve", "Silvester", _fixed(12, 31)),
}
NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "christmas eve": "christmas eve",
        "christmas day": "christmas",
        "christmas": "christmas",
        "xmas": "christmas",
        "boxing day": "boxing day",
        "new years eve": "new year's eve",
        "new years day": "new year",
        "new years": "new year",
        "new year": "new year",
        "halloween": "halloween",
        "valentines day": "valentine",
        "valentines": "valentine",
        "thanksgiving": "thanksgiving",
        "good friday": "good friday",
        "easter monday": "easter monday",
        "easter sunday": "easter",
        "easter": "easter",
        "pentecost": "pentecost",
        "saint nicholas day": "st nicholas",
    },
    "de": {
        "heiligabend": "christmas eve",
        "heiligen abend": "christmas eve",
        "weihnachten": "christmas",
        "silvester": "new year's eve",
        "neujahr": "new year",
        "halloween": "halloween",
        "valentinstag": "valentine",
        "karfreitag": "good friday",
        "ostermontag": "easter monday",
        "ostersonntag": "easter",
        "ostern": "easter",
        "pfingsten": "pentecost",
        "nikolaustag": "st nicholas",
        "nikolaus": "st nicholas",
    },
}
"""What they are called, without apostrophes; of two that begin alike the longer one first."""
