from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from backends.builtin.moments import ClockTime, named_moment
from backends.builtin.schedules import Schedule, from_json, local, same_time, schedule_of, to_json, unix_s

BERLIN = ZoneInfo("Europe/Berlin")
DEFAULT = ClockTime(9)


def at(text, zone=BERLIN):
    """Return a local time such as "2026-11-28 10:00" as Unix time."""
    return unix_s(datetime.fromisoformat(text), zone)


def due(text, now, zone=BERLIN):
    """Return when what is said at ``now`` is due, as local time; None if it is not."""
    moment = named_moment(text, "en")
    assert moment is not None
    schedule = schedule_of(moment, at(now, zone), zone, default=DEFAULT)
    return None if schedule is None else f"{local(schedule.due_s(at(now, zone), zone), zone):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("7", "2026-11-28 06:00", "2026-11-28 07:00"),
        ("7", "2026-11-28 10:00", "2026-11-28 19:00"),
        ("7", "2026-11-28 22:00", "2026-11-29 07:00"),
        ("7 am", "2026-11-28 10:00", "2026-11-29 07:00"),
        ("7", "2026-11-28 07:00", "2026-11-28 19:00"),
        ("12", "2026-11-28 13:00", "2026-11-29 00:00"),
        ("midnight", "2026-11-28 13:00", "2026-11-29 00:00"),
        ("tomorrow at eight", "2026-11-28 10:00", "2026-11-29 08:00"),
        ("tomorrow at two", "2026-11-28 10:00", "2026-11-29 14:00"),
        ("today at eight", "2026-11-28 10:00", "2026-11-28 20:00"),
        ("today at 9 am", "2026-11-28 10:00", None),
        ("yesterday at noon", "2026-11-28 10:00", None),
        ("friday at 8", "2026-11-28 10:00", "2026-12-04 08:00"),
        ("saturday at 8 am", "2026-11-28 10:00", "2026-12-05 08:00"),
        ("tomorrow", "2026-11-28 10:00", "2026-11-29 09:00"),
        ("weekdays at 6:45", "2026-11-28 10:00", "2026-11-30 06:45"),
        ("every day at 2", "2026-11-28 10:00", "2026-11-28 14:00"),
        ("in ten minutes", "2026-11-28 10:00", "2026-11-28 10:10"),
        ("february 30 at 8", "2026-11-28 10:00", None),
    ],
)
def test_what_is_said_is_due_at_the_next_such_time(text, now, expected):
    assert due(text, now) == expected


def test_seven_o_clock_stays_seven_when_the_clocks_change():
    daily = Schedule(time="07:00", weekdays=(0, 1, 2, 3, 4, 5, 6), after_s=at("2026-10-24 08:00"))
    first = daily.due_s(at("2026-10-24 08:00"), BERLIN)
    assert first == at("2026-10-25 07:00")
    assert first - at("2026-10-24 07:00") == 25 * 3_600, "the night has an hour more"


def test_an_hour_that_is_skipped_is_due_and_one_that_comes_twice_is_due_once():
    skipped = Schedule(time="02:30", day="2026-03-29")
    assert local(skipped.due_s(0.0, BERLIN), BERLIN) == datetime(2026, 3, 29, 3, 30)  # noqa: DTZ001 - local time
    daily = Schedule(time="02:30", weekdays=(0, 1, 2, 3, 4, 5, 6), after_s=at("2026-10-24 03:00"))
    first = daily.due_s(at("2026-10-24 03:00"), BERLIN)
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp()
    again = daily.after(first)
    assert again is not None
    assert again.due_s(first, BERLIN) == at("2026-10-26 02:30")


def test_another_zone_moves_the_time_and_not_the_hour():
    schedule = Schedule(time="07:00", day="2026-11-29")
    tokyo = ZoneInfo("Asia/Tokyo")
    assert local(schedule.due_s(0.0, tokyo), tokyo) == local(schedule.due_s(0.0, BERLIN), BERLIN)
    assert schedule.due_s(0.0, BERLIN) - schedule.due_s(0.0, tokyo) == 8 * 3_600


def test_a_clock_that_was_wrong_for_a_while_silences_nothing_for_longer():
    daily = Schedule(time="07:00", weekdays=(0, 1, 2, 3, 4, 5, 6), after_s=at("2036-01-01 00:00"))
    assert daily.due_s(at("2026-11-28 10:00"), BERLIN) == at("2026-11-30 07:00")


def test_what_was_due_once_is_over_after_that():
    assert Schedule(time="07:00", day="2026-11-29").after(1.0) is None
    assert Schedule(at_s=5.0).after(5.0) is None


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("7 am", True),
        ("7", True),
        ("tomorrow", True),
        ("tomorrow morning", True),
        ("7 pm", False),
        ("7:30", False),
        ("today", False),
        ("weekdays at 7", False),
        ("in ten minutes", False),
    ],
)
def test_a_schedule_is_the_one_of_its_time(text, fits):
    moment = named_moment(text, "en")
    assert moment is not None
    schedule = Schedule(time="07:00", day="2026-11-29")
    assert same_time(schedule, moment, at("2026-11-28 10:00"), BERLIN) is fits


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(time="07:00", weekdays=(0, 4), after_s=5.0),
        Schedule(time="07:00", day="2026-11-29"),
        Schedule(at_s=1.5),
    ],
)
def test_a_schedule_is_kept_as_json(schedule):
    assert from_json(to_json(schedule)) == schedule


def test_the_machines_zone_is_taken_where_none_is_given():
    schedule = Schedule(time="12:00", day="2026-11-29")
    assert local(schedule.due_s(0.0, None), None) == datetime(2026, 11, 29, 12)  # noqa: DTZ001 - local time
