from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.home_assistant.name_lists import MAX_VOCABULARY, WORK_NAMES, NameLists, name_lists
from protocol.messages.home import HomeEntity, HomeNames, HomePlace


def meanings(lists: NameLists, kind: str, text: str) -> dict[str, list[str]]:
    """Return what is written for each name of a kind that occurs in a text, by how it is spoken."""
    found: dict[str, list[str]] = {}
    values: Any = lists.lists_for(text)[kind]
    for value in values.values:
        found.setdefault(value.text_in.text, []).append(value.value_out)
    return found


def named(*names: str) -> HomeNames:
    return HomeNames(tuple(HomeEntity(f"light.l{at}", (name,)) for at, name in enumerate(names)))


def test_a_name_is_as_it_is_spoken_and_means_what_is_written() -> None:
    lists = name_lists(named("Lamp Two [big] {x}", "Küchen-Licht 🎄"), "en")
    assert meanings(lists, "name", "turn on lamp 2 big x") == {"lamp 2 big x": ["Lamp Two [big] {x}"]}
    assert meanings(lists, "name", "küchen licht on") == {"küchen licht": ["Küchen-Licht 🎄"]}


def test_an_entity_is_known_with_its_kind() -> None:
    lists = name_lists(HomeNames((HomeEntity("cover.a", ("Gate",), device_class="gate"),)), "en")
    found: Any = lists.lists_for("the gate")["name"]
    [value] = found.values
    assert value.context == {"domain": "cover", "device_class": "gate"}


def test_only_names_that_occur_in_a_text_are_looked_at() -> None:
    lists = name_lists(named("Sun", "Moon", "Full Moon"), "en")
    assert set(meanings(lists, "name", "turn on the full moon")) == {"moon", "full moon"}
    assert meanings(lists, "name", "turn on") == {}


@pytest.mark.parametrize(
    ("language", "text", "name"), [("ja", "電気をつけて", "電気"), ("fr", "allume lampoule", "Ampoule")]
)
def test_a_name_is_found_without_spaces_around_it(language: str, text: str, name: str) -> None:
    assert list(meanings(name_lists(named(name), language), "name", text).values()) == [[name]]


def test_a_name_that_cannot_be_said_is_left_out() -> None:
    assert list(name_lists(named("🎄", "Tree"), "en").kinds["name"].values) == ["tree"]


def test_things_of_one_name_and_kind_stand_once() -> None:
    entities = tuple(HomeEntity(entity_id, ("Lamp",)) for entity_id in ("light.a", "light.b", "switch.c"))
    values = name_lists(HomeNames(entities), "en").kinds["name"].values
    assert values == {"lamp": (("Lamp", "light", None), ("Lamp", "switch", None))}


def test_the_own_name_of_an_area_goes_before_an_alias_of_another() -> None:
    areas = (HomePlace(("Hall", "kitchen", "corridor")), HomePlace(("Kitchen", "cookery")))
    lists = name_lists(HomeNames(areas=areas), "en")
    assert meanings(lists, "area", "kitchen cookery corridor") == {
        "kitchen": ["Kitchen"],
        "cookery": ["Kitchen"],
        "corridor": ["Hall"],
    }


def test_the_beginnings_of_names_are_known() -> None:
    lists = name_lists(named("Kitchen Light", "Kitchen Light Left"), "en")
    asked = ("kitchen", "kitchen light", "kitchen light left", "light")
    assert [lists.is_begun(text) for text in asked] == [True, True, False, False]
    assert lists.phrases_for("turn on the kitchen light")["name"] == ["kitchen light", "kitchen light left"]
    assert lists.phrases_for("turn on the kitchen")["name"] == ["kitchen light"]


def test_areas_come_first_among_the_words_to_expect_and_those_are_bounded() -> None:
    entities = tuple(HomeEntity(f"light.l{at}", (f"Lamp {at}",)) for at in range(99))
    vocabulary = name_lists(HomeNames(entities, (HomePlace(("Kitchen",)),)), "en").vocabulary
    assert (vocabulary[0], len(vocabulary)) == ("Kitchen", MAX_VOCABULARY)


def test_many_names_leave_time_to_others() -> None:
    rests: list[None] = []
    name_lists(named(*map(str, range(10 * WORK_NAMES))), "en", lambda: rests.append(None))
    assert len(rests) == 10


@given(st.lists(st.text(max_size=30), max_size=5))
@settings(deadline=None)
def test_whatever_a_name_is_its_text_is_no_template(texts: list[str]) -> None:
    names = HomeNames((HomeEntity("light.a", tuple(texts)),), tuple(HomePlace((text,)) for text in texts if text))
    for language in ("en", "de"):
        for found in name_lists(names, language).kinds.values():
            assert not any(letter in text for text in found.values for letter in "[]{}<>|")
