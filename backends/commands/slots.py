"""What the free slots of a command stand for: spoken durations, sums, places and measures as arguments; pure.

A slot that cannot be understood makes its sentence no match, so "what is the capital of France" is no sum although
"what is {expression}" is a sentence of the grammar.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs

from backends.builtin.calculator import CalculationError, evaluate
from backends.builtin.sum_words import amount, amount_words, count_operators, is_sum, spoken_words, symbols
from backends.builtin.units import Unit, UnitError, convert, find_unit, unit_names, unit_words
from backends.commands.durations import (
    TIMES,
    time_words,
    to_answered_more_seconds,
    to_answered_seconds,
    to_more_seconds,
    to_seconds,
    to_timer_seconds,
)
from backends.commands.slot_text import SlotText, plain, to_text
from backends.commands.spoken_moments import (
    moment_words,
    to_alarm_time,
    to_answered_alarm_time,
    to_answered_moment,
    to_day,
    to_moment,
    to_reminder,
    to_reminder_text,
)
from backends.commands.spoken_names import to_item, to_name, to_named_more, to_named_time
from backends.commands.spoken_numbers import pointed
from backends.commands.spoken_places import place_names, place_words, to_place, to_unknown_place

_MAX_MEASURE_WORDS = 16


_SMALLER_UNITS: Mapping[str, str] = {"foot": "inches", "stone": "pounds"}
"""What a number without a unit counts behind another: "6 foot 2"."""


_MINUS = "minus"


def to_number(slot: SlotText) -> float | int | None:
    """Return "twenty five", "minus 3", "2 1/2" or "a" as a number."""
    value = _amount(slot.words, slot.language)
    return None if value is None else plain(float(value))


def _amount(words: Sequence[str], language: str) -> Decimal | None:
    if len(words) == 1 and re.fullmatch(r"\d+(?:\.\d+)?", words[0]):
        return Decimal(words[0])
    expression = amount(pointed(words, language), language)
    try:
        return None if expression is None else evaluate(expression)
    except CalculationError:  # "1/0"
        return None


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
    return {"value": plain(float(value)), "unit": smallest.plural}


def _measures(words: Sequence[str], language: str) -> Sequence[tuple[Decimal, Unit]]:
    """Return the parts of a measure, each smaller than the one before; none if the words are something else."""
    times = TIMES.get(language)
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
    times = TIMES.get(language)
    words = words[1:] if times is not None and words[:1] == (times.joiner,) and len(words) > 1 else words
    if len(words) == 1 and unit.name in _SMALLER_UNITS:
        words = (*words, _SMALLER_UNITS[unit.name])
    return (_measures(words, language) or None) if words else ()


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
    answer: Callable[[SlotText], Any] | None = None
    """Converts the answer to a question, where less has to be said than in a sentence; None for ``convert``."""
    is_free_text: bool = False
    """Whether almost any words make sense."""
    is_last_resort: bool = False
    """Whether it is looked at only if no hypothesis makes sense otherwise."""


def _quantities(language: str) -> frozenset[str]:
    return frozenset(f"# {name}" for name in unit_names(language))


_TEN_MINUTES: Mapping[str, str] = {"en": "ten minutes", "de": "zehn Minuten"}

SLOT_TYPES: Mapping[str, SlotType] = {
    "text": SlotType(to_text, {}, is_free_text=True),
    "number": SlotType(to_number, {"en": "ten", "de": "zehn"}),
    "duration": SlotType(_with_points(to_seconds), _TEN_MINUTES, time_words, answer=_with_points(to_answered_seconds)),
    "timer_duration": SlotType(
        _with_points(to_timer_seconds), _TEN_MINUTES, time_words, answer=_with_points(to_answered_seconds)
    ),
    "more_duration": SlotType(
        _with_points(to_more_seconds),
        {"en": "five more minutes", "de": "noch fünf Minuten"},
        time_words,
        answer=_with_points(to_answered_more_seconds),
    ),
    "moment": SlotType(
        to_moment, {"en": "tomorrow at nine", "de": "morgen um neun"}, moment_words, answer=to_answered_moment
    ),
    "alarm_time": SlotType(
        to_alarm_time, {"en": "seven thirty", "de": "halb acht"}, moment_words, answer=to_answered_alarm_time
    ),
    "day": SlotType(to_day, {"en": "next friday", "de": "nächsten Freitag"}, moment_words),
    "reminder": SlotType(
        to_reminder,
        {"en": "to call mom in ten minutes", "de": "in zehn Minuten an den Ofen"},
        moment_words,
    ),
    "reminder_text": SlotType(to_reminder_text, {"en": "call mom", "de": "den Ofen"}, is_free_text=True),
    "item": SlotType(to_item, {"en": "milk", "de": "Milch"}, is_free_text=True),
    "name": SlotType(to_name, {"en": "pasta", "de": "Nudeln"}, is_free_text=True),
    "named_time": SlotType(
        _with_points(to_named_time),
        {"en": "pasta eight minutes", "de": "Nudeln acht Minuten"},
        time_words,
        is_free_text=True,
    ),
    "named_more": SlotType(
        _with_points(to_named_more),
        {"en": "pizza two more minutes", "de": "Pizza noch zwei Minuten"},
        is_free_text=True,
    ),
    "expression": SlotType(to_expression, {"en": "twelve times seven", "de": "zwölf mal sieben"}, spoken_words),
    "calculation": SlotType(to_calculation, {"en": "five plus three", "de": "fünf plus drei"}, spoken_words),
    "place": SlotType(to_place, {"en": "Tokyo", "de": "Tokio"}, values=place_names, names=place_words),
    "unknown_place": SlotType(to_unknown_place, {}, is_last_resort=True),
    "unit": SlotType(to_unit, {"en": "kilometers", "de": "Kilometer"}, unit_words, unit_names),
    "quantity": SlotType(to_quantity, {"en": "five miles", "de": "fünf Meilen"}, unit_words, _quantities),
}
"""The free slots that every grammar may use by these names, and that a ``wildcard`` list may name as its ``type``."""
