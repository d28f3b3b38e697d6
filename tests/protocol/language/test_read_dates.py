"""How dates, times and years are read aloud."""

import pytest

from protocol.language.readings import read_aloud


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("7:05:30 AM", "seven oh five and thirty seconds AM"),
        ("10:30:01", "ten thirty and one second"),
        ("07:00:00", "seven o'clock"),
        ("1:30:00", "one thirty"),
        ("9am-5pm daily", "nine AM to five PM daily"),
        ("9:00-17:00", "nine o'clock to seventeen hundred"),
        ("from 9:00 AM - 5:00 PM", "from nine AM to five PM"),
        ("10 AM-noon", "ten AM to noon"),
        ("Come at 5pm.", "Come at five PM."),
        ("at 5 p.m. tomorrow", "at five PM tomorrow"),
        ("9.30 am", "nine thirty AM"),
        ("2026-11-27T10:00:00Z", "November 27th, 2026, ten o'clock UTC"),
        ("It took 1:23.45", "It took 1:23.45"),
    ],
)
def test_times_are_read_with_their_seconds(written: str, read: str) -> None:
    assert read_aloud(written, "en") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("11/27/26", "November 27th, 2026"),
        ("on 12/25", "on December 25th"),
        ("December 25", "December 25th"),
        ("25 December 2026", "December 25th, 2026"),
        ("Mon., Dec. 1", "Monday, December 1st"),
        ("Nov 27, 1984", "November 27th, nineteen eighty-four"),
        ("Jan-Mar, Mon-Fri", "January to March, Monday to Friday"),
        ("the 25th of December", "the 25th of December"),
        ("in May 2026", "in May 2026"),
    ],
)
def test_dates_have_the_name_of_their_month(written: str, read: str) -> None:
    assert read_aloud(written, "en") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("in 1984", "in nineteen eighty-four"),
        ("since 1905", "since nineteen oh five"),
        ("In 1066 the Normans came.", "In ten sixty-six the Normans came."),
        ("1914-1918", "nineteen fourteen to nineteen eighteen"),
        ("the 1990s and the '80s", "the nineteen nineties and the eighties"),
        ("the 1800s and the 2010s", "the eighteen hundreds and the twenty tens"),
        ("in his 30s", "in his thirties"),
        ("wait 30s", "wait thirty seconds"),
        ("a total of 1984 items", "a total of 1984 items"),
        ("1984", "1984"),
    ],
)
def test_a_year_is_read_as_one(written: str, read: str) -> None:
    assert read_aloud(written, "en") == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Freitag, der 4. Dezember 2026", "Freitag, der vierte Dezember 2026"),
        ("am 27. November", "am siebenundzwanzigsten November"),
        ("1. Mai", "erster Mai"),
        ("in der 2. Woche", "in der zweiten Woche"),
        ("der 2. Weltkrieg", "der zweite Weltkrieg"),
        ("am 3.5.2026", "am dritten Mai 2026"),
        ("am 3.5.", "am dritten Mai"),
        ("Es sind 5. Danach", "Es sind 5. Danach"),
        ("seit 1984", "seit neunzehnhundertvierundachtzig"),
        ("von 1933 bis 1945", "von neunzehnhundertdreiunddreißig bis neunzehnhundertfünfundvierzig"),
        ("die 1990er Jahre", "die neunzehnhundertneunziger Jahre"),
        ("7:05:30 Uhr", "sieben Uhr fünf und dreißig Sekunden"),
        ("9.30 Uhr", "neun Uhr dreißig"),
        ("9:00-17:00 Uhr", "neun Uhr bis siebzehn Uhr"),
        ("Mo-Fr 9-17 Uhr", "Montag bis Freitag 9 bis 17 Uhr"),
    ],
)
def test_dates_are_read_in_german(written: str, read: str) -> None:
    assert read_aloud(written, "de") == read
