"""What the free slots of a command stand for: spoken durations, sums, places and measures as arguments; pure.

A slot that cannot be understood makes its sentence no match, so "what is the capital of France" is no sum although
"what is {expression}" is a sentence of the grammar.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import attrs

from backends.builtin.calculator import CalculationError, evaluate
from backends.builtin.places import divided_regions, zone_names, zones_of
from backends.builtin.sum_words import amount, amount_words, count_operators, is_sum, spoken_words, symbols
from backends.builtin.units import Unit, UnitError, convert, find_unit, unit_names, unit_words
from backends.commands.spoken_numbers import pointed


@attrs.frozen
class SlotText:
    """What was said in a slot."""

    words: tuple[str, ...]
    """Normalised, numbers in digits."""
    source: str
    """As it was written, for texts that are kept word by word."""
    language: str


@attrs.frozen
class _TimeWords:
    units: Mapping[str, int]
    """Seconds of each unit."""
    fixed: Mapping[str, int]
    """Words that are a duration themselves, in seconds."""
    one: frozenset[str]
    """Articles that count one in front of a unit."""
    shares: Mapping[tuple[str, ...], float]
    """What may stand in front of a unit instead of a number: "half an hour", "three quarters of an hour"."""
    of: frozenset[str]
    """What may stand between a share and its unit."""
    rests: Mapping[tuple[str, ...], float]
    """What may follow a unit or a number, in parts of it: "an hour and a half", "two and a quarter hours"."""
    joiner: str
    more: frozenset[str]
    """What says that a duration is added to another."""
    hours: frozenset[str]
    """Units of "1:30 hours"; any other "1:30" is minutes and seconds."""


_TIMES: Mapping[str, _TimeWords] = {
    "en": _TimeWords(
        units={
            **dict.fromkeys(("second", "seconds", "sec", "secs", "s"), 1),
            **dict.fromkeys(("minute", "minutes", "min", "mins", "m"), 60),
            **dict.fromkeys(("hour", "hours", "hr", "hrs", "h"), 3_600),
            **dict.fromkeys(("day", "days"), 86_400),
            **dict.fromkeys(("week", "weeks"), 604_800),
        },
        fixed={},
        one=frozenset({"a", "an", "1"}),
        shares={("half",): 0.5, ("quarter",): 0.25, ("3", "quarters"): 0.75, ("couple",): 2},
        of=frozenset({"of", "a", "an"}),
        rests={
            ("and", "a", "half"): 0.5,
            ("and", "half"): 0.5,
            ("and", "a", "quarter"): 0.25,
            ("and", "1", "quarter"): 0.25,
            ("and", "3", "quarters"): 0.75,
            ("and", "3", "quarter"): 0.75,
        },
        joiner="and",
        more=frozenset({"more", "another", "extra", "additional"}),
        hours=frozenset({"hour", "hours", "hr", "hrs", "h"}),
    ),
    "de": _TimeWords(
        units={
            **dict.fromkeys(("sekunde", "sekunden", "sek", "s"), 1),
            **dict.fromkeys(("minute", "minuten", "min", "m"), 60),
            **dict.fromkeys(("stunde", "stunden", "std", "h"), 3_600),
            **dict.fromkeys(("tag", "tage", "tagen"), 86_400),
            **dict.fromkeys(("woche", "wochen"), 604_800),
        },
        fixed={"viertelstunde": 900, "dreiviertelstunde": 2_700},
        one=frozenset({"ein", "eine", "einen", "einer", "einem", "1"}),
        shares={**{(f"halbe{ending}",): 0.5 for ending in ("", "n", "r")}, ("viertel",): 0.25, ("dreiviertel",): 0.75},
        of=frozenset(),
        rests={("und", "eine", "halbe"): 0.5, ("und", "eine", "viertel"): 0.25, ("und", "eine", "dreiviertel"): 0.75},
        joiner="und",
        more=frozenset({"noch", "weitere", "mehr", "zusätzliche", "länger"}),
        hours=frozenset({"stunde", "stunden", "std", "h"}),
    ),
}
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
_NEXT_SMALLER = {86_400: 3_600, 3_600: 60, 60: 1}
_MAX_MEASURE_WORDS = 16
_SMALLER_UNITS: Mapping[str, str] = {"foot": "inches", "stone": "pounds"}
"""What a number without a unit counts behind another: "6 foot 2"."""
_FRACTION_SIGNS = {"½": "1 / 2", "¼": "1 / 4", "¾": "3 / 4"}
_FRACTION = re.compile(r"(?:(\d+) )?(\d+) (?:/|divided by|geteilt durch) ([1-9]\d*)")
_NUMBER_OR_LETTERS = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")
_SHOWN = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?(?: (\w+))?")


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
        nowhere=frozenset({"timer", "timers", "alarm", "alarms"}),
    ),
    "de": _NameWords(
        not_first=frozenset(_GERMAN_LEADS.split()),
        not_last=frozenset(_GERMAN_TAILS.split()),
        nowhere=frozenset({"timer", "wecker", "kurzzeitwecker"}),
    ),
}
_MINUS = "minus"


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


def to_number(slot: SlotText) -> float | int | None:
    """Return "twenty five", "minus 3", "2 1/2" or "a" as a number."""
    value = _amount(slot.words, slot.language)
    return None if value is None else _plain(float(value))


def _amount(words: Sequence[str], language: str) -> Decimal | None:
    if len(words) == 1 and re.fullmatch(r"\d+(?:\.\d+)?", words[0]):
        return Decimal(words[0])
    expression = amount(pointed(words, language), language)
    try:
        return None if expression is None else evaluate(expression)
    except CalculationError:  # "1/0"
        return None


def to_seconds(slot: SlotText) -> float | int | None:
    """Return "an hour and a half" or "two minutes thirty" in seconds."""
    times = _TIMES.get(slot.language)
    if times is None:
        return None
    words, total, last_unit = _without_fractions(slot.words), 0.0, 0.0
    while words:
        if last_unit and words[0] == times.joiner and not _rest_of_unit(words, times)[1]:
            words = words[1:]
        seconds, unit, taken = _one_time(words, times, last_unit)
        if not taken:
            return None
        total, last_unit, words = total + seconds, unit, words[taken:]
    return _plain(total) if total else None


def to_timer_seconds(slot: SlotText) -> float | int | None:
    """Return a duration that may be written as a timer shows it: "1:30" is a minute and a half, "1:30:00" an hour more.

    Minutes and seconds, since that is what a timer of so few parts shows; hours if they are named: "1:30 hours".
    """
    times = _TIMES.get(slot.language)
    shown = _SHOWN.fullmatch(slot.source.strip(" .!?").lower())
    if times is None or shown is None:
        return to_seconds(slot)
    first, second, third, unit = shown.groups()
    if unit and unit not in times.units:
        return None
    if third or unit in times.hours:
        return int(first) * 3_600 + int(second) * 60 + int(third or 0) or None
    return int(first) * 60 + int(second) or None


def to_more_seconds(slot: SlotText) -> float | int | None:
    """Return "five more minutes" and "another minute" in seconds."""
    times = _TIMES.get(slot.language)
    if times is None:
        return None
    words = tuple(word for word in slot.words if word not in times.more)
    if words and words[0] in times.units:  # "another minute"
        words = ("1", *words)
    return to_seconds(SlotText(words, "", slot.language))


def to_name(slot: SlotText) -> str | None:
    """Return what a timer may be called.

    A name is no half of a sentence: it neither begins nor ends with an article, a preposition or a pronoun, and it
    holds neither a duration nor another timer. Thus "put on a timer" is no timer called "on a".
    """
    names = _NAMES.get(slot.language)
    if names is None:
        return to_text(slot)
    times = _TIMES[slot.language]
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
    times = _TIMES.get(slot.language)
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


def _without_fractions(words: Sequence[str]) -> list[str]:
    """Return words with "2 1/2" as 2.5, "1h30" as "1 h 30"."""
    text = " ".join(words)
    for sign, value in _FRACTION_SIGNS.items():
        text = text.replace(sign, f" {value} ")
    text = _FRACTION.sub(lambda found: f"{_mixed(found):g}", " ".join(text.split()))
    return [piece for word in text.split() for piece in _NUMBER_OR_LETTERS.findall(word)]


def _mixed(found: re.Match[str]) -> float:
    whole, above, below = found.groups()
    return int(whole or 0) + int(above) / int(below)


def _rest(words: Sequence[str], times: _TimeWords) -> tuple[float, int]:
    """Return the part of a unit that "and a half" stands for, and how many words it has; 0 for none."""
    return next(
        ((share, len(phrase)) for phrase, share in times.rests.items() if tuple(words[: len(phrase)]) == phrase),
        (0.0, 0),
    )


def _rest_of_unit(words: Sequence[str], times: _TimeWords) -> tuple[float, int]:
    """Return what ``_rest`` does, but 0 if a unit follows: the half of "and half a minute" is one of its own."""
    share, size = _rest(words, times)
    is_own = len(words) > size and words[size] in {*times.units, *times.of}
    return (0.0, 0) if is_own else (share, size)


def _one_time(words: Sequence[str], times: _TimeWords, last_unit: float) -> tuple[float, float, int]:
    """Return the seconds of the first part of a duration, its unit, and how many words it took; 0 for none."""
    share, size = _rest_of_unit(words, times)
    if last_unit and size:
        return last_unit * share, last_unit, size
    article = 1 if words and words[0] in times.one else 0
    for start in (0, article):
        seconds, taken = _share_of_unit(words[start:], times)
        if taken:
            return seconds, seconds, start + taken
    count = _count(words[0], times) if words else None
    if count is None:
        return 0, 0, 0
    share, size = _rest(words[1:], times)
    unit = times.units.get(words[1 + size]) if len(words) > 1 + size else None
    if unit is not None:
        return (count + share) * unit, unit, 2 + size
    smaller = _NEXT_SMALLER.get(int(last_unit))
    return (
        (count * smaller, smaller, 1)
        if smaller and len(words) == 1 and words[0] not in times.one - {"1"}
        else (0, 0, 0)
    )


def _share_of_unit(words: Sequence[str], times: _TimeWords) -> tuple[float, int]:
    """Return the seconds of "half an hour" at the beginning of ``words``, and how many words it has; 0 for none."""
    if words and words[0] in times.fixed:
        return times.fixed[words[0]], 1
    for phrase, share in times.shares.items():
        if tuple(words[: len(phrase)]) == phrase:
            at = len(phrase)
            while at < len(words) and words[at] in times.of:
                at += 1
            unit = times.units.get(words[at]) if at < len(words) else None
            return (unit * share, at + 1) if unit is not None else (0, 0)
    return 0, 0


def _count(word: str, times: _TimeWords) -> float | None:
    if word in times.one:
        return 1.0
    return float(word) if re.fullmatch(r"\d+(?:\.\d+)?", word) else None


def to_expression(slot: SlotText) -> str | None:
    """Return "twelve times seven" as "12 * 7"."""
    is_spelled = re.search(r"\d\s+\d", slot.source) is None
    return symbols(pointed(slot.words, slot.language), slot.language, has_years=is_spelled)


def to_calculation(slot: SlotText) -> str | None:
    """Return an expression that is a whole sentence: it has an operator, and is no date and no telephone number."""
    expression = to_expression(slot)
    if expression is None or _NO_SUM.fullmatch(slot.source.strip()):
        return None
    pieces = expression.split()
    has_operator = count_operators(pieces) > 0 or any(piece in {"sqrt", "cbrt", "squared", "cubed"} for piece in pieces)
    return expression if has_operator and is_sum(pieces) else None


_NO_SUM = re.compile(r"\d+/\d+|\d+(?:[-/]\d+){2,}|\d{3,}-\d+|\d+-\d{3,}")
"""A telephone number, a date, "24/7"."""


def to_place(slot: SlotText) -> str | None:
    """Return a place whose time zones are known, as it was spoken and without its article."""
    name = " ".join(_place_name(slot))
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


def to_unit(slot: SlotText) -> str | None:
    """Return the English name of a unit."""
    unit = _unit(slot.words, slot.language)
    return None if unit is None else unit.plural


def _unit(words: Sequence[str], language: str) -> Unit | None:
    try:
        return find_unit(" ".join(words), language)
    except UnitError:
        return None


def to_quantity(slot: SlotText) -> Mapping[str, Any] | None:
    """Return "five miles" as ``{"value": 5, "unit": "miles"}``, "5 feet 11 inches" as 71 inches."""
    words = pointed(slot.words, slot.language)
    begins = bool(words) and (words[0][0].isdigit() or words[0] in amount_words(slot.language))
    measures = _measures(words, slot.language) if begins and len(words) <= _MAX_MEASURE_WORDS else ()
    if not measures:
        return None
    smallest = measures[-1][1]
    value = sum(convert(value, unit, smallest) for value, unit in measures) if len(measures) > 1 else measures[0][0]
    return {"value": _plain(float(value)), "unit": smallest.plural}


def _measures(words: Sequence[str], language: str) -> Sequence[tuple[Decimal, Unit]]:
    """Return the parts of a measure, each smaller than the one before; none if the words are something else."""
    times = _TIMES.get(language)
    for at in range(1, len(words)):
        value = _amount(words[:at], language)
        if value is None:
            continue
        for end in range(len(words), at, -1):
            unit = _unit(words[at:end], language)
            rest = _further(words[end:], unit, language) if unit is not None else ()
            share = None if times is None else times.rests.get(tuple(words[end:]))
            if unit is not None and share is not None:  # "a cup and a half"
                return [(value + Decimal(str(share)), unit)]
            if unit is None or rest is None:
                continue
            if not rest or (rest[0][1].kind == unit.kind != "temperature" and rest[0][1].factor < unit.factor):
                return [(value, unit), *rest]
    return ()


def _further(words: Sequence[str], unit: Unit, language: str) -> Sequence[tuple[Decimal, Unit]] | None:
    """Return the smaller parts behind a unit; None if what stands there is something else."""
    times = _TIMES.get(language)
    words = words[1:] if times is not None and words[:1] == (times.joiner,) and len(words) > 1 else words
    if len(words) == 1 and unit.name in _SMALLER_UNITS:
        words = (*words, _SMALLER_UNITS[unit.name])
    return (_measures(words, language) or None) if words else ()


def to_text(slot: SlotText) -> str | None:
    """Return free text as it was written, without the punctuation around it."""
    return slot.source.strip(' \t\n.,;:!?"') or None


def _with_points(convert_slot: Callable[[SlotText], Any]) -> Callable[[SlotText], Any]:
    """Return a converter that is given "point five" as "0.5"."""
    return lambda slot: convert_slot(attrs.evolve(slot, words=pointed(slot.words, slot.language)))


@attrs.frozen
class SlotType:
    """One kind of free slot."""

    convert: Callable[[SlotText], Any]
    """Returns None for what it does not understand."""
    example: Mapping[str, str]
    """By language: for the vocabulary that Whisper is given."""
    words: Callable[[str], frozenset[str]] = lambda _: frozenset()
    """The words that it is spoken with, by language."""
    values: Callable[[str], frozenset[str]] | None = None
    """Everything that it can be, by language, with ``#`` for a number; None if that cannot be listed."""
    names: Callable[[str], frozenset[str]] = lambda _: frozenset()
    """Words that no other word is exchanged for, by language: the time in Ireland is no answer for Iceland."""
    is_last_resort: bool = False
    """Whether it is looked at only if no hypothesis makes sense otherwise."""


def _time_words(language: str) -> frozenset[str]:
    times = _TIMES.get(language)
    if times is None:
        return frozenset()
    phrases = [*times.shares, *times.rests]
    return frozenset({*times.units, *times.fixed, *(word for phrase in phrases for word in phrase if word.isalpha())})


@cache
def _places(_: str) -> frozenset[str]:
    return frozenset(zone_names()) | frozenset(divided_regions())


@cache
def _place_words(language: str) -> frozenset[str]:
    return frozenset(word for name in _places(language) for word in name.split())


def _quantities(language: str) -> frozenset[str]:
    return frozenset(f"# {name}" for name in unit_names(language))


SLOT_TYPES: Mapping[str, SlotType] = {
    "text": SlotType(to_text, {}),
    "number": SlotType(to_number, {"en": "ten", "de": "zehn"}),
    "duration": SlotType(_with_points(to_seconds), {"en": "ten minutes", "de": "zehn Minuten"}, _time_words),
    "timer_duration": SlotType(
        _with_points(to_timer_seconds), {"en": "ten minutes", "de": "zehn Minuten"}, _time_words
    ),
    "more_duration": SlotType(
        _with_points(to_more_seconds), {"en": "five more minutes", "de": "noch fünf Minuten"}, _time_words
    ),
    "item": SlotType(to_item, {"en": "milk", "de": "Milch"}),
    "name": SlotType(to_name, {"en": "pasta", "de": "Nudeln"}),
    "named_time": SlotType(
        _with_points(to_named_time), {"en": "pasta eight minutes", "de": "Nudeln acht Minuten"}, _time_words
    ),
    "named_more": SlotType(
        _with_points(to_named_more), {"en": "pizza two more minutes", "de": "Pizza noch zwei Minuten"}
    ),
    "expression": SlotType(to_expression, {"en": "twelve times seven", "de": "zwölf mal sieben"}, spoken_words),
    "calculation": SlotType(to_calculation, {"en": "five plus three", "de": "fünf plus drei"}, spoken_words),
    "place": SlotType(to_place, {"en": "Tokyo", "de": "Tokio"}, values=_places, names=_place_words),
    "unknown_place": SlotType(to_unknown_place, {}, is_last_resort=True),
    "unit": SlotType(to_unit, {"en": "kilometers", "de": "Kilometer"}, unit_words, unit_names),
    "quantity": SlotType(to_quantity, {"en": "five miles", "de": "fünf Meilen"}, unit_words, _quantities),
}
"""The free slots that every grammar may use by these names, and that a ``wildcard`` list may name as its ``type``."""


def _plain(value: float) -> float | int:
    """Return whole numbers as such: tools with integer arguments refuse 10.0."""
    return int(value) if value == int(value) else value
