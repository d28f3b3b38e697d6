"""Names of timers and things on lists: what may be one, and what is only a piece of a sentence."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from backends.commands.durations import TIMES, to_more_seconds, to_seconds
from backends.commands.slot_text import SlotText, to_text


@attrs.frozen
class _NameWords:
    """What tells a name from a piece of a sentence."""

    not_first: frozenset[str]
    not_last: frozenset[str]
    nowhere: frozenset[str]


_ENGLISH_LEADS = (
    "a an the my our your his her their this that these those another new additional me us you it i im we he she they "
    "on up in for to of at with by from off and or as about into is are do all both every each any some no first "
    "second third last next other current running only same called named half quarter couple"
)


_GERMAN_LEADS = (
    "ein eine einen einem einer der die das den dem des mein meine meinen meiner unser unsere unseren noch neuen neuer "
    "neue weiteren mir uns dir mich dich sich ich du es wir er sie auf für von über zu zum zur in an aus mit bei und "
    "oder alle beide jeden erste ersten zweite zweiten dritte dritten letzte letzten nächste nächsten andere anderen "
    "namens halbe halben viertel"
)


_ENGLISH_TAILS = "a an the my another new me us for to of and or on in at by up as with from half quarter couple"


_GERMAN_TAILS = "ein eine einen der die das den für auf und oder mit von"


_NAMES: Mapping[str, _NameWords] = {
    "en": _NameWords(
        not_first=frozenset(_ENGLISH_LEADS.split()),
        not_last=frozenset(_ENGLISH_TAILS.split()),
        nowhere=frozenset({"timer", "timers", "alarm", "alarms", "minus", "negative"}),
    ),
    "de": _NameWords(
        not_first=frozenset(_GERMAN_LEADS.split()),
        not_last=frozenset(_GERMAN_TAILS.split()),
        nowhere=frozenset({"timer", "wecker", "kurzzeitwecker", "minus"}),
    ),
}


@attrs.frozen
class _ItemWords:
    """What tells a thing on a list from a piece of a sentence."""

    not_first: frozenset[str]
    not_last: frozenset[str]
    other_command: re.Pattern[str]
    """Where a second command begins."""


_ENGLISH_ITEM_LEADS = (
    "it them me you us him if rid everything to on onto in into from for of off up down out at with and"
)


_ENGLISH_ITEM_TAILS = "to on onto in into from off and the a an my of put added"


_GERMAN_ITEM_LEADS = "es sie ihn alles mich mir uns auf von zu zur zum aus in für mit und ab"


_GERMAN_ITEM_TAILS = "auf von zu zur und der die das den"


_ITEMS: Mapping[str, _ItemWords] = {
    "en": _ItemWords(
        not_first=frozenset(_ENGLISH_ITEM_LEADS.split()),
        not_last=frozenset(_ENGLISH_ITEM_TAILS.split()),
        other_command=re.compile(
            r"\b(?:to|on|onto|from|off) (?:\w+ ){0,4}lists?\b"
            r"|\b(?:and|then) (?:then )?(?:add|put|write|remove|delete|take|cross|check|set)\b"
            r"|^(?:it|that|this|them|those|these|her)$"
        ),
    ),
    "de": _ItemWords(
        not_first=frozenset(_GERMAN_ITEM_LEADS.split()),
        not_last=frozenset(_GERMAN_ITEM_TAILS.split()),
        other_command=re.compile(
            r"\b(?:auf|zur|von|zu) (?:\w+ ){0,2}\w*(?:liste|zettel)\b"
            r"|\bund (?:setz|setze|schreib|schreibe|streich|streiche|lösch|lösche|stell|stelle)\b|^das$"
        ),
    ),
}


def to_name(slot: SlotText) -> str | None:
    """Return what a timer may be called.

    A name is no half of a sentence: it neither begins nor ends with an article, a preposition or a pronoun, and it
    holds neither a duration nor another timer. Thus "put on a timer" is no timer called "on a".
    """
    names = _NAMES.get(slot.language)
    if names is None:
        return to_text(slot)
    times = TIMES[slot.language]
    for words in _as_heard_and_read(slot):
        if not words or words[0] in names.not_first or words[-1] in names.not_last or words[0].isdecimal():
            return None
        if any(word in names.nowhere or word in times.units for word in words):
            return None
    return to_text(slot)


def to_item(slot: SlotText) -> str | None:
    """Return what goes on a list or comes off it.

    It is no half of another command: "add milk to the shopping list and bread to the to do list" puts no "milk to the
    shopping list" on the other list. Nor is it a pronoun.
    """
    items = _ITEMS.get(slot.language)
    if items is None:
        return to_text(slot)
    for words in _as_heard_and_read(slot):
        if not words or words[0] in items.not_first or words[-1] in items.not_last:
            return None
        if items.other_command.search(" ".join(words)):
            return None
    return to_text(slot)


def _as_heard_and_read(slot: SlotText) -> Sequence[Sequence[str]]:
    """Return the words of a slot as they were heard, and as they are read: some may be exchanged for others.

    What is kept is the text that was heard, so that no exchange may make it acceptable.
    """
    return re.findall(r"\w+", slot.source.lower().replace("'", "").replace("\u2019", "")), slot.words


def to_named_time(slot: SlotText) -> Mapping[str, Any] | None:
    """Return "pasta eight minutes" or "ten minute egg" as ``{"name": "pasta", "seconds": 480}``."""
    return _named(slot, to_seconds)


def to_named_more(slot: SlotText) -> Mapping[str, Any] | None:
    """Return "pizza another two minutes" as ``{"name": "pizza", "seconds": 120}``; without "another" it is nothing."""
    times = TIMES.get(slot.language)
    if times is None:
        return None
    return _named(slot, lambda part: to_more_seconds(part) if times.more.intersection(part.words) else None)


def _named(slot: SlotText, seconds_of: Callable[[SlotText], float | None]) -> Mapping[str, Any] | None:
    """Return a name and the duration before or behind it, the longest that there is; None for a duration alone."""
    if seconds_of(SlotText(slot.words, "", slot.language)) is not None:
        return None
    for at in range(1, len(slot.words)):
        for time, name in ((slot.words[at:], slot.words[:at]), (slot.words[:-at], slot.words[-at:])):
            seconds = seconds_of(SlotText(time, "", slot.language))
            called = None if seconds is None else to_name(SlotText(name, _written(name, slot.source), slot.language))
            if called is not None:
                return {"name": called, "seconds": seconds}
    return None


def _written(words: Sequence[str], source: str) -> str:
    """Return words as they stand in ``source``, with its capitals; an empty text if they do not."""
    found = re.search(r"\W+".join(re.escape(word) for word in words), source, re.IGNORECASE)
    return found.group() if found else ""
