"""Which sentences may go on."""

from typing import Any

import pytest
from hassil import Intents
from hypothesis import given
from hypothesis import strategies as st

from backends.commands.continuation import Ends, Prefixes, is_begun, may_continue

LISTS: dict[str, Any] = {
    "room": {"values": ["kitchen", "living room", {"in": "(hall|corridor)", "out": "hall"}]},
    "text": {"wildcard": True},
    "percent": {"range": {"from": 0, "to": 100}},
}


def prefixes(*sentences: str, **rules: str) -> Prefixes:
    intents = {"Intent": {"data": [{"sentences": list(sentences)}]}}
    return Prefixes(Intents.from_dict({"language": "en", "intents": intents, "lists": LISTS, "expansion_rules": rules}))


def goes_on(text: str, *sentences: str, **rules: str) -> bool:
    return may_continue([prefixes(*sentences, **rules)], text)


def test_a_sentence_that_no_other_begins_with_does_not_go_on() -> None:
    assert not goes_on("lights off", "lights off", "lights on")


@pytest.mark.parametrize(
    "longer",
    [
        "lights on [now]",
        "lights on in [the] {room}",
        "lights on <more>",
        "lights (on|on and off)",
        "lights on {percent}",
        "lights on {text}",
        "(lights on;please)",
    ],
)
def test_a_sentence_that_another_begins_with_goes_on(longer: str) -> None:
    assert goes_on("lights on", "lights on", longer, more="at once")


def test_a_sentence_that_ends_in_a_free_slot_or_a_number_goes_on() -> None:
    assert goes_on("note buy milk", "note {text}")
    assert goes_on("dim to 20", "dim to {percent}")
    assert not goes_on("dim to 20 percent", "dim to {percent} percent")


def test_a_value_of_a_list_goes_on_if_another_value_does() -> None:
    assert not goes_on("lights on in the kitchen", "lights on in [the] {room}")
    assert not goes_on("lights on in living room", "lights on in [the] {room}")
    assert goes_on("lights on in the living", "lights on in [the] ({room}|living)")


def test_a_slot_whose_values_are_known_goes_on_as_they_do() -> None:
    known = {"text": ["meters", "meters per second", "# miles"]}
    intents = {"Intent": {"data": [{"sentences": ["convert it to {text}"]}]}}
    grammar = Prefixes(Intents.from_dict({"language": "en", "intents": intents, "lists": LISTS}), known)

    assert grammar.ends("convert it to meters per second") == Ends(whole=0, open=None)
    assert grammar.ends("convert it to meters") == Ends(whole=0, open=0)
    assert grammar.ends("convert it to 12.5 miles") == Ends(whole=0, open=None)
    assert grammar.ends("convert it to 12") == Ends(whole=None, open=0)
    assert grammar.ends("convert it to yards") == Ends(whole=None, open=None)


def test_a_longer_word_is_not_a_continuation() -> None:
    assert not goes_on("show timer", "show timer[s]")


def test_a_free_slot_that_would_have_to_take_the_sentence_s_own_words_does_not_count() -> None:
    sentences = ("delete my last note", "delete {text} from the list")
    assert not goes_on("delete my last note", *sentences)
    assert not goes_on("add milk to the list", "add {text} to the list")


def test_the_sentences_of_all_grammars_count() -> None:
    users, shipped = prefixes("stop"), prefixes("stop [the music]")
    assert not may_continue([users], "stop")
    assert may_continue([users, shipped], "stop")


def test_what_is_no_sentence_may_go_on() -> None:
    for text in ("", "lights", "lights on please", "something else"):
        assert goes_on(text, "lights on"), text


def test_spaces_around_parts_that_were_left_out_are_none() -> None:
    assert prefixes("[please]  turn [the] lights [all] off").ends("turn lights off") == Ends(whole=0, open=None)


def test_letters_of_free_slots_are_counted() -> None:
    assert prefixes("add {text} to the list").ends("add milk to the list") == Ends(whole=4, open=16)


def test_case_is_no_matter_and_umlauts_are_letters() -> None:
    assert not goes_on("küche an", "Küche an")


def test_rules_that_name_each_other_end() -> None:
    assert goes_on("a b", "a <one>", one="b [<two>]", two="c [<one>]")


def test_parts_in_any_order_are_read_in_any_order() -> None:
    ordered = prefixes("(lights;kitchen) off")
    assert ordered.ends("kitchen lights off").whole == ordered.ends("lights kitchen off").whole == 0


def test_an_undefined_slot_is_a_free_slot() -> None:
    assert goes_on("play jazz", "play {nothing}")
    assert goes_on("play jazz", "play <nothing>")


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4), st.data())
def test_every_beginning_of_a_sentence_goes_on_and_the_longest_does_not(words: list[str], data: st.DataObject) -> None:
    sentences = [" ".join(words[:size]) for size in range(1, len(words) + 1)]
    said = data.draw(st.sampled_from(sentences))
    assert goes_on(said, *sentences) == (said != sentences[-1])


def test_the_values_of_a_known_list_can_be_replaced() -> None:
    document = {
        "language": "en",
        "intents": {"On": {"data": [{"sentences": ["turn on {name}"]}]}},
        "lists": {"name": {"values": []}},
    }
    prefixes = Prefixes(Intents.from_dict(document), {"name": ()})
    assert prefixes.ends("turn on lamp") == Ends(None, None)
    prefixes.fill({"name": ["lamp", "lamp left"], "elsewhere": ["x"]})
    assert may_continue([prefixes], "turn on lamp")
    prefixes.fill({"name": ["lamp"]})
    assert not may_continue([prefixes], "turn on lamp")


@pytest.mark.parametrize("text", ["lights", "lights on in", "lights on in the", "lights on in the living", "add milk"])
def test_most_of_the_words_of_a_template_are_a_beginning(text: str) -> None:
    assert is_begun([prefixes("lights on in the {room}", "add {text} to the list")], text)


@pytest.mark.parametrize(
    "text", ["", "lamps", "add it up and tell me what it makes", "lights on in the kitchen please"]
)
def test_other_words_and_mostly_free_ones_are_no_beginning(text: str) -> None:
    assert not is_begun([prefixes("lights on in the {room}", "add {text} to the list")], text)


def test_the_beginning_may_be_of_any_grammar() -> None:
    assert is_begun([prefixes("lights on"), prefixes("blinds up")], "blinds")
    assert not is_begun([], "blinds")
