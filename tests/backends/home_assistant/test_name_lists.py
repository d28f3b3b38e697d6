from hypothesis import given
from hypothesis import strategies as st

from backends.home_assistant.name_lists import MAX_VOCABULARY, name_lists
from protocol.messages.home import HomeEntity, HomeNames, HomePlace


def test_a_name_is_as_it_is_spoken_and_means_what_is_written() -> None:
    names = HomeNames((HomeEntity("light.a", ("Lamp Two [big] {x}", "Küchen-Licht 🎄"), device_class=None),))
    found = name_lists(names, "en")
    assert found.spoken["name"] == ("lamp 2 big x", "küchen licht")
    assert [value.value_out for value in found.lists["name"].values] == ["Lamp Two [big] {x}", "Küchen-Licht 🎄"]
    assert found.lists["name"].values[0].context == {"domain": "light", "device_class": None}


def test_a_name_that_cannot_be_said_is_left_out() -> None:
    assert name_lists(HomeNames((HomeEntity("light.a", ("🎄", "Tree")),)), "en").spoken["name"] == ("tree",)


def test_things_of_one_name_and_kind_stand_once() -> None:
    entities = tuple(HomeEntity(entity_id, ("Lamp",)) for entity_id in ("light.a", "light.b", "switch.c"))
    found = name_lists(HomeNames(entities), "en")
    assert [value.context["domain"] for value in found.lists["name"].values] == ["light", "switch"]
    assert found.spoken["name"] == ("lamp",)


def test_the_own_name_of_an_area_goes_before_an_alias_of_another() -> None:
    areas = (HomePlace(("Hall", "kitchen")), HomePlace(("Kitchen", "cookery")))
    found = name_lists(HomeNames(areas=areas), "en")
    meanings = (value.value_out for value in found.lists["area"].values)
    assert dict(zip(found.spoken["area"], meanings, strict=True)) == {
        "hall": "Hall",
        "kitchen": "Kitchen",
        "cookery": "Kitchen",
    }


def test_the_beginnings_of_names_are_known() -> None:
    entities = (HomeEntity("light.a", ("Kitchen Light",)), HomeEntity("light.b", ("Kitchen Light Left",)))
    assert name_lists(HomeNames(entities), "en").begun == {"kitchen", "kitchen light"}


def test_areas_come_first_among_the_words_to_expect_and_those_are_bounded() -> None:
    entities = tuple(HomeEntity(f"light.l{at}", (f"Lamp {at}",)) for at in range(99))
    vocabulary = name_lists(HomeNames(entities, (HomePlace(("Kitchen",)),)), "en").vocabulary
    assert (vocabulary[0], len(vocabulary)) == ("Kitchen", MAX_VOCABULARY)


@given(st.lists(st.text(max_size=30), max_size=5))
def test_whatever_a_name_is_its_text_is_no_template(texts: list[str]) -> None:
    names = HomeNames((HomeEntity("light.a", tuple(texts)),), tuple(HomePlace((text,)) for text in texts))
    for language in ("en", "de"):
        for found in name_lists(names, language).spoken.values():
            assert not any(letter in text for text in found for letter in "[]{}<>|")
