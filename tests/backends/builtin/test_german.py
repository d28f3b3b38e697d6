from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from mcp import Client

from backends.builtin import clock, wording
from backends.builtin.server import make_server
from backends.builtin.units import find_unit
from backends.mcp.announcements import LANGUAGE_META_KEY

IN_GERMAN: Any = {LANGUAGE_META_KEY: "de"}
NOON = 1_795_435_200.0  # 2026-11-23 12:00 UTC


@contextmanager
def german() -> Iterator[None]:
    token = wording.LANGUAGE.set("de-DE")
    yield
    wording.LANGUAGE.reset(token)


CALLS = [
    ("get_time", {"place": "Tokio"}, "In Tokio ist es 21 Uhr."),
    ("get_date", {"place": "Tokio"}, "In Tokio ist Montag, der 23. November 2026."),
    ("calculate", {"expression": "1000 * 1.5"}, "Das ist 1.500."),
    ("calculate", {"expression": "10/3"}, "Das ist etwa 3,3333."),
    (
        "convert_units",
        {"value": 5, "from_unit": "miles", "to_unit": "km"},
        "5 Meilen sind etwa 8,0467 Kilometer.",
    ),
    ("convert_units", {"value": 1, "from_unit": "foot", "to_unit": "inches"}, "1 Fuß ist 12 Zoll."),
    ("convert_units", {"value": 2, "from_unit": "days", "to_unit": "hours"}, "2 Tage sind 48 Stunden."),
    ("convert_units", {"value": 1, "from_unit": "metric pounds", "to_unit": "grams"}, "1 Pfund ist 500 Gramm."),
    ("convert_units", {"value": 0.5, "from_unit": "metric pounds", "to_unit": "grams"}, "0,5 Pfund sind 250 Gramm."),
    ("set_timer", {"seconds": 61}, "Der Timer läuft: eine Minute und eine Sekunde."),
    ("set_timer", {"seconds": 90, "name": "Tee"}, "Der Timer für Tee läuft: eine Minute und dreißig Sekunden."),
    ("list_timers", {}, "Es läuft kein Timer."),
    ("cancel_timer", {}, "Es läuft kein Timer."),
    ("set_alarm", {"when": "morgen um halb sieben"}, "Der Wecker ist gestellt: morgen um 6:30 Uhr."),
    ("set_alarm", {"when": "werktags um 7", "name": "Sport"}, "Der Wecker ist gestellt, Sport: werktags um 7 Uhr."),
    ("set_reminder", {"text": "Ofen", "when": "in einer Stunde"}, "Ich erinnere dich in einer Stunde: Ofen."),
    ("set_reminder", {"text": "Ofen", "when": "morgen um 9"}, "Ich erinnere dich morgen um 9 Uhr: Ofen."),
    ("list_alarms", {}, "Es ist kein Wecker gestellt."),
    ("find_date", {"day": "morgen"}, "Morgen ist Dienstag, der 24. November 2026."),
    ("count_days", {"day": "weihnachten"}, "Zweiunddreißig Tage bis Weihnachten."),
    ("count_days", {"day": "gestern"}, "Gestern war vor einem Tag."),
    ("time_until", {"when": "17 Uhr"}, "Es dauert noch fünf Stunden: heute um 17 Uhr."),
    ("start_stopwatch", {}, "Die Stoppuhr läuft."),
    ("add_note", {"text": "Anna anrufen"}, "Notiert: Anna anrufen"),
    ("list_notes", {}, "Es gibt keine Notizen."),
    ("add_to_list", {"item": "Milch", "list_name": "shopping"}, "Neu auf der Einkaufsliste: Milch."),
    ("read_list", {"list_name": "to do"}, "Die Aufgabenliste ist leer."),
    ("read_list", {"list_name": "Bücher"}, "Die Liste bücher ist leer."),
    ("run_program", {"name": "true"}, "true ist fertig."),
]
FAILURES = [
    ("get_time", {"place": "narnia"}, "Den Ort Narnia kenne ich nicht."),
    ("calculate", {"expression": "1/0"}, "Durch null kann man nicht teilen."),
    (
        "convert_units",
        {"value": 1, "from_unit": "mile", "to_unit": "kilo"},
        "Meilen und Kilogramm messen nicht dasselbe.",
    ),
    ("set_timer", {"seconds": 0}, "Ein Timer läuft eine Sekunde bis sieben Tage, nicht 0 Sekunden."),
    ("run_program", {"name": "rm"}, "Ich darf rm nicht starten. Erlaubt: true."),
]


@pytest.mark.parametrize(("tool", "arguments", "expected"), [*CALLS, *FAILURES])
async def test_a_german_request_is_answered_in_german(tmp_path, tool, arguments, expected):
    server = make_server(tmp_path, {"true": ["true"]}, now=lambda: NOON, zone=UTC)
    async with Client(server) as client:
        result = await client.call_tool(tool, arguments, meta=IN_GERMAN)
        assert result.content[0].text == expected
        again = await client.call_tool("list_notes", {})
        assert again.content[0].text.isascii(), "the next request has a language of its own"


async def test_a_note_and_a_timer_are_told_in_the_askers_language(tmp_path):
    server = make_server(tmp_path, {}, now=lambda: NOON)
    async with Client(server) as client:
        for tool, arguments in (("add_note", {"text": "a"}), ("set_timer", {"seconds": 600})):
            await client.call_tool(tool, arguments)
        told = [
            await client.call_tool(tool, arguments, meta=IN_GERMAN)
            for tool, arguments in (
                ("list_notes", {}),
                ("list_timers", {}),
                ("pause_timer", {}),
                ("list_timers", {}),
                ("resume_timer", {}),
                ("extend_timer", {"by_seconds": 60}),
                ("rename_timer", {"new_name": "Tee"}),
                ("cancel_timer", {}),
            )
        ]
    assert [result.content[0].text for result in told] == [
        "Eine Notiz. 1: a.",
        "Timer über zehn Minuten: noch zehn Minuten.",
        "Der Timer über zehn Minuten ist angehalten. Es bleiben: zehn Minuten.",
        "Timer über zehn Minuten: angehalten, noch zehn Minuten.",
        "Der Timer über zehn Minuten läuft. Es bleiben: zehn Minuten.",
        "Der Timer über zehn Minuten läuft jetzt noch: elf Minuten.",
        "Der Timer über zehn Minuten ist jetzt der Timer für Tee.",
        "Der Timer für Tee ist gelöscht.",
    ]


def test_the_time_is_said_with_its_minutes_where_there_are_any():
    with german():
        assert clock.time_text(datetime(2026, 11, 23, 15, 5)) == "Es ist 15:05 Uhr."  # noqa: DTZ001 - as it is told
        assert clock.date_text(datetime(2026, 3, 1)) == "Heute ist Sonntag, der 1. März 2026."  # noqa: DTZ001


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("mile", ("Meile", "Meilen")),
        ("year", ("Jahr", "Jahre")),
        ("meter", ("Meter", "Meter")),
        ("celsius", ("Grad Celsius", "Grad Celsius")),
        ("kph", ("Kilometer pro Stunde", "Kilometer pro Stunde")),
        ("acre", ("Acre", "Acre")),
    ],
)
def test_units_have_german_names(name: str, names: tuple[str, str]):
    assert find_unit(name).german == names


def test_figures_have_a_comma():
    with german():
        assert wording.number_text(Decimal("1234.5")) == ("1.234,5", True)
        assert wording.count_words(1_500) == "1.500"
