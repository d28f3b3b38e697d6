"""What was heard, ready for matching: without fillers and lead-ins, and with words exchanged; pure."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Final

import attrs

from backends.commands.lead_ins import lead_in
from backends.commands.spelling import Correction, Speller
from backends.commands.spoken_numbers import Token, counted, tokenise

MAX_EXCHANGED: Final = 2
SIGN: Final = "minus"  # is heard right, or was a sign: 10-15 minutes are not "10 mins 15 minutes"
Fillers = Sequence[tuple[str, ...]]


@attrs.frozen
class Hypothesis:
    """One hypothesis, ready for matching."""

    source: str
    tokens: tuple[Token, ...]

    @property
    def text(self) -> str:
        """The words with a space between them, numbers in digits."""
        return " ".join(token.text for token in self.tokens)


def heard_as(text: str, language: str, fillers: Fillers) -> Hypothesis:
    """Return a hypothesis without the "hey" before and the "please" behind it: a free slot would take them in."""
    return _bare(Hypothesis(text, tokenise(text, language)), fillers)


def _bare(heard: Hypothesis, fillers: Fillers) -> Hypothesis:
    tokens = heard.tokens
    while size := _filler_size([token.text for token in tokens], fillers):
        tokens = tokens[size:]
    backwards = [filler[::-1] for filler in fillers]
    while size := _filler_size([token.text for token in reversed(tokens)], backwards):
        tokens = tokens[:-size]
    return attrs.evolve(heard, tokens=tokens)


def variants(heard: Hypothesis, fillers: Fillers, language: str) -> Sequence[Hypothesis]:
    """Return how a hypothesis is read: as it is, without what says nothing within it, and without "I need you to".

    What leads to an order is left out last: a user's own sentence may begin with it.
    """
    whole = (heard, without_fillers(heard, fillers))
    size = lead_in([token.text for token in heard.tokens], language)
    rest = [_bare(attrs.evolve(heard, tokens=heard.tokens[size:]), fillers)] if size else []
    return tuple(each for each in dict.fromkeys((*whole, *rest)) if each.tokens)


def without_fillers(heard: Hypothesis, fillers: Fillers) -> Hypothesis:
    """Return a hypothesis without the "um" and "please" within it; a free slot may lose a word by that."""
    return Hypothesis(heard.source, tuple(token for token in heard.tokens if (token.text,) not in fillers))


def _filler_size(words: Sequence[str], fillers: Fillers) -> int:
    return max((len(filler) for filler in fillers if tuple(words[: len(filler)]) == filler), default=0)


# --- words that sound alike ----------------------------------------------------------------------


@attrs.frozen
class WordExchange:
    """Words of a hypothesis that may have been meant as one of the grammar's."""

    at: int
    size: int
    """Tokens that are exchanged."""
    correction: Correction


def exchanges(speller: Speller, heard: Hypothesis, strange: set[int]) -> Iterator[Sequence[WordExchange]]:
    """Yield each one or two exchanges that a hypothesis allows."""
    singles = [
        WordExchange(at, 1, correction)
        for at, token in enumerate(heard.tokens)
        if token.text != SIGN
        for correction in speller.candidates(token.text)
    ]
    singles += [
        WordExchange(at, 2, correction)
        for at, (first, second) in enumerate(pairwise(heard.tokens))
        if strange & {at, at + 1}  # two words that are known were hardly one
        for correction in speller.joined(first.text, second.text)
    ]
    for first, second in product(singles, repeat=MAX_EXCHANGED):
        if first.at + first.size <= second.at:
            yield first, second
    for single in singles:
        yield (single,)


def exchanged(heard: Hypothesis, changes: Sequence[WordExchange], language: str) -> Hypothesis:
    """Return a hypothesis with words exchanged."""
    tokens = list(heard.tokens)
    for change in sorted(changes, key=lambda change: -change.at):
        last = change.at + change.size
        whole = attrs.evolve(tokens[change.at], text=change.correction.word, end=tokens[last - 1].end)
        tokens[change.at : last] = [whole]
    return Hypothesis(heard.source, counted(tokens, language))
