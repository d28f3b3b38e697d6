"""Points in time and reminders in free slots: "tomorrow at eight", "to call mom in ten minutes"; pure.

What a tool gets is the text of the time; ``backends/builtin/moments.py`` understands it there in the same way.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from backends.builtin.moment_words import MOMENT_WORDS
from backends.builtin.moments import NamedMoment, named_day, named_moment
from backends.commands.durations import to_seconds
from backends.commands.slot_text import SlotText, plain


@attrs.frozen
class _ReminderWords:
    """How a reminder is put together."""

    leads: frozenset[str]
    """What stands before its text."""
    before_things: frozenset[str]
    """Those of them that a thing follows, and not a sentence."""
    articles: frozenset[str]
    """What is left out before a thing."""
    delay: frozenset[str]
    """What begins a delay: "in"."""
    not_last: frozenset[str]
    """What no text ends with."""
    needs_lead: bool
    """Whether a lead has to stand between a time and a text behind it."""


_WORDS: Final[Mapping[str, _ReminderWords]] = {
    "en": _ReminderWords(
        leads=frozenset({"to", "about", "of", "that"}),
        before_things=frozenset(),
        articles=frozenset(),
        delay=frozenset({"in", "after"}),
        not_last=frozenset(["to", "about", "of", "that", "at", "on", "in", "by", "for", "and", "the", "a", "an", "my"]),
        needs_lead=True,
    ),
    "de": _ReminderWords(
        leads=frozenset({"an", "daran", "dass"}),
        before_things=frozenset({"an"}),
        articles=frozenset({"der", "die", "das", "den"}),
        delay=frozenset({"in", "nach"}),
        not_last=frozenset(["an", "daran", "dass", "um", "am", "in", "und", "der", "die", "das", "den"]),
        needs_lead=False,
    ),
}


def _in_seconds(seconds: float) -> str:
    return f"in {plain(seconds)} seconds"  # all digits: two weeks are no "1.2096e+06"


def to_moment(slot: SlotText) -> str | None:
    """Return "tomorrow at eight" or "in ten minutes" as a tool takes it."""
    return _moment_text(slot)


def to_answered_moment(slot: SlotText) -> str | None:
    """Return the answer to "When?"; a duration alone is a delay."""
    seconds = to_seconds(slot)
    return _in_seconds(seconds) if seconds else _moment_text(slot)


def to_alarm_time(slot: SlotText) -> str | None:
    """Return a point in time with a time of day: "tomorrow at eight", "weekdays at 6:45"."""
    text = _moment_text(slot)
    moment = None if text is None else named_moment(text, slot.language)
    return text if moment is not None and moment.clock is not None and not moment.is_vague else None


def to_answered_alarm_time(slot: SlotText) -> str | None:
    """Return the answer to "For when?"; a duration alone is a delay."""
    seconds = to_seconds(slot)
    return _in_seconds(seconds) if seconds else to_alarm_time(slot)


def to_day(slot: SlotText) -> str | None:
    """Return a day, such as "next friday" or "the 3rd of march", as a tool takes it."""
    for text in _readings(slot):
        if named_day(text, slot.language) is not None:
            return text
    return None


def to_reminder(slot: SlotText) -> Mapping[str, str] | None:
    """Return "to call mom in ten minutes" as ``{"text": "call mom", "when": "in 600 seconds"}``."""
    words = _WORDS.get(slot.language)
    return None if words is None else next(_reminders(slot, words), None)


def to_reminder_text(slot: SlotText) -> str | None:
    """Return what a reminder is of; nothing that a time stands in, which is a reminder as a whole."""
    words = _WORDS.get(slot.language)
    if words is None or to_moment(slot) is not None or next(_reminders(slot, words), None) is not None:
        return None
    return _text(slot.source.split(), words)


def _moment_text(slot: SlotText) -> str | None:
    words = _WORDS.get(slot.language)
    if words is None or not slot.words:
        return None
    if slot.words[0] in words.delay:
        seconds = to_seconds(SlotText(slot.words[1:], "", slot.language))
        if seconds:
            return _in_seconds(seconds)
    return next((text for text in _readings(slot) if named_moment(text, slot.language) is not None), None)


def _readings(slot: SlotText) -> Iterator[str]:
    """Yield the slot as it was written, and as it is read."""
    yield slot.source.strip(" .!?")
    yield " ".join(slot.words)


def _reminders(slot: SlotText, words: _ReminderWords) -> Iterator[Mapping[str, str]]:
    """Yield the readings of a slot as a time and a text, the longest time first."""
    source = slot.source.split()
    plain = [re.sub(r"[^\w]", "", word).lower() for word in source]
    for at in range(1, len(source)):  # a text, then the time
        when = _when(source[at:], slot.language, is_last=True)
        text = _text(source[:at], words) if when is not None else None
        if when is not None and text is not None:
            yield {"text": text, "when": when}
    for at in reversed(range(1, len(source))):  # the time, then a text
        if words.needs_lead and plain[at] not in words.leads:
            continue
        when = _when(source[:at], slot.language, is_last=False)
        text = _text(source[at:], words) if when is not None else None
        if when is not None and text is not None:
            yield {"text": text, "when": when}


def _when(source: Sequence[str], language: str, *, is_last: bool) -> str | None:
    """Return words as a time; behind a text a bare number is none: "read chapter 5"."""
    text = " ".join(source).strip(" ,.!?")
    if not is_last and text and text.split()[-1].lower() in _WORDS[language].not_last:
        return None
    spoken = _delay(text, language)
    if spoken is not None:
        return spoken
    moment = named_moment(text, language)
    if moment is None or (is_last and _is_bare(text, moment, language)):
        return None
    return text


def _delay(text: str, language: str) -> str | None:
    """Return "in an hour and a half" in seconds; numbers may be words."""
    numbers = MOMENT_WORDS[language].plain.numbers
    first, *rest = text.lower().replace("-", " ").split() or [""]
    if first not in _WORDS[language].delay:
        return None
    seconds = to_seconds(SlotText(tuple(numbers.get(word, word) for word in rest), "", language))
    return _in_seconds(seconds) if seconds else None


def _is_bare(text: str, moment: NamedMoment, language: str) -> bool:
    first = text.split(maxsplit=1)[0].lower()
    is_number = first[0].isdigit() or first in MOMENT_WORDS[language].plain.numbers
    return is_number and (moment.clock is None or moment.clock.is_open) and ":" not in text


def _text(source: Sequence[str], words: _ReminderWords) -> str | None:
    """Return what a reminder is of, without what leads to it; None if that is nothing."""
    rest = [*source]
    if rest and rest[0].lower().strip(",") in words.leads:
        lead, *rest = rest
        if rest and lead.lower() in words.before_things and rest[0].lower() in words.articles:
            rest = rest[1:]
    text = " ".join(rest).strip(" \t\n.,;:!?\"'")
    return text if text and text.split()[-1].lower() not in words.not_last else None


def moment_words(language: str) -> frozenset[str]:
    """Return the words that points in time are spoken with, apart from numbers."""
    words = MOMENT_WORDS.get(language)
    if words is None:
        return frozenset()
    feasts = {word for name in words.days.feasts for word in name.split()}
    return frozenset({*words.repeats.weekdays, *words.days.months, *feasts, *_CLOCK_WORDS[language]})


_CLOCK_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset(
        {
            "noon",
            "midnight",
            "tomorrow",
            "today",
            "tonight",
            "morning",
            "afternoon",
            "evening",
            "half",
            "quarter",
            "past",
        }
    ),
    "de": frozenset(
        {"uhr", "mittag", "mitternacht", "morgen", "heute", "übermorgen", "früh", "abend", "halb", "viertel"}
    ),
}
