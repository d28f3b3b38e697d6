"""The sentences about lists and notes: what goes on a list, what comes off, and what is half of another sentence."""

import json

import jsonschema
import pytest
from mcp import Client

from backends.builtin.server import make_server
from backends.commands.grammar import HassilGrammar

ENGLISH = [
    ("remove the eggs from my shopping list", "remove_from_list", {"item": "the eggs", "list_name": "shopping"}),
    ("remove egg from the shopping list", "remove_from_list", {"item": "egg", "list_name": "shopping"}),
    ("add mac and cheese to the shopping list", "add_to_list", {"item": "mac and cheese", "list_name": "shopping"}),
    ("delete the fourth note", "delete_note", {"which": "4"}),
    ("delete the 4th note", "delete_note", {"which": 4}),
    ("delete note 12", "delete_note", {"which": 12}),
    ("add call the plumber to my to do list", "add_to_list", {"item": "call the plumber", "list_name": "to do"}),
    ("what do i need to buy", "read_list", {"list_name": "shopping"}),
    ("take milk off the shopping list", "remove_from_list", {"item": "milk", "list_name": "shopping"}),
    ("i already bought the eggs", "remove_from_list", {"item": "the eggs"}),
    ("shopping list add two avocados", "add_to_list", {"item": "two avocados", "list_name": "shopping"}),
    ("add milk to the shopping list", "add_to_list", {"item": "milk", "list_name": "shopping"}),
    ("clear the shopping list", "remove_from_list", {"item": "all", "list_name": "shopping"}),
    ("we're out of coffee, add it to the shopping list", "add_to_list", {"item": "coffee", "list_name": "shopping"}),
    (
        "cross off call the plumber from my to do list",
        "remove_from_list",
        {"item": "call the plumber", "list_name": "to do"},
    ),
    ("put eggs and bread on my grocery list", "add_to_list", {"item": "eggs and bread", "list_name": "shopping"}),
    ("delete everything on the grocery list", "remove_from_list", {"item": "all", "list_name": "shopping"}),
    ("jot this down, paint color is eggshell white", "add_note", {"text": "paint color is eggshell white"}),
    ("take a note the wifi code is blue elephant", "add_note", {"text": "the wifi code is blue elephant"}),
    ("erase all notes", "delete_note", {"which": "all"}),
    ("read my notes", "list_notes", {}),
    ("do i have any notes", "list_notes", {}),
    ("note to self buy a present for anna", "add_note", {"text": "buy a present for anna"}),
    ("add milk to the list", "add_to_list", {"item": "milk", "list_name": ""}),
    ("take milk off the list", "remove_from_list", {"item": "milk", "list_name": ""}),
    ("check off milk", "remove_from_list", {"item": "milk"}),
    ("check off milk on the shopping list", "remove_from_list", {"item": "milk", "list_name": "shopping"}),
    ("cross milk off my list", "remove_from_list", {"item": "milk", "list_name": ""}),
    ("mark laundry as done", "remove_from_list", {"item": "laundry"}),
    ("mark laundry as done on my to do list", "remove_from_list", {"item": "laundry", "list_name": "to do"}),
    ("write down batteries on the shopping list", "add_to_list", {"item": "batteries", "list_name": "shopping"}),
    ("write down that the car needs oil", "add_note", {"text": "the car needs oil"}),
    ("read note 2", "list_notes", {"which": 2}),
    ("read my last note", "list_notes", {"which": "last"}),
    ("what is my second note", "list_notes", {"which": "2"}),
    ("how many notes do i have", "list_notes", {}),
    ("delete every note", "delete_note", {"which": "all"}),
    ("clear my list", "remove_from_list", {"item": "all", "list_name": ""}),
    ("what's on my list", "read_list", {"list_name": ""}),
    ("add nails to the hardware list", "add_to_list", {"item": "nails", "list_name": "hardware"}),
    ("shopping list", "read_list", {"list_name": "shopping"}),
    ("remove everything from my list", "remove_from_list", {"item": "all", "list_name": ""}),
    ("get rid of everything on the to do list", "remove_from_list", {"item": "all", "list_name": "to do"}),
    ("erase my notes", "delete_note", {"which": "all"}),
    ("read the note about Anna", "list_notes", {"which": "Anna"}),
    (
        "add that thing from the hardware store to my shopping list",
        "add_to_list",
        {"item": "that thing from the hardware store", "list_name": "shopping"},
    ),
    ("take everything off my todo list", "remove_from_list", {"item": "all", "list_name": "to do"}),
    ("get rid of the eggs on my shopping list", "remove_from_list", {"item": "the eggs", "list_name": "shopping"}),
    ("i need carrots on my shopping list", "add_to_list", {"item": "carrots", "list_name": "shopping"}),
    (
        "add a trip to the post office to my to do list",
        "add_to_list",
        {"item": "a trip to the post office", "list_name": "to do"},
    ),
    ("get rid of all my notes", "delete_note", {"which": "all"}),
    ("wipe my notes", "delete_note", {"which": "all"}),
    ("delete the 2nd note", "delete_note", {"which": 2}),
    ("delete the tenth note", "delete_note", {"which": "10"}),
    ("show me the first note", "list_notes", {"which": "1"}),
    (
        "add wash and fold the laundry to my to do list",
        "add_to_list",
        {"item": "wash and fold the laundry", "list_name": "to do"},
    ),
    ("put milk down on my shopping list", "add_to_list", {"item": "milk", "list_name": "shopping"}),
    ("we already bought the bread", "remove_from_list", {"item": "the bread"}),
    ("scratch bananas off the grocery list", "remove_from_list", {"item": "bananas", "list_name": "shopping"}),
    (
        "delete milk and eggs from the shopping list",
        "remove_from_list",
        {"item": "milk and eggs", "list_name": "shopping"},
    ),
    ("empty out my shopping list", "remove_from_list", {"item": "all", "list_name": "shopping"}),
    ("note this down the gate code is nine", "add_note", {"text": "the gate code is nine"}),
]
GERMAN = [
    ("Streich die Eier von der Einkaufsliste", "remove_from_list", {"item": "die Eier", "list_name": "shopping"}),
    ("Lösche die Butter von der Einkaufsliste", "remove_from_list", {"item": "die Butter", "list_name": "shopping"}),
    ("Setze Milch auf die Liste", "add_to_list", {"item": "Milch", "list_name": ""}),
    ("Lösche die vierte Notiz", "delete_note", {"which": "4"}),
    ("Lies die letzte Notiz vor", "list_notes", {"which": "last"}),
    ("Lies Notiz 2 vor", "list_notes", {"which": 2}),
    ("Wie viele Notizen habe ich", "list_notes", {}),
    ("Lösche jede Notiz", "delete_note", {"which": "all"}),
    ("Hake Milch ab", "remove_from_list", {"item": "Milch"}),
    (
        "Hake Klempner anrufen auf der Aufgabenliste ab",
        "remove_from_list",
        {"item": "Klempner anrufen", "list_name": "to do"},
    ),
    ("Ich habe die Eier schon gekauft", "remove_from_list", {"item": "die Eier"}),
    ("Lösche alles auf der Einkaufsliste", "remove_from_list", {"item": "all", "list_name": "shopping"}),
    ("Leere die ganze Einkaufsliste", "remove_from_list", {"item": "all", "list_name": "shopping"}),
    ("Schreib dir das auf: die Farbe ist Eierschale", "add_note", {"text": "die Farbe ist Eierschale"}),
    (
        "Setze Salz und Pfeffer auf die Einkaufsliste",
        "add_to_list",
        {"item": "Salz und Pfeffer", "list_name": "shopping"},
    ),
    ("Notiere Batterien auf der Einkaufsliste", "add_to_list", {"item": "Batterien", "list_name": "shopping"}),
    ("Notiere Auto waschen", "add_note", {"text": "Auto waschen"}),
    ("Auf die Einkaufsliste kommen noch Eier", "add_to_list", {"item": "Eier", "list_name": "shopping"}),
]
NO_COMMANDS = [
    "add milk to the shopping list and bread to the to do list",
    "add eggs and put milk on the shopping list",
    "add milk to the shopping list and set a timer for 5 minutes",
    "add it to the shopping list",
    "put me on the list",
    "put in the order for everything on my shopping list",
    "he put it on the list",
    "the list of demands was long",
    "take milk off",
    "take your shoes off",
    "take care",
    "check this out",
    "cross the street",
    "mark my words",
    "give me the groceries",
    "get rid off the eggs on my to do list",
    "check if I have added a thing to my to do list",
    "list out the rules for bags on my flight",
    "i need you to buy the things on my shopping list",
    "read the letter about Anna",
    "delete the last vote about the budget",
    "write down",
    "add some spice to your life",
]
NO_GERMAN_COMMANDS = [
    "Setze Milch auf die Einkaufsliste und Brot auf die Aufgabenliste",
    "Setz es auf die Einkaufsliste",
    "Setz Milch auf die Einkaufsliste und stell einen Timer auf fünf Minuten",
    "setz dich auf die Bank",
    "ich habe das schon gewusst",
]


@pytest.fixture(scope="module")
def grammar():
    return HassilGrammar()


@pytest.mark.parametrize(("text", "tool", "arguments"), ENGLISH)
def test_an_english_sentence_about_a_list_or_a_note_is_understood_exactly(grammar, text, tool, arguments):
    match = grammar.match([text], "en")

    assert match is not None
    assert (match.tool, dict(match.arguments), match.confidence) == (tool, arguments, 1.0)


@pytest.mark.parametrize(("text", "tool", "arguments"), GERMAN)
def test_a_german_sentence_about_a_list_or_a_note_is_understood(grammar, text, tool, arguments):
    match = grammar.match([text], "de")

    assert match is not None
    assert (match.tool, dict(match.arguments)) == (tool, arguments)


@pytest.mark.parametrize("text", ["read my to do list", "what is on my shopping list", "clear the shopping list"])
def test_a_sentence_that_is_whole_is_not_waited_for(grammar, text):
    assert not grammar.match([text], "en").may_continue


@pytest.mark.parametrize(
    ("text", "language"), [(text, "en") for text in NO_COMMANDS] + [(text, "de") for text in NO_GERMAN_COMMANDS]
)
def test_what_no_list_does_is_left_alone(grammar, text, language):
    assert grammar.match([text], language) is None


def test_a_note_that_is_deleted_by_the_sound_of_the_words_is_no_exact_match(grammar):
    match = grammar.match(["delete my last vote"], "en")

    assert (match.tool, match.confidence < 1) == ("delete_note", True)


async def test_the_arguments_fit_the_tools(tmp_path):
    async with Client(make_server(tmp_path, {})) as client:
        schemas = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}

    for _, tool, arguments in (*ENGLISH, *GERMAN):
        jsonschema.validate(json.loads(json.dumps(arguments)), schemas[tool])
