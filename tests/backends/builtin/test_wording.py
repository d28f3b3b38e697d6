from decimal import Decimal

import pytest

from backends.builtin.wording import (
    as_sentence,
    count_words,
    duration_in_front,
    duration_words,
    listed,
    number_text,
    plural,
    split_items,
)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (10, "ten seconds"),
        (1, "one second"),
        (90, "one minute and thirty seconds"),
        (3_725, "one hour, two minutes and five seconds"),
        (86_400, "one day"),
        (0.4, "zero seconds"),
        (-3, "zero seconds"),
    ],
)
def test_durations_are_spoken(seconds, expected):
    assert duration_words(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(600, "ten-minute"), (5_400, "one-hour thirty-minute"), (1_500, "twenty-five-minute"), (0.4, "zero-second")],
)
def test_a_duration_in_front_of_a_noun_has_no_plural(seconds, expected):
    assert duration_in_front(seconds) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "zero"), (13, "thirteen"), (20, "twenty"), (42, "forty-two"), (100, "100"), (12_345, "12,345"), (-1, "-1")],
)
def test_small_counts_are_words_and_large_ones_digits(value, expected):
    assert count_words(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("87", ("87", True)),
        ("30.00", ("30", True)),
        ("12.5", ("12.5", True)),
        ("1234567.5", ("1,234,567.5", True)),
        ("3.33333333", ("3.3333", False)),
        ("0.00001", ("1.00e-5", False)),
        ("1E+3", ("1,000", True)),
    ],
)
def test_numbers_are_rounded_for_speech(value, expected):
    assert number_text(Decimal(value)) == expected


def test_lists_end_with_and():
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_counted_nouns_have_a_plural():
    assert [plural(1, "timer"), plural(2, "timer")] == ["one timer", "two timers"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("milk", ["milk"]),
        ("milk, eggs and bread", ["milk", "eggs", "bread"]),
        ("milk, and eggs.", ["milk", "eggs"]),
        ("Brot und Butter", ["Brot", "Butter"]),
        ("sandwich and android", ["sandwich", "android"]),
        (" , ", []),
    ],
)
def test_things_are_taken_apart_at_commas_and_and(text, expected):
    assert split_items(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing can be divided by zero", "Nothing can be divided by zero."),
        ("I may not start rm. Allowed: none.", "I may not start rm. Allowed: none."),
        ("über hundert", "Über hundert."),
        ("which one?", "Which one?"),
        ("", ""),
    ],
)
def test_a_reason_is_told_as_a_sentence(text, expected):
    assert as_sentence(text) == expected
