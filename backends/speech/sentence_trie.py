"""The tokens with which a recogniser may write the sentences of an automaton, found as they are needed.

Rules kept here:

* Whisper's own habits are allowed for: a capital first letter, a comma or none before each word, numbers in digits or
  in words with a hyphen between them, and a full stop, a question mark, an exclamation mark or nothing at the end.
* A token may end a word and go on with it ("timer", "timers"), so a place is a set of nodes of several tries.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final

import attrs

from backends.speech.written_words import written

Arc = tuple[int, int, int]
START: Final = 0
END: Final = 1
MAX_TRIES: Final = 4_000  # kept; of the built-in sentences and 100 orders some 600 were needed
MAX_WORD_PIECES: Final = 8  # parts of templates that make one word
ENDS: Final = (".", "?", "!")


@attrs.define(eq=False)
class TrieNode:
    """A node of the trie of the words that may come next."""

    children: dict[int, "TrieNode"] = attrs.field(factory=dict)
    """By token."""
    behind: frozenset[int] = frozenset()
    """The automaton's states behind the words that end here; empty if none does."""
    ends_number: bool = False


@attrs.frozen(eq=False)
class TriePlace:
    """What has been written of a sentence."""

    nodes: tuple[TrieNode, ...]
    """Where the next token may begin."""
    is_sentence: bool = False
    """Whether it may end here."""
    is_over: bool = False
    """Whether only the end can follow."""


OVER: Final = TriePlace((), is_sentence=True, is_over=True)


class SentenceTrie:
    """The sentences of one automaton in the tokens of one recogniser."""

    def __init__(self, labels: Sequence[str], arcs: Sequence[Arc], encode: Callable[[str], Sequence[int]]) -> None:
        """Take an automaton (``protocol/messages/searching.py``), and the recogniser's tokeniser."""
        self._labels = labels
        self._arcs: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for begin, label, end in arcs:
            self._arcs[begin].append((label, end))
        self._encode = lru_cache(maxsize=20_000)(lambda text: tuple(encode(text)))
        self._tries: dict[tuple[frozenset[int], bool, bool], TrieNode] = {}
        self.comma = self._encode(",")[0]
        self.ends = frozenset(self._encode(sign)[0] for sign in ENDS)

    @property
    def start(self) -> TriePlace:
        """The place before the first token."""
        return TriePlace((self._trie(self._closure((START,)), is_first=True, is_number=False),))

    def allowed(self, place: TriePlace) -> set[int]:
        """Return the tokens that may come next."""
        tokens = {token for node in place.nodes for token in node.children}
        return tokens | self.ends if place.is_sentence and not place.is_over else tokens

    def behind(self, place: TriePlace, token: int) -> TriePlace:
        """Return the place behind one of the tokens that are allowed."""
        nodes: list[TrieNode] = []
        is_sentence = False
        for node in place.nodes:
            child = node.children.get(token)
            if child is None:
                continue
            if child.children:
                nodes.append(child)
            if child.behind:
                nodes.append(self._trie(child.behind, is_first=False, is_number=child.ends_number))
                is_sentence |= END in child.behind
        return TriePlace(tuple(nodes), is_sentence) if nodes else OVER

    def _trie(self, states: frozenset[int], *, is_first: bool, is_number: bool) -> TrieNode:
        """Return the trie of the words that may come at a place between two words."""
        key = states, is_first, is_number
        if key not in self._tries:
            if len(self._tries) >= MAX_TRIES:
                self._tries.clear()
            self._tries[key] = self._new_trie(states, is_first=is_first, is_number=is_number)
        return self._tries[key]

    def _new_trie(self, states: frozenset[int], *, is_first: bool, is_number: bool) -> TrieNode:
        root = TrieNode()
        for word, behind in self._words(states).items():
            for tokens in self._spellings(word, is_first=is_first, is_number=is_number):
                node = root
                for token in tokens:
                    node = node.children.setdefault(token, TrieNode())
                node.behind |= behind
                node.ends_number = word.isdecimal()
        return root

    def _spellings(self, word: str, *, is_first: bool, is_number: bool) -> Iterator[tuple[int, ...]]:
        for form in written(word):
            if is_first:
                yield self._encode(f" {form[0].upper()}{form[1:]}")
                continue
            yield self._encode(f" {form}")
            yield self._encode(",") + self._encode(f" {form}")
            if is_number:
                yield self._encode("-") + self._encode(form)

    def _words(self, states: frozenset[int]) -> dict[str, frozenset[int]]:
        """Return the words that may come at states between two words, each with all states behind it."""
        found: dict[str, set[int]] = defaultdict(set)
        waiting = [("", state, 0) for state in states]
        seen = set(waiting)
        while waiting:
            begun, state, pieces = waiting.pop()
            if begun and state == END:
                found[begun].add(END)
            for label, end in self._arcs.get(state, ()):
                text = self._labels[label]
                if text == " " and begun:
                    found[begun].add(end)
                    continue
                following = (begun + text, end, pieces + 1) if text.strip() else (begun, end, pieces)
                if text != " " and following not in seen and following[2] <= MAX_WORD_PIECES:
                    seen.add(following)
                    waiting.append(following)
        return {word: self._closure(behind) for word, behind in found.items()}

    def _closure(self, states: Sequence[int] | set[int]) -> frozenset[int]:
        """Return the states that are reached without reading a word."""
        reached = set(states)
        waiting = list(reached)
        while waiting:
            for label, end in self._arcs.get(waiting.pop(), ()):
                if not self._labels[label].strip() and end not in reached:
                    reached.add(end)
                    waiting.append(end)
        return frozenset(reached)
