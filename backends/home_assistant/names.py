"""The names of a home, put together from Home Assistant's registries; pure.

Rules kept here:

* Only what is exposed to Assist has a name here, as only that can be controlled over MCP.
* A name is what Home Assistant shows (``friendly_name``), and each alias. They are untrusted: bounded, without control
  characters. Two entities may have the same one.
* An entity without an area of its own is in its device's.
* What is left out is told, and the ids decide what, so that it is the same each time.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

from backends.home_assistant.frames import Area, Device, EntityState, Entry, Floor
from protocol.messages.home import HomeEntity, HomeNames, HomePlace

MAX_NAME_CHARS: Final = 100
MAX_ALIASES: Final = 20
MAX_PLACES: Final = 1_000  # areas, and floors


@attrs.frozen(kw_only=True)
class Registries:
    """What Home Assistant answered."""

    exposed: frozenset[str]
    """Ids of entities."""
    states: Sequence[EntityState] = ()
    entries: Sequence[Entry] = ()
    areas: Sequence[Area] = ()
    floors: Sequence[Floor] = ()
    devices: Sequence[Device] = ()


def names_of(found: Registries, max_entities: int) -> HomeNames:
    """Return the names of at most ``max_entities`` exposed entities, and of the areas and floors."""
    notes: list[str] = []
    entries = {entry.entity_id: entry for entry in found.entries}
    area_of_device = {device.id: device.area_id for device in found.devices}
    areas = {area.area_id: area for area in found.areas[:MAX_PLACES]}
    floors = {floor.floor_id: floor for floor in found.floors[:MAX_PLACES]}
    if len(found.areas) > MAX_PLACES or len(found.floors) > MAX_PLACES:
        notes.append(f"of {len(found.areas)} areas and {len(found.floors)} floors at most {MAX_PLACES} each are taken")
    states = sorted((state for state in found.states if state.entity_id in found.exposed), key=lambda it: it.entity_id)
    if len(states) > max_entities:
        notes.append(f"{len(states)} entities are exposed, and the first {max_entities} by their ids are taken")
    entities: list[HomeEntity] = []
    for state in states[:max_entities]:
        entry = entries.get(state.entity_id, Entry(state.entity_id))
        names = _names(state.attributes.friendly_name or _readable(state.entity_id), entry.aliases)
        area = areas.get(_area_id(entry, area_of_device) or "")
        floor = floors.get((area and area.floor_id) or "")
        if names:
            entities.append(
                HomeEntity(
                    state.entity_id, names, _name(area), _name(floor), device_class=state.attributes.device_class
                )
            )
    nameless = len(states[:max_entities]) - len(entities)
    if nameless:
        notes.append(f"{nameless} entities have no name")
    return HomeNames(tuple(entities), _places(areas.values()), _places(floors.values()), tuple(notes))


def cleaned(name: str) -> str:
    """Return a name on one line of at most ``MAX_NAME_CHARS``, without control characters."""
    plain = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in name)
    return " ".join(plain.split())[:MAX_NAME_CHARS].strip()


def _area_id(entry: Entry, area_of_device: Mapping[str, str | None]) -> str | None:
    return entry.area_id or area_of_device.get(entry.device_id or "")


def _name(place: Area | Floor | None) -> str | None:
    return (cleaned(place.name) or None) if place is not None else None


def _places(places: Iterable[Area | Floor]) -> tuple[HomePlace, ...]:
    named = (_names(place.name, place.aliases) for place in places)
    return tuple(HomePlace(names) for names in named if names)


def _names(own: str, aliases: Sequence[str | None] | None) -> tuple[str, ...]:
    """Return the name and the aliases that are not empty, each once."""
    texts = [own, *sorted(alias for alias in aliases or () if alias is not None)[:MAX_ALIASES]]
    return tuple(dict.fromkeys(name for text in texts if (name := cleaned(text))))


def _readable(entity_id: str) -> str:
    return entity_id.partition(".")[2].replace("_", " ")
