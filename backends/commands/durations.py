"""Spoken durations in seconds: "an hour and a half", "1:30", "five more minutes"."""

import re
from collections.abc import Mapping, Sequence

import attrs

from backends.builtin.sum_words import merge, mixed_number
from backends.commands.slot_text import SlotText, plain


@attrs.frozen
class TimeWords:
    """The words of durations in one language."""

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


TIMES: Mapping[str, TimeWords] = {
    "en": TimeWords(
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
    "de": TimeWords(
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


_NEXT_SMALLER = {86_400: 3_600, 3_600: 60, 60: 1}
_NUMBER_OR_LETTERS = re.compile(r"-?\d+(?:\.\d+)?|[^\W\d_]+")  # a negative number is no count, and so no duration
_SHOWN = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?(?: (\w+))?")


def to_seconds(slot: SlotText) -> float | int | None:
    """Return "an hour and a half" or "two minutes thirty" in seconds."""
    times = TIMES.get(slot.language)
    if times is None:
        return None
    words, total, last_unit = _without_fractions(slot.words, slot.language), 0.0, 0.0
    while words:
        if last_unit and words[0] == times.joiner and not _rest_of_unit(words, times)[1]:
            words = words[1:]
        seconds, unit, taken = _one_time(words, times, last_unit)
        if not taken:
            return None
        total, last_unit, words = total + seconds, unit, words[taken:]
    return plain(total) if total else None


def to_timer_seconds(slot: SlotText) -> float | int | None:
    """Return a duration that may be written as a timer shows it: "1:30" is a minute and a half, "1:30:00" an hour more.

    Minutes and seconds, since that is what a timer of so few parts shows; hours if they are named: "1:30 hours".
    """
    times = TIMES.get(slot.language)
    shown = _SHOWN.fullmatch(slot.source.strip(" .!?").lower())
    if times is None or shown is None:
        return to_seconds(slot)
    first, second, third, unit = shown.groups()
    if unit and unit not in times.units:
        return None
    if third or unit in times.hours:
        return int(first) * 3_600 + int(second) * 60 + int(third or 0) or None
    return int(first) * 60 + int(second) or None


def to_answered_seconds(slot: SlotText) -> float | int | None:
    """Return the answer to "For how long?" in seconds; a number alone is minutes."""
    seconds = to_timer_seconds(slot)
    if seconds is not None or len(slot.words) != 1:
        return seconds
    return to_timer_seconds(_in_minutes(slot))


def to_answered_more_seconds(slot: SlotText) -> float | int | None:
    """Return the answer to "By how much?" in seconds; a number alone is minutes."""
    seconds = to_more_seconds(slot)
    return to_more_seconds(_in_minutes(slot)) if seconds is None and len(slot.words) == 1 else seconds


def _in_minutes(slot: SlotText) -> SlotText:
    return SlotText((*slot.words, "min"), f"{slot.source} min", slot.language)


def to_more_seconds(slot: SlotText) -> float | int | None:
    """Return "five more minutes" and "another minute" in seconds."""
    times = TIMES.get(slot.language)
    if times is None:
        return None
    words = tuple(word for word in slot.words if word not in times.more)
    if words and words[0] in times.units:  # "another minute"
        words = ("1", *words)
    return to_seconds(SlotText(words, "", slot.language))


def _without_fractions(words: Sequence[str], language: str) -> list[str]:
    """Return words with "2 1/2" as 2.5, "1h30" as "1 h 30"."""
    found: list[str] = []
    pieces = merge(words, language)
    while pieces:
        whole = mixed_number(pieces)
        mixed = whole or mixed_number(["0", *pieces])
        if mixed and mixed[2]:
            found.append(f"{mixed[0] + mixed[1] / mixed[2]:g}")
            pieces = pieces[4 if whole else 3 :]
        else:
            found += _NUMBER_OR_LETTERS.findall(pieces[0]) or [pieces[0]]  # a sign is kept: no duration has one
            pieces = pieces[1:]
    return found


def _rest(words: Sequence[str], times: TimeWords) -> tuple[float, int]:
    """Return the part of a unit that "and a half" stands for, and how many words it has; 0 for none."""
    return next(
        ((share, len(phrase)) for phrase, share in times.rests.items() if tuple(words[: len(phrase)]) == phrase),
        (0.0, 0),
    )


def _rest_of_unit(words: Sequence[str], times: TimeWords) -> tuple[float, int]:
    """Return what ``_rest`` does, but 0 if a unit follows: the half of "and half a minute" is one of its own."""
    share, size = _rest(words, times)
    is_own = len(words) > size and words[size] in {*times.units, *times.of}
    return (0.0, 0) if is_own else (share, size)


def _one_time(words: Sequence[str], times: TimeWords, last_unit: float) -> tuple[float, float, int]:
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


def _share_of_unit(words: Sequence[str], times: TimeWords) -> tuple[float, int]:
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


def _count(word: str, times: TimeWords) -> float | None:
    if word in times.one:
        return 1.0
    return float(word) if re.fullmatch(r"\d+(?:\.\d+)?", word) else None


def time_words(language: str) -> frozenset[str]:
    """Return all words of durations."""
    times = TIMES.get(language)
    if times is None:
        return frozenset()
    phrases = [*times.shares, *times.rests]
    return frozenset({*times.units, *times.fixed, *(word for phrase in phrases for word in phrase if word.isalpha())})
