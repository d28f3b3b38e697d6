"""Conclusions from an unfinished utterance: whether more words will come, and which words are stable.

Rules kept here:

* No speaker is cut off: ``complete`` is only an exact command that is no beginning of a longer one.
* Half a command waits longest for its other half: all that could be done with it is to ask for what it lacks.
* What may go on is acted on as soon only if it can be taken back: if they go on, the whole amends it.
* Doubt leaves the decision to silence alone.
* Words that were shown are never taken back.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Final

import attrs

from protocol.audio.transcripts import OPEN_ENDS, words_of
from protocol.messages.hearing import Verdict
from protocol.messages.understanding import CommandMatch

DANGLING: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({
        "a", "an", "and", "because", "but", "for", "from", "her", "his", "if", "into", "my", "or", "our", "than", "the",
        "their", "to", "with", "your",
    }),
    "de": frozenset({
        "dem", "den", "ein", "eine", "einem", "einen", "einer", "für", "im", "mein", "meine", "meinem", "meinen",
        "meiner", "oder", "und", "weil", "wenn", "zum", "zur",
    }),
}  # fmt: skip
"""Words that end no sentence, or only questions ("who is it for?"), by language."""

CLAUSES: Final[Mapping[str, frozenset[str]]] = {"en": frozenset({"that"}), "de": frozenset({"dass"})}
"""Words that free text never ends with, but that begin it."""
OPERATORS: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({"by", "minus", "of", "plus", "times"}),
    "de": frozenset({"durch", "mal", "minus", "plus", "von"}),
}
"""Words behind which a sum goes on."""

NUMBERS: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
        "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty", "fifty",
        "sixty", "seventy", "eighty", "ninety", "hundred", "thousand",
    }),
    "de": frozenset({
        "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf", "fünfzehn",
        "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "neunzig", "hundert", "tausend",
    }),
}  # fmt: skip
SHORT_NUMBER: Final = re.compile(r"\d{1,3}")  # "in 1984" ends a sentence, "for 10" does not


def verdict_on(
    text: str, language: str, match: CommandMatch | None, *, is_begun: bool = False, is_amendable: bool = False
) -> Verdict:
    """Return the verdict of ``text``, which is ``match`` in the grammar, on a pause after it.

    ``is_begun``: a sentence of the grammar begins like ``text``. ``is_amendable``: what the command does is taken back
    when the whole sentence is another command.
    """
    if match is None and not is_begun:
        return "unfinished" if is_unfinished(text, language) else "undecided"
    if match is None or match.question is not None or wants_a_word(text, language, match):
        return "begun"
    if not match.may_continue:
        return "complete"
    is_certain = match.confidence == 1.0 and not match.has_free_text and not is_unfinished(text, language)
    return "amendable" if is_amendable and is_certain else "undecided"


def beginnings_in(text: str, language: str) -> Sequence[str]:
    """Return what of ``text`` may be the beginning of a command: all of it, and all but an "and" at its end."""
    words = text.rstrip(" .,;:!?-\u2026").split()
    is_dangling = len(words) > 1 and words[-1].lower() in DANGLING.get(_code(language), ())
    return (text, " ".join(words[:-1])) if is_dangling else (text,)


def wants_a_word(text: str, language: str, match: CommandMatch) -> bool:
    """Return whether a whole command ends at a word that wants another: "take a note that", "what is twelve times"."""
    last, code = words_of(text).rpartition(" ")[2], _code(language)
    is_cut = match.has_free_text and last in (*DANGLING.get(code, ()), *CLAUSES.get(code, ()))
    return is_cut or last in OPERATORS.get(code, ())


def is_unfinished(text: str, language: str) -> bool:
    """Return whether ``text`` breaks off: at a word that wants another, or at a number that may want its unit."""
    words = words_of(text).split()
    if not words or text.rstrip().endswith("?"):
        return False
    code = _code(language)
    last = words[-1]
    is_number = last in NUMBERS.get(code, ()) or SHORT_NUMBER.fullmatch(last) is not None
    return is_number or last in DANGLING.get(code, ()) or text.rstrip().endswith(OPEN_ENDS)


def _code(language: str) -> str:
    return language.partition("-")[0].lower()


@attrs.define
class Agreement:
    """The words that two decodes in succession of a growing utterance agree in (LocalAgreement-2).

    Source: Liu, Spanakis and Niehues, "Low-Latency Sequence-to-Sequence Speech Recognition and Translation by Partial
    Hypothesis Selection" (2020).
    """

    _before: list[str] = attrs.field(factory=list)
    _stable: list[str] = attrs.field(factory=list)

    @property
    def text(self) -> str:
        """The stable words; it only grows. Without punctuation at the words' ends, since more may follow there."""
        return " ".join(self._stable)

    def take(self, text: str) -> bool:
        """Take the next decode of the whole utterance so far; return whether more words are stable than before."""
        words = [word for word in (word.strip('.,;:!?\u2026-\u2013\u2014"') for word in text.split()) if word]
        agreed = words[: _common(words, self._before)]
        self._before = words
        has_grown = len(agreed) > len(self._stable) and _common(agreed, self._stable) == len(self._stable)
        if has_grown:
            self._stable += agreed[len(self._stable) :]
        return has_grown


def _common(words: Sequence[str], others: Sequence[str]) -> int:
    """Return how many words at the beginning are the same, however they are written."""
    same = (words_of(one) == words_of(other) for one, other in zip(words, others, strict=False))
    return sum(1 for _ in takewhile(bool, same))
