"""Which of the sentences that a search in the sound has found is acted on, if any: limits, and why; pure.

Rules kept here:

* A sentence counts against the text that the recogniser wrote under no grammar: what it finds much likelier was said.
* What was heard and stands nowhere in a sentence makes it none: "a coffee with my breakfast" is not "a coffee".
* Sentences that mean the same call count together. Another call that is nearly as likely makes all of them none; where
  a number was said, the lead has to be larger.

The limits were chosen on recorded orders with kitchen noise, and tried on others: docs/decisions/0023.
"""

from collections.abc import Generator
from math import exp, log1p
from typing import Final, Literal

import attrs

from protocol.language.languages import primary
from protocol.language.numerals import number_in_words
from protocol.messages.searching import FoundSentence, FoundSentences
from protocol.messages.understanding import CommandMatch

MIN_LEAD: Final = -5.0  # nats against the free text: -8 let a sentence in that was no order
SURE_LEAD: Final = -4.0  # below it the user is asked first: "iced coffee" was heard of "iced mocha" at -4.9
MIN_LEAD_PER_TOKEN: Final = -0.6
MIN_PER_TOKEN: Final = -1.2
MIN_PER_TOKEN_IN_DOUBT: Final = -0.8  # of numbers, and where the recogniser has rejected its own text
MARGIN: Final = 2.0  # nats against another call
NUMBER_MARGIN: Final = 4.0  # "twenty minutes" sounds like "fourteen minutes"
MOST_CONFIDENT: Final = 0.9
"""Of the recogniser: words of which it is surer were not hidden by noise, and nothing is looked for. Of 27 orders that
noise had made none of, the surest had 0.84."""
FLOOR: Final = MIN_LEAD - NUMBER_MARGIN
"""Nats against the free text below which no sentence has a say."""
MAX_LEFT_OUT: Final = 3  # letters in a row that were heard and stand nowhere
MAX_LETTERS: Final = 200  # a longer text is no command
MORE_TOKENS: Final = 6  # by which a free text may be longer and still count by its own length
MOST_SURE: Final = 0.99
"""Of the confidence: it was not said exactly."""

SearchOutcome = Literal["accepted", "nothing", "left_out", "unlikely", "ambiguous", "loop"]
"""What came of a search: a call; no sentence; words that no sentence has; too improbable; two calls; or a free text
that repeats itself and says nothing."""


@attrs.frozen
class SearchDecision:
    """What is done about a search."""

    outcome: SearchOutcome
    match: CommandMatch | None = None
    """The command, if it was accepted; its confidence is below 1."""
    text: str = ""
    """Its sentence, as a recogniser would write it."""
    is_sure: bool = True
    """Whether it may be acted on without asking."""


@attrs.define
class _Meant:
    """The sentences that mean one call."""

    match: CommandMatch
    best: FoundSentence
    logprob: float


FoundSearch = Generator[str, CommandMatch | None, SearchDecision]


def decide_found(found: FoundSentences, language: str, *, is_doubted: bool = False) -> FoundSearch:
    """Yield the sentences to be looked up in the grammar, exactly; return what is done.

    ``is_doubted`` says that the recogniser has not accepted its own text. The caller decides how long the event loop
    is held: each step costs a parse, and an alignment of some 2 ms.
    """
    if found.is_loop:
        return SearchDecision("loop")
    heard = letters_of(found.free_text, language)
    meant: list[_Meant] = []
    has_left_out = False
    for sentence in found.sentences:
        if meant and sentence.logprob < meant[0].logprob - NUMBER_MARGIN:
            break
        if longest_left_out(heard, letters_of(sentence.text, language)) > MAX_LEFT_OUT:
            has_left_out = True
            continue
        match = yield sentence.text
        if match is not None:
            _count(meant, match, sentence)
    if not meant:
        return SearchDecision("left_out" if has_left_out else "nothing")
    meant.sort(key=lambda one: -one.logprob)
    return _judged(meant, found, is_doubted=is_doubted)


def _count(meant: list[_Meant], match: CommandMatch, sentence: FoundSentence) -> None:
    for one in meant:
        if _call_of(one.match) == _call_of(match):
            high, low = max(one.logprob, sentence.logprob), min(one.logprob, sentence.logprob)
            one.logprob = high + log1p(exp(low - high))
            return
    meant.append(_Meant(match, sentence, sentence.logprob))


def _judged(meant: list[_Meant], found: FoundSentences, *, is_doubted: bool) -> SearchDecision:
    """Return what is done about calls, the likeliest first."""
    first = meant[0]
    lead = first.logprob - found.free_logprob
    tokens = first.best.tokens + 1
    is_number = any(type(value) in (int, float) for value in first.match.slots.values())
    is_likely = (
        lead >= MIN_LEAD
        and lead / (min(found.free_tokens, first.best.tokens + MORE_TOKENS) + 1) >= MIN_LEAD_PER_TOKEN
        and first.logprob / tokens >= (MIN_PER_TOKEN_IN_DOUBT if is_number or is_doubted else MIN_PER_TOKEN)
    )
    if not is_likely:
        return SearchDecision("unlikely")
    margin = NUMBER_MARGIN if is_number else MARGIN
    if len(meant) > 1 and first.logprob - meant[1].logprob < margin:
        return SearchDecision("ambiguous")
    confidence = min(MOST_SURE, exp(min(0.0, lead) / tokens))
    match = attrs.evolve(first.match, confidence=round(confidence, 3))
    return SearchDecision("accepted", match, first.best.text, is_sure=lead >= SURE_LEAD and not is_doubted)


def _call_of(match: CommandMatch) -> tuple[object, ...]:
    return match.server, match.tool, dict(match.arguments), match.question


def letters_of(text: str, language: str) -> str:
    """Return the letters of a text in lower case, with its numbers in words and nothing between them.

    >>> letters_of("I'd like 12 eggs.", "en")
    'idliketwelveeggs'
    """
    parted = "".join(letter if letter.isalnum() else " " for letter in text.lower().replace("'", ""))
    return "".join(_spelt(word, primary(language)) for word in parted.split())


def _spelt(word: str, language: str) -> str:
    if not word.isdecimal() or len(word) > len("9999"):
        return word
    return "".join(filter(str.isalpha, number_in_words(int(word), language)))


def longest_left_out(heard: str, sentence: str) -> int:
    """Return the most letters in a row of ``heard`` that have no counterpart in ``sentence``.

    Letters are paired by the cheapest alignment: a letter that is other, too many or missing costs one (Levenshtein).

    >>> longest_left_out("pleaseacoffee", "acoffee")
    6
    """
    if len(heard) > MAX_LETTERS:
        return len(heard)
    costs = [list(range(len(sentence) + 1))]
    for row, letter in enumerate(heard, start=1):
        above, costs_here = costs[-1], [row]
        for at, other in enumerate(sentence, start=1):
            costs_here.append(min(above[at - 1] + (letter != other), above[at] + 1, costs_here[-1] + 1))
        costs.append(costs_here)
    row, at, run, longest = len(heard), len(sentence), 0, 0
    while row or at:
        if row and at and costs[row][at] == costs[row - 1][at - 1] + (heard[row - 1] != sentence[at - 1]):
            row, at, run = row - 1, at - 1, 0
        elif row and costs[row][at] == costs[row - 1][at] + 1:
            row, run = row - 1, run + 1
            longest = max(longest, run)
        else:
            at, run = at - 1, 0
    return longest
