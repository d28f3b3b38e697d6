"""Text as it was spoken, as tokens in which every number is digits; English and German.

Rules kept here:

* A token remembers where it came from, so that free text ("buy 3 Eggs") can be given back as it was written.
* Both spellings of a number give the same token: "twenty-five", "twenty five" and "25"; "one and a half" and "1.5".
* Brackets are tokens in a calculation only; elsewhere they are punctuation.
* Nothing is guessed: "a" and "ein" stay words here; ``backends/commands/slots.py`` counts them in front of a unit.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import pairwise

import attrs

from backends.commands.number_words import LANGUAGES, NumberWords

TEN, HUNDRED = 10, 100

_GAPS = " \u00a0\u2009\u202f'\u2019_"
"""What may part thousands besides a comma and a point: "1 000", "1'000"."""
_BEFORE_A_NUMBER = r"\d(.\u221a"
_WORD = re.compile(
    r"(?P<feet>\d{1,2})['\u2019\u2032] ?(?P<inches>\d{1,2})(?:[\"\u201d\u2033]|'')?(?!\w)"  # 5'11"
    rf"|[1-9]\d{{0,2}}(?:[{_GAPS}]\d{{3}}(?!\d))+(?:[.,]\d+)*"  # "1 000"
    r"|\d+(?:[.,]\d+)*"  # a number, with its separators, the one in "5km" as well
    r"|(?<![^\s(+*/^=\-\u2212\u2013\u00d7\u00f7\u221a\u20ac$])[.,]\d+(?![.,]?\d)"  # ".5"
    rf"|(?P<cross>(?<=[\d)])[x\u00b7\u22c5](?=[{_BEFORE_A_NUMBER}])"  # "3x4"
    rf"|(?<=[\d)] )[x\u00b7\u22c5](?= [{_BEFORE_A_NUMBER}]))"  # "3 x 4"
    r"|(?P<fraction>[\u00bc-\u00be\u2150-\u215e])"
    r"|[^\W_]+(?:['\u2019][^\W\d_]+)*"  # a word, with its apostrophes
    rf"|(?<=[\d)%\u00b2\u00b3])[-\u2013](?=[{_BEFORE_A_NUMBER}])"  # a minus, and no hyphen
    rf"|(?<=[\d)%\u00b2\u00b3] )[-\u2013](?= ?[{_BEFORE_A_NUMBER}-])"
    rf"|^[-\u2013](?= ?[{_BEFORE_A_NUMBER}])|(?<=[ (+*/^\u00d7\u00f7\u221a])[-\u2013](?=[{_BEFORE_A_NUMBER}])"
    r"|/(?![^\W\d_])|(?<![^\W\d_])/"  # divides, unless it stands between letters as in "km/h"
    r"|\*\*|(?<=\d ):(?= \d)"
    r"|[+*\u2044\u00d7\u00f7%\u221a\u00b0\u20ac$^\u2212]"  # signs that are read aloud
    r"|[(\[{]|(?<![:;\-])[)\]}]",  # brackets, and no smile
    re.IGNORECASE,
)
_BRACKETS = frozenset("()")


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
    tokens = counted(tuple(_split(text, words)), language)
    if words is not None and _is_bracketed_sum(tokens, words):
        return tokens
    return tuple(token for token in tokens if token.text not in _BRACKETS)


def counted(tokens: Sequence[Token], language: str) -> tuple[Token, ...]:
    """Return tokens with the number words among them put together as digits."""
    words = LANGUAGES.get(language)
    return tuple(tokens) if words is None else tuple(_counted(tokens, words))


def normalise(text: str, language: str) -> str:
    """Return the tokens of ``text`` with a space between them."""
    return " ".join(token.text for token in tokenise(text, language))


def pointed(texts: Sequence[str], language: str) -> tuple[str, ...]:
    """Return the words of a slot with "point five" in them as "0.5".

    In a slot only: "point 5" in a sentence may be the name of a place to go to.
    """
    words = LANGUAGES.get(language)
    found: list[str] = []
    at = 0
    while at < len(texts):
        is_point = words is not None and texts[at] in words.decimals.point and not (found and found[-1][0].isdigit())
        decimals, taken = _decimals(texts[at + 1 :], words) if is_point and words is not None else ("", 0)
        found.append(f"0.{decimals}" if decimals else texts[at])
        at += 1 + taken
    return tuple(found)


def number_words(language: str) -> frozenset[str]:
    """Return the words that numbers are made of, for telling what may be a misheard word."""
    words = LANGUAGES.get(language)
    return frozenset() if words is None else frozenset(words.small) | frozenset(words.scales) | words.decimals.point


def _split(text: str, words: NumberWords | None) -> Iterator[Token]:
    for match in _WORD.finditer(text):
        for piece in _pieces(match, words):
            yield Token(_plain(piece, words), match.start(), match.end())


def _pieces(match: re.Match[str], words: NumberWords | None) -> Sequence[str]:
    """Return the words that one match stands for."""
    signs = {} if words is None else words.signs.spoken
    if match["feet"]:
        return [match["feet"], "feet", match["inches"], "inches"]
    if match["fraction"]:
        count, bar, parts = unicodedata.normalize("NFKC", match["fraction"]).partition("\u2044")
        return [count, *signs.get(bar, bar).split(), parts]
    raw = "*" if match["cross"] else match.group().lower()
    return [raw] if raw[-1].isdecimal() else signs.get(raw, raw).split()


def _is_bracketed_sum(tokens: Sequence[Token], words: NumberWords) -> bool:
    """Return whether the brackets of a text belong to a calculation: each stands beside a part of one."""
    texts = [token.text for token in tokens]
    pairs = list(pairwise(["", *texts, ""]))
    inner = [after for before, after in pairs if before == "("] + [before for before, after in pairs if after == ")"]
    has_operator = not words.signs.arithmetic.isdisjoint(texts)
    return has_operator and all(
        text[:1].isdigit() or text in _BRACKETS or text in words.signs.arithmetic for text in inner
    )


def _plain(piece: str, words: NumberWords | None) -> str:
    """Return a word without apostrophes, a number without separators and with a decimal point."""
    if piece[-1].isdecimal() and not piece[0].isalpha():
        return _plain_number(piece, has_decimal_comma=words is not None and words.signs.has_decimal_comma)
    return piece.replace("'", "").replace("\u2019", "")


def _plain_number(piece: str, *, has_decimal_comma: bool) -> str:
    """Return "1,234.5" and "1.234,5" as "1234.5"; what is no number, such as "1.2.3", is kept."""
    digits = "".join(letter for letter in piece if letter not in _GAPS)
    digits = f"0{digits}" if digits[0] in ",." else digits
    decimal = "," if has_decimal_comma else "."
    if "," in digits and "." in digits:
        decimal = max(",.", key=digits.rindex)
    elif digits.count(",") + digits.count(".") == 1 and not _is_grouped(digits, "," if decimal == "." else "."):
        decimal = "," if "," in digits else "."
    thousands = "," if decimal == "." else "."
    whole, point, rest = digits.partition(decimal)
    if (thousands in whole and not _is_grouped(whole, thousands)) or thousands in rest or decimal in rest:
        return _without_thousands(digits)
    return whole.replace(thousands, "") + ("." if point else "") + rest


def _without_thousands(digits: str) -> str:
    """Return "1.234.567" as a number, whatever the language: it can be nothing else."""
    return next((digits.replace(mark, "") for mark in ",." if _is_grouped(digits, mark)), digits)


def _is_grouped(digits: str, mark: str) -> bool:
    """Return whether ``mark`` parts thousands, in threes or as in India: "1,000", "1,00,000"."""
    mark = re.escape(mark)
    return re.fullmatch(rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+|[1-9]\d?(?:{mark}\d\d)+{mark}\d{{3}}", digits) is not None


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
    first = tokens[0].text
    if not (first[0].isdecimal() or words.begins(first)):
        return None, 0
    texts = [token.text for token in tokens[:16]]  # no spoken number has more words
    halved = _half_of_a_scale(texts, words)
    if halved is not None:
        return halved
    digits, taken = _whole_digits(texts, words)
    if digits is None:
        return None, 0
    if "." not in digits:
        digits, taken = _with_decimals(digits, texts, taken, words)
    if "." in digits and texts[taken : taken + 1] and texts[taken] in words.scales:
        scaled = Decimal(digits) * words.scales[texts[taken]]
        return _written(scaled), taken + 1
    return digits, taken


def _half_of_a_scale(texts: Sequence[str], words: NumberWords) -> tuple[str, int] | None:
    """Return "half a million", "eine halbe Million" as digits, and how many tokens that took."""
    at = int(texts[0] in words.one)
    if texts[at : at + 1] and texts[at] in words.half:
        at += 1 + (not at and len(texts) > 1 and texts[1] in words.one)
        scale = words.scales.get(texts[at]) if at < len(texts) else None
        if scale is not None:
            return str(scale // 2), at + 1
    return None


def _whole_digits(texts: Sequence[str], words: NumberWords) -> tuple[str | None, int]:
    """Return the number at the start without its spoken decimals, and its length in tokens."""
    if texts[0] in words.decimals.whole:
        return words.decimals.whole[texts[0]], 1
    if texts[0] in words.decimals.zeros and texts[1:2] and texts[1] in words.decimals.point:
        return "0", 1
    value, taken = _whole(texts, words)
    return (None, 0) if value is None else (str(value), taken)


def _with_decimals(digits: str, texts: Sequence[str], taken: int, words: NumberWords) -> tuple[str, int]:
    """Return a whole number with the decimals that are spoken behind it: "point five", "and a half"."""
    if texts[taken : taken + 1] and texts[taken] in words.decimals.point:
        decimals, more = _decimals(texts[taken + 1 :], words)
        return (f"{digits}.{decimals}", taken + 1 + more) if decimals else (digits, taken)
    for ending, decimals in words.decimals.endings.items():
        if tuple(texts[taken : taken + len(ending)]) == ending:
            return f"{digits}.{decimals}", taken + len(ending)
    return digits, taken


def _written(value: Decimal) -> str:
    return str(int(value)) if value == int(value) else f"{value.normalize():f}"


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
    smallest: int = 0
    """The smallest of the thousands and millions that were heard."""
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
            return int(texts[0] in self.words.one and following in self.words.scales)
        return int(texts[0] == self.words.joiner and self.last >= HUNDRED and following in self.words.small)

    def _scale(self, scale: int) -> bool:
        if self.last == scale:
            return False
        if scale == HUNDRED:
            self.group = (self.group or 1) * scale
        elif self.total and scale >= self.smallest:  # "a thousand million", but not "one million two billion"
            if self.group:
                return False
            self.total *= scale
        else:
            self.total, self.group, self.smallest = self.total + (self.group or 1) * scale, 0, scale
        self.last = scale
        return True

    def _may_follow(self, value: int) -> bool:
        """Return whether "twenty" + "five" is one number; "two three" and "twenty ten" are two."""
        if not self.last:
            return True
        return 0 < value < TEN if self.last == TEN else value < self.last


def _scaled(texts: Sequence[str], words: NumberWords) -> tuple[Decimal | int, int]:
    """Return "2.5 million" and "5 thousand 200" as one number."""
    value, taken, last = Decimal(texts[0]), 1, 0
    while taken < len(texts) and (scale := words.scales.get(texts[taken], 0)) > last:
        value, taken, last = value * scale, taken + 1, scale
    if value != int(value) or (not last and "." in texts[0]):
        return (Decimal(_written(value)) if last else value), taken
    joined = taken + int(bool(last) and texts[taken : taken + 1] == [words.joiner])
    if last and joined < len(texts):
        more, length = _whole(texts[joined:], words)
        if length and isinstance(more, int) and 0 < more < last:
            return int(value) + more, joined + length
    return int(value), taken


def _place(value: int) -> int:
    """Return what may still follow a number word: 20 for twenty, 1 for five, 100 for a compound with hundreds."""
    if value % HUNDRED == TEN:  # "ten five" is no number
        return 1
    for place in (1_000, HUNDRED, TEN):
        if value >= place and value % place == 0:
            return place
    return 1


def _decimals(texts: Sequence[str], words: NumberWords) -> tuple[str, int]:
    """Return the digits after the point: "one four" is 14, "twenty five" is 25."""
    digits, taken = "", 0
    for text in texts:
        small = words.small.get(text)
        if text.isdecimal():
            small = int(text)
        elif text in words.decimals.zeros:
            small = 0
        if small is None:
            break
        if digits.endswith("0") and 0 < small < TEN and len(digits) > 1:  # twenty, five
            digits = digits[:-1]
        digits += text if text.isdecimal() else str(small)
        taken += 1
    return digits, taken
