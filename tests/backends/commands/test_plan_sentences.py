"""The sentences about alarms, reminders, the stopwatch and dates: what they call, and what they ask for."""

import json

import jsonschema
import pytest

from backends.builtin.server import make_server
from backends.commands.grammar import HassilGrammar

ENGLISH = [
    ("wake me at 7", "set_alarm", {"when": "at 7"}),
    ("wake me up at half past six", "set_alarm", {"when": "at half past six"}),
    ("wake me tomorrow at eight", "set_alarm", {"when": "tomorrow at eight"}),
    ("I need to get up at five forty five", "set_alarm", {"when": "at five forty five"}),
    ("set an alarm for 7:30", "set_alarm", {"when": "7:30"}),
    ("set an alarm for 7 a.m.", "set_alarm", {"when": "7 a.m"}),
    ("set a 7 am alarm", "set_alarm", {"when": "7 am"}),
    ("set an alarm every day at 7", "set_alarm", {"when": "every day at 7"}),
    ("set an alarm for 6:45 on weekdays", "set_alarm", {"when": "6:45 on weekdays"}),
    ("set an alarm for 7 called gym", "set_alarm", {"when": "7", "name": "gym"}),
    ("alarm at noon", "set_alarm", {"when": "noon"}),
    ("what alarms do I have", "list_alarms", {}),
    ("do I have an alarm set for 7", "list_alarms", {"when": "for 7"}),
    ("when is my next alarm", "list_alarms", {}),
    ("cancel the alarm", "cancel_alarm", {}),
    ("cancel my 7 am alarm", "cancel_alarm", {"when": "7 am"}),
    ("delete the alarm for tomorrow", "cancel_alarm", {"when": "tomorrow"}),
    ("cancel all alarms", "cancel_alarm", {"every": True}),
    ("remind me to call mom in three seconds", "set_reminder", {"text": "call mom", "when": "in 3 seconds"}),
    ("remind me in 10 minutes to call mom", "set_reminder", {"text": "call mom", "when": "in 600 seconds"}),
    ("remind me tomorrow at nine to call Anna", "set_reminder", {"text": "call Anna", "when": "tomorrow at nine"}),
    ("set a reminder to call mom at 5 pm", "set_reminder", {"text": "call mom", "when": "at 5 pm"}),
    ("don't let me forget to call mom at 5 pm", "set_reminder", {"text": "call mom", "when": "at 5 pm"}),
    ("set reminder to feed the cat tonight at 6pm", "set_reminder", {"text": "feed the cat", "when": "tonight at 6pm"}),
    ("set a reminder for me to call mom at noon", "set_reminder", {"text": "call mom", "when": "at noon"}),
    ("at 5 tomorrow, remind me to call mom", "set_reminder", {"text": "call mom", "when": "at 5 tomorrow"}),
    ("what are my reminders", "list_reminders", {}),
    ("do I have any reminders for tomorrow", "list_reminders", {"when": "tomorrow"}),
    ("cancel my reminder to call mom", "cancel_reminder", {"text": "call mom"}),
    ("cancel all reminders", "cancel_reminder", {"every": True}),
    ("start the stopwatch", "start_stopwatch", {}),
    ("stop the stopwatch", "stop_stopwatch", {}),
    ("lap", "lap_stopwatch", {}),
    ("how long has the stopwatch been running", "read_stopwatch", {}),
    ("reset the stopwatch", "reset_stopwatch", {}),
    ("what day is tomorrow", "find_date", {"day": "tomorrow"}),
    ("what date is next Friday", "find_date", {"day": "next Friday"}),
    ("what day is the 3rd of March", "find_date", {"day": "the 3rd of March"}),
    ("when is Easter", "find_date", {"day": "Easter"}),
    ("how many days until Christmas", "count_days", {"day": "Christmas"}),
    ("how long until Christmas", "count_days", {"day": "Christmas"}),
    ("how long until 5 pm", "time_until", {"when": "5 pm"}),
]
GERMAN = [
    ("Weck mich um sieben", "set_alarm", {"when": "um sieben"}),
    ("Weck mich morgen um halb sieben auf", "set_alarm", {"when": "morgen um halb sieben"}),
    ("Stell den Wecker auf 7 Uhr", "set_alarm", {"when": "7 Uhr"}),
    ("Stell einen Wecker auf 7:30", "set_alarm", {"when": "7:30"}),
    ("Stell einen Wecker für jeden Montag um 7 Uhr", "set_alarm", {"when": "jeden Montag um 7 Uhr"}),
    ("Ich muss um sechs aufstehen", "set_alarm", {"when": "um sechs"}),
    ("Welche Wecker sind gestellt", "list_alarms", {}),
    ("Lösche den Wecker", "cancel_alarm", {}),
    ("Lösche den Wecker um 7 Uhr", "cancel_alarm", {"when": "7 Uhr"}),
    ("Stell alle Wecker ab", "cancel_alarm", {"every": True}),
    ("Erinnere mich in drei Sekunden an Mama", "set_reminder", {"text": "Mama", "when": "in 3 seconds"}),
    ("Erinnere mich morgen um neun an den Zahnarzt", "set_reminder", {"text": "Zahnarzt", "when": "morgen um neun"}),
    ("Welche Erinnerungen gibt es", "list_reminders", {}),
    ("Lösche die Erinnerung an den Zahnarzt", "cancel_reminder", {"text": "Zahnarzt"}),
    ("Lösche alle Erinnerungen", "cancel_reminder", {"every": True}),
    ("Starte die Stoppuhr", "start_stopwatch", {}),
    ("Stoppe die Stoppuhr", "stop_stopwatch", {}),
    ("Zwischenzeit", "lap_stopwatch", {}),
    ("Was zeigt die Stoppuhr", "read_stopwatch", {}),
    ("Setz die Stoppuhr zurück", "reset_stopwatch", {}),
    ("Welcher Tag ist morgen", "find_date", {"day": "morgen"}),
    ("Welches Datum ist nächsten Freitag", "find_date", {"day": "nächsten Freitag"}),
    ("Wann ist Ostern", "find_date", {"day": "Ostern"}),
    ("Wie viele Tage sind es noch bis Weihnachten", "count_days", {"day": "Weihnachten"}),
    ("Wie lange noch bis 17 Uhr", "time_until", {"when": "17 Uhr"}),
]
QUESTIONS = [
    ("set an alarm", "en", {}, "For when?"),
    ("wake me up", "en", {}, "For when?"),
    ("remind me", "en", {}, "What shall I remind you of?"),
    ("set a reminder", "en", {}, "What shall I remind you of?"),
    ("remind me in 10 minutes", "en", {"when": "in 600 seconds"}, "What shall I remind you of?"),
    ("remind me to buy milk", "en", {"text": "buy milk"}, "When?"),
    ("Stell den Wecker", "de", {}, "Für wann?"),
    ("Erinnere mich um 5", "de", {"when": "um 5"}, "Woran soll ich dich erinnern?"),
    ("Erinnere mich daran, Mama anzurufen", "de", {"text": "Mama anzurufen"}, "Wann?"),
]
OTHERS = [
    ("what's the weather", "en"),
    ("what's the weather tomorrow", "en"),
    ("turn up the volume", "en"),
    ("remind me to", "en"),
    ("wake me up before you go go", "en"),
    ("what day is the concert", "en"),
    ("how many days are in march", "en"),
    ("wie wird das Wetter morgen", "de"),
]


@pytest.fixture(scope="module")
def grammar():
    return HassilGrammar()


@pytest.mark.parametrize(("text", "tool", "arguments"), ENGLISH)
def test_an_english_sentence_is_understood(grammar, text, tool, arguments):
    match = grammar.match([text], "en")
    assert (match.tool, match.arguments, match.question, match.confidence) == (tool, arguments, None, 1.0)


@pytest.mark.parametrize(("text", "tool", "arguments"), GERMAN)
def test_a_german_sentence_is_understood(grammar, text, tool, arguments):
    match = grammar.match([text], "de")
    assert (match.tool, match.arguments, match.question, match.confidence) == (tool, arguments, None, 1.0)


@pytest.mark.parametrize(("text", "language", "arguments", "question"), QUESTIONS)
def test_what_is_missing_is_asked_for(grammar, text, language, arguments, question):
    match = grammar.match([text], language)
    assert (match.arguments, match.question.text) == (arguments, question)


@pytest.mark.parametrize(("text", "language"), OTHERS)
def test_other_sentences_are_left_alone(grammar, text, language):
    assert grammar.match([text], language) is None


def test_the_answers_make_the_call_whole(grammar):
    asked = grammar.match(["remind me"], "en")
    asked = grammar.answer(asked, ["call mom"], "en")
    assert (asked.arguments, asked.question.text) == ({"text": "call mom"}, "When?")
    assert grammar.answer(asked, ["in ten minutes"], "en").arguments == {"text": "call mom", "when": "in 600 seconds"}
    asked = grammar.match(["set an alarm"], "en")
    assert grammar.answer(asked, ["at half past six"], "en").arguments == {"when": "at half past six"}
    assert grammar.answer(asked, ["blue"], "en") is None


async def test_every_sentence_fits_the_schema_of_its_tool(tmp_path):
    schemas = {tool.name: tool.input_schema for tool in await make_server(tmp_path, {}).list_tools()}
    for _, tool, arguments in [*ENGLISH, *GERMAN]:
        jsonschema.validate(json.loads(json.dumps(arguments)), schemas[tool])
