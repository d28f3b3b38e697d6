"""Points in time as people name them: "tomorrow at half past six", "weekdays at 7 am", "in 600 seconds"; pure.

Rules kept here:

* The whole text has to make sense, in any order of its parts; otherwise it is no point in time at all.
* What was not said stays open: "7" may be morning or evening, and "Friday" is a day without a time. What is meant is
  decided where it is used (``backends/builtin/schedules.py``).
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

import attrs

from backends.builtin.feasts import FEASTS
from backends.builtin.moment_words import MOMENT_WORDS, MomentWords, plainly

NOON: Final = 12
HOURS: Final = 24
MAX_LEAP_YEARS: Final = 8  # until the next February 29th, around 2100
_UNITS: Final[Mapping[str, int]] = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}


@attrs.frozen
class ClockTime:
    """A time of day."""

    hour: int
    minute: int = 0
    is_open: bool = False
    """Whether it may be twelve hours later as well: nobody said morning or evening."""

    def hours(self) -> tuple[int, ...]:
        """Return the hours of the day that may be meant, the earlier first."""
        return (self.hour % NOON, self.hour % NOON + NOON) if self.is_open else (self.hour,)


@attrs.frozen
class NamedDay:
    """A day, by one of its names."""

    offset: int | None = None
    """Days from today."""
    weekday: int | None = None
    """0 is Monday."""
    is_next_week: bool = False
    month: int | None = None
    day: int | None = None
    year: int | None = None
    feast: str = ""

    def on(self, today: date) -> date | None:
        """Return which day it is, seen from ``today``; None for one that does not exist, such as February 30th."""
        if self.offset is not None:
            return today + timedelta(days=self.offset)
        if self.weekday is not None:
            if self.is_next_week:
                return today + timedelta(days=7 - today.weekday() + self.weekday)
            return today + timedelta(days=(self.weekday - today.weekday()) % 7)
        if self.month is None and not self.feast and self.year is None:
            return self._of_month(today)
        years = range(today.year, today.year + MAX_LEAP_YEARS + 1) if self.year is None else (self.year,)
        found = [day for year in years if (day := self._in(year)) is not None]
        coming = [day for day in found if day >= today]
        return coming[0] if coming else (found[-1] if self.year is not None and found else None)

    def _of_month(self, today: date) -> date | None:
        """Return the next such day of a month that has it: "the 31st"."""
        for ahead in range(12):
            year, month = divmod(today.year * 12 + today.month - 1 + ahead, 12)
            try:
                day = date(year, month + 1, self.day or 0)
            except ValueError:
                continue
            if day >= today:
                return day
        return None

    def _in(self, year: int) -> date | None:
        if self.feast:
            return FEASTS[self.feast].on(year)
        try:
            return date(year, self.month or 1, self.day or 1)
        except ValueError:
            return None


@attrs.frozen
class NamedMoment:
    """A point in time as it was named."""

    delay_s: float | None = None
    """Seconds from now; then nothing else is said."""
    clock: ClockTime | None = None
    day: NamedDay | None = None
    weekdays: tuple[int, ...] = ()
    """Again and again on these; 0 is Monday."""
    is_vague: bool = False
    """Whether the time stands for a part of the day: "tomorrow morning"."""


def named_moment(text: str, language: str) -> NamedMoment | None:
    """Return what a text names as a point in time; None if any of it is something else.

    A text in English is understood in every language: a language model may write it.
    """
    for code in dict.fromkeys((language.partition("-")[0].lower(), "en")):
        words = MOMENT_WORDS.get(code)
        found = None if words is None else MomentReading(plainly(text, words), words).moment()
        if found is not None:
            return found
    return None


def named_day(text: str, language: str) -> NamedDay | None:
    """Return what a text names as a day; None if it is something else, or has a time as well."""
    moment = named_moment(text, language)
    if moment is None or moment.clock is not None or moment.weekdays or moment.delay_s is not None:
        return None
    return moment.day


class MomentReading:
    """A text from which one part after another is taken, until nothing is left that means something."""

    def __init__(self, text: str, words: MomentWords) -> None:
        self._rest = f" {text} "
        self._words = words

    def moment(self) -> NamedMoment | None:
        """Return what the text names; None if any of it is something else."""
        if not self._rest.strip():
            return None
        delay_s = self._delay_s()
        if delay_s is not None:
            return NamedMoment(delay_s=delay_s)
        weekdays = self._weekdays()
        day = None if weekdays else self._day()
        part = self._part_of_day()
        clock = self._clock(part)
        is_vague = clock is None and part is not None
        if part is not None and clock is None:
            clock = ClockTime(part[1])
        is_whole = all(word in self._words.fillers for word in self._rest.split())
        found = clock is not None or day is not None or bool(weekdays)
        return NamedMoment(None, clock, day, weekdays, is_vague) if is_whole and found else None

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.search(self._rest)
        if found is not None:
            self._rest = f"{self._rest[: found.start()]} {self._rest[found.end() :]}"
        return found

    def _delay_s(self) -> float | None:
        found = self._words.delays.delay.fullmatch(self._rest.strip())
        if found is None:
            return None
        parts = self._words.delays.delay_part.findall(found["parts"])
        total = sum(float(count) * _UNITS[self._words.delays.units[unit]] for count, unit in parts)
        has_days_only = all(self._words.delays.units[unit] in {"day", "week"} for _, unit in parts)
        return None if has_days_only or not total else total  # "in three days" is a day, without a time

    def _weekdays(self) -> tuple[int, ...]:
        for pattern, days in self._words.repeats.repeats:
            if self._take(pattern):
                return days
        found = self._take(self._words.repeats.every_weekday)
        if found is None:
            return ()
        return tuple(
            sorted({self._words.repeats.weekdays[name] for name in self._words.repeats.weekday.findall(found.group())})
        )

    def _day(self) -> NamedDay | None:
        words = self._words.days
        for pattern, offset in words.offsets:
            if self._take(pattern):
                return NamedDay(offset=offset)
        if found := self._take(words.in_days):
            return NamedDay(
                offset=int(found["count"]) * (7 if self._words.delays.units[found["unit"]] == "week" else 1)
            )
        if found := self._take(words.feast):
            return NamedDay(feast=words.feasts[found["feast"]])
        for pattern in words.dates:
            if found := self._take(pattern):
                parts = found.groupdict()
                month, year = parts.get("month"), parts.get("year")
                number = None if month is None else int(month) if month.isdecimal() else words.months[month]
                return NamedDay(
                    month=number, day=int(parts["day"] or parts["bare"]), year=None if not year else int(year)
                )
        if found := self._take(words.one_weekday):
            return NamedDay(weekday=self._words.repeats.weekdays[found["weekday"]], is_next_week=bool(found["next"]))
        return None

    def _part_of_day(self) -> tuple[bool, int] | None:
        """Return whether a part of the day is after noon, and the hour that stands for it; None if none is said.

        It may be said twice ("tonight at 6 pm"); what contradicts it is left, and makes the text no time.
        """
        found: tuple[bool, int] | None = None
        for pattern, is_late, hour in self._words.clock.parts_of_day:
            while (found is None or found[0] == is_late) and self._take(pattern):
                found = found or (is_late, hour)
        return found

    def _clock(self, part: tuple[bool, int] | None) -> ClockTime | None:
        for pattern, hour in self._words.clock.fixed_times:
            if self._take(pattern):
                return ClockTime(hour)
        is_late = None if part is None else part[0]
        for pattern, minutes in self._words.clock.around_hour:
            found = self._take(pattern)
            if found is not None:
                offset = minutes if minutes is not None else int(found["minute"]) * (1 if found["past"] else -1)
                return _clock_time(int(found["hour"]), offset, is_late=is_late)
        for pattern in self._words.clock.clocks:
            found = self._take(pattern)
            if found is not None:
                hour, minute = int(found["hour"]), int(found.groupdict().get("minute") or 0)
                is_exact = len(found["hour"]) > 1 and found["hour"].startswith("0")  # "07:00" is written in 24 hours
                return _clock_time(hour, minute, is_late=is_late, is_exact=is_exact)
        return None


def _clock_time(hour: int, minutes: int, *, is_late: bool | None, is_exact: bool = False) -> ClockTime | None:
    """Return the time ``minutes`` after or before an hour; None if there is none such.

    ``is_late`` is whether it is after noon; None where nobody said so.
    """
    if not 0 <= hour <= HOURS or not -60 < minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return None
    has_halves = 1 <= hour <= NOON
    if has_halves and is_late is not None:
        hour = hour % NOON + (NOON if is_late else 0)
    total = (hour * 60 + minutes) % (HOURS * 60)
    return ClockTime(total // 60, total % 60, has_halves and is_late is None and not is_exact)
