"""The names of a home by how they are spoken; pure.

Rules kept here:

* A name is found as it is spoken, and means what is written. Its text is never read as a template.
* A sentence is matched with the names that occur in it, so thousands of them cost no more than a few. They are kept in
  plain tables of texts: an object for each letter would keep the collector of garbage, and with it the event loop,
  busy for hundreds of milliseconds at every new name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import attrs
from hassil.expression import TextChunk
from hassil.intents import SlotList, TextSlotList, TextSlotValue

from backends.commands.spoken_numbers import normalise
from protocol.messages.home import HomeEntity, HomeNames, HomePlace

MAX_VOCABULARY: Final = 40
WORK_NAMES: Final = 32  # some 1 ms of work

Value = tuple[str, str | None, str | None]
"""What is written, and of an entity its domain and its device class."""


@attrs.frozen(eq=False)
class SpokenNames:
    """The names of one kind in one language."""

    values: Mapping[str, Sequence[Value]]
    """By how they are spoken."""
    begun: Mapping[str, str]
    """The words that a longer name begins with, and one such name."""
    sizes: Sequence[int]
    """The lengths of all names in letters, ascending."""

    def within(self, text: str) -> Iterator[str]:
        """Yield the names that occur in ``text``; some languages write them without a space before or behind."""
        for at in range(len(text)):
            for size in self.sizes:
                if at + size > len(text):
                    break
                if text[at : at + size] in self.values:
                    yield text[at : at + size]

    def begun_by(self, text: str) -> Iterator[str]:
        """Yield a name for each way in which the last words of ``text`` may be its beginning."""
        words = text.split()
        for at in range(len(words)):
            name = self.begun.get(" ".join(words[at:]))
            if name is not None:
                yield name


@attrs.frozen(eq=False)
class NameLists:
    """All names of a home in one language."""

    kinds: Mapping[str, SpokenNames]
    """``name``, ``area`` and ``floor``."""
    vocabulary: tuple[str, ...]
    """At most ``MAX_VOCABULARY`` names as they are written, areas first."""

    def lists_for(self, text: str) -> dict[str, SlotList]:
        """Return the lists that ``text`` is matched with."""
        return {kind: _list(kind, names, text) for kind, names in self.kinds.items()}

    def phrases_for(self, text: str) -> dict[str, list[str]]:
        """Return the names that ``text`` holds or may begin."""
        return {kind: [*names.within(text), *names.begun_by(text)] for kind, names in self.kinds.items()}

    def is_begun(self, name: str) -> bool:
        """Return whether a longer name of an entity begins with ``name`` and a space."""
        return name in self.kinds["name"].begun


def name_lists(names: HomeNames, language: str, rest: Callable[[], None] = lambda: None) -> NameLists:
    """Return the names in a language. Takes some 30 us for each, so thousands of them belong into a thread.

    ``rest`` is called every ``WORK_NAMES`` names: a thread lets others run there, which otherwise wait 5 ms each time.
    """
    kinds = {
        "name": _spoken(_entity_values(names.entities), language, rest),
        "area": _spoken(_place_values(names.areas), language, rest),
        "floor": _spoken(_place_values(names.floors), language, rest),
    }
    written = [name for area in names.areas for name in area.names]
    written += [name for entity in names.entities for name in entity.names]
    return NameLists(kinds, tuple(dict.fromkeys(written))[:MAX_VOCABULARY])


def _spoken(pairs: Iterator[tuple[str, Value]], language: str, rest: Callable[[], None]) -> SpokenNames:
    values: dict[str, list[Value]] = {}
    for number, (name, value) in enumerate(pairs, 1):
        if number % WORK_NAMES == 0:
            rest()
        spoken = normalise(name, language)
        if spoken and value not in values.get(spoken, ()):  # a name of emoji only cannot be said
            values.setdefault(spoken, []).append(value)
    begun: dict[str, str] = {}
    for spoken in values:
        words = spoken.split()
        for at in range(1, len(words)):
            begun.setdefault(" ".join(words[:at]), spoken)
    return SpokenNames({name: tuple(found) for name, found in values.items()}, begun, sorted({*map(len, values)}))


def _entity_values(entities: Sequence[HomeEntity]) -> Iterator[tuple[str, Value]]:
    for entity in entities:
        for name in entity.names:
            yield name, (name, entity.domain, entity.device_class)


def _place_values(places: Sequence[HomePlace]) -> Iterator[tuple[str, Value]]:
    """Yield the places; an alias of one that is the name of another means the other."""
    own = {place.names[0].casefold() for place in places}
    for place in places:
        for name in place.names:
            if name == place.names[0] or name.casefold() not in own:
                yield name, (place.names[0], None, None)


def _list(kind: str, names: SpokenNames, text: str) -> TextSlotList:
    found = [(spoken, value) for spoken in dict.fromkeys(names.within(text)) for value in names.values[spoken]]
    return TextSlotList(kind, [_slot_value(spoken, *value) for spoken, value in found])


def _slot_value(spoken: str, written: str, domain: str | None, device_class: str | None) -> TextSlotValue:
    about = None if domain is None else {"domain": domain, "device_class": device_class}
    return TextSlotValue(TextChunk(spoken), written, about)
