"""Text as it was spoken, as tokens in which every number is digits; English and German.

Rules kept here:

* A token remembers where it came from, so that free text ("buy 3 Eggs") can be given back as it was written.
* Both spellings of a number give the same token: "twenty-five", "twenty five" and "25"; "one and a half" and "1.5".
* Nothing is guessed: "a" and "ein" stay words here; ``backends/commands/slots.py`` counts them in front of a unit.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

import attrs

from backends.commands.number_words import ENGLISH, GERMAN, GERMAN_HALVES, LANGUAGES, NumberWords

TEN, HUNDRED = 10, 100

_WORD = re.compile(
    r"\d+(?:[.,]\d+)*(?![\w])"  # a number, with its separators
    r"|\d+(?=[^\W\d_])"  # the number in "5km"
    r"|(?P<cross>(?<=\d)x(?=\d)|(?<=\d )x(?= \d))"  # "3 x 4"
    r"|[^\W_]+(?:['\u2019][^\W\d_]+)*"  # a word, with its apostrophes
    r"|(?<=\d)-(?=\d)|(?<=\d )-(?= ?\d)|^-(?= ?\d)|(?<= )-(?=\d)"  # a minus, and no hyphen
    r"|[+*/\u00d7\u00f7%\u221a\u00b0\u20ac$^\u2212]",  # signs that are read aloud
    re.IGNORECASE,
)


@attrs.frozen
class Token:
    """One word, or one number as digits."""

    text: str
    """Lower case, without apostrophes."""
    start: int
    """Where it starts in the text that was given."""
    end: int


def tokenise(text: str, language: str) -> tuple[Token, ...]:
    """Return ``text`` as words in lower case and numbers in digits; a language without a table is split only."""
    words = LANGUAGES.get(language)
    return counted(tuple(_split(text, words)), language)


def counted(tokens: Sequence[Token], language: str) -> tuple[Token, ...]:
    """Return tokens with the number words among them put together as digits."""
    words = LANGUAGES.get(language)
    return tuple(tokens) if words is None else tuple(_counted(tokens, words))


def normalise(text: str, language: str) -> str:
    """Return the tokens of ``text`` with a space between them."""
    return " ".join(token.text for token in tokenise(text, language))


def number_words(language: str) -> frozenset[str]:
    """Return the words that numbers are made of, for telling what may be a misheard word."""
    words = LANGUAGES.get(language)
    return frozenset() if words is None else frozenset(words.small) | frozenset(words.scales) | words.point


def _split(text: str, words: NumberWords | None) -> Iterator[Token]:
    signs = {} if words is None else words.signs
    for match in _WORD.finditer(text):
        raw = "*" if match["cross"] else match.group().lower()
        for piece in signs.get(raw, raw).split():
            yield Token(_plain_number(piece, words), match.start(), match.end())


def _plain_number(piece: str, words: NumberWords | None) -> str:
    if not piece[0].isdigit():
        return piece.replace("'", "").replace("\u2019", "")
    if words is not None and words.decimal_comma:
        return _without_thousands(piece, ".").replace(",", ".")
    return _without_thousands(piece, ",")


def _without_thousands(piece: str, separator: str) -> str:
    """Return "1,000" as "1000"; a separator that does not part thousands is kept."""
    parted = re.fullmatch(rf"\d{{1,3}}(?:{re.escape(separator)}\d{{3}})+(?P<rest>[.,]\d+)?", piece)
    return piece.replace(separator, "") if parted else piece


def _counted(tokens: Sequence[Token], words: NumberWords) -> Iterator[Token]:
    at = 0
    while at < len(tokens):
        value, taken = _number_at(tokens[at:], words)
        if value is None:
            yield tokens[at]
            at += 1
        else:
            yield Token(value, tokens[at].start, tokens[at + taken - 1].end)
            at += taken


def _number_at(tokens: Sequence[Token], words: NumberWords) -> tuple[str | None, int]:
    """Return the number that starts here as digits and how many tokens it took, or None."""
    texts = [token.text for token in tokens[:16]]  # no spoken number has more words
    if texts[0] in GERMAN_HALVES and words is GERMAN:
        return GERMAN_HALVES[texts[0]], 1
    value, taken = _whole(texts, words)
    if value is None:
        return None, 0
    digits = str(value)
    if texts[taken : taken + 1] and texts[taken] in words.point:
        decimals, more = _decimals(texts[taken + 1 :], words)
        if decimals:
            return f"{digits}.{decimals}", taken + 1 + more
    if words is ENGLISH and texts[taken : taken + 3] == ["and", "a", "half"] and "." not in digits:
        return f"{digits}.5", taken + 3
    return digits, taken


def _whole(texts: Sequence[str], words: NumberWords) -> tuple[Decimal | int | None, int]:
    """Return the whole number (or the digits with a point) at the start, and its length in tokens."""
    if re.fullmatch(r"\d+(?:\.\d+)?", texts[0]):
        return _scaled(texts, words)
    number, at = _Number(words), 0
    while at < len(texts) and (taken := number.take(texts[at:])):
        at += taken
    return (number.total + number.group, at) if number.last else (None, 0)


@attrs.define
class _Number:
    """A number while it is being heard."""

    words: NumberWords
    total: int = 0
    group: int = 0
    """What has been heard since the last thousand or million."""
    last: int = 0
    """The place of the last word: after 10 (twenty) a five may follow, after 1 nothing; 0 before the first word."""

    def take(self, texts: Sequence[str]) -> int:
        """Take the next word and return how many tokens that were, 0 if it does not go on with this number."""
        skipped = self._skipped(texts)
        if skipped >= len(texts):
            return 0
        word = texts[skipped]
        scale = self.words.scales.get(word)
        if scale is not None:
            return skipped + 1 if self._scale(scale) else 0
        small = self.words.small.get(word)
        small = self.words.compound(word) if small is None else small
        if small is None or not self._may_follow(small):
            return 0
        self.group += small
        self.last = _place(small)
        return skipped + 1

    def _skipped(self, texts: Sequence[str]) -> int:
        """Return 1 for the "a" of "a hundred" and the "and" of "hundred and five", which say nothing themselves."""
        following = texts[1] if len(texts) > 1 else ""
        if not self.last:
            return int(texts[0] == "a" and following in self.words.scales)
        return int(texts[0] == self.words.joiner and self.last >= HUNDRED and following in self.words.small)

    def _scale(self, scale: int) -> bool:
        if self.last == scale:
            return False
        if scale == HUNDRED:
            self.group = (self.group or 1) * scale
        else:
            self.total, self.group = self.total + (self.group or 1) * scale, 0
        self.last = scale
        return True

    def _may_follow(self, value: int) -> bool:
        """Return whether "twenty" + "five" is one number; "two three" and "twenty ten" are two."""
        if not self.last:
            return True
        return 0 < value < TEN if self.last == TEN else value < self.last


def _scaled(texts: Sequence[str], words: NumberWords) -> tuple[Decimal | int, int]:
    """Return "2.5 million" as one number."""
    value = Decimal(texts[0])
    scale = words.scales.get(texts[1]) if len(texts) > 1 else None
    if scale is None:
        return (int(value), 1) if value == int(value) and "." not in texts[0] else (value, 1)
    return int(value * scale), 2


def _place(value: int) -> int:
    """Return what may still follow a number word: 20 for twenty, 1 for five, 100 for a compound with hundreds."""
    for place in (1_000, HUNDRED, TEN):
        if value >= place and value % place == 0:
            return place
    return 1


def _decimals(texts: Sequence[str], words: NumberWords) -> tuple[str, int]:
    """Return the digits after the point: "one four" is 14, "twenty five" is 25."""
    digits, taken = "", 0
    for text in texts:
        small = words.small.get(text)
        if text.isdigit():
            small = int(text)
        if small is None:
            break
        if digits.endswith("0") and 0 < small < TEN and len(digits) > 1:  # twenty, five
            digits = digits[:-1]
        digits += text if text.isdigit() else str(small)
        taken += 1
    return digits, taken
