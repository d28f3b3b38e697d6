import unicodedata
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from backends.home_assistant.frames import Area, Attributes, Device, EntityState, Entry, Floor
from backends.home_assistant.names import MAX_ALIASES, MAX_NAME_CHARS, MAX_PLACES, Registries, cleaned, names_of
from protocol.messages.home import HomeEntity, HomePlace


def state(entity_id: str, name: str | None = None, kind: str | None = None) -> EntityState:
    return EntityState(entity_id, Attributes(name, kind))


def registries(*states: EntityState, **more: Any) -> Registries:
    return Registries(exposed=frozenset(each.entity_id for each in states), states=states, **more)


def test_an_entity_has_its_name_its_aliases_and_its_place() -> None:
    found = registries(
        state("cover.garage", "Garage Door", "garage"),
        entries=[Entry("cover.garage", "a", "d", ["big door", None, "Garage Door"])],
        areas=[Area("a", "Yard", ["outside"], "f")],
        floors=[Floor("f", "Ground", ["downstairs"])],
        devices=[Device("d", "other")],
    )
    names = names_of(found, 10)
    assert names.entities == (
        HomeEntity("cover.garage", ("Garage Door", "big door"), "Yard", "Ground", device_class="garage"),
    )
    assert (names.areas, names.floors) == ((HomePlace(("Yard", "outside")),), (HomePlace(("Ground", "downstairs")),))
    assert names.notes == ()


def test_an_entity_without_an_area_is_in_that_of_its_device() -> None:
    found = registries(
        state("light.a", "A"), entries=[Entry("light.a", None, "d")], devices=[Device("d", "x")], areas=[Area("x", "X")]
    )
    assert names_of(found, 10).entities[0].area == "X"


def test_what_is_not_exposed_has_no_name() -> None:
    found = Registries(exposed=frozenset({"light.a", "light.gone"}), states=[state("light.a", "A"), state("light.b")])
    assert [entity.entity_id for entity in names_of(found, 10).entities] == ["light.a"]


def test_an_entity_that_shows_no_name_is_called_by_its_id() -> None:
    assert names_of(registries(state("light.big_lamp")), 10).entities[0].names == ("big lamp",)


def test_too_many_entities_are_cut_by_their_ids_and_told() -> None:
    names = names_of(registries(*(state(f"light.l{number}", "L") for number in (3, 1, 2))), 2)
    assert [entity.entity_id for entity in names.entities] == ["light.l1", "light.l2"]
    assert names.notes == ("3 entities are exposed, and the first 2 by their ids are taken",)


def test_too_many_areas_are_cut_and_told() -> None:
    names = names_of(registries(areas=[Area(str(at), f"A{at}") for at in range(MAX_PLACES + 1)]), 2)
    assert len(names.areas) == MAX_PLACES
    assert "1001 areas" in names.notes[0]


def test_a_name_of_nothing_is_left_out_and_told() -> None:
    names = names_of(registries(state("light.a", "\x00\n\t"), areas=[Area("x", " \u202e ")]), 10)
    assert (names.entities, names.areas, names.notes) == ((), (), ("1 entities have no name",))


def test_aliases_are_bounded() -> None:
    found = registries(state("light.a", "A"), entries=[Entry("light.a", aliases=[f"a{at}" for at in range(99)])])
    assert len(names_of(found, 10).entities[0].names) == 1 + MAX_ALIASES


@given(st.text())
def test_a_cleaned_name_is_one_bounded_line(text: str) -> None:
    name = cleaned(text)
    assert len(name) <= MAX_NAME_CHARS
    assert name == name.strip()
    assert not any(unicodedata.category(letter)[0] == "C" for letter in name)


def test_markup_and_other_scripts_are_kept_as_they_are() -> None:
    assert cleaned("<b>Küche</b>  [1] {x}\n灯 🎄") == "<b>Küche</b> [1] {x} 灯 🎄"
