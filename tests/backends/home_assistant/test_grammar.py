from typing import Any

import pytest

from backends.home_assistant.grammar import HomeGrammar
from backends.home_assistant.sentences import load_sentences
from protocol.messages.home import HomeEntity, HomeNames, HomePlace
from protocol.messages.understanding import CommandMatch

NAMES = HomeNames(
    (
        HomeEntity("light.kitchen", ("Kitchen Light", "cooking lamp"), "Kitchen"),
        HomeEntity("light.kitchen_left", ("Kitchen Light Left",), "Kitchen"),
        HomeEntity("light.bed", ("Bed Light",), "Bedroom"),
        HomeEntity("light.stop", ("Stop",)),
        HomeEntity("light.markup", ("Lamp <b>[two] {x}",)),
        HomeEntity("light.tree", ("Küchenlicht 🎄",)),
        HomeEntity("light.lamp", ("灯",)),
        HomeEntity("lock.front", ("Front Door",)),
        HomeEntity("cover.garage", ("Garage",), device_class="garage"),
        HomeEntity("cover.blind", ("Blind",), device_class="blind"),
        HomeEntity("light.gate", ("Gate",)),
        HomeEntity("cover.gate", ("Gate",), device_class="gate"),
        HomeEntity("scene.night", ("Good Night",)),
    ),
    (HomePlace(("Kitchen", "cookery")), HomePlace(("Bedroom",)), HomePlace(("Küche",))),
    (HomePlace(("Ground floor", "downstairs")),),
)


@pytest.fixture(scope="module")
def grammar() -> HomeGrammar:
    found = HomeGrammar([load_sentences("en"), load_sentences("de")])
    found.take(NAMES)
    return found


def call(match: CommandMatch | None) -> tuple[str, dict[str, Any]] | None:
    return None if match is None else (match.tool, dict(match.arguments))


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("Turn on the kitchen light.", "HassTurnOn", {"name": "Kitchen Light"}),
        ("please turn off the cooking lamp", "HassTurnOff", {"name": "cooking lamp"}),
        ("turn on the kitchen light left", "HassTurnOn", {"name": "Kitchen Light Left"}),
        ("turn on the lights in the cookery", "HassTurnOn", {"area": "Kitchen", "domain": "light"}),
        ("turn on the bed light in the bedroom", "HassTurnOn", {"name": "Bed Light", "area": "Bedroom"}),
        ("turn off all the lights", "HassTurnOff", {"domain": "light"}),
        ("set kitchen light to 30%", "HassLightSet", {"name": "Kitchen Light", "brightness": 30}),
        ("set the kitchen light to thirty percent", "HassLightSet", {"name": "Kitchen Light", "brightness": 30}),
        ("set the color of kitchen light to blue", "HassLightSet", {"name": "Kitchen Light", "color": "blue"}),
        ("open the blind", "HassTurnOn", {"name": "Blind"}),
        ("turn on stop", "HassTurnOn", {"name": "Stop"}),
        ("turn on lamp b two x", "HassTurnOn", {"name": "Lamp <b>[two] {x}"}),
        ("turn on 灯", "HassTurnOn", {"name": "灯"}),
        ("activate good night", "HassTurnOn", {"name": "Good Night"}),
        ("lock the front door", "HassTurnOn", {"name": "Front Door"}),
    ],
)
def test_an_english_sentence_is_a_call(grammar: HomeGrammar, text: str, tool: str, arguments: dict[str, Any]) -> None:
    assert call(grammar.match([text], "en-GB")) == (tool, arguments)


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("Schalte das Küchenlicht ein!", "HassTurnOn", {"name": "Küchenlicht 🎄"}),
        ("mach das Licht in der Küche aus", "HassTurnOff", {"area": "Küche", "domain": "light"}),
        ("dimme das Küchenlicht auf dreißig Prozent", "HassLightSet", {"name": "Küchenlicht 🎄", "brightness": 30}),
    ],
)
def test_a_german_sentence_is_a_call(grammar: HomeGrammar, text: str, tool: str, arguments: dict[str, Any]) -> None:
    assert call(grammar.match([text], "de-AT")) == (tool, arguments)


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("unlock the front door", "unlock_door"),
        ("open the garage", "open_door"),
        ("set garage to 50 percent", "open_door"),
        ("open the garage door in the kitchen", "open_door"),
        ("open the gate", "open_door"),
    ],
)
def test_what_lets_somebody_in_has_a_tool_of_its_own(grammar: HomeGrammar, text: str, tool: str) -> None:
    match = grammar.match([text], "en")
    assert match is not None
    assert match.tool == tool


@pytest.mark.parametrize("text", ["close the garage", "set garage to 0 percent"])
def test_closing_needs_no_consent(grammar: HomeGrammar, text: str) -> None:
    match = grammar.match([text], "en")
    assert match is not None
    assert match.tool.startswith("Hass")


@pytest.mark.parametrize(
    "text",
    [
        *("stop", "the kitchen light", "good night", "kitchen 30", "turn on", "turn on the lights", ""),
        *("turn on the sauna light", "turn on the lights in the sauna", "set a timer for ten minutes"),
        " ".join(["turn on the kitchen light"] * 9),
    ],
)
def test_a_name_alone_or_an_unknown_one_is_no_command(grammar: HomeGrammar, text: str) -> None:
    assert grammar.match([text], "en") is None


def test_a_later_hypothesis_is_less_sure(grammar: HomeGrammar) -> None:
    match = grammar.match(["turn on the chicken light", "turn on the kitchen light"], "en")
    assert match is not None
    assert match.confidence == 0.97


def test_a_part_of_a_sentence_is_looked_up_by_itself(grammar: HomeGrammar) -> None:
    assert call(grammar.match_exactly("turn on the bed light", "en")) == ("HassTurnOn", {"name": "Bed Light"})
    assert grammar.match_exactly("and the bed light", "en") is None


def test_a_language_that_is_not_loaded_has_no_sentences(grammar: HomeGrammar) -> None:
    assert grammar.match(["allume la cuisine"], "fr") is None
    assert grammar.vocabulary("fr") == ()


@pytest.mark.parametrize(
    ("text", "goes_on"),
    [
        ("turn on the bed light", False),
        ("turn on the kitchen light", True),  # left
        ("turn on the kitchen light left", False),
        ("open the blind", True),  # to 50 percent
        ("turn on the lights in the kitchen", False),
    ],
)
def test_a_sentence_that_cannot_go_on_is_known(grammar: HomeGrammar, text: str, goes_on: bool) -> None:
    match = grammar.match([text], "en")
    assert match is not None
    assert match.may_continue is goes_on


@pytest.mark.parametrize("text", ["turn on the", "Turn on the kitchen", "set the kitchen light to", "open the"])
def test_half_a_sentence_is_a_beginning(grammar: HomeGrammar, text: str) -> None:
    assert grammar.begins(text, "en")


@pytest.mark.parametrize("text", ["tell me a joke", "turn on the radio in the car and drive", "the " * 13])
def test_other_words_are_no_beginning(grammar: HomeGrammar, text: str) -> None:
    assert not grammar.begins(text, "en")


def test_without_a_home_nothing_is_a_beginning() -> None:
    assert not HomeGrammar([load_sentences("en")]).begins("turn on the", "en")
    assert not HomeGrammar([]).begins("turn on the", "en")


def test_samples_have_names_of_the_home_and_are_sentences_of_it(grammar: HomeGrammar) -> None:
    told = {(sample.language, sample.intent): sample.samples for sample in grammar.samples()}
    assert told["en", "HassTurnOn"] == (
        "turn on the Kitchen Light",
        "turn on the lights in the Kitchen",
        "open the Garage",
    )
    assert ("en", "HassMediaPause") not in told  # there is no player
    for sample in grammar.samples():
        for text in sample.samples:
            assert grammar.match([text], sample.language) is not None


def test_names_are_expected_areas_first(grammar: HomeGrammar) -> None:
    assert grammar.vocabulary("en")[:2] == ("Kitchen", "cookery")
    assert "Bed Light" in grammar.vocabulary("en")


def test_a_home_without_entities_is_told_nothing() -> None:
    empty = HomeGrammar([load_sentences("en")])
    assert (empty.match(["turn off all the lights"], "en"), empty.samples()) == (None, ())
    empty.take(HomeNames(areas=(HomePlace(("Kitchen",)),)))
    assert (empty.match(["turn off all the lights"], "en"), empty.vocabulary("en")) == (None, ())


def test_new_names_replace_the_old_ones() -> None:
    grammar = HomeGrammar([load_sentences("en")])
    for name in ("Sun", "Moon"):
        grammar.take(HomeNames((HomeEntity("light.a", (name,)),)))
        assert grammar.names.entities[0].names == (name,)
        assert grammar.match([f"turn on the {name}"], "en") is not None
    assert grammar.match(["turn on the sun"], "en") is None


def test_a_french_name_alone_is_no_command() -> None:
    grammar = HomeGrammar([load_sentences("fr")])
    grammar.take(HomeNames((HomeEntity("light.a", ("Lampe",)),)))
    assert grammar.match(["la lampe"], "fr") is None
    assert call(grammar.match(["allume la lampe"], "fr")) == ("HassTurnOn", {"name": "Lampe"})


def test_sentences_are_compiled_before_the_first_turn() -> None:
    sentences = load_sentences("fr")
    HomeGrammar([sentences])
    blocks = [data for intent in sentences.intents.intents.values() for data in intent.data]
    assert all("sentences" in vars(data) for data in blocks)  # where hassil keeps what it has compiled
