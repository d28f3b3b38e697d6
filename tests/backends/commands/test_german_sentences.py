"""Each intent of the built-in tools can be spoken in German, in the orders that Germans give."""

import pytest

from backends.commands.files import load_files
from backends.commands.grammar import HassilGrammar
from tests.source_tree import ROOT

SHIPPED = sorted((ROOT / "backends" / "commands" / "sentences").glob("*.yaml"))
NO_PROGRAMS = {"program": ["rechner"]}


@pytest.fixture(scope="module")
def grammar():
    return HassilGrammar(programs=["rechner"])


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("Wie ist die Uhrzeit in Tokio?", "get_time", {"place": "tokio"}),
        ("Was für ein Datum ist heute?", "get_date", {}),
        ("Sag mir das heutige Datum.", "get_date", {}),
        ("Stell einen zehn Minuten Timer.", "set_timer", {"seconds": 600}),
        ("Timer auf fünf Minuten stellen.", "set_timer", {"seconds": 300}),
        ("Ich brauche einen Timer für eine Stunde.", "set_timer", {"seconds": 3600}),
        ("Stell einen Nudel Timer auf acht Minuten.", "set_timer", {"seconds": 480, "name": "Nudel"}),
        ("Wie viel Zeit bleibt noch?", "list_timers", {}),
        ("Läuft noch ein Timer?", "list_timers", {}),
        ("Den Timer löschen.", "cancel_timer", {}),
        ("Brich den Timer ab.", "cancel_timer", {}),
        ("Alle Timer löschen.", "cancel_timer", {"every": True}),
        ("Was habe ich mir notiert?", "list_notes", {}),
        ("Notizen vorlesen.", "list_notes", {}),
        ("Lösche die Notiz.", "delete_note", {"which": "last"}),
        ("Lösche die Notiz über Anna.", "delete_note", {"which": "Anna"}),
        ("Alle Notizen löschen.", "delete_note", {"which": "all"}),
        ("Milch auf die Einkaufsliste setzen.", "add_to_list", {"item": "Milch", "list_name": "shopping"}),
        ("Was müssen wir noch einkaufen?", "read_list", {"list_name": "shopping"}),
        ("Einkaufsliste vorlesen.", "read_list", {"list_name": "shopping"}),
        ("Milch von der Einkaufsliste streichen.", "remove_from_list", {"item": "Milch", "list_name": "shopping"}),
        ("Die Einkaufsliste leeren.", "remove_from_list", {"item": "all", "list_name": "shopping"}),
        ("Was ist zwölf mal sieben?", "calculate", {"expression": "12 * 7"}),
        ("Wie viele Kilometer sind fünf Meilen?", "convert_units", {"value": 5, "from_unit": "miles"}),
        ("Wie lange läuft der Rechner schon?", "system_info", {"topic": "uptime"}),
        ("Wie ist die Prozessorauslastung?", "system_info", {"topic": "cpu"}),
        ("Zeig mir den Akkustand.", "system_info", {"topic": "battery"}),
        ("Rechner öffnen.", "run_program", {"name": "rechner"}),
    ],
)
def test_a_german_order_is_understood(grammar, text, tool, arguments):
    match = grammar.match([text], "de")
    assert match is not None
    assert match.tool == tool
    assert arguments.items() <= dict(match.arguments).items()


def test_every_intent_that_english_has_is_there_in_german():
    english, german = (
        {
            intent
            for file in load_files(SHIPPED, extra_lists=NO_PROGRAMS)
            if file.language == language
            for intent in file.commands
        }
        for language in ("en", "de")
    )
    assert german == english
