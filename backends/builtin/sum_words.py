"""Calculations in words as expressions for ``calculator.evaluate``, English and German; pure.

Rules kept here:

* Every word has to be part of a calculation; otherwise there is none.
* What begins with a verb ("subtract 19 from 100") is put in order; each part is bracketed where it has an operator.
* A fraction is one number: "1 divided by two thirds" is 1.5. Two numbers side by side are a mistake, but for
  "2 1/2" and, if they were words, a year ("nineteen eighty four").
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import cache
from itertools import pairwise

from backends.builtin.sum_tables import LANGUAGES, SumForm, SumWords

MAX_FORMS = 6  # "the sum of the sum of ...", within each other
BINARY = frozenset({"+", "-", "*", "/", "of", "mod", "^"})
PREFIX = frozenset({"-", "sqrt", "cbrt"})
POSTFIX = frozenset({"%", "squared", "cubed", "factorial"})
_CENTURIES = range(11, 21)  # of a year that is spoken as two numbers
_CENTURY_WORDS = frozenset(map(str, _CENTURIES))
_TWO_DIGITS = range(10, 100)
_ONE_DIGIT = range(1, 10)


_THREE = frozenset({"dreiviertel"})
"""Fractions that count three by themselves."""


_ORDINAL_ENDINGS = frozenset({"st", "nd", "rd", "th"})
_SIGNS_OF_NUMBERS = frozenset({"minus", "negative"})
_OF = frozenset({"of", "von"})
_NOT_IN_A_NUMBER = (BINARY | PREFIX | POSTFIX | frozenset("()")) - {"/"}


def symbols(words: Sequence[str], language: str, *, has_years: bool = False) -> str | None:
    """Return spoken words (numbers in digits already) as an expression; None if they are no calculation.

    ``has_years``: whether two numbers side by side may be a year, because no digits were written.
    """
    table = LANGUAGES.get(language)
    if table is None:
        return None
    words = _without_currency(words, table)
    words = words[:-1] if len(words) > 1 and words[-1] in table.around.equals else words
    if not all(_is_number(word) or word in _known(language) for word in words):
        return None
    pieces = _spoken(tuple(words), table, has_years=has_years)
    if not pieces or len(pieces) == 1 or not _is_all_understood(pieces):
        return None
    is_counted = any(_is_number(word) for word in words)
    return " ".join(pieces) if is_counted or count_operators(pieces) > 1 else None


def amount(words: Sequence[str], language: str) -> str | None:
    """Return "minus 5", "2 1/2" or "three quarters of a" as an expression; None for what is not one number."""
    table = LANGUAGES.get(language)
    if table is None:
        return None
    sign = ["-"] if words and words[0] in _SIGNS_OF_NUMBERS else []
    rest = list(words[len(sign) :])
    if len(rest) > 1 and rest[-1] in table.one:  # "half a" cup
        rest = rest[:-1]
    if len(rest) > 1 and rest[-1] in _OF and rest[-2] in table.parts:  # "three quarters of" a cup
        rest = rest[:-1]
    if len(rest) == 1 and rest[0] in table.one:
        return " ".join([*sign, "1"])
    merged = _merged(rest, table)
    pieces = [] if set(merged) & _NOT_IN_A_NUMBER else _numbers(merged, table, has_years=False)
    return " ".join([*sign, *pieces]) if is_sum(pieces) and _is_all_understood(pieces) else None


@cache
def amount_words(language: str) -> frozenset[str]:
    """Return the words that an amount may begin with, besides a number."""
    table = LANGUAGES.get(language)
    return frozenset() if table is None else frozenset(table.parts) | table.one | table.the | _SIGNS_OF_NUMBERS


def spoken_words(language: str) -> frozenset[str]:
    """Return the words that calculations are spoken with."""
    table = LANGUAGES.get(language)
    if table is None:
        return frozenset()
    phrases = [*table.phrases, *(begin for form in table.forms for begin in form.begins)]
    return frozenset(word for phrase in phrases for word in phrase)


def merge(words: Sequence[str], language: str) -> list[str]:
    """Return words with the phrases among them as signs."""
    table = LANGUAGES.get(language)
    return list(words) if table is None else _merged(words, table)


def count_operators(pieces: Sequence[str]) -> int:
    """Return how many operators stand between two operands."""
    leading = BINARY | PREFIX | {"("}
    return sum(after in BINARY and before not in leading for before, after in pairwise(pieces))


def is_sum(pieces: Sequence[str]) -> bool:
    """Return whether the pieces of an expression stand in an order that can be computed."""
    is_operand_next, depth = True, 0
    for piece in pieces:
        if piece == "(" or (is_operand_next and piece in PREFIX):
            is_in_place = is_operand_next
            depth += piece == "("
        elif piece in BINARY or piece in POSTFIX or piece == ")":
            is_in_place = not is_operand_next
            is_operand_next = piece in BINARY
            depth -= piece == ")"
        else:
            is_in_place, is_operand_next = is_operand_next, False
        if not is_in_place or depth < 0:
            return False
    return not is_operand_next and not depth


@cache
def _known(language: str) -> frozenset[str]:
    """Return every word that may occur in a calculation."""
    table = LANGUAGES[language]
    forms = (form.between | form.ends | form.drops for form in table.forms)
    between = frozenset[str]().union(*forms, *table.around.swapped, *table.around.shares, table.around.equals)
    words = [*table.parts, *table.one, *table.the, *table.powers, *table.zero, *table.to_the, *between, table.joiner]
    return spoken_words(language) | frozenset([*words, *_ORDINAL_ENDINGS, *_OF, "power", "raised", *"()+-*/%^"])


def _without_currency(words: Sequence[str], table: SumWords) -> Sequence[str]:
    """Return words without the only currency among them: the sum is one of it."""
    named = {table.around.currencies[word] for word in words if word in table.around.currencies}
    return [word for word in words if word not in table.around.currencies] if len(named) == 1 else words


def _is_number(word: str) -> bool:
    return word[:1].isdigit()


def _is_all_understood(pieces: Sequence[str]) -> bool:
    known = BINARY | PREFIX | POSTFIX | {"(", ")"}
    return all(_is_number(piece) or piece in known for piece in pieces) and (
        pieces[0] in PREFIX or pieces[0] not in BINARY
    )


def _merged(words: Sequence[str], table: SumWords) -> list[str]:
    pieces: list[str] = []
    at = 0
    while at < len(words):
        found = next((key for size in (5, 4, 3, 2, 1) if (key := tuple(words[at : at + size])) in table.phrases), None)
        pieces += [words[at]] if found is None else table.phrases[found].split()
        at += 1 if found is None else len(found)
    return pieces


# --- what begins with a verb ----------------------------------------------------------------------


def _spoken(words: tuple[str, ...], table: SumWords, *, has_years: bool, depth: int = 0) -> list[str]:
    """Return words as the pieces of an expression; empty if a part of them is missing."""
    if not words or depth > MAX_FORMS:
        return []

    def part(some: tuple[str, ...]) -> list[str]:
        return _spoken(some, table, has_years=has_years, depth=depth + 1)

    for at in range(len(words)):
        for form, size in _begun(words[at:], table):
            body = _formed(form, words[at + size :], part)
            if body:
                return [*_leaf(words[:at], table, has_years=has_years), *(_bracketed(body) if at else body)]
    for phrase in table.around.swapped:
        at = _index(words, phrase)
        first, second = (part(words[:at]), part(words[at + len(phrase) :])) if at > 0 else ([], [])
        if first and second:
            return [*_bracketed(second), "-", *_bracketed(first)]
    for phrase in table.around.shares:
        at = _index(words, phrase)
        first, second = (part(words[:at]), part(words[at + len(phrase) :])) if at > 0 else ([], [])
        if first and second:
            return _share_of(first, second)
    return _leaf(words, table, has_years=has_years)


def _begun(words: tuple[str, ...], table: SumWords) -> Iterator[tuple[SumForm, int]]:
    """Yield the forms that begin here, the longest beginning first, and how many words that takes."""
    found = [(form, len(begin)) for form in table.forms for begin in form.begins if words[: len(begin)] == begin]
    yield from sorted(found, key=lambda pair: -pair[1])


def _formed(form: SumForm, words: tuple[str, ...], part: Callable[[tuple[str, ...]], list[str]]) -> list[str]:
    words = words[:-1] if words[-1:] and words[-1] in form.ends else words
    words = tuple(word for word in words if word not in form.drops)
    has_many = form.operator in {"+", "*", "average"}
    some_words = _with_commas(words) if form.operator in {"+", "average"} else words
    operands = [part(some) for some in _parted(some_words, form.between | {","}, is_everywhere=has_many)]
    if len(operands) == 1 or not all(operands):
        return []
    first, second = operands[0], operands[1]
    if form.operator == "share":
        part_of, whole = (second, first) if form.swaps else (first, second)
        return _share_of(part_of, whole)
    if form.operator == "average":
        total = [piece for operand in operands for piece in ("+", *_bracketed(operand))][1:]
        return ["(", *total, ")", "/", str(len(operands))]
    if form.operator == "difference":
        is_negative = len(first) == len(second) == 1 and Decimal(first[0]) < Decimal(second[0])
        operands = [second, first] if is_negative else operands
    elif form.swaps or (form.operator == "+" and first[-1] == "%" != second[-1]):  # "add 10 percent to 50"
        operands = [second, first, *operands[2:]]
    operator = "-" if form.operator == "difference" else form.operator
    pieces = _bracketed(operands[0])
    for operand in operands[1:]:
        pieces += [operator, *_bracketed(operand)]
    return pieces


def _share_of(part: list[str], whole: list[str]) -> list[str]:
    return [*_bracketed(part), "/", *_bracketed(whole), "*", "100"]


def _with_commas(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return "3 7 9" with commas between its numbers, which were lost; what may be a year or "2 1/2" has none."""
    found: list[str] = []
    for at, word in enumerate(words):
        is_between = at > 0 and _is_number(word) and _is_number(words[at - 1])
        is_year = is_between and words[at - 1] in _CENTURY_WORDS and len(word) > 1
        if is_between and not is_year and not {"divided", "geteilt"} & set(words[at + 1 : at + 2]):
            found.append(",")
        found.append(word)
    return tuple(found)


def _parted(words: tuple[str, ...], between: frozenset[str], *, is_everywhere: bool) -> list[tuple[str, ...]]:
    """Return the words between the words that part them: at each of those, or at the first only."""
    parts: list[tuple[str, ...]] = []
    start = 0
    for at, word in enumerate(words):
        if word in between and (is_everywhere or not parts):
            parts.append(words[start:at])
            start = at + 1
    return [*parts, words[start:]]


def _bracketed(pieces: list[str]) -> list[str]:
    is_one = not count_operators(pieces) or (pieces[0] == "(" and is_sum(pieces[1:-1]))
    return pieces if is_one else ["(", *pieces, ")"]


def _index(words: tuple[str, ...], phrase: tuple[str, ...]) -> int:
    return next((at for at in range(len(words)) if words[at : at + len(phrase)] == phrase), -1)


# --- numbers --------------------------------------------------------------------------------------


def _leaf(words: tuple[str, ...], table: SumWords, *, has_years: bool) -> list[str]:
    return _numbers(_merged(_with_powers(words, table), table), table, has_years=has_years)


def _with_powers(words: Sequence[str], table: SumWords) -> list[str]:
    """Return words with "to the third power" as a sign and its number."""
    found: list[str] = []
    rest = list(words)
    while rest:
        raised = int(rest[0] == "raised")
        size = len(table.to_the)
        ordinal = rest[raised + size : raised + size + 2]
        power, taken = _power(ordinal, table) if tuple(rest[raised : raised + size]) == table.to_the else ("", 0)
        if power:
            found += ["^", power]
            rest = rest[raised + size + taken :]
            rest = rest[1:] if rest[:1] == ["power"] else rest
        else:
            found.append(rest.pop(0))
    return found


def _power(words: Sequence[str], table: SumWords) -> tuple[str, int]:
    """Return the number of an ordinal, "third" or "3" "rd", and how many words it has; 0 for none."""
    if words and words[0] in table.powers:
        return str(table.powers[words[0]]), 1
    if len(words) > 1 and _is_number(words[0]) and words[1] in _ORDINAL_ENDINGS:
        return words[0], 2
    return "", 0


def _numbers(pieces: Sequence[str], table: SumWords, *, has_years: bool) -> list[str]:
    """Return pieces with years, fractions and mixed numbers put together."""
    items = _with_fractions(_with_years(pieces, table) if has_years else pieces, table)
    return " ".join(_mixed(items, table)).split()


def _with_years(pieces: Sequence[str], table: SumWords) -> list[str]:
    """Return "19 84" as "1984", "19 oh 5" as "1905"."""
    found: list[str] = []
    rest = list(pieces)
    while rest:
        piece = rest.pop(0)
        if piece.isdecimal() and int(piece) in _CENTURIES:
            has_zero = bool(rest) and rest[0] in table.zero
            last = rest[has_zero] if len(rest) > has_zero else ""
            if last.isdecimal() and int(last) in (_ONE_DIGIT if has_zero else _TWO_DIGITS):
                piece += f"0{last}" if has_zero else last
                rest = rest[has_zero + 1 :]
        found.append(piece)
    return found


def _with_fractions(pieces: Sequence[str], table: SumWords) -> list[str]:
    """Return pieces with each fraction in brackets, as one item: "2 thirds" is "( 2 / 3 )"."""
    items: list[str] = []
    for at, piece in enumerate(pieces):
        following = [*pieces[at + 1 : at + 3], "", ""]
        if piece in table.parts:
            count = "3" if piece in _THREE else "1"
            if items and (_is_number(items[-1]) or items[-1] in table.one | table.the):
                counted = items.pop()
                count = counted if _is_number(counted) else count
            elif items and items[-1] not in BINARY | PREFIX | {"(", table.joiner} and not _is_number(items[-1]):
                return []
            items.append(f"( {count} / {table.parts[piece]} )")
            if _is_number(following[0]):
                items.append("of")
        elif piece in table.one and at and pieces[at - 1] in table.parts and following[0]:
            items += ["of"] if _is_number(following[0]) else []
        else:
            items.append(piece)
    return items


def mixed_number(pieces: Sequence[str]) -> tuple[int, int, int] | None:
    """Return the whole number, numerator and denominator of the "2 1 / 2" that pieces begin with, None for no such."""
    if len(pieces) < 4 or pieces[2] != "/":  # noqa: PLR2004 - "2", "1", "/", "2"
        return None
    figures = (pieces[0], pieces[1], pieces[3])
    return (int(figures[0]), int(figures[1]), int(figures[2])) if all(map(str.isdecimal, figures)) else None


def _mixed(items: Sequence[str], table: SumWords) -> list[str]:
    """Return items with a whole number and the fraction behind it as one: "2 1/2", "2 and two thirds"."""
    found: list[str] = []
    at = 0
    while at < len(items):
        item = items[at]
        rest = items[at + 1 + (items[at + 1 : at + 2] == [table.joiner]) :]
        if item.isdecimal() and rest and rest[0].startswith("( "):
            found.append(f"( {item} + {rest[0]} )")
            at = len(items) - len(rest) + 1
        elif mixed := mixed_number([item, *rest[:3]]):
            found.append("( {} + {} / {} )".format(*mixed))
            at = len(items) - len(rest) + 3
        else:
            found.append(item)
            at += 1
    return found
