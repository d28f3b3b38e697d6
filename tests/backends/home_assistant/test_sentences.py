import pytest

from backends.home_assistant.sentences import NAMES, SentenceBlock, UnknownLanguage, languages, load_sentences


@pytest.mark.parametrize("language", ["en", "de", "fr", "ja", "pt-BR"])
def test_a_language_is_loaded(language: str) -> None:
    sentences = load_sentences(language)
    assert {"HassTurnOn", "HassTurnOff"} <= sentences.intents.intents.keys()
    assert sentences.responses["intents"]["HassTurnOn"]


def test_there_are_many_languages_and_an_unknown_one_is_told() -> None:
    assert len(languages()) > 50
    with pytest.raises(UnknownLanguage, match="no sentences for Home Assistant in 'tlh', only in"):
        load_sentences("tlh")


@pytest.mark.parametrize("language", ["en", "de"])
def test_all_slots_are_closed_lists(language: str) -> None:
    lists = load_sentences(language).document["lists"]
    assert set(NAMES) <= lists.keys()
    assert not [name for name, entry in lists.items() if "wildcard" in entry]


@pytest.mark.parametrize(
    "intent",
    [
        *("HassStartTimer", "HassListAddItem", "HassShoppingListAddItem", "HassBroadcast", "HassGetState"),
        *("HassNevermind", "HassGetCurrentTime", "HassMediaSearchAndPlay", "HassGetWeather"),
    ],
)
def test_what_takes_free_text_or_has_no_tool_is_left_out(intent: str) -> None:
    assert intent not in load_sentences("en").blocks


def test_no_sentence_means_the_room_of_a_microphone() -> None:
    blocks = [block for intent in load_sentences("en").document["intents"].values() for block in intent["data"]]
    assert not [block for block in blocks if "area" in block.get("requires_context", {})]


def test_a_block_knows_its_slots_its_constants_and_its_answer() -> None:
    blocks = load_sentences("en").blocks["HassTurnOn"]
    assert SentenceBlock(frozenset({"area", "domain"}), {"domain": "light"}, frozenset(), "lights_area") in blocks
    assert SentenceBlock(frozenset({"name"}), {}, frozenset({"cover"}), "cover") in blocks


def test_numbers_are_looked_for_as_digits_only_where_number_words_are_digits() -> None:
    assert load_sentences("en").document["lists"]["brightness"]["range"]["words"] is False
    assert load_sentences("sk").document["lists"]["brightness"]["range"]["words"] is True
