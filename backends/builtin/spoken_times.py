"""Times and dates as people say them: "7 tomorrow morning", "morgen um 7 Uhr"; pure.

Each language has its own order of words, so these are no sentences of ``protocol/language/german.py``.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from backends.builtin.clock import ordinal_suffix
from backends.builtin.moment_words import EVERY_DAY, WEEKEND, WORKDAYS
from backends.builtin.wording import duration_words, is_german, listed
from protocol.language.german import MONTHS, WEEKDAYS

NOON: Final = 12
EVENING: Final = 18
WEEK_DAYS: Final = 7
_DATIVE: Final = (("eine ", "einer "), ("ein Tag", "einem Tag"), ("Tage", "Tagen"))


def moment_words(due: datetime, now: datetime) -> str:
    """Return when something is due: "7 tomorrow morning", "noon on Friday"; both are local times."""
    if is_german():
        return f"{_german_day(due.date(), now.date())} um {clock_words(due)}".strip()
    ahead = (due.date() - now.date()).days
    part = _part(due)
    time = clock_words(due)
    if ahead == 0:
        return f"{time} {'today' if not part else f'this {part}'}"
    if ahead == 1 and time == "midnight":
        return "midnight tonight"
    if ahead in {1, -1}:
        return f"{time} {'tomorrow' if ahead == 1 else 'yesterday'} {part}".strip()
    if 1 < ahead < WEEK_DAYS:
        return f"{time} on {due:%A} {part}".strip()
    in_the = f" in the {part}" if part else ""
    return f"{time}{in_the} on {date_words(due.date(), now.date())}"


def rule_words(time: datetime, weekdays: Sequence[int]) -> str:
    """Return when something is due again and again: "7 in the morning on weekdays"."""
    days = tuple(sorted(weekdays))
    if is_german():
        named = {EVERY_DAY: "jeden Tag", WORKDAYS: "werktags", WEEKEND: "am Wochenende"}
        which = named.get(days) or f"jeden {listed(WEEKDAYS[day] for day in days)}"
        return f"{which} um {clock_words(time)}"
    named = {EVERY_DAY: "every day", WORKDAYS: "on weekdays", WEEKEND: "on weekends"}
    which = named.get(days) or f"every {listed(_ENGLISH_DAYS[day] for day in days)}"
    part = _part(time)
    return f"{clock_words(time)}{f' in the {part}' if part else ''} {which}"


def delay_words(seconds: float) -> str:
    """Return "in ten minutes", "in einer Stunde"."""
    words = duration_words(seconds)
    if is_german():
        for plain, dative in _DATIVE:
            words = words.replace(plain, dative)
    return f"in {words}"


def clock_words(at: datetime) -> str:
    """Return a time of day: "7", "7:30", "noon"; "7 Uhr", "19:30 Uhr"."""
    if is_german():
        return f"{at.hour}:{at:%M} Uhr" if at.minute else f"{at.hour} Uhr"
    if not at.minute and at.hour % NOON == 0:
        return "noon" if at.hour else "midnight"
    return f"{at.hour % NOON or NOON}:{at:%M}" if at.minute else str(at.hour % NOON or NOON)


def clock_with_part(at: datetime) -> str:
    """Return a time of day with the part of the day: "7 in the morning", "noon"."""
    part = "" if is_german() else _part(at)
    return f"{clock_words(at)} in the {part}" if part else clock_words(at)


def date_words(day: date, today: date) -> str:
    """Return "December 24th", "24. Dezember", with the year if it is another one."""
    if is_german():
        year = "" if day.year == today.year else f" {day.year}"
        return f"{day.day}. {MONTHS[day.month - 1]}{year}"
    year = "" if day.year == today.year else f", {day.year}"
    return f"{day:%B} {day.day}{ordinal_suffix(day.day)}{year}"


def full_date(day: date) -> str:
    """Return "Friday, December 4th, 2026", "Freitag, der 4. Dezember 2026"."""
    if is_german():
        return f"{WEEKDAYS[day.weekday()]}, der {day.day}. {MONTHS[day.month - 1]} {day.year}"
    return f"{day:%A}, {day:%B} {day.day}{ordinal_suffix(day.day)}, {day.year}"


_ENGLISH_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _part(at: datetime) -> str:
    """Return the part of the day, none for noon and midnight."""
    if not at.minute and at.hour % NOON == 0:
        return ""
    return "morning" if at.hour < NOON else "afternoon" if at.hour < EVENING else "evening"


def _german_day(day: date, today: date) -> str:
    ahead = (day - today).days
    near = {0: "heute", 1: "morgen", 2: "übermorgen", -1: "gestern"}
    if ahead in near:
        return near[ahead]
    if 0 < ahead < WEEK_DAYS:
        return f"am {WEEKDAYS[day.weekday()]}"
    return f"am {date_words(day, today)}"
