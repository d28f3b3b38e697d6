"""What day a date is, how many days until one, and how long until a time: the tools for dates."""

from collections.abc import Callable
from datetime import date, datetime, tzinfo
from typing import Annotated, Final

from pydantic import Field

from backends.builtin.feasts import FEASTS
from backends.builtin.moments import NamedDay, named_day, named_moment
from backends.builtin.planned import DEFAULT_CLOCK
from backends.builtin.schedules import local, schedule_of
from backends.builtin.spoken_times import date_words, full_date, moment_words
from backends.builtin.wording import LANGUAGE, duration_words, is_german, plural, told, upper_first

Day = Annotated[
    str,
    Field(
        description='A day as people name it: "tomorrow", "next friday", "march 3rd", "christmas", "2026-12-24".',
        max_length=100,
    ),
]


class DateError(ValueError):
    """A day or a time is not known; the message is fit to be spoken."""


class Dates:
    """The tools for dates."""

    def __init__(self, now: Callable[[], float], zone: tzinfo | None = None) -> None:
        """``zone`` None is the machine's."""
        self._now = now
        self._zone = zone

    async def find_date(self, day: Day) -> str:
        """Tell which date and which day of the week a day is: tomorrow, next Friday, the 3rd of March, Christmas."""
        named, on = self._day(day)
        name = _name_of(named)
        if not name:
            return told("That is {date}.", date=full_date(on))
        return told("{day} is {date}.", day=upper_first(name), date=full_date(on))

    async def count_days(self, day: Day) -> str:
        """Tell how many days there are until a day, or since then."""
        named, on = self._day(day)
        today = self._today()
        ahead = (on - today).days
        if ahead == 0:
            return told("That is today.")
        name = _name_of(named) or date_words(on, today)
        if ahead > 0:
            return told("{count} until {day}.", count=upper_first(plural(ahead, "day")), day=name)
        return told("{day} was {count} ago.", day=upper_first(name), count=_ago(-ahead))

    async def time_until(
        self,
        when: Annotated[
            str, Field(description='A time as people name it: "5 pm", "noon", "tomorrow at 8".', max_length=100)
        ],
    ) -> str:
        """Tell how long it is until a time of day."""
        moment = named_moment(when, LANGUAGE.get())
        now_s = self._now()
        schedule = None if moment is None else schedule_of(moment, now_s, self._zone, default=DEFAULT_CLOCK)
        if schedule is None:
            raise DateError(told("I do not understand the time {when}.", when=when.strip() or "?"))
        due_s = schedule.due_s(now_s, self._zone)
        minutes = max(1, round((due_s - now_s) / 60))
        left = duration_words(minutes * 60)
        due = local(due_s, self._zone)
        return told("It is {duration} until {when}.", duration=left, when=moment_words(due, self._local()))

    def _day(self, text: str) -> tuple[NamedDay, date]:
        named = named_day(text, LANGUAGE.get())
        on = None if named is None else named.on(self._today())
        if named is None or on is None:
            raise DateError(told("I do not know the day {day}.", day=text.strip() or "?"))
        return named, on

    def _today(self) -> date:
        return self._local().date()

    def _local(self) -> datetime:
        return local(self._now(), self._zone)


def _name_of(day: NamedDay) -> str:
    """Return what a day is called in an answer; nothing for one that is best told by its date."""
    if day.feast:
        return FEASTS[day.feast].german if is_german() else FEASTS[day.feast].english
    named = _GERMAN_NEAR if is_german() else _ENGLISH_NEAR
    return "" if day.offset is None else named.get(day.offset, "")


_ENGLISH_NEAR: Final = {
    -2: "the day before yesterday",
    -1: "yesterday",
    0: "today",
    1: "tomorrow",
    2: "the day after tomorrow",
}
_GERMAN_NEAR: Final = {-2: "vorgestern", -1: "gestern", 0: "heute", 1: "morgen", 2: "übermorgen"}


def _ago(days: int) -> str:
    """Return how long ago that was: "three days", "drei Tagen"."""
    words = plural(days, "day")
    return words.replace("ein Tag", "einem Tag").replace("Tage", "Tagen") if is_german() else words
