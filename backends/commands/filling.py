"""Fills the slots of an intent whose sentence is none of the grammar's: spans of words, by the converters; pure.

Rules kept here:

* Only slots of a known kind are looked for: numbers, times, places, measures, and lists whose values are known. Free
  text is never guessed: it is asked for where the intent can ask.
* The longest span that makes sense is taken, of equal ones that of the list that comes first; no word is used twice.
* What a sentence of the intent cannot do without must be there, or be asked for; otherwise nothing was understood.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice, product
from typing import Any, Final

import attrs
from hassil import Intents
from hassil.expression import Alternative, Expression, Group, ListReference, RuleReference
from hassil.intents import RangeSlotList, TextSlotList
from hassil.sample import sample_expression

from backends.commands.slot_text import SlotText
from backends.commands.slots import SLOT_TYPES, SlotType
from backends.commands.spoken_numbers import Token, normalise
from backends.commands.templates import MAX_RULE_DEPTH, example, slots_of
from protocol.messages.understanding import CommandMatch

MAX_SPAN_WORDS = 12  # of one slot; a longer sum is dictation
MAX_VALUES = 2_000  # spoken forms of one list that are looked for
MAX_WAYS = 64  # sets of slots of one sentence
_PLACE_LEADS: Final = frozenset({"in", "at", "for"})
_UNIT_LEADS: Final = frozenset({"to", "into", "in", "as"})
FROM_UNIT: Final = "from_unit"
Slots = Mapping[str, Any]


@attrs.frozen
class Filling:
    """The slots of one sentence."""

    slots: Slots
    said: Mapping[str, str]
    """The words of the slots that were found, as they were written."""
    lacking: str | None = None
    """The first slot that has to be asked for."""


@attrs.frozen
class FilledCommand:
    """A call of an intent, and what was said of its slots."""

    match: CommandMatch
    said: Mapping[str, str]
    sentence: str
    """One of the intent's own, with what was said."""


@attrs.frozen
class SlotSearch:
    """One intent's slots, ready to be looked for."""

    asked: tuple[str, ...]
    """The slots that can be asked for, in their order."""
    kinds: Mapping[str, tuple[tuple[str, SlotType | None], ...]]
    """Slot to the lists that fill it, each with its kind; ``None`` for a list whose values are known."""
    values: Mapping[str, Mapping[str, Any]]
    """Known values by list: as they are spoken, normalised."""
    ranges: Mapping[str, tuple[int, int]]
    """Lists of numbers."""
    ways: tuple[tuple[frozenset[str], Slots], ...]
    """The sets of slots with which a sentence is whole, and what its block fills besides."""
    sentences: tuple[tuple[frozenset[str], str], ...]
    """The plainest form of each sentence, with its slots as ``{name}``."""
    language: str

    def fill(self, source: str, tokens: Sequence[Token], given: Slots) -> Filling | None:
        """Return what the sentence says, else what is ``given``; ``None`` if something is missing."""
        slots, said, used = dict[str, Any](), dict[str, str](), set[int]()
        for slot in self._order():
            found = self._find(slot, source, tokens, used)
            if found is not None:
                slots[slot], span = found
                said[slot] = source[tokens[span.start].start : tokens[span.stop - 1].end]
                used.update(range(span.start, span.stop))
        slots = {**given, **slots}
        lacking = next((slot for slot in self.asked if slot not in slots), None)
        if lacking is not None:
            return Filling(slots, said, lacking)
        whole = max((way for way in self.ways if way[0] <= slots.keys()), key=lambda way: len(way[0]), default=None)
        if whole is None:
            return None
        chosen = whole[0] | set(self.asked) | set(given)
        kept = {slot: value for slot, value in slots.items() if slot in chosen}
        return Filling({**whole[1], **kept}, {slot: words for slot, words in said.items() if slot in chosen})

    def sentence(self, said: Mapping[str, str]) -> str:
        """Return a sentence of the intent with the words of the slots, of those that fit the one that says most."""
        fitting = [each for each in self.sentences if each[0] <= said.keys()] or self.sentences[:1]
        most = max(fitting, key=lambda each: len(each[0]))
        return re.sub(r"\{(\w+)\}", lambda slot: said.get(slot[1], slot[1]), most[1])

    def _order(self) -> list[str]:
        """Return the slots: those that are asked for first, then those with known values, then the others."""
        rest = [slot for slot in self.kinds if slot not in self.asked]
        return [*self.asked, *sorted(rest, key=lambda slot: any(kind is not None for _, kind in self.kinds[slot]))]

    def _find(self, slot: str, source: str, tokens: Sequence[Token], used: set[int]) -> tuple[Any, range] | None:
        for _, group in groupby(self._spans(slot, tokens), len):
            for (name, kind), span in product(self.kinds.get(slot, ()), list(group)):
                if used.isdisjoint(span):
                    words = tuple(token.text for token in tokens[span.start : span.stop])
                    text = SlotText(words, source[tokens[span.start].start : tokens[span.stop - 1].end], self.language)
                    before = tokens[span.start - 1].text if span.start else ""
                    value = self._known(name, text) if kind is None else _converted(kind, text, before)
                    if value is not None:
                        return value, span
        return None

    def _spans(self, slot: str, tokens: Sequence[Token]) -> Iterable[range]:
        """Return the spans in the order in which they are tried.

        A unit that is converted to stands behind "to", one that is converted from (slot ``from_unit``) elsewhere.
        """
        found = spans(len(tokens))
        if all(name != "unit" for name, _ in self.kinds.get(slot, ())):
            return found
        leads = [at > 0 and tokens[at - 1].text in _UNIT_LEADS for at in range(len(tokens))]
        return sorted(found, key=lambda span: leads[span.start] == (slot == FROM_UNIT))

    def _known(self, name: str, text: SlotText) -> Any:
        words = " ".join(text.words)
        if name in self.ranges:
            first, last = self.ranges[name]
            return int(words) if words.isdecimal() and first <= int(words) <= last else None
        return self.values.get(name, {}).get(words)


def spans(count: int) -> Iterator[range]:
    """Yield all spans of ``count`` words, the longest first, of equal ones the first."""
    for size in range(min(count, MAX_SPAN_WORDS), 0, -1):
        for start in range(count - size + 1):
            yield range(start, start + size)


def search_for(intents: Intents, intent: str, asked: Sequence[str], kinds: Mapping[str, str], code: str) -> SlotSearch:
    """Return the search for one intent of a grammar; ``kinds`` are the types of its free lists."""
    found: dict[str, dict[str, None]] = {}
    ways: dict[frozenset[str], Slots] = {}
    sentences: dict[str, frozenset[str]] = {}
    rules = {name: rule.expression for name, rule in intents.expansion_rules.items()}
    for data in intents.intents[intent].data:
        for sentence in data.sentences:
            slots = slots_of(sentence.expression, rules)
            for slot in slots:
                found.setdefault(slot.slot_name, {})[slot.list_name] = None
            plainest = example(sentence.expression, rules, {slot.list_name: f"{{{slot.slot_name}}}" for slot in slots})
            sentences.setdefault(plainest, frozenset(re.findall(r"\{(\w+)\}", plainest)))
            for way in _ways(sentence.expression, intents.expansion_rules, 0):
                ways.setdefault(way, dict(data.slots or {}))
    listed = {name: intents.slot_lists.get(name) for names in found.values() for name in names}
    words = {name: values for name, values in listed.items() if isinstance(values, TextSlotList)}
    numbers = {name: values for name, values in listed.items() if isinstance(values, RangeSlotList)}
    return SlotSearch(
        tuple(asked),
        {slot: _kinds_of(names, kinds) for slot, names in found.items() if _kinds_of(names, kinds)},
        {name: _values(intents, values, code) for name, values in words.items()},
        {name: (values.start, values.stop) for name, values in numbers.items()},
        tuple(ways.items()),
        tuple((names, text) for text, names in sentences.items()),
        code,
    )


def _kinds_of(names: Mapping[str, None], kinds: Mapping[str, str]) -> tuple[tuple[str, SlotType | None], ...]:
    """Return the lists that can be looked for, each with its kind."""
    found = {name: SLOT_TYPES.get(kinds.get(name, name)) for name in names}
    return tuple((name, kind) for name, kind in found.items() if kind is None or not kind.is_free_text)


def _values(intents: Intents, listed: TextSlotList, code: str) -> Mapping[str, Any]:
    """Return the values of a list, as each may be spoken."""
    spoken = (
        (text, value.value_out)
        for value in listed.values
        for text in sample_expression(value.text_in, intents.slot_lists, intents.expansion_rules)
    )
    found: dict[str, Any] = {}
    for text, value in islice(spoken, MAX_VALUES):
        found.setdefault(normalise(text, code), value)
    return found


def _converted(kind: SlotType, text: SlotText, before: str) -> Any:
    """Return what a span stands for; the name of a place that is not known must stand behind "in"."""
    if kind.is_last_resort and before not in _PLACE_LEADS:
        return None
    return kind.convert(text)


def _ways(expression: Expression, rules: Mapping[str, Any], depth: int) -> frozenset[frozenset[str]]:
    """Return the sets of slots that sentences of a template fill, at most ``MAX_WAYS``, the small ones first."""
    match expression:
        case ListReference():
            return frozenset({frozenset({expression.slot_name})})
        case RuleReference():
            body = rules.get(expression.rule_name)
            if body is None or depth >= MAX_RULE_DEPTH:
                return frozenset({frozenset()})
            return _ways(body.expression, rules, depth + 1)
        case Alternative():
            found = frozenset[frozenset[str]]().union(*(_ways(item, rules, depth) for item in expression.items))
            return _few(found | {frozenset()} if expression.is_optional else found)
        case Group():
            parts = [frozenset({frozenset[str]()}), *(_ways(item, rules, depth) for item in expression.items)]
            made = parts[0]
            for part in parts[1:]:
                made = _few({one | other for one, other in product(made, part)})
            return made
        case _:
            return frozenset({frozenset()})


def _few(found: set[frozenset[str]] | frozenset[frozenset[str]]) -> frozenset[frozenset[str]]:
    return frozenset(sorted(found, key=lambda way: (len(way), sorted(way)))[:MAX_WAYS])


def hinted(hints: Sequence[tuple[re.Pattern[str], Slots]], text: str) -> Slots:
    """Return the slots of the first hint whose words are said; none without one."""
    return next((slots for pattern, slots in hints if pattern.search(text)), {})
