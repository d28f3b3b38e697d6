"""The words that numbers are made of, by language; tables only. A further language is a further table."""

from collections.abc import Callable, Mapping

import attrs


@attrs.frozen
class Signs:
    """How a language writes numbers and calculations."""

    spoken: Mapping[str, str]
    """Signs and the words that they are read as; none for a sign that is not read."""
    has_decimal_comma: bool
    arithmetic: frozenset[str]
    """Words that show that the brackets beside them belong to a calculation."""


@attrs.frozen
class Decimals:
    """How a language says what is behind the decimal point."""

    point: frozenset[str]
    zeros: frozenset[str]
    """Names of the digit zero that are other words elsewhere."""
    endings: Mapping[tuple[str, ...], str]
    """What may end a whole number, as its decimals: "two and a half"."""
    whole: Mapping[str, str]
    """Single words for a number with decimals: "anderthalb"."""


@attrs.frozen
class NumberWords:
    """How a language counts."""

    small: Mapping[str, int]
    """Words below one hundred, tens included."""
    scales: Mapping[str, int]
    one: frozenset[str]
    """Articles that count one in front of a scale: "a million"."""
    half: frozenset[str]
    """What halves the scale behind it: "half a million"."""
    joiner: str
    """The word inside "one hundred and five"."""
    compound: Callable[[str], int | None]
    """The value of a number written as one word, for languages that do so."""
    decimals: Decimals
    signs: Signs

    def begins(self, word: str) -> bool:
        """Return whether a number may begin with ``word``."""
        counts = word in self.small or word in self.scales or word in self.one or word in self.half
        return counts or word in self.decimals.zeros or word in self.decimals.whole or self.compound(word) is not None


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


_SHARED_SIGNS = {
    "+": "plus",
    **dict.fromkeys("-\u2212\u2013", "minus"),
    **dict.fromkeys("[{", "("),
    **dict.fromkeys("]}", ")"),
}
GERMAN_HALVES: Mapping[str, str] = {"anderthalb": "1.5", "eineinhalb": "1.5"} | {
    f"{word}einhalb": f"{value}.5" for word, value in _GERMAN_ONES.items() if value > 1
}
ENGLISH = NumberWords(
    small=_english_small(),
    scales={
        "dozen": 12,
        "hundred": 100,
        "thousand": 1_000,
        "million": 1_000_000,
        "billion": 1_000_000_000,
        "trillion": 1_000_000_000_000,
    },
    one=frozenset({"a", "an"}),
    half=frozenset({"half"}),
    joiner="and",
    compound=lambda _: None,
    decimals=Decimals(
        point=frozenset({"point", "dot"}),
        zeros=frozenset({"oh", "o", "nought", "naught"}),
        endings={
            ("and", "a", "half"): "5",
            ("and", "one", "half"): "5",
            ("and", "a", "quarter"): "25",
            ("and", "one", "quarter"): "25",
            ("and", "three", "quarters"): "75",
            ("and", "3", "quarters"): "75",
        },
        whole={},
    ),
    signs=Signs(
        spoken={
            **_SHARED_SIGNS,
            **dict.fromkeys(("*", "\u00d7"), "times"),
            **dict.fromkeys(("÷", "/", "\u2044"), "divided by"),
            **dict.fromkeys(("^", "**"), "to the power of"),
            ":": "",  # divides in German only
            "%": "percent",
            "√": "square root of",
            "\u00b2": "squared",
            "\u00b3": "cubed",
            "°": "degrees",
            "€": "euros",
            "$": "dollars",
        },
        has_decimal_comma=False,
        arithmetic=frozenset(
            {"plus", "minus", "times", "divided", "by", "percent", "square", "power", "of", "squared", "cubed"}
        ),
    ),
)
GERMAN = NumberWords(
    small=_german_small(),
    scales={
        "dutzend": 12,
        "hundert": 100,
        "tausend": 1_000,
        **dict.fromkeys(("million", "millionen"), 1_000_000),
        **dict.fromkeys(("milliarde", "milliarden"), 1_000_000_000),
        **dict.fromkeys(("billion", "billionen"), 1_000_000_000_000),
    },
    one=frozenset({"ein", "eine", "einer", "einem", "einen"}),
    half=frozenset({"halbe", "halben", "halb"}),
    joiner="und",
    compound=_german_compound,
    decimals=Decimals(
        point=frozenset({"komma"}),
        zeros=frozenset(),
        endings={("und", "ein", "halb"): "5", ("und", "eine", "halbe"): "5", ("und", "ein", "viertel"): "25"},
        whole=GERMAN_HALVES,
    ),
    signs=Signs(
        spoken={
            **_SHARED_SIGNS,
            **dict.fromkeys(("*", "\u00d7"), "mal"),
            **dict.fromkeys(("÷", "/", "\u2044", ":"), "geteilt durch"),
            **dict.fromkeys(("^", "**"), "hoch"),
            "%": "prozent",
            "√": "wurzel aus",
            "\u00b2": "zum quadrat",
            "\u00b3": "hoch 3",
            "°": "grad",
            "€": "euro",
            "$": "dollar",
        },
        has_decimal_comma=True,
        arithmetic=frozenset(
            {"plus", "minus", "mal", "geteilt", "durch", "prozent", "wurzel", "aus", "hoch", "quadrat"}
        ),
    ),
)
LANGUAGES: Mapping[str, NumberWords] = {"en": ENGLISH, "de": GERMAN}
