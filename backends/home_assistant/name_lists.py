"""The names of a home as closed lists for hassil; pure.

A name stands in them as it is spoken, and means what is written. Its text is never read as a template.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs
from hassil.expression import TextChunk
from hassil.intents import TextSlotList, TextSlotValue

from backends.commands.spoken_numbers import normalise
from protocol.messages.home import HomeEntity, HomeNames, HomePlace

MAX_VOCABULARY: Final = 40


@attrs.frozen(eq=False)
class NameLists:
    """The lists of one language."""

    lists: Mapping[str, TextSlotList]
    """``name``, ``area`` and ``floor``."""
    spoken: Mapping[str, Sequence[str]]
    """What is in each, as it is spoken."""
    begun: frozenset[str]
    """Words that a longer name of an entity begins with."""
    vocabulary: tuple[str, ...]
    """At most ``MAX_VOCABULARY`` names as they are written, areas first."""


def name_lists(names: HomeNames, language: str) -> NameLists:
    """Return the lists of a language. Takes some 30 us for each name, so thousands of them belong into a thread."""
    values = {
        "name": _entity_values(names.entities, language),
        "area": _place_values(names.areas, language),
        "floor": _place_values(names.floors, language),
    }
    lists = {kind: TextSlotList(kind, [_value(*each) for each in found]) for kind, found in values.items()}
    for each in lists.values():
        each.get_candidates("")  # hassil makes its index at the first look, which must not be during a turn
    spoken = {kind: tuple(dict.fromkeys(text for text, _, _ in found)) for kind, found in values.items()}
    words = [text.split() for text in spoken["name"]]
    begun = frozenset(" ".join(each[:at]) for each in words for at in range(1, len(each)))
    written = [name for area in names.areas for name in area.names]
    written += [name for entity in names.entities for name in entity.names]
    return NameLists(lists, spoken, begun, tuple(dict.fromkeys(written))[:MAX_VOCABULARY])


Value = tuple[str, str, Mapping[str, str | None]]
"""As it is spoken, what it means, and what is known of it."""


def _value(spoken: str, meaning: str, about: Mapping[str, str | None]) -> TextSlotValue:
    return TextSlotValue(TextChunk(spoken), meaning, dict(about))


def _entity_values(entities: Sequence[HomeEntity], language: str) -> Sequence[Value]:
    found: dict[tuple[str, str, str | None], Value] = {}
    for entity in entities:
        for name in entity.names:
            spoken = normalise(name, language)
            about = {"domain": entity.domain, "device_class": entity.device_class}
            if spoken:  # a name of emoji only cannot be said
                found.setdefault((name, entity.domain, entity.device_class), (spoken, name, about))
    return tuple(found.values())


def _place_values(places: Sequence[HomePlace], language: str) -> Sequence[Value]:
    """Return the places; an alias of one that is the name of another means the other."""
    found: dict[str, str] = {}
    for place in places:
        found.setdefault(normalise(place.names[0], language), place.names[0])
    for place in places:
        for alias in place.names[1:]:
            found.setdefault(normalise(alias, language), place.names[0])
    return tuple((spoken, name, {}) for spoken, name in found.items() if spoken)
