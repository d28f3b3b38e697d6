"""What is a command, what it calls, and what is none: tables of sentences against the shipped grammars."""

import json
from pathlib import Path

import jsonschema
import pytest

from backends.builtin.server import make_server
from backends.commands.files import CommandFileError
from backends.commands.grammar import MAX_VOCABULARY, HassilGrammar

COFFEE = """\
language: en
intents:
  OrderDrink:
    tool: coffee/orderDrink
    data:
      - sentences: ["<verb> [a|an] [{size}] {drink} [with {milk}]"]
  Time:
    tool: watch/time
    data:
      - sentences: ["what time is it"]
lists:
  drink: {values: [espresso, iced mocha, latte]}
  size: {values: [small, twenty ounce]}
  milk: {values: ["a little milk", no milk]}
expansion_rules:
  verb: "(brew|[can|may] i (get|have)|give me)"
"""


@pytest.fixture(scope="module")
def grammar():
    return HassilGrammar(programs=["calculator", "Text-Editor"])


@pytest.fixture
def coffee(tmp_path):
    (tmp_path / "coffee.yaml").write_text(COFFEE)
    return HassilGrammar([tmp_path])


def call(match):
    return None if match is None else (match.tool, dict(match.arguments))


ENGLISH = [
    ("what time is it", "get_time", {}),
    ("What time is it?", "get_time", {}),
    ("what's the time?", "get_time", {}),
    ("Tell me the time, please.", "get_time", {}),
    ("Hey, could you tell me the time?", "get_time", {}),
    ("What time is it in Tokyo?", "get_time", {"place": "tokyo"}),
    ("what's the time in New York", "get_time", {"place": "new york"}),
    ("what's the date today", "get_date", {}),
    ("What day is it?", "get_date", {}),
    ("Set a timer for ten seconds.", "set_timer", {"seconds": 10}),
    ("set a timer for 10 seconds", "set_timer", {"seconds": 10}),
    ("Set a timer for twenty-five minutes.", "set_timer", {"seconds": 1500}),
    ("set a timer for twenty five minutes", "set_timer", {"seconds": 1500}),
    ("set a ten minute timer", "set_timer", {"seconds": 600}),
    ("set a timer for a minute and a half", "set_timer", {"seconds": 90}),
    ("start a timer for half an hour please", "set_timer", {"seconds": 1800}),
    ("set a timer for one hundred and five seconds", "set_timer", {"seconds": 105}),
    ("timer for two and a half minutes", "set_timer", {"seconds": 150}),
    ("could you set a timer for 1 hour 30", "set_timer", {"seconds": 5400}),
    ("set a pasta timer for 8 minutes", "set_timer", {"seconds": 480, "name": "pasta"}),
    ("set a timer for five minutes called green tea", "set_timer", {"seconds": 300, "name": "green tea"}),
    ("set a 10 minute timer for pasta", "set_timer", {"seconds": 600, "name": "pasta"}),
    ("how much time is left", "list_timers", {}),
    ("list my timers", "list_timers", {}),
    ("cancel the timer", "cancel_timer", {}),
    ("cancel the pasta timer", "cancel_timer", {"name": "pasta"}),
    ("stop the ten minute timer", "cancel_timer", {"seconds": 600}),
    ("cancel all timers", "cancel_timer", {"every": True}),
    ("Take a note: Buy twenty-five Eggs for Anna.", "add_note", {"text": "Buy twenty-five Eggs for Anna"}),
    ("make a note that the car needs oil", "add_note", {"text": "the car needs oil"}),
    ("note to self call Mom please", "add_note", {"text": "call Mom"}),
    ("read my notes", "list_notes", {}),
    ("delete my last note", "delete_note", {"which": "last"}),
    ("delete note two", "delete_note", {"which": 2}),
    ("delete the second note", "delete_note", {"which": "2"}),
    ("delete the note about Milk", "delete_note", {"which": "Milk"}),
    ("clear my notes", "delete_note", {"which": "all"}),
    ("Add milk to the shopping list.", "add_to_list", {"item": "milk", "list_name": "shopping"}),
    ("add Milk and Eggs to my grocery list", "add_to_list", {"item": "Milk and Eggs", "list_name": "shopping"}),
    ("put call Bob on my to-do list", "add_to_list", {"item": "call Bob", "list_name": "to do"}),
    ("what's on my shopping list", "read_list", {"list_name": "shopping"}),
    ("what do I need to buy", "read_list", {"list_name": "shopping"}),
    ("read my to do list", "read_list", {"list_name": "to do"}),
    ("remove milk from the shopping list", "remove_from_list", {"item": "milk", "list_name": "shopping"}),
    ("clear the shopping list", "remove_from_list", {"item": "all", "list_name": "shopping"}),
    ("what is twelve times seven", "calculate", {"expression": "12 * 7"}),
    ("What is 12 x 7?", "calculate", {"expression": "12 * 7"}),
    ("what's 15 percent of 200", "calculate", {"expression": "15 % of 200"}),
    ("how much is 100 divided by 8", "calculate", {"expression": "100 / 8"}),
    ("what is the square root of 144", "calculate", {"expression": "sqrt 144"}),
    ("convert 5 miles to kilometers", "convert_units", {"value": 5, "from_unit": "miles", "to_unit": "kilometers"}),
    ("how many feet are in a mile", "convert_units", {"value": 1, "from_unit": "miles", "to_unit": "feet"}),
    ("how much memory is free", "system_info", {"topic": "memory"}),
    ("how much disk space is left", "system_info", {"topic": "disk"}),
    ("what's the CPU usage", "system_info", {"topic": "cpu"}),
    ("what's the battery level", "system_info", {"topic": "battery"}),
    ("system status", "system_info", {"topic": "all"}),
    ("open the calculator", "run_program", {"name": "calculator"}),
    ("launch text editor", "run_program", {"name": "Text-Editor"}),
]
GERMAN = [
    ("Wie spät ist es?", "get_time", {}),
    ("wie viel Uhr ist es in Tokio", "get_time", {"place": "tokio"}),
    ("Welcher Tag ist heute?", "get_date", {}),
    ("Stell bitte einen Timer auf zehn Minuten.", "set_timer", {"seconds": 600}),
    ("stelle einen Timer für eineinhalb Stunden", "set_timer", {"seconds": 5400}),
    ("Stell einen Timer auf eine halbe Stunde", "set_timer", {"seconds": 1800}),
    ("Timer fünf Minuten", "set_timer", {"seconds": 300}),
    ("welche Timer laufen", "list_timers", {}),
    ("lösche den Timer", "cancel_timer", {}),
    ("brich alle Timer ab", "cancel_timer", {"every": True}),
    ("notiere bitte Auto waschen", "add_note", {"text": "Auto waschen"}),
    ("lies meine Notizen vor", "list_notes", {}),
    ("lösche alle Notizen", "delete_note", {"which": "all"}),
    ("Setze Milch und Eier auf die Einkaufsliste.", "add_to_list", {"item": "Milch und Eier", "list_name": "shopping"}),
    ("Füge Brot zur Einkaufsliste hinzu", "add_to_list", {"item": "Brot", "list_name": "shopping"}),
    ("Was steht auf der Einkaufsliste?", "read_list", {"list_name": "shopping"}),
    ("Was ist zwölf mal sieben?", "calculate", {"expression": "12 * 7"}),
    ("Wie viel ist 2,5 plus 1,5?", "calculate", {"expression": "2.5 + 1.5"}),
    (
        "Wie viele Kilometer sind fünf Meilen?",
        "convert_units",
        {"value": 5, "from_unit": "miles", "to_unit": "kilometers"},
    ),
    ("wie viel Speicherplatz ist noch frei", "system_info", {"topic": "disk"}),
    ("öffne calculator", "run_program", {"name": "calculator"}),
]
NO_COMMANDS = [
    "what is the capital of France",
    "what is the tide",
    "what is 42",
    "what is the meaning of life",
    "what is love",
    "who is the president",
    "tell me a joke",
    "how are you today",
    "how long is the river Nile",
    "how do I set a timer on my phone",
    "how much is that doggy in the window",
    "is it time to go",
    "what time does the train leave",
    "the time in which we live is strange",
    "remember that time we went to Paris",
    "note that this is important",
    "my notes are somewhere",
    "I need to buy a timer for my kitchen",
    "I think we should go to the store and set something up for ten minutes",
    "add some spice to your life",
    "he put it on the list",
    "open the window",
    "open the pod bay doors",
    "play some music",
    "read a book",
    "delete everything",
    "in Tokyo",
    "thank you",
    "you",
    "okay",
    "yes",
    "",
    "...",
    "please",
    "set a timer for " + "ten minutes and " * 30,
]
NO_GERMAN_COMMANDS = [
    "was ist die Hauptstadt von Frankreich",
    "wie geht es dir",
    "was ist Liebe",
    "ich möchte einen Kaffee",
    "guten Morgen",
]


@pytest.mark.parametrize(("text", "tool", "arguments"), ENGLISH)
def test_english_commands_are_understood(grammar, text, tool, arguments):
    match = grammar.match([text], "en")

    assert call(match) == (tool, arguments)
    assert match.server == "sayso-tools"
    assert match.confidence == 1.0


@pytest.mark.parametrize(("text", "tool", "arguments"), GERMAN)
def test_german_commands_are_understood(grammar, text, tool, arguments):
    assert call(grammar.match([text], "de")) == (tool, arguments)


@pytest.mark.parametrize("text", NO_COMMANDS)
def test_english_talk_is_no_command(grammar, text):
    assert grammar.match([text], "en") is None


@pytest.mark.parametrize("text", NO_GERMAN_COMMANDS)
def test_german_talk_is_no_command(grammar, text):
    assert grammar.match([text], "de") is None


async def test_every_command_fits_the_schema_of_its_tool(grammar, tmp_path):
    schemas = {tool.name: tool.input_schema for tool in await make_server(tmp_path, {"x": ["y"]}).list_tools()}

    for _, tool, arguments in [*ENGLISH, *GERMAN]:
        jsonschema.validate(json.loads(json.dumps(arguments)), schemas[tool])


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("Sat a timer for ten minutes", "set_timer", {"seconds": 600}),
        ("set a time for ten minutes", "set_timer", {"seconds": 600}),
        ("set a tymer for tin minutes", "set_timer", {"seconds": 600}),
        ("cancel the time", "cancel_timer", {}),
        ("add milk to the chopping list", "add_to_list", {"item": "milk", "list_name": "shopping"}),
        ("open the calculater", "run_program", {"name": "calculator"}),
    ],
)
def test_a_misheard_word_is_forgiven_at_the_cost_of_confidence(grammar, text, tool, arguments):
    match = grammar.match([text], "en")

    assert call(match) == (tool, arguments)
    assert 0.6 <= match.confidence < 1.0


def test_the_first_hypothesis_that_is_a_command_wins_over_a_misheard_one(grammar):
    match = grammar.match(["sat a time for den minutes", "set the timing", "set a timer for ten minutes"], "en")

    assert call(match) == ("set_timer", {"seconds": 600})
    assert match.text == "set a timer for 10 minutes"
    assert match.confidence == round(0.97**2, 3)


def test_a_misheard_sentence_goes_on_as_what_was_meant_does(grammar):
    assert not grammar.match(["and milk to the shopping list"], "en").may_continue
    assert grammar.match(["set a timer for tin minutes"], "en").may_continue


@pytest.mark.parametrize(
    ("text", "language"),
    [("what is the date today", "en"), ("welcher Tag ist heute", "de"), ("welches Datum ist heute", "de")],
)
def test_a_question_for_todays_date_is_whole_and_waits_for_no_place(grammar, text, language):
    assert not grammar.match([text], language).may_continue


def test_a_word_heard_as_two_is_forgiven(grammar):
    match = grammar.match(["set a timer for ten minutes called spaghetti"], "en")
    torn = grammar.match(["set a tie mer for ten minutes called spaghetti"], "en")

    assert torn.arguments == match.arguments
    assert torn.confidence < match.confidence


def test_a_hypothesis_with_fewer_strange_words_is_tried_first(grammar):
    match = grammar.match(["add zilch to the chopping gist", "add milk to the chopping list"], "en")

    assert call(match) == ("add_to_list", {"item": "milk", "list_name": "shopping"})


def test_more_mistakes_mean_less_confidence(grammar):
    one = grammar.match(["set a timer for tin minutes"], "en")
    two = grammar.match(["sat a timer for tin minutes"], "en")

    assert two.confidence < one.confidence


def test_region_codes_are_the_language_and_an_unknown_one_has_no_commands(grammar):
    assert call(grammar.match(["what time is it"], "en-GB")) == ("get_time", {})
    assert grammar.match(["what time is it"], "fr") is None
    assert grammar.vocabulary("fr") == ()


def test_without_programs_none_can_be_started():
    bare = HassilGrammar()

    assert bare.match(["open the calculator"], "en") is None
    assert "open" not in bare.vocabulary("en")


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        (
            "Can I have a twenty-ounce latte with a little milk?",
            {"size": "twenty ounce", "drink": "latte", "milk": "a little milk"},
        ),
        ("can I have a 20 ounce latte", {"size": "twenty ounce", "drink": "latte"}),
        ("brew an ice mocha with no milk", {"drink": "iced mocha", "milk": "no milk"}),
    ],
)
def test_users_commands_take_their_slots_as_arguments(coffee, text, arguments):
    match = coffee.match([text], "en")

    assert (match.intent, match.server, match.tool) == ("OrderDrink", "coffee", "orderDrink")
    assert dict(match.arguments) == arguments


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("two lattes with a lot of milk", {"what": "2 x latte", "milk": "a lot of milk"}),
        ("two lattes with milk", {"what": "2 x latte", "milk": "milk"}),
        ("two lattes", {"what": "2 x latte"}),
    ],
)
def test_an_argument_may_be_put_together_of_slots(tmp_path, text, arguments):
    (tmp_path / "bar.yaml").write_text(
        "language: en\n"
        "intents:\n"
        "  Order:\n"
        "    tool: bar/order\n"
        "    arguments: {what: '{count} x {drink}', milk: '{amount} {milk}'}\n"
        "    data:\n"
        "      - sentences: ['{count} {drink}s [with [{amount}] {milk}]']\n"
        "lists:\n"
        "  count: {range: {from: 1, to: 9}}\n"
        "  drink: {values: [latte]}\n"
        "  amount: {values: [a lot of]}\n"
        "  milk: {values: [milk]}\n"
    )
    assert dict(HassilGrammar([tmp_path]).match([text], "en").arguments) == arguments


def test_users_commands_come_before_the_built_in_ones(coffee):
    assert coffee.match(["what time is it"], "en").server == "watch"
    assert coffee.match(["set a timer for a minute"], "en").server == "sayso-tools"


def test_the_vocabulary_begins_with_the_users_own_words(coffee):
    words = coffee.vocabulary("en")

    assert words[:4] == ("brew", "espresso", "what", "time")
    assert {"iced mocha", "timer", "minutes"} <= set(words)
    assert len(words) == len(set(words))


def test_the_vocabulary_is_bounded_and_keeps_room_for_the_built_in_commands(tmp_path):
    songs = "\n".join(f"      - song number {chr(97 + number % 26)}{number}" for number in range(300))
    play = "  Play:\n    tool: m/p\n    data:\n      - sentences: ['play {song}']\n"
    text = f"language: en\nintents:\n{play}lists:\n  song:\n    values:\n{songs}\n"
    (tmp_path / "songs.yaml").write_text(text)
    words = HassilGrammar([tmp_path], programs=["calculator"]).vocabulary("en")

    assert len(words) == MAX_VOCABULARY
    assert "calculator" in words
    assert "timer" in words


def test_bad_files_are_refused_whole(tmp_path):
    (tmp_path / "a.yaml").write_text("language: en\nintents: {A: {tool: x}}\n")
    (tmp_path / "b.yml").write_text("[")

    with pytest.raises(CommandFileError) as caught:
        HassilGrammar([tmp_path])

    assert {Path(problem.partition(":")[0]).name for problem in caught.value.problems} == {"a.yaml", "b.yml"}


def test_a_folder_that_does_not_exist_holds_no_commands(tmp_path):
    assert HassilGrammar([tmp_path / "commands"]).match(["what time is it"], "en") is not None


@pytest.mark.parametrize(
    ("text", "language", "place"),
    [
        ("what time is it in Iceland", "en", "iceland"),
        ("what time is it in Laos", "en", "laos"),
        ("what time is it in Icelandia", "en", "icelandia"),
        ("what time is it in Kuba", "en", "kuba"),
        ("what time is it in Palme", "en", "palme"),
        ("what time is it in the Gambier", "en", "gambier"),
        ("what's the time in Leon", "en", "leon"),
        ("wie spät ist es in Island", "de", "island"),
        ("wie spät ist es in Irlanda", "de", "irlanda"),
        ("wie spät ist es in Kiel", "de", "kiel"),
    ],
)
def test_a_place_is_never_exchanged_for_one_that_sounds_alike(grammar, text, language, place):
    assert call(grammar.match([text], language)) == ("get_time", {"place": place})


def test_another_word_of_a_sentence_about_a_place_may_be_misheard(grammar):
    assert call(grammar.match(["what times is it in Tokyo"], "en")) == ("get_time", {"place": "tokyo"})


def test_a_place_that_is_known_comes_before_one_that_is_not(grammar):
    heard = ["what time is it in Tokeo", "what time is it in Tokyo"]

    assert call(grammar.match(heard, "en")) == ("get_time", {"place": "tokyo"})


@pytest.mark.parametrize(
    ("text", "language", "tool", "place"),
    [
        ("what time is it in London right now", "en", "get_time", "london"),
        ("what time is it right now in London", "en", "get_time", "london"),
        ("what time is it in Narnia right now", "en", "get_time", "narnia"),
        ("what time is it in Paris, France", "en", "get_time", "Paris, France"),
        ("what time is it in São Paulo", "en", "get_time", "são paulo"),
        ("what time is it in the USA", "en", "get_time", "usa"),
        ("how late is it in sydney", "en", "get_time", "sydney"),
        ("is it morning in los angeles yet", "en", "get_time", "los angeles"),
        ("tell me what time it is in Berlin", "en", "get_time", "berlin"),
        ("in Tokyo, what time is it", "en", "get_time", "tokyo"),
        ("what's the date in Tokyo", "en", "get_date", "tokyo"),
        ("what day is it in Sydney today", "en", "get_date", "sydney"),
        ("what is the date in Narnia", "en", "get_date", "narnia"),
        ("wie spät ist es gerade in London", "de", "get_time", "london"),
        ("wie spät ist es in der Türkei", "de", "get_time", "türkei"),
        ("wie viel Uhr ist es in den USA jetzt", "de", "get_time", "usa"),
        ("ist es in Sydney schon Abend", "de", "get_time", "sydney"),
        ("welcher Tag ist in Tokio heute", "de", "get_date", "tokio"),
    ],
)
def test_time_and_date_are_told_for_places(grammar, text, language, tool, place):
    assert call(grammar.match([text], language)) == (tool, {"place": place})


@pytest.mark.parametrize(
    "text",
    [
        "what time is it in three hours",
        "what time is it in the morning",
        "what time is it in my house",
        "what is the time in real life",
        "the time in question",
        "is it cold in Tokyo",
        "what is the date in my calendar",
    ],
)
def test_what_is_no_place_is_left_alone(grammar, text):
    assert grammar.match([text], "en") is None


def test_slots_are_filled_within_tables_and_lists(tmp_path):
    (tmp_path / "light.yaml").write_text(
        "language: en\n"
        "intents:\n"
        "  Dim:\n"
        "    tool: light/dim\n"
        '    arguments: {light: {room: "{text}", level: 30, scene: "{name}"}, rooms: ["{text}", hall]}\n'
        '    data: [{sentences: ["dim the {text}", "dim the {text} as {name}"]}]\n'
        "lists:\n"
        "  name: {values: [evening]}\n"
    )
    match = HassilGrammar([tmp_path]).match(["dim the living room"], "en")

    expected = {"light": {"room": "living room", "level": 30}, "rooms": ["living room", "hall"]}
    assert call(match) == ("dim", expected)


def test_a_slot_within_a_table_that_no_sentence_has_is_refused(tmp_path):
    (tmp_path / "light.yaml").write_text(
        "language: en\n"
        "intents:\n"
        "  Dim:\n"
        "    tool: light/dim\n"
        '    arguments: {light: {room: "{place_of_it}"}}\n'
        '    data: [{sentences: ["dim the {text}"]}]\n'
    )
    with pytest.raises(CommandFileError, match="no sentence has the slot"):
        HassilGrammar([tmp_path])


def test_every_sample_of_a_shipped_command_is_understood_as_that_command():
    grammar = HassilGrammar(programs=["editor"])
    samples = grammar.samples()
    assert {command.language for command in samples} == {"en", "de"}
    for command in samples:
        assert 1 <= len(command.samples) <= 3, command
        for text in command.samples:
            match = grammar.match([text], command.language)
            assert "…" in text or (match is not None and match.intent == command.intent), text


def test_a_sample_that_a_person_has_chosen_comes_first(grammar):
    (timer,) = [each for each in grammar.samples() if (each.intent, each.language) == ("SetTimer", "en")]
    assert (timer.server, timer.tool, timer.samples[0]) == ("sayso-tools", "set_timer", "set a timer for ten minutes")


def test_a_vocabulary_that_is_no_sentence_is_no_sample(tmp_path):
    (tmp_path / "a.yaml").write_text(
        "language: en\nintents:\n  Cosy:\n    tool: home/cosy\n    vocabulary: [cosy evening]\n"
        "    data:\n      - sentences: [make it cosy]\n"
    )
    first, *_ = HassilGrammar([tmp_path]).samples()
    assert (first.intent, first.samples) == ("Cosy", ("make it cosy",))
