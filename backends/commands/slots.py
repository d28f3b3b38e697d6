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
from backends.builtin.clock import zone_names
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
    fixed: Mapping[tuple[str, ...], int]
    """Whole phrases, in seconds."""
    one: frozenset[str]
    """Articles that count one in front of a unit."""
    half: tuple[str, ...]
    """What may follow a unit: "an hour and a half"."""
    joiner: str


_TIMES: Mapping[str, _TimeWords] = {
    "en": _TimeWords(
        units={
            **dict.fromkeys(("second", "seconds", "sec", "secs"), 1),
            **dict.fromkeys(("minute", "minutes", "min", "mins"), 60),
            **dict.fromkeys(("hour", "hours", "hr", "hrs"), 3_600),
            **dict.fromkeys(("day", "days"), 86_400),
        },
        fixed={
            ("half", "an", "hour"): 1_800,
            ("a", "half", "hour"): 1_800,
            ("half", "hour"): 1_800,
            ("half", "a", "minute"): 30,
            ("a", "quarter", "of", "an", "hour"): 900,
            ("quarter", "of", "an", "hour"): 900,
            ("quarter", "hour"): 900,
            ("3", "quarters", "of", "an", "hour"): 2_700,
            ("a", "couple", "of", "minutes"): 120,
        },
        one=frozenset({"a", "an", "1"}),
        half=("and", "a", "half"),
        joiner="and",
    ),
    "de": _TimeWords(
        units={
            **dict.fromkeys(("sekunde", "sekunden"), 1),
            **dict.fromkeys(("minute", "minuten"), 60),
            **dict.fromkeys(("stunde", "stunden"), 3_600),
            **dict.fromkeys(("tag", "tage", "tagen"), 86_400),
        },
        fixed={
            ("halbe", "stunde"): 1_800,
            ("halben", "stunde"): 1_800,
            ("halbe", "minute"): 30,
            ("viertelstunde",): 900,
            ("dreiviertelstunde",): 2_700,
        },
        one=frozenset({"ein", "eine", "einen", "einer", "einem", "1"}),
        half=("und", "eine", "halbe"),
        joiner="und",
    ),
}
_NEXT_SMALLER = {86_400: 3_600, 3_600: 60, 60: 1}
_MAX_MEASURE_WORDS = 16
_SMALLER_UNITS: Mapping[str, str] = {"foot": "inches", "stone": "pounds"}
"""What a number without a unit counts behind another: "6 foot 2"."""


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
    words, total, last_unit = list(slot.words), 0.0, 0
    while words:
        if last_unit and words[0] == times.joiner and tuple(words[:3]) != times.half:
            words = words[1:]
        seconds, unit, taken = _one_time(words, times, last_unit)
        if not taken:
            return None
        total, last_unit, words = total + seconds, unit, words[taken:]
    return _plain(total) if total else None


def _one_time(words: Sequence[str], times: _TimeWords, last_unit: int) -> tuple[float, int, int]:
    """Return the seconds of the first part of a duration, its unit, and how many words it took; 0 for none."""
    if last_unit and tuple(words[:3]) == times.half:
        return last_unit / 2, last_unit, 3
    article = 1 if words and words[0] in times.one else 0
    for start in (0, article):
        for phrase, seconds in times.fixed.items():
            if tuple(words[start : start + len(phrase)]) == phrase:
                return seconds, seconds, start + len(phrase)
    count = _count(words[0], times) if words else None
    if count is None:
        return 0, 0, 0
    unit = times.units.get(words[1]) if len(words) > 1 else None
    if unit is not None:
        return count * unit, unit, 2
    smaller = _NEXT_SMALLER.get(last_unit)
    return (
        (count * smaller, smaller, 1)
        if smaller and len(words) == 1 and words[0] not in times.one - {"1"}
        else (0, 0, 0)
    )


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
    """Return a place whose time zone is known, as it was spoken."""
    words = slot.words[1:] if slot.words[:1] == ("the",) else slot.words
    name = " ".join(words)
    return name if name in zone_names() else None


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
            if unit is not None and times is not None and tuple(words[end:]) == times.half:
                return [(value + Decimal("0.5"), unit)]
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


def _time_words(language: str) -> frozenset[str]:
    times = _TIMES.get(language)
    if times is None:
        return frozenset()
    return frozenset(times.units) | {word for phrase in times.fixed for word in phrase if not word.isdigit()}


@cache
def _place_words(_: str) -> frozenset[str]:
    return frozenset(word for name in zone_names() for word in name.split() if len(word) > 3)  # noqa: PLR2004


def _quantities(language: str) -> frozenset[str]:
    return frozenset(f"# {name}" for name in unit_names(language))


SLOT_TYPES: Mapping[str, SlotType] = {
    "text": SlotType(to_text, {}),
    "number": SlotType(to_number, {"en": "ten", "de": "zehn"}),
    "duration": SlotType(_with_points(to_seconds), {"en": "ten minutes", "de": "zehn Minuten"}, _time_words),
    "expression": SlotType(to_expression, {"en": "twelve times seven", "de": "zwölf mal sieben"}, spoken_words),
    "calculation": SlotType(to_calculation, {"en": "five plus three", "de": "fünf plus drei"}, spoken_words),
    "place": SlotType(to_place, {"en": "Tokyo", "de": "Tokio"}, _place_words, lambda _: frozenset(zone_names())),
    "unit": SlotType(to_unit, {"en": "kilometers", "de": "Kilometer"}, unit_words, unit_names),
    "quantity": SlotType(to_quantity, {"en": "five miles", "de": "fünf Meilen"}, unit_words, _quantities),
}
"""The free slots that every grammar may use by these names, and that a ``wildcard`` list may name as its ``type``."""


def _plain(value: float) -> float | int:
    """Return whole numbers as such: tools with integer arguments refuse 10.0."""
    return int(value) if value == int(value) else value
