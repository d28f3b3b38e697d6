"""Text as it was spoken, as tokens in which every number is digits.

Rules kept here:

* A token remembers where it came from, so that free text ("buy 3 Eggs") can be given back as it was written.
* Both spellings of a number give the same token: "twenty-five", "twenty five" and "25"; "one and a half" and "1.5".
* Brackets are tokens in a calculation only; elsewhere they are punctuation.
* Nothing is guessed: "a" and "ein" stay words here; ``backends/commands/slots.py`` counts them in front of a unit.

text2num reads whole numbers in words, in eight languages. What it does not read is read here, in English and German:
signs, grouped figures, "2.5 million", "half a million", "two and a half", "anderthalb", "3 point 14".
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

import attrs
from text_to_num import Occurence, find_numbers

from backends.commands.number_words import LANGUAGES, NumberWords

TEN = 10
_MAX_LETTERS = 80  # of a word that is kept in memory; the longest German number has 64
_MAX_TOKENS = 16  # no spoken number has more, once its words are figures

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
    return tuple(tokens) if words is None else tuple(_counted(tokens, words, language))


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
    return frozenset() if words is None else words.small | frozenset(words.scales) | words.decimals.point


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
    """Return "1.234.567" as a number in any language."""
    return next((digits.replace(mark, "") for mark in ",." if _is_grouped(digits, mark)), digits)


def _is_grouped(digits: str, mark: str) -> bool:
    """Return whether ``mark`` parts thousands, in threes or as in India: "1,000", "1,00,000"."""
    mark = re.escape(mark)
    return re.fullmatch(rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+|[1-9]\d?(?:{mark}\d\d)+{mark}\d{{3}}", digits) is not None


def _counted(tokens: Sequence[Token], words: NumberWords, language: str) -> Iterator[Token]:
    if any(_is_number_word(token.text[:_MAX_LETTERS], language) or token.text in words.scales for token in tokens):
        tokens = list(_with_figures(tokens, words, language))
    at = 0
    while at < len(tokens):
        value, taken = None, 1
        if tokens[at].text[0].isdecimal() or tokens[at].text in words.starters:
            value, taken = _number_at([token.text for token in tokens[at : at + _MAX_TOKENS]], words)
        yield tokens[at] if value is None else Token(value, tokens[at].start, tokens[at + taken - 1].end)
        at += taken


# --- whole numbers in words, by text2num ---------------------------------------------------------


@attrs.define
class _Candidate:
    """A token as text2num asks for it; a method that is missing would end the process."""

    token: str
    is_no_number: bool = False

    def text(self) -> str:
        """Return the word."""
        return self.token

    def nt_separated(self, _previous: "_Candidate") -> bool:
        """Return whether there was a pause in front of the word: that is not known."""
        return False

    def not_a_number_part(self) -> bool:
        """Return whether the word is no part of a number here."""
        return self.is_no_number


def _with_figures(tokens: Sequence[Token], words: NumberWords, language: str) -> Iterator[Token]:
    """Yield tokens with each number in words as figures; each zero in front of a number is a token of its own."""
    texts = [token.text for token in tokens]
    end = 0
    for found in _found([_candidate(texts, at, words) for at in range(len(texts))], words, language):
        if found.text == "1" and found.end - found.start == 1 and not words.small:  # may be an article
            continue
        yield from tokens[end : found.start]
        zeros = len(found.text) - len(found.text.lstrip("0") or "0") if found.text.isdecimal() else 0
        first, end = found.start + zeros, found.end
        yield from (attrs.evolve(token, text="0") for token in tokens[found.start : first])
        yield Token(found.text[zeros:].replace(",", "."), tokens[first].start, tokens[end - 1].end)
    yield from tokens[end:]


@lru_cache(maxsize=8_192)
def _is_number_word(text: str, language: str) -> bool:
    """Return whether a number may begin with a word; most sentences have no such word and need no further look."""
    return bool(find_numbers([_Candidate(text)], language, 0.0))


def _found(asked: Sequence[_Candidate], words: NumberWords, language: str) -> Sequence[Occurence]:
    """Return the numbers among words, without ordinals ("second") and without the scale behind "point five"."""
    while True:
        found: Sequence[Occurence] = find_numbers(asked, language, 0.0)
        wrong = [number.end - 1 for number in found if number.is_ordinal]
        for number in found:
            if number.start and asked[number.start - 1].token in words.decimals.point:
                wrong += [at for at in range(number.start, number.end) if asked[at].token in words.scales]
        if not wrong:
            return found
        for at in wrong:
            asked[at].is_no_number = True


def _candidate(texts: Sequence[str], at: int, words: NumberWords) -> _Candidate:
    """Return a word as text2num shall see it."""
    text, before, after = texts[at], texts[at - 1] if at else "", texts[at + 1] if at + 1 < len(texts) else ""
    is_half = before in words.half or (before in words.one and at > 1 and texts[at - 2] in words.half)
    if text in words.one:  # "a hundred", but not "a minute", "half a million"
        return _Candidate(words.counted_one, after not in words.scales or is_half)
    if text == words.joiner:  # "hundred and five", but not "twenty and five", "a million and a half"
        return _Candidate(text, not (before.endswith(tuple(words.scales)) and after in words.small))
    if text in words.scales:  # of what is no word: "2 thousand", "half a million", "two and a half million"
        return _Candidate(text, before[:1].isdigit() or is_half or before in words.decimals.lasts)
    return _Candidate(text, text in words.decimals.point)


# --- what is left ---------------------------------------------------------------------------------


def _number_at(texts: Sequence[str], words: NumberWords) -> tuple[str | None, int]:
    """Return the number that starts here as digits, or None, and how many tokens that took."""
    halved = _half_of_a_scale(texts, words)
    if halved is not None:
        return halved
    if texts[0] in words.decimals.whole:
        digits, taken = words.decimals.whole[texts[0]], 1
    elif texts[0] in words.decimals.zeros and texts[1:2] and texts[1] in words.decimals.point:
        digits, taken = "0", 1
    elif re.fullmatch(r"\d+(?:\.\d+)?", texts[0]):
        digits, taken = _scaled(texts, words)
    else:
        return None, 1
    if "." not in digits:
        digits, taken = _with_decimals(digits, texts, taken, words)
    if "." in digits and texts[taken : taken + 1] and texts[taken] in words.scales:
        return _written(Decimal(digits) * words.scales[texts[taken]]), taken + 1
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


def _scaled(texts: Sequence[str], words: NumberWords) -> tuple[str, int]:
    """Return "2.5 million" and "5 thousand 200" as one number."""
    value, taken, last = Decimal(texts[0]), 1, 0
    while taken < len(texts) and (scale := words.scales.get(texts[taken], 0)) > last:
        value, taken, last = value * scale, taken + 1, scale
    if not last:
        return texts[0], 1
    joined = taken + (texts[taken : taken + 1] == [words.joiner])
    if value == int(value) and joined < len(texts) and texts[joined].isdecimal():
        more, length = _scaled(texts[joined:], words)
        if "." not in more and 0 < int(more) < last:
            return str(int(value) + int(more)), joined + length
    return _written(value), taken


def _decimals(texts: Sequence[str], words: NumberWords) -> tuple[str, int]:
    """Return the digits after the point: "1 4" is 14, "20 5" is 25."""
    digits, taken = "", 0
    for text in texts:
        figure = "0" if text in words.decimals.zeros else text
        if not figure.isdecimal():
            break
        if digits.endswith("0") and 0 < int(figure) < TEN and len(digits) > 1:  # twenty, five
            digits = digits[:-1]
        digits, taken = digits + figure, taken + 1
    return digits, taken
