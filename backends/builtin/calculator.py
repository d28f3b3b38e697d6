"""Arithmetic, spoken or written; pure, and bounded in every direction.

Rules kept here:

* An expression is parsed by the grammar below, never handed to ``eval``.
* Decimal arithmetic, so that 0.1 plus 0.2 is 0.3. Sizes, powers and nesting have limits, checked before computing.

    sum     = product (("+" | "-") product)*         "200 + 10%" adds a tenth of 200, as people mean it
    product = signed (("*" | "/" | "of") signed)*    "15% of 80"
    signed  = ("-" | "+" | "sqrt") signed | power
    power   = postfix ("^" signed)?
    postfix = (number | "(" sum ")") ("%" | "squared" | "cubed")*
"""

import decimal
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal

import attrs

from backends.builtin.wording import told

MAX_CHARS = 200  # a spoken sum is far shorter
MAX_DEPTH = 20
MAX_POWER = 1_000
MAX_DIGITS = 30  # of a result; nobody can listen to more

_CONTEXT = decimal.Context(prec=34, Emax=400, Emin=-400)
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?|\.\d+)|(?P<word>[^\W\d_]+)|(?P<sign>\*\*|[-+*/^%()\u00d7\u00f7\u2212]))"
)
_SIGNS = {"**": "^", "\u00d7": "*", "\u00f7": "/", "\u2212": "-", "x": "*"}

_PHRASES: Mapping[str, Mapping[tuple[str, ...], str]] = {
    "en": {
        ("plus",): "+",
        ("minus",): "-",
        ("times",): "*",
        ("multiplied", "by"): "*",
        ("divided", "by"): "/",
        ("over",): "/",
        ("percent", "of"): "% of",
        ("per", "cent", "of"): "% of",
        ("percent",): "%",
        ("per", "cent"): "%",
        ("the", "square", "root", "of"): "sqrt",
        ("square", "root", "of"): "sqrt",
        ("to", "the", "power", "of"): "^",
        ("squared",): "squared",
        ("cubed",): "cubed",
    },
    "de": {
        ("plus",): "+",
        ("minus",): "-",
        ("mal",): "*",
        ("geteilt", "durch"): "/",
        ("durch",): "/",
        ("prozent", "von"): "% of",
        ("prozent",): "%",
        ("die", "wurzel", "aus"): "sqrt",
        ("wurzel", "aus"): "sqrt",
        ("quadratwurzel", "aus"): "sqrt",
        ("hoch",): "^",
        ("zum", "quadrat"): "squared",
    },
}


class CalculationError(ValueError):
    """The expression cannot be computed; the message is fit to be spoken."""


_OPERATORS = frozenset({"+", "-", "*", "/", "of", "%", "sqrt", "^", "squared", "cubed", "(", ")"})


def symbols(words: Sequence[str], language: str) -> str | None:
    """Return spoken words (numbers in digits already) as an expression; None if they are no calculation."""
    pieces = _merged(words, language)
    numbers = [piece for piece in pieces if piece[0].isdigit()]
    known = all(piece[0].isdigit() or piece in _OPERATORS for piece in pieces)
    return " ".join(pieces) if known and numbers and len(numbers) < len(pieces) else None


def spoken_words(language: str) -> frozenset[str]:
    """Return the words that calculations are spoken with."""
    return frozenset(word for phrase in _PHRASES.get(language, {}) for word in phrase)


def evaluate(expression: str) -> Decimal:
    """Return the value of an expression; raises ``CalculationError``."""
    if len(expression) > MAX_CHARS:
        raise CalculationError(
            told(
                "the calculation must have at most {most} characters, not {count}",
                most=MAX_CHARS,
                count=len(expression),
            )
        )
    parser = _Parser(_tokens(expression))
    with decimal.localcontext(_CONTEXT):
        try:
            result = parser.whole()
        except decimal.DivisionByZero as error:
            raise CalculationError(told("nothing can be divided by zero")) from error
        except decimal.DecimalException as error:
            raise CalculationError(told("the result is too large or is no real number")) from error
    if result.adjusted() >= MAX_DIGITS:
        raise CalculationError(told("the result has more than {most} digits", most=MAX_DIGITS))
    return result


def _merged(words: Sequence[str], language: str) -> list[str]:
    phrases = _PHRASES.get(language, {})
    pieces: list[str] = []
    at = 0
    while at < len(words):
        found = next((key for size in (4, 3, 2, 1) if (key := tuple(words[at : at + size])) in phrases), None)
        pieces += [words[at]] if found is None else phrases[found].split()
        at += 1 if found is None else len(found)
    return pieces


def _tokens(expression: str) -> list[str]:
    tokens, at = [], 0
    text = expression.strip().rstrip("=?. ")
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise CalculationError(told("the calculation has a sign that is not understood: {sign}", sign=text[at]))
        token = match.group().strip().lower()
        tokens.append(_SIGNS.get(token, token))
        at = match.end()
    return _merged(tokens, "en")


@attrs.define
class _Parser:
    """Computes while it reads; one method per line of the grammar above."""

    tokens: list[str]
    at: int = 0
    depth: int = 0

    def whole(self) -> Decimal:
        value = self.sum()
        if self.at < len(self.tokens):
            raise CalculationError(told("the calculation cannot go on with {word!r}", word=self.tokens[self.at]))
        return value

    def sum(self) -> Decimal:
        value = self.product()
        while sign := self._take("+", "-"):
            is_share = self._is_percentage_next()
            term = self.product()
            term = value * term if is_share else term
            value = value + term if sign == "+" else value - term
        return value

    def product(self) -> Decimal:
        value = self.signed()
        while sign := self._take("*", "/", "of"):
            factor = self.signed()
            value = value / factor if sign == "/" else value * factor
        return value

    def signed(self) -> Decimal:
        sign = self._take("-", "+", "sqrt")
        if not sign:
            return self.power()
        with self._deeper():
            value = self.signed()
        if sign == "sqrt":
            return value.sqrt()
        return -value if sign == "-" else value

    def power(self) -> Decimal:
        base = self.postfix()
        if not self._take("^"):
            return base
        with self._deeper():
            exponent = self.signed()
        if abs(exponent) > MAX_POWER:
            raise CalculationError(told("a power must be at most {most}", most=MAX_POWER))
        return base**exponent

    def postfix(self) -> Decimal:
        value = self.primary()
        while sign := self._take("%", "squared", "cubed"):
            value = value / 100 if sign == "%" else value ** (2 if sign == "squared" else 3)
        return value

    def primary(self) -> Decimal:
        if self._take("("):
            with self._deeper():
                value = self.sum()
            if not self._take(")"):
                raise CalculationError(told("a bracket is not closed"))
            return value
        if self.at >= len(self.tokens):
            raise CalculationError(told("the calculation ends too early"))
        token = self.tokens[self.at]
        if not (token[0].isdigit() or token[0] == "."):
            raise CalculationError(told("the calculation has a word that is not understood: {word}", word=token))
        self.at += 1
        return Decimal(token)

    def _take(self, *wanted: str) -> str:
        if self.at < len(self.tokens) and self.tokens[self.at] in wanted:
            self.at += 1
            return self.tokens[self.at - 1]
        return ""

    def _is_percentage_next(self) -> bool:
        """Return whether what follows is a bare "10 %", which is a share of what went before."""
        following = self.tokens[self.at + 1 : self.at + 3]
        return following[:1] == ["%"] and following[1:] not in (["of"], ["*"], ["/"])

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise CalculationError(told("the calculation is nested more than {most} deep", most=MAX_DEPTH))
        yield
        self.depth -= 1
