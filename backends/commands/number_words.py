"""The words that numbers are made of, by language; tables only. A further language is a further table."""

from collections.abc import Callable, Mapping

import attrs


@attrs.frozen
class NumberWords:
    """How a language counts."""

    small: Mapping[str, int]
    """Words below one hundred, tens included."""
    scales: Mapping[str, int]
    signs: Mapping[str, str]
    joiner: str
    """The word inside "one hundred and five"."""
    point: frozenset[str]
    decimal_comma: bool
    compound: Callable[[str], int | None]
    """The value of a number written as one word, for languages that do so."""


def _english_small() -> dict[str, int]:
    ones = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    words = {word: value for value, word in enumerate([*ones.split(), "seventeen", "eighteen", "nineteen"])}
    tens = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
    return words | {word: 20 + 10 * index for index, word in enumerate(tens)} | {"fourty": 40}


_GERMAN_ONES = {"ein": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9}
_GERMAN_TENS = {
    "zwanzig": 20,
    "dreißig": 30,
    "dreissig": 30,
    "vierzig": 40,
    "fünfzig": 50,
    "sechzig": 60,
    "siebzig": 70,
    "achtzig": 80,
    "neunzig": 90,
}


def _german_small() -> dict[str, int]:
    words = {"null": 0, "eins": 1, "zwo": 2, "zehn": 10, "elf": 11, "zwölf": 12, "sechzehn": 16, "siebzehn": 17}
    words |= {word: value for word, value in _GERMAN_ONES.items() if word != "ein"}
    words |= {f"{word}zehn": 10 + value for word, value in _GERMAN_ONES.items() if value in {3, 4, 5, 8, 9}}
    words |= _GERMAN_TENS
    for one, value in _GERMAN_ONES.items():
        words |= {f"{one}und{ten}": tens + value for ten, tens in _GERMAN_TENS.items()}
    return words


def _german_compound(word: str) -> int | None:
    """Return the value of "zweitausenddreihundertvier"; None if it is no number."""
    for scale, value in (("tausend", 1_000), ("hundert", 100)):
        head, found, tail = word.partition(scale)
        if found:
            count = 1 if head in {"", "ein"} else _german_value(head)
            rest = 0 if tail == "" else _german_value(tail.removeprefix("und"))
            return None if count is None or rest is None else count * value + rest
    return None


def _german_value(word: str) -> int | None:
    return GERMAN.small.get(word) or _german_compound(word) or (1 if word == "eins" else None)


ENGLISH = NumberWords(
    small=_english_small(),
    scales={"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000},
    signs={
        "+": "plus",
        "*": "times",
        "\u00d7": "times",
        "÷": "divided by",
        "/": "divided by",
        "%": "percent",
        "√": "square root of",
        "°": "degrees",
        "€": "euros",
        "$": "dollars",
        "^": "to the power of",
        "\u2212": "minus",
        "-": "minus",
    },
    joiner="and",
    point=frozenset({"point", "dot"}),
    decimal_comma=False,
    compound=lambda _: None,
)
GERMAN = NumberWords(
    small=_german_small(),
    scales={"hundert": 100, "tausend": 1_000, "million": 1_000_000, "millionen": 1_000_000},
    signs={
        "+": "plus",
        "*": "mal",
        "\u00d7": "mal",
        "÷": "geteilt durch",
        "/": "geteilt durch",
        "%": "prozent",
        "√": "wurzel aus",
        "°": "grad",
        "€": "euro",
        "$": "dollar",
        "^": "hoch",
        "\u2212": "minus",
        "-": "minus",
    },
    joiner="und",
    point=frozenset({"komma"}),
    decimal_comma=True,
    compound=_german_compound,
)
LANGUAGES: Mapping[str, NumberWords] = {"en": ENGLISH, "de": GERMAN}
GERMAN_HALVES: Mapping[str, str] = {"anderthalb": "1.5", "eineinhalb": "1.5"} | {
    f"{word}einhalb": f"{value}.5" for word, value in _GERMAN_ONES.items() if value > 1
}
