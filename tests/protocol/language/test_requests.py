import pytest

from backends.commands.grammar import HassilGrammar
from protocol.language import phrases
from protocol.language.german import SENTENCES as GERMAN_SENTENCES
from protocol.language.request_tables import ENGLISH, GERMAN
from protocol.language.requests import (
    asked_for,
    asks_for_help,
    claims_an_action,
    example_for,
    missing_ability,
    not_understood,
)

TALK = (
    "good morning",
    "hello there",
    "thank you so much",
    "how are you",
    "what's your name",
    "who made you",
    "you're funny",
    "i love you",
    "tell me a joke",
    "tell me something interesting about whales",
    "why is the sky blue",
    "how old is the universe",
    "who is the president of germany",
    "what does photosynthesis mean",
    "what is the capital of France?",
    "explain gravity",
)
ACTIONS = (
    "set an alarm for 7 am",
    "set a timer 5 minutes",
    "what day is tomorrow",
    "what is the exact time",
    "is it morning in los angeles yet",
    "turn on the kitchen light",
    "could you turn on the kitchen light",
    "remind me to call mom",
    "what's on my calendar today",
    "is my timer still running",
    "how much is three hundred divided by seven",
    "what's half of 250",
    "how many ounces are in a cup",
    "what's the weather like",
    "what's in the news",
    "are any lights on upstairs",
    "hey computer, make a reservation for two",
    "are you able to track a phone",
    "do you know where my phone is",
    "so then i said to him",
    "the timer on the oven is broken",
    "order a pizza",
    "play some music",
)


@pytest.mark.parametrize("text", TALK)
def test_greetings_small_talk_and_general_questions_are_talk(text: str) -> None:
    assert asked_for(text, "en") == "talk"
    assert asked_for(text.capitalize().replace("'", "\u2019"), "en-US") == "talk"


@pytest.mark.parametrize("text", ACTIONS)
def test_commands_and_what_only_a_tool_knows_are_actions(text: str) -> None:
    assert asked_for(text, "en") == "action"
    assert asked_for(f"please {text}?", "en_GB") == "action"


@pytest.mark.parametrize("text", ["translate good morning to spanish", "write a poem about my cat", "summarize this"])
def test_writing_and_translating_are_work_for_a_large_model(text: str) -> None:
    assert asked_for(text, "en") == "work"


@pytest.mark.parametrize("language", ["de", "de-AT", "fr", ""])
def test_the_small_model_talks_english_only(language: str) -> None:
    assert asked_for("guten Morgen", language) == "action"


@pytest.mark.parametrize(
    ("text", "language", "told"),
    [
        ("order a pizza", "en", phrases.CANNOT_ORDER),
        ("turn on the kitchen light", "en", phrases.CANNOT_CONTROL),
        ("it's too dark in here", "en", phrases.CANNOT_CONTROL),
        ("send the vacuum home", "en", phrases.CANNOT_CONTROL),
        ("read me my email", "en", phrases.CANNOT_MAIL),
        ("what's the weather like", "en", phrases.CANNOT_WEATHER),
        ("skip this song", "en", phrases.CANNOT_PLAY),
        ("turn it up", "en", phrases.CANNOT_VOLUME),
        ("mach das Licht an", "de", phrases.CANNOT_CONTROL),
        ("wie wird das Wetter", "de", phrases.CANNOT_WEATHER),
    ],
)
def test_what_is_missing_is_named(text: str, language: str, told: str) -> None:
    assert missing_ability(text, language) == told
    assert not_understood(text, language) == (told if language == "en" else GERMAN_SENTENCES[told])


@pytest.mark.parametrize(
    "text",
    [
        "the timer on the oven is broken",
        "run the text editor",
        "so then i said to him",
        "alarm clock",
        "remind me to call",
    ],
)
def test_what_can_be_done_or_is_none_of_these_is_not_named_as_missing(text: str) -> None:
    assert missing_ability(text, "en") is None


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("is my timer still running", "set a timer for ten minutes"),
        ("we're out of coffee, put it on the list", "add milk to the shopping list"),
        ("snooze the alarm clock", "set an alarm for half past seven"),
        ("my reminder was wrong", "remind me in ten minutes to check the oven"),
        ("jot this down", "take a note that the car needs oil"),
        ("what day was yesterday", "what is the date today"),
        ("multiply six by nine", "what is twelve times seven"),
        ("blah blah", "what time is it"),
    ],
)
def test_what_is_not_understood_is_answered_with_the_nearest_command(text: str, example: str) -> None:
    assert example_for(text, "en") == example
    assert not_understood(text, "en") == f"{phrases.NOT_UNDERSTOOD} You can say, for example: {example}."


def test_in_a_language_without_a_table_it_is_only_not_understood() -> None:
    assert not_understood("quelle heure est-il", "fr") == phrases.NOT_UNDERSTOOD


@pytest.mark.parametrize(
    ("language", "example"), [("en", text) for text in ENGLISH.examples] + [("de", text) for text in GERMAN.examples]
)
def test_every_example_is_a_command_that_is_understood(language: str, example: str) -> None:
    assert HassilGrammar().match([example], language) is not None


@pytest.mark.parametrize(
    ("sentence", "language"),
    [
        ("Done.", "en"),
        ("Okay, I've set a timer for five minutes.", "en"),
        ("Sure! I have added milk to your list.", "en"),
        ("Your alarm is set for 7 am.", "en"),
        ("The kitchen light is now on.", "en"),
        ("I'll remind you tomorrow.", "en"),
        ("Turning on the kitchen light.", "en"),
        ("Timer set for ten minutes!", "en"),
        ("Erledigt.", "de"),
        ("Ich habe den Timer auf zehn Minuten gestellt.", "de"),
        ("Das Licht ist jetzt an.", "de"),
        ("Der Wecker wurde gestellt.", "de"),
    ],
)
def test_a_model_that_says_it_has_acted_claims_so(sentence: str, language: str) -> None:
    assert claims_an_action(sentence, language)


@pytest.mark.parametrize(
    ("sentence", "language"),
    [
        ("I can't set alarms.", "en"),
        ("Which light do you mean?", "en"),
        ("For how long?", "en"),
        ("I don't have a tool for that.", "en"),
        ("Paris is the capital of France.", "en"),
        ("You could set a timer on your phone.", "en"),
        ("Das kann ich nicht.", "de"),
        ("Welches Licht meinst du?", "de"),
    ],
)
def test_a_question_or_a_refusal_claims_nothing(sentence: str, language: str) -> None:
    assert not claims_an_action(sentence, language)


def test_five_hundred_words_are_judged_without_backtracking() -> None:
    text = "the is " * 250
    assert not claims_an_action(text, "en")
    assert asked_for(text, "en") == "action"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        *((text, "en") for text in ("help", "Help!", "what can I say?", "hey sayso, what can you do", "help me")),
        *((text, "en") for text in ("what commands are there", "show me some examples", "what else can i ask")),
        *((text, "de") for text in ("Hilfe", "was kann ich sagen?", "Was kannst du alles?", "hilf mir")),
        *((text, "de-AT") for text in ("welche Befehle gibt es", "was kann ich alles sagen", "zeig mir Beispiele")),
    ],
)
def test_who_asks_what_can_be_said_asks_for_help(text: str, language: str) -> None:
    assert asks_for_help(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        *((text, "en") for text in ("help me with my homework", "what can i eat", "what can you do about it", "")),
        *((text, "de") for text in ("hilf mir beim Kochen", "was kann ich essen", "help me out here")),
        ("help", "fr"),
    ],
)
def test_a_sentence_about_something_else_asks_for_no_help(text: str, language: str) -> None:
    assert not asks_for_help(text, language)


@pytest.mark.parametrize(
    ("text", "language", "told"),
    [
        ("convert 20 euros to dollars", "en", "I can't look up exchange rates."),
        ("how many pounds is 50 dollars", "en", "I can't look up exchange rates."),
        ("what is the exchange rate", "en", "I can't look up exchange rates."),
        ("wie viel sind 10 Euro in Dollar", "de", "Wechselkurse kann ich nicht nachsehen."),
    ],
)
def test_exchange_rates_are_named_as_missing(text: str, language: str, told: str) -> None:
    assert not_understood(text, language) == told


def test_one_currency_alone_is_no_exchange() -> None:
    assert missing_ability("convert 5 pounds to kilos", "en") is None
