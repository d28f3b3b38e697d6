"""The sentences of command files as an automaton, which a recogniser's decoder can be held to.

Rules kept here:

* The automaton may have sentences that the grammar has not: what is found is matched with the grammar afterwards.
* Sentences with words that may be anything, with names of places or with sums are left out. Numbers and durations are
  written out up to ``MAX_NUMBER``.
* It is bounded: a sentence with more arcs than ``MAX_SENTENCE_ARCS`` is left out, and so is all that comes when there
  are ``MAX_ARCS``.
"""

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, permutations
from typing import Final

import attrs
from hassil import Intents
from hassil.expression import (
    Alternative,
    Expression,
    Group,
    ListReference,
    Permutation,
    RuleReference,
    Sentence,
    TextChunk,
)
from hassil.intents import RangeSlotList, SlotList, TextSlotList

from protocol.messages.searching import SentenceAutomaton

START: Final = 0
END: Final = 1
NOTHING: Final = 0  # a label that reads nothing
SPACE: Final = 1  # a label that parts two words
MAX_ARCS: Final = 50_000  # the built-in sentences have some 16,000; a message of so many is 600 kB
MAX_SENTENCE_ARCS: Final = 5_000
MAX_DEPTH: Final = 12  # rules within rules
MAX_PERMUTED: Final = 3  # things in any order: 3 have 6 orders
MAX_NUMBER: Final = 100
LANGUAGES: Final = frozenset({"en"})
"""Languages of which it is known how a recogniser writes the words (``backends/speech/written_words.py``)."""
NUMBERS: Final[Mapping[str, Sequence[str]]] = {"en": tuple(str(number) for number in range(MAX_NUMBER + 1))}
UNITS: Final[Mapping[str, Sequence[str]]] = {"en": ("second", "seconds", "minute", "minutes", "hour", "hours")}
DURATIONS: Final = frozenset({"duration", "timer_duration"})
NUMBER: Final = "number"
Arc = tuple[int, int, int]
"""From state, label, to state."""


class _LeftOut(Exception):
    """A sentence cannot be in the automaton."""


def automaton_of(language: str, grammars: Sequence[tuple[Intents, Mapping[str, str]]]) -> SentenceAutomaton | None:
    """Return the sentences of grammars of one language; ``None`` where there are none, or the language is not known.

    Each grammar is hassil's intents and the types of its free slot lists by their names.
    """
    if language not in LANGUAGES:
        return None
    building = _Building(language)
    for intents, slot_types in grammars:
        for intent in intents.intents.values():
            for block in intent.data:
                scope = _Scope(
                    {**intents.slot_lists, **block.slot_lists},
                    {**intents.expansion_rules, **block.expansion_rules},
                    slot_types,
                )
                for sentence in block.sentences:
                    building.add(sentence.expression, scope)
    return building.finished() if building.arcs else None


def arcs_of(automaton: SentenceAutomaton) -> Iterator[Arc]:
    """Yield the arcs of an automaton; raises ``ValueError`` for one that is damaged."""
    if len(automaton.arcs) % 12:
        raise ValueError(f"arcs must be three 32-bit numbers each, not {len(automaton.arcs)} bytes")
    for begin, label, end in struct.iter_unpack("<3i", automaton.arcs):
        if min(begin, label, end) < 0 or label >= len(automaton.labels):
            raise ValueError(f"an arc must have states and a label that there are, not {(begin, label, end)}")
        yield begin, label, end


@attrs.frozen
class _Scope:
    """What the names in a sentence stand for."""

    lists: Mapping[str, SlotList]
    rules: Mapping[str, Sentence]
    slot_types: Mapping[str, str]


@attrs.define
class _Building:
    """An automaton in the making."""

    language: str
    arcs: list[Arc] = attrs.field(factory=list)
    _states: int = 2
    _labels: dict[str, int] = attrs.field(factory=lambda: {"": NOTHING, " ": SPACE})
    _limit: int = 0
    """Of arcs, for the sentence that is being added."""

    def add(self, expression: Expression, scope: _Scope) -> None:
        """Add a sentence, or leave it out as if it had never been begun."""
        before = len(self.arcs), self._states
        self._limit = min(MAX_ARCS, len(self.arcs) + MAX_SENTENCE_ARCS)
        try:
            self._read(NOTHING, self._add(expression, START, scope, 0), END)
        except _LeftOut:
            del self.arcs[before[0] :]
            self._states = before[1]

    def finished(self) -> SentenceAutomaton:
        """Return the automaton."""
        labels = tuple(self._labels)
        packed = struct.pack(f"<{3 * len(self.arcs)}i", *chain.from_iterable(self.arcs))
        version = hashlib.sha256("\0".join((self.language, *labels)).encode() + packed).hexdigest()
        return SentenceAutomaton(version, labels, packed)

    def _new_state(self) -> int:
        self._states += 1
        return self._states - 1

    def _read(self, label: int, begin: int, end: int | None = None) -> int:
        """Add an arc; return the state that it leads to."""
        if len(self.arcs) >= self._limit:
            raise _LeftOut
        to = self._new_state() if end is None else end
        self.arcs.append((begin, label, to))
        return to

    def _read_text(self, text: str, begin: int) -> int:
        at = begin
        for piece in _pieces(text):
            at = self._read(self._labels.setdefault(piece, len(self._labels)), at)
        return at

    def _add(self, part: Expression, begin: int, scope: _Scope, depth: int) -> int:
        """Add a part of a sentence behind a state; return the state behind it."""
        if depth > MAX_DEPTH:
            raise _LeftOut
        match part:
            case TextChunk():
                return self._read_text(part.original_text, begin)
            case RuleReference():
                return self._add(_rule(part, scope), begin, scope, depth + 1)
            case ListReference():
                return self._add_list(part, begin, scope, depth)
            case Alternative():
                return self._add_either(part.items, begin, scope, depth)
            case Permutation():
                if len(part.items) > MAX_PERMUTED:
                    raise _LeftOut
                orders = [Group(items=_spaced(order)) for order in permutations(part.items)]
                return self._add_either(orders, begin, scope, depth)
            case Group():
                at = begin
                for item in part.items:
                    at = self._add(item, at, scope, depth)
                return at
            case _:
                raise _LeftOut

    def _add_either(self, parts: Sequence[Expression], begin: int, scope: _Scope, depth: int) -> int:
        end = self._new_state()
        for part in parts:
            self._read(NOTHING, self._add(part, begin, scope, depth), end)
        return end

    def _add_list(self, slot: ListReference, begin: int, scope: _Scope, depth: int) -> int:
        if slot.is_inline_range:
            first, last, step = slot.get_inline_range() or (0, 0, 1)
            return self._add_numbers(first, last, step, begin)
        values = scope.lists.get(slot.list_name)
        match values:
            case RangeSlotList():
                return self._add_numbers(values.start, values.stop, values.step, begin)
            case TextSlotList():
                return self._add_either([value.text_in for value in values.values], begin, scope, depth + 1)
        kind = scope.slot_types.get(slot.list_name, slot.list_name)
        if kind == NUMBER:
            return self._add_texts(NUMBERS[self.language], begin)
        if kind in DURATIONS:
            counted = self._add_texts(NUMBERS[self.language][1:], begin)
            return self._add_texts(UNITS[self.language], self._read(SPACE, counted))
        raise _LeftOut

    def _add_numbers(self, first: int, last: int, step: int, begin: int) -> int:
        return self._add_texts([str(number) for number in range(first, min(last, MAX_NUMBER) + 1, step)], begin)

    def _add_texts(self, texts: Sequence[str], begin: int) -> int:
        end = self._new_state()
        for text in texts:
            self._read(self._labels.setdefault(text, len(self._labels)), begin, end)
        return end


def _rule(part: RuleReference, scope: _Scope) -> Expression:
    rule = scope.rules.get(part.rule_name)
    if rule is None:
        raise _LeftOut
    return rule.expression


def _spaced(parts: Sequence[Expression]) -> list[Expression]:
    """Return parts with a space between them."""
    space: Expression = TextChunk(" ")
    return [each for part in parts for each in (part, space)][:-1]


def _pieces(text: str) -> Iterator[str]:
    """Yield the words of a text, and a space for each stretch of spaces."""
    words = text.lower().split()
    if text[:1].isspace():
        yield " "
    for at, word in enumerate(words):
        if at:
            yield " "
        yield word
    if words and text[-1:].isspace():
        yield " "
