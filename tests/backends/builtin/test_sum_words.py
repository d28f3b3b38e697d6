"""Calculations in words, with the numbers in digits already."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.builtin.calculator import CalculationError, evaluate
from backends.builtin.sum_words import amount, count_operators, is_sum, merge, spoken_words, symbols

ENGLISH = [
    ("12 times 7 plus 3", "12 * 7 + 3"),
    ("15 percent of 200", "15 % of 200"),
    ("the square root of 144", "sqrt 144"),
    ("2 to the power of 10", "2 ^ 10"),
    ("( 2 plus 3 ) times 4", "( 2 + 3 ) * 4"),
    ("open bracket 2 plus 3 close bracket times 4", "( 2 + 3 ) * 4"),
    ("negative 5 plus 3", "- 5 + 3"),
    ("5 minus minus 3", "5 - - 3"),
    ("10 take away 3", "10 - 3"),
    ("10 subtract 3", "10 - 3"),
    ("root of 16", "sqrt 16"),
    ("cube root of 27", "cbrt 27"),
    ("2 to the third power", "2 ^ 3"),
    ("2 to the 5 th", "2 ^ 5"),
    ("2 raised to the power of 3", "2 ^ 3"),
    ("5 to the second power", "5 ^ 2"),
    ("twice 21", "2 * 21"),
    ("double 21", "2 * 21"),
    ("add 5 and 7", "5 + 7"),
    ("add 5 to 7", "5 + 7"),
    ("add 5 and 7 and 9", "5 + 7 + 9"),
    ("the sum of 5 and 7", "5 + 7"),
    ("the sum of 3 7 9 and 24", "3 + 7 + 9 + 24"),
    ("add 2 1 divided by 2 and 3", "( 2 + 1 / 2 ) + 3"),
    ("2 times the sum of 3 and 4", "2 * ( 3 + 4 )"),
    ("subtract 19 from 100", "100 - 19"),
    ("take 3 from 10", "10 - 3"),
    ("take away 3 from 10", "10 - 3"),
    ("the difference between 4 and 10", "10 - 4"),
    ("the difference between 10 and 4", "10 - 4"),
    ("multiply 6 by 9", "6 * 9"),
    ("multiply 2 plus 3 by 4", "( 2 + 3 ) * 4"),
    ("the product of 6 and 9", "6 * 9"),
    ("divide 100 by 4", "100 / 4"),
    ("divide 100 by 2 plus 3", "100 / ( 2 + 3 )"),
    ("increase 50 by 10 percent", "50 + 10 %"),
    ("reduce 50 by 10 percent", "50 - 10 %"),
    ("5 less than 10", "10 - 5"),
    ("5 more than 10", "5 + 10"),
    ("20 percent off 50", "50 - 20 %"),
    ("20 percent off of 50", "50 - 20 %"),
    ("add 20 percent to 50", "50 + 20 %"),
    ("take 10 percent off 200", "200 - 10 %"),
    ("what percent of 50 is 10", "10 / 50 * 100"),
    ("half of 37", "( 1 / 2 ) of 37"),
    ("a third of 90", "( 1 / 3 ) of 90"),
    ("third of 90", "( 1 / 3 ) of 90"),
    ("2 thirds plus 1 sixth", "( 2 / 3 ) + ( 1 / 6 )"),
    ("3 quarters of 1 sixth", "( 3 / 4 ) of ( 1 / 6 )"),
    ("1 divided by 2 thirds", "1 / ( 2 / 3 )"),
    ("half a percent of 200", "( 1 / 2 ) % of 200"),
    ("half 37 plus 1", "( 1 / 2 ) of 37 + 1"),
    ("a half plus a third", "( 1 / 2 ) + ( 1 / 3 )"),
    ("2 1 divided by 2 times 4", "( 2 + 1 / 2 ) * 4"),
    ("2 and 2 thirds times 3", "( 2 + ( 2 / 3 ) ) * 3"),
]
GERMAN = [
    ("12 mal 7", "12 * 7"),
    ("wurzel aus 16", "sqrt 16"),
    ("die quadratwurzel von 16", "sqrt 16"),
    ("5 zum quadrat", "5 squared"),
    ("2 hoch 10", "2 ^ 10"),
    ("klammer auf 2 plus 3 klammer zu mal 4", "( 2 + 3 ) * 4"),
    ("addiere 5 und 7", "5 + 7"),
    ("die summe aus 5 und 7", "5 + 7"),
    ("subtrahiere 19 von 100", "100 - 19"),
    ("zieh 19 von 100 ab", "100 - 19"),
    ("multipliziere 6 mit 9", "6 * 9"),
    ("teile 100 durch 4", "100 / 4"),
    ("die hälfte von 37", "( 1 / 2 ) of 37"),
    ("ein drittel von 90", "( 1 / 3 ) of 90"),
    ("dreiviertel von 80", "( 3 / 4 ) of 80"),
    ("3 viertel von einem sechstel", "( 3 / 4 ) of ( 1 / 6 )"),
    ("20 prozent rabatt auf 50", "50 - 20 %"),
    ("das doppelte von 21", "2 * 21"),
]
NO_SUMS = [
    *("the capital of france", "42", "plus", "12 apples plus 3", "", "a third", "half", "more than 5", "half of it"),
    *("plus 5", "20 percent off", "add 5", "add milk and 7", "the 5", "ten and a third", "double", "5 third plus x"),
]


@pytest.mark.parametrize(("words", "expected"), ENGLISH)
def test_spoken_sums_become_expressions(words, expected):
    assert symbols(words.split(), "en") == expected
    assert is_sum(expected.split())


@pytest.mark.parametrize(("words", "expected"), GERMAN)
def test_german_sums_become_expressions(words, expected):
    assert symbols(words.split(), "de") == expected


@pytest.mark.parametrize("words", NO_SUMS)
def test_words_that_are_no_sum_become_none(words):
    assert symbols(words.split(), "en") is None


def test_a_language_without_a_table_has_no_sums():
    assert symbols(("5", "plus", "3"), "fr") is None
    assert amount(("5",), "fr") is None
    assert spoken_words("fr") == frozenset()
    assert merge(("5", "plus"), "fr") == ["5", "plus"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("19 84 plus 1", "1984 + 1"),
        ("20 oh 4 plus 1", "2004 + 1"),
        ("20 10 minus 1", "2010 - 1"),
        ("10 5 plus 1", "10 5 + 1"),
        ("21 10 plus 1", "21 10 + 1"),
        ("19 5 plus 1", "19 5 + 1"),
        ("19 plus 84", "19 + 84"),
        ("add 19 84 and 1", "1984 + 1"),
    ],
)
def test_two_spoken_numbers_are_a_year_if_they_can_be_one(words, expected):
    assert symbols(words.split(), "en", has_years=True) == expected


def test_two_written_numbers_are_no_year():
    assert symbols(("19", "84", "plus", "1"), "en") == "19 84 + 1"


@pytest.mark.parametrize(
    ("words", "language", "value"),
    [
        ("5", "en", "5"),
        ("a", "en", "1"),
        ("minus 5", "en", "-5"),
        ("negative 5.5", "en", "-5.5"),
        ("half a", "en", "0.5"),
        ("half of a", "en", "0.5"),
        ("3 quarters of a", "en", "0.75"),
        ("a quarter", "en", "0.25"),
        ("2 1 divided by 2", "en", "2.5"),
        ("2 and 3 quarters", "en", "2.75"),
        ("eine halbe", "de", "0.5"),
        ("ein halber", "de", "0.5"),
        ("3 viertel", "de", "0.75"),
        ("dreiviertel", "de", "0.75"),
    ],
)
def test_an_amount_is_one_number(words, language, value):
    expression = amount(words.split(), language)
    assert expression is not None
    assert evaluate(expression) == Decimal(value)


@pytest.mark.parametrize("words", ["", "the", "10 5", "5 plus 3", "5 percent", "x", "of", "5 of", "minus", "5 a 3"])
def test_what_is_more_or_less_than_one_number_is_no_amount(words):
    assert amount(words.split(), "en") is None


@pytest.mark.parametrize(("pieces", "count"), [("5 + 3", 1), ("- 5", 0), ("5 - - 3", 1), ("( 1 / 2 ) of 3", 2)])
def test_signs_are_no_operators(pieces, count):
    assert count_operators(pieces.split()) == count


@pytest.mark.parametrize("pieces", ["", "5 +", "+ 5", "5 5", "( 5", "5 )", ") 5 (", "% 5", "5 sqrt", "( )", "5 ( 3 )"])
def test_pieces_in_no_order_are_no_sum(pieces):
    assert not is_sum(pieces.split())


WORDS = sorted(spoken_words("en") | {"and", "of", "by", "from", "a", "half", "third", "5", "19", "84", "(", ")", "x"})


@given(st.lists(st.sampled_from(WORDS), max_size=40))
def test_any_words_are_a_sum_or_none(words):
    expression = symbols(words, "en", has_years=True)
    if expression is None:
        return
    try:
        value = evaluate(expression)
    except CalculationError:
        return
    assert value.is_finite()
