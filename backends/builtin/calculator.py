"""Arithmetic, spoken or written; pure, and bounded in every direction.

Rules kept here:

* An expression is parsed by the grammar below, never handed to ``eval``.
* Decimal arithmetic, so that 0.1 plus 0.2 is 0.3. Sizes, powers and nesting have limits, checked before computing.

    sum     = product (("+" | "-") product)*         "200 + 10%" adds a tenth of 200, as people mean it;
                                                     "5% + 5%" is 10%
    product = signed (("*" | "/" | "of" | "mod") signed)*    "15% of 80"
    signed  = ("-" | "+" | "sqrt" | "cbrt") signed | power
    power   = postfix ("^" signed)?
    postfix = (number | "(" sum ")") ("%" | "squared" | "cubed" | "factorial")*
"""

import decimal
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import attrs

from backends.builtin.sum_words import merge
from backends.builtin.wording import told

MAX_CHARS = 200  # a spoken sum is far shorter
MAX_DEPTH = 20
MAX_POWER = 1_000
MAX_FACTORIAL = 28  # of a larger number it has more digits than are told
MAX_DIGITS = 30  # of a result; more cannot be followed by listening

_CONTEXT = decimal.Context(prec=50, Emax=400, Emin=-400)
_RESULT = decimal.Context(prec=40, Emax=400, Emin=-400)  # so that a third of 90 is 30, and not 29.99...
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?|\.\d+)"
    r"|(?P<word>[^\W\d_]+)|(?P<sign>\*\*|[-+*/^%()\u00d7\u00f7\u2212\u00b2\u00b3\u221a]))"
)
_SIGNS = {
    "**": "^",
    "\u00d7": "*",
    "\u00f7": "/",
    "\u2212": "-",
    "x": "*",
    "\u00b2": "squared",
    "\u00b3": "cubed",
    "\u221a": "sqrt",
}


class CalculationError(ValueError):
    """The expression cannot be computed; the message is fit to be spoken."""


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
            result = _RESULT.plus(parser.whole())
        except decimal.DivisionByZero as error:
            raise CalculationError(told("nothing can be divided by zero")) from error
        except decimal.DecimalException as error:
            raise CalculationError(told("the result is too large or is no real number")) from error
    if result.adjusted() >= MAX_DIGITS:
        raise CalculationError(told("the result has more than {most} digits", most=MAX_DIGITS))
    return result


def _cube_root(value: Decimal) -> Decimal:
    """Return the real cube root, exactly if it is a whole number or has few decimals."""
    root = abs(value) ** (Decimal(1) / 3)
    nearest = round(root, 12)
    root = nearest if nearest**3 == abs(value) else root
    return root.copy_sign(value)


def _factorial(value: Decimal) -> Decimal:
    if value != value.to_integral_value() or not 0 <= value <= MAX_FACTORIAL:
        raise CalculationError(told("a factorial is one of a whole number from 0 to {most}", most=MAX_FACTORIAL))
    return Decimal(math.factorial(int(value)))


def _tokens(expression: str) -> list[str]:
    tokens, at = [], 0
    text = expression.strip().rstrip("=?. ")
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise CalculationError(told("the calculation has a sign that is not understood: {sign}", sign=text[at]))
        token = match.group().strip().lower().replace(",", "")
        tokens.append(_SIGNS.get(token, token))
        at = match.end()
    return merge(tokens, "en")


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
        is_percentage = self._is_percentage(self.at)
        value = self.product()
        while sign := self._take("+", "-"):
            is_share = self._is_percentage(self.at)
            term = self.product()
            term = value * term if is_share and not is_percentage else term
            is_percentage = is_percentage and is_share
            value = value + term if sign == "+" else value - term
        return value

    def product(self) -> Decimal:
        value = self.signed()
        while sign := self._take("*", "/", "of", "mod"):
            factor = self.signed()
            if sign in {"/", "mod"} and factor == 0:
                raise CalculationError(told("nothing can be divided by zero"))
            if sign == "mod":
                value -= factor * (value / factor).to_integral_value(decimal.ROUND_FLOOR)
            else:
                value = value / factor if sign == "/" else value * factor
        return value

    def signed(self) -> Decimal:
        sign = self._take("-", "+", "sqrt", "cbrt")
        if not sign:
            return self.power()
        with self._deeper():
            value = self.signed()
        if sign == "sqrt" and value < 0:
            raise CalculationError(told("a negative number has no real square root"))
        if sign in {"sqrt", "cbrt"}:
            return value.sqrt() if sign == "sqrt" else _cube_root(value)
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
        while sign := self._take("%", "squared", "cubed", "factorial"):
            if sign == "factorial":
                value = _factorial(value)
            else:
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

    def _is_percentage(self, at: int) -> bool:
        """Return whether a bare "10 %" stands there: behind a sum it is a share of that sum."""
        following = self.tokens[at + 1 : at + 3]
        return following[:1] == ["%"] and following[1:] not in (["of"], ["*"], ["/"])

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise CalculationError(told("the calculation is nested more than {most} deep", most=MAX_DEPTH))
        yield
        self.depth -= 1
