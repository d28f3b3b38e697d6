"""The words around numbers by language, for what text2num does not read; tables only.

A language of text2num without a table of its own has its whole numbers and decimals read, and nothing else.
"""

from collections.abc import Mapping

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

    @property
    def lasts(self) -> frozenset[str]:
        """Last words of a number with decimals; a scale behind them multiplies it."""
        return frozenset(self.whole).union(ending[-1] for ending in self.endings)


@attrs.frozen
class NumberWords:
    """How a language counts."""

    small: frozenset[str]
    """Words below one hundred, tens included."""
    scales: Mapping[str, int]
    one: frozenset[str]
    """Articles that count one in front of a scale: "a million"."""
    counted_one: str
    """The number that such an article stands for."""
    half: frozenset[str]
    """What halves the scale behind it: "half a million"."""
    joiner: str
    """The word inside "one hundred and five"."""
    decimals: Decimals
    signs: Signs
    starters: frozenset[str] = attrs.field(init=False)
    """What a number may begin with besides figures."""

    @starters.default
    def _starters(self) -> frozenset[str]:
        return self.one | self.half | self.decimals.zeros | frozenset(self.decimals.whole)


_ENGLISH_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty"),
    *("forty", "fourty", "fifty", "sixty", "seventy", "eighty", "ninety"),
)
_GERMAN_ONES = ("ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
_GERMAN_TENS = ("zwanzig", "dreißig", "dreissig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")
_GERMAN_SMALL = (
    *("null", "eins", "zwo", *_GERMAN_ONES[1:], "zehn", "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn"),
    *("sechzehn", "siebzehn", "achtzehn", "neunzehn", *_GERMAN_TENS),
    *(f"{one}und{ten}" for one in _GERMAN_ONES for ten in _GERMAN_TENS),
)
_SHARED_SIGNS = {
    "+": "plus",
    **dict.fromkeys("-\u2212\u2013", "minus"),
    **dict.fromkeys("[{", "("),
    **dict.fromkeys("]}", ")"),
}
GERMAN_HALVES: Mapping[str, str] = {"anderthalb": "1.5", "eineinhalb": "1.5"} | {
    f"{word}einhalb": f"{value}.5" for value, word in enumerate(_GERMAN_ONES[1:], 2)
}
ENGLISH = NumberWords(
    small=frozenset(_ENGLISH_SMALL),
    scales={
        "dozen": 12,
        "hundred": 100,
        "thousand": 1_000,
        "million": 1_000_000,
        "billion": 1_000_000_000,
        "trillion": 1_000_000_000_000,
    },
    one=frozenset({"a", "an"}),
    counted_one="one",
    half=frozenset({"half"}),
    joiner="and",
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
    small=frozenset(_GERMAN_SMALL),
    scales={
        "dutzend": 12,
        "hundert": 100,
        "tausend": 1_000,
        **dict.fromkeys(("million", "millionen"), 1_000_000),
        **dict.fromkeys(("milliarde", "milliarden"), 1_000_000_000),
        **dict.fromkeys(("billion", "billionen"), 1_000_000_000_000),
    },
    one=frozenset({"ein", "eine", "einer", "einem", "einen"}),
    counted_one="ein",
    half=frozenset({"halbe", "halben", "halb"}),
    joiner="und",
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
_OTHERS = NumberWords(
    small=frozenset(),
    scales={},
    one=frozenset(),
    counted_one="",
    half=frozenset(),
    joiner="",
    decimals=Decimals(point=frozenset(), zeros=frozenset(), endings={}, whole={}),
    signs=Signs(spoken={}, has_decimal_comma=True, arithmetic=frozenset()),
)
LANGUAGES: Mapping[str, NumberWords] = {
    "en": ENGLISH,
    "de": GERMAN,
    **dict.fromkeys(("da", "es", "fr", "it", "nl", "pt"), _OTHERS),
}
