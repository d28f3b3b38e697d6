"""Places as they are spoken, and what may be one that is not known."""

from collections.abc import Mapping, Sequence
from functools import cache

from backends.builtin.places import divided_regions, zone_names, zones_of
from backends.commands.slot_text import SlotText

_ARTICLES: Mapping[str, Sequence[str]] = {"en": ("the",), "de": ("der", "den", "dem", "die")}


_NOW: Mapping[str, Sequence[tuple[str, ...]]] = {
    "en": (("right", "now"), ("at", "the", "moment"), ("now",), ("currently",), ("today",)),
    "de": (("im", "moment"), ("gerade", "jetzt"), ("jetzt",), ("gerade",), ("heute",)),
}


_NO_NAMES: Mapping[str, str] = {
    "en": (
        " a an my your our his her their this that these those it i we you he she they me us them here there the"
        " now right moment today tomorrow yesterday morning afternoon evening night week month year day days hour"
        " hours minute minutes second seconds time times general case order total question when if and or but is are"
        " was for to at on with what which who how real life words numbers format military "
    ),
    "de": (
        " ein eine einem einer einen mein meine meinem meiner dein deinem deiner unser unserem unserer diesem dieser"
        " es ich du er sie wir ihr mir dir hier dort da jetzt gerade moment heute morgen gestern abend nacht woche"
        " monat jahr tag tagen stunde stunden minute minuten sekunden zeit und oder aber wenn ist sind für auf mit"
        " was wer wie echt wirklich "
    ),
}
"""Words that names of places do not have."""


MAX_PLACE_WORDS = 4
_MARKS = frozenset("-,'\u2019")
"""What is lost in the normalised words of a name."""


def to_place(slot: SlotText) -> str | None:
    """Return a place whose time zones are known, as it was spoken and without its article.

    As it was written where that shows more: "Paris, France", "Côte d'Ivoire", "Port-of-Spain".
    """
    words = _place_name(slot)
    name = " ".join(words)
    written = slot.source.strip(" .!?,;:")
    if words == slot.words and not _MARKS.isdisjoint(written) and zones_of(written):
        return written
    return name if zones_of(name) else None


def to_unknown_place(slot: SlotText) -> str | None:
    """Return what may be the name of a place that is not known: a few words, none of which speaks of a time."""
    words = _place_name(slot)
    common = _NO_NAMES.get(slot.language, "")
    is_name = all(word.isalpha() and f" {word} " not in common for word in words)
    return " ".join(words) if is_name and 0 < len(words) <= MAX_PLACE_WORDS else None


def _place_name(slot: SlotText) -> Sequence[str]:
    """Return the words of a place without the article before and the "right now" behind it."""
    words = slot.words[1:] if slot.words[:1] and slot.words[0] in _ARTICLES.get(slot.language, ()) else slot.words
    for now in _NOW.get(slot.language, ()):
        if words[-len(now) :] == now:
            return words[: -len(now)]
    return words


@cache
def place_names(_: str) -> frozenset[str]:
    """Return the names of all places that are known, in any language."""
    return frozenset(zone_names()) | frozenset(divided_regions())


@cache
def place_words(language: str) -> frozenset[str]:
    """Return the single words of those names."""
    return frozenset(word for name in place_names(language) for word in name.split())
