"""When an alarm or a reminder is due: local time and a rule, from which the Unix time is computed anew; pure.

Rules kept here:

* 7 o'clock stays 7 o'clock: a change of the clocks, or of the machine's time zone, moves the Unix time.
* An hour that the clocks skip is due when it would have been (PEP 495), one that comes twice is due once.
* An hour that may be morning or evening is the next such hour. Where a day is named it is the waking hour: 8 is in the
  morning, and 2 in the afternoon.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Final

import attrs

from backends.builtin.moments import ClockTime, NamedDay, NamedMoment

DAY_S: Final = 86_400.0
FIRST_WAKING_HOUR: Final = 5  # of those that may be morning or evening: 4 is hardly ever meant at night


@attrs.frozen
class Schedule:
    """When something is due."""

    time: str = ""
    """Local time, as "07:30"."""
    day: str = ""
    """The date of something that is due once, as "2026-11-29"."""
    weekdays: tuple[int, ...] = ()
    """Or every week on these; 0 is Monday."""
    at_s: float | None = None
    """Or a fixed Unix time."""
    after_s: float = 0.0
    """Of something that comes again: it was due until this Unix time."""

    def due_s(self, now_s: float, zone: tzinfo | None) -> float:
        """Return the Unix time at which it is due next, or was due; ``zone`` None is the machine's."""
        if self.at_s is not None:
            return self.at_s
        at = time.fromisoformat(self.time)
        if self.day:
            return unix_s(datetime.combine(date.fromisoformat(self.day), at), zone)
        after_s = min(self.after_s, now_s + DAY_S)  # a clock that was wrong for a while silences nothing for longer
        first = local(after_s, zone).date()
        for ahead in range(9):  # a week, and a day on either side of a change of the clocks
            day = first + timedelta(days=ahead)
            due_s = unix_s(datetime.combine(day, at), zone)
            if day.weekday() in self.weekdays and due_s > after_s:
                return due_s
        raise AssertionError(f"a schedule without a day: {self}")

    def after(self, due_s: float) -> "Schedule | None":
        """Return the schedule after it was due at ``due_s``; None for one that was due once."""
        return attrs.evolve(self, after_s=due_s) if self.weekdays else None


def schedule_of(moment: NamedMoment, now_s: float, zone: tzinfo | None, *, default: ClockTime) -> Schedule | None:
    """Return when a moment is due; None if that is over, or there is no such day.

    ``default`` is the time of a day that was named without one.
    """
    if moment.delay_s is not None:
        return Schedule(at_s=now_s + moment.delay_s)
    clock = default if moment.clock is None else moment.clock
    if moment.weekdays:
        return Schedule(time=_written(_waking(clock), clock.minute), weekdays=moment.weekdays, after_s=now_s)
    if moment.day is None:
        return _next(clock, now_s, zone)
    day = day_of(moment.day, now_s, zone)
    if day is None:
        return None
    hours = (_waking(clock),) if moment.day.offset != 0 else clock.hours()
    dues = [Schedule(time=_written(hour, clock.minute), day=day.isoformat()) for hour in hours]
    coming = [due for due in dues if due.due_s(now_s, zone) > now_s]
    if not coming and moment.day.weekday is not None and day == local(now_s, zone).date():
        return attrs.evolve(dues[-1], day=(day + timedelta(days=7)).isoformat())  # on Friday evening: "Friday at 8"
    return coming[0] if coming else None


def day_of(day: NamedDay, now_s: float, zone: tzinfo | None) -> date | None:
    """Return which day is named, None if there is no such day."""
    return day.on(local(now_s, zone).date())


def same_time(schedule: Schedule, moment: NamedMoment, now_s: float, zone: tzinfo | None) -> bool:
    """Return whether a schedule is the one that ``moment`` names: "my 7 am alarm"."""
    if moment.delay_s is not None:
        return False
    due = local(schedule.due_s(now_s, zone), zone)
    clock = moment.clock
    if clock is not None and not moment.is_vague and (due.hour not in clock.hours() or due.minute != clock.minute):
        return False
    if moment.weekdays and set(moment.weekdays) != set(schedule.weekdays):
        return False
    return moment.day is None or moment.day.on(local(now_s, zone).date()) == due.date()


def local(unix: float, zone: tzinfo | None) -> datetime:
    """Return a Unix time as local time, without its zone."""
    return datetime.fromtimestamp(unix, zone).replace(tzinfo=None)


def unix_s(at: datetime, zone: tzinfo | None) -> float:
    """Return a local time, of which the first is meant if it comes twice, as Unix time."""
    return (at.astimezone() if zone is None else at.replace(tzinfo=zone)).timestamp()


def to_json(schedule: Schedule) -> Mapping[str, Any]:
    """Return a schedule as JSON has it."""
    return attrs.asdict(schedule)


def from_json(kept: Mapping[str, Any]) -> Schedule:
    """Return the schedule of ``to_json``; raises KeyError, TypeError or ValueError."""
    at_s = kept["at_s"]
    schedule = Schedule(
        str(kept["time"]),
        str(kept["day"]),
        tuple(int(day) for day in kept["weekdays"]),
        None if at_s is None else float(at_s),
        float(kept["after_s"]),
    )
    schedule.due_s(0.0, None)  # of a damaged one
    return schedule


def _next(clock: ClockTime, now_s: float, zone: tzinfo | None) -> Schedule:
    """Return the next time that the clock shows this."""
    today = local(now_s, zone).date()
    dues = [
        Schedule(time=_written(hour, clock.minute), day=(today + timedelta(days=ahead)).isoformat())
        for ahead in (0, 1, 2)
        for hour in clock.hours()
    ]
    return next(due for due in dues if due.due_s(now_s, zone) > now_s)


def _waking(clock: ClockTime) -> int:
    early, *late = clock.hours()
    return early if not late or early >= FIRST_WAKING_HOUR else late[0]


def _written(hour: int, minute: int) -> str:
    return f"{hour:02}:{minute:02}"
