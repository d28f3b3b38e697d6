"""How English and German calculate in words; tables only, see ``sum_words.py``."""

from collections.abc import Mapping

import attrs

PI = "3.14159265358979323846"


@attrs.frozen
class SumForm:
    """A calculation that begins with a word: "add" A "and" B."""

    begins: tuple[tuple[str, ...], ...]
    between: frozenset[str]
    """What parts its operands."""
    operator: str
    swaps: bool = False
    """Whether the second operand comes first: "subtract 5 from 7"."""
    ends: frozenset[str] = frozenset()
    """What may stand behind it: "zieh 5 von 7 ab"."""
    drops: frozenset[str] = frozenset()
    """Words that mean nothing within it: the "go" of "how many times does 7 go into 49"."""


@attrs.frozen
class SumSurroundings:
    """What stands between and around the operands of a calculation, besides its operators."""

    swapped: tuple[tuple[str, ...], ...]
    """Between two operands of which the second comes first, minus the first: "20 percent off 50"."""
    equals: frozenset[str]
    """What may stand at the end: "7 times 8 equals"."""
    shares: tuple[tuple[str, ...], ...]
    """Between a part and its whole, of which the percentage is asked for: "20 is what percent of 80"."""
    currencies: Mapping[str, str]
    """Each name of a currency with its singular; they are left out where there is one only."""


@attrs.frozen
class SumWords:
    """How a language calculates."""

    phrases: Mapping[tuple[str, ...], str]
    forms: tuple[SumForm, ...]
    around: SumSurroundings
    parts: Mapping[str, int]
    """Names of fractions."""
    one: frozenset[str]
    """Articles that count one."""
    the: frozenset[str]
    """Articles that count one in front of a fraction only: "die Hälfte"."""
    powers: Mapping[str, int]
    """What may follow "to the": "to the third power"."""
    to_the: tuple[str, ...]
    joiner: str
    zero: frozenset[str]
    """The zero in "nineteen oh five"."""


def _phrases(table: Mapping[str, str]) -> Mapping[tuple[str, ...], str]:
    """Return a table of several phrases a row, parted by bars, with each phrase by its words."""
    return {tuple(phrase.split()): sign for phrases, sign in table.items() for phrase in phrases.split("|")}


def _form(begins: str, between: str, operator: str, *, swaps: bool = False, ends: str = "", drops: str = "") -> SumForm:
    words = tuple(tuple(phrase.split()) for phrase in begins.split("|"))
    return SumForm(
        words, frozenset(between.split()), operator, swaps, frozenset(ends.split()), frozenset(drops.split())
    )


_ENGLISH_ORDINALS = "third fourth fifth sixth seventh eighth ninth tenth"
_ENGLISH = SumWords(
    phrases=_phrases(
        {
            "plus|added to|more than": "+",
            "minus|negative|less|take away|subtract": "-",
            "times|multiplied by|multiplied with": "*",
            "divided by|over": "/",
            "percent of|per cent of": "% of",
            "percent tip on|percent tip for|percent tip of": "% of",
            "percent|per cent": "%",
            "mod|modulo|modulus": "mod",
            "factorial": "factorial",
            "pi": PI,
            "the square root of|square root of|the square root|square root|the root of|root of|root": "sqrt",
            "the cube root of|cube root of|the cubic root of|cubic root of": "cbrt",
            "to the power of|to the power|raised to the power of|raised to": "^",
            "squared": "squared",
            "cubed": "cubed",
            "twice|double|two times|the double of": "2 *",
            "triple|thrice": "3 *",
            "open bracket|open brackets|open parenthesis|left bracket|left parenthesis": "(",
            "close bracket|close brackets|close parenthesis|right bracket|right parenthesis": ")",
        }
    ),
    forms=(
        _form("add|add up|the sum of|sum of|sum|the total of|total of", "and to plus with", "+"),
        _form("subtract|take away|take|deduct", "from off", "-", swaps=True),
        _form("the difference between|the difference of|difference between|difference of", "and", "difference"),
        _form("increase", "by", "+"),
        _form("decrease|reduce", "by", "-"),
        _form("multiply|the product of|product of", "by and with times", "*"),
        _form("divide|split|the quotient of|quotient of", "by and over", "/"),
        _form("how many times does|how often does", "into", "/", swaps=True, drops="go goes fit"),
        _form("the remainder of|remainder of|the remainder when|remainder when", "by", "mod", drops="divided is"),
        _form("the average of|average of|the mean of|mean of", "and", "average"),
        _form("what percent of|what percentage of", "is", "share", swaps=True),
        _form("what percent is|what percentage is", "of", "share"),
    ),
    around=SumSurroundings(
        swapped=(("off", "of"), ("off",), ("less", "than"), ("subtracted", "from")),
        equals=frozenset({"equals", "equal"}),
        shares=(("is", "what", "percent", "of"), ("is", "what", "percentage", "of")),
        currencies={
            **dict.fromkeys(("dollar", "dollars", "bucks", "buck"), "dollar"),
            **dict.fromkeys(("euro", "euros"), "euro"),
            **dict.fromkeys(("pound", "pounds", "quid"), "pound"),
            **dict.fromkeys(("cent", "cents"), "cent"),
            "yen": "yen",
        },
    ),
    parts={
        **dict.fromkeys(("half", "halves"), 2),
        **dict.fromkeys(("quarter", "quarters"), 4),
        **{word: 3 + at for at, word in enumerate(_ENGLISH_ORDINALS.split())},
        **{f"{word}s": 3 + at for at, word in enumerate(_ENGLISH_ORDINALS.split())},
        **dict.fromkeys(("twelfth", "twelfths"), 12),
        **dict.fromkeys(("hundredth", "hundredths"), 100),
        **dict.fromkeys(("thousandth", "thousandths"), 1_000),
    },
    one=frozenset({"a", "an"}),
    the=frozenset({"the"}),
    powers={"second": 2, **{word: 3 + at for at, word in enumerate(_ENGLISH_ORDINALS.split())}},
    to_the=("to", "the"),
    joiner="and",
    zero=frozenset({"oh", "o"}),
)
_GERMAN_PARTS = "drittel viertel fünftel sechstel siebtel achtel neuntel zehntel"
_GERMAN = SumWords(
    phrases=_phrases(
        {
            "plus|addiert mit": "+",
            "minus|weniger": "-",
            "mal|multipliziert mit": "*",
            "geteilt durch|dividiert durch|durch": "/",
            "prozent von": "% of",
            "von": "of",
            "prozent": "%",
            "modulo": "mod",
            "fakultät": "factorial",
            "pi": PI,
            "die wurzel aus|wurzel aus|die wurzel von|wurzel von|wurzel": "sqrt",
            "die quadratwurzel aus|quadratwurzel aus|die quadratwurzel von|quadratwurzel von": "sqrt",
            "die kubikwurzel aus|kubikwurzel aus|die kubikwurzel von|kubikwurzel von|dritte wurzel aus": "cbrt",
            "hoch": "^",
            "zum quadrat|im quadrat|quadriert": "squared",
            "das doppelte von|doppelt": "2 *",
            "das dreifache von": "3 *",
            "klammer auf": "(",
            "klammer zu": ")",
        }
    ),
    forms=(
        _form("addiere|die summe aus|die summe von|summe aus|summe von", "und zu mit plus", "+"),
        _form("subtrahiere|ziehe|zieh", "von", "-", swaps=True, ends="ab"),
        _form("die differenz aus|die differenz von|die differenz zwischen|differenz zwischen", "und", "difference"),
        _form("multipliziere|das produkt aus|das produkt von|produkt aus", "mit und", "*"),
        _form("teile|dividiere|der quotient aus", "durch und", "/"),
        _form("wie viel prozent von|wieviel prozent von", "sind ist", "share", swaps=True),
        _form("wie viel prozent sind|wie viel prozent ist|wieviel prozent sind|wieviel prozent ist", "von", "share"),
        _form("der durchschnitt von|durchschnitt von|der mittelwert von|mittelwert von", "und", "average"),
        _form("der rest von|rest von", "durch", "mod", drops="geteilt"),
        _form("wie oft passt|wie oft geht", "in", "/", swaps=True, drops="die"),
    ),
    around=SumSurroundings(
        swapped=(("rabatt", "auf"),),
        equals=frozenset({"gleich", "ergibt"}),
        shares=(("sind", "wie", "viel", "prozent", "von"), ("ist", "wie", "viel", "prozent", "von")),
        currencies={"euro": "euro", "dollar": "dollar", "cent": "cent", "franken": "franken"},
    ),
    parts={
        **dict.fromkeys(("halb", "halbe", "halber", "halbes", "halben", "hälfte"), 2),
        **{word: 3 + at for at, word in enumerate(_GERMAN_PARTS.split())},
        "dreiviertel": 4,
        "hundertstel": 100,
        "tausendstel": 1_000,
    },
    one=frozenset({"ein", "eine", "einen", "einem", "einer"}),
    the=frozenset({"das", "die", "der", "dem"}),
    powers={},
    to_the=(),
    joiner="und",
    zero=frozenset(),
)
LANGUAGES: Mapping[str, SumWords] = {"en": _ENGLISH, "de": _GERMAN}
