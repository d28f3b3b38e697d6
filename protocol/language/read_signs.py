"""How addresses, telephone numbers, versions, abbreviations and Roman numbers are read aloud; pure.

See ``readings.py``. Digits that are read one by one become words, so that no later rule takes them for an amount.
"""

import re
from functools import cache
from typing import Final

from protocol.language.reading_tables import (
    ABBREVIATIONS,
    BEFORE_NUMBERS,
    REGNAL,
    REGNAL_TITLES,
    ReadingWords,
    name_set,
)
from protocol.language.unit_tables import PER, UNITS

MAX_ROMAN: Final = 89  # "XC" and above are hardly ever numbers of something
MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 7, 15
IP_PARTS: Final = 4
_MAIL: Final = re.compile(r"(?<![\w.+-])([\w+-]{1,64}(?:\.[\w+-]{1,64}){0,5})@([\w-]{1,63}(?:\.[\w-]{1,63}){1,5})\b")
_MENTION: Final = re.compile(r"(?<![\w@])@(?=\w)")
_HASHTAG: Final = re.compile(r"(?<![\w#&])#(?=[^\W\d_])")
_SHARP: Final = re.compile(r"\b([A-G])#(?!\w)")
_HOST: Final = re.compile(
    r"(?<![\w@.-])(?:[\w-]{1,63}\.){1,4}(?:com|org|net|edu|gov|info|io|ai|app|dev|co|uk|de|at|ch|eu|fr|it|es|nl|us|ca|jp"
    r"|tv|me|biz|int|mil)(?:\.(?:uk|jp|au|nz|br))?(?![\w-]|\.\w)"
)
_DOTTED: Final = re.compile(r"(?<![\w.,])(?P<v>[vV])?(?P<parts>\d{1,5}(?:\.\d{1,5}){2,4})(?![\w]|\.\d)")
_VERSION: Final = re.compile(r"(?<!\w)[vV](?=\d{1,4}(?:\.\d{1,4})?\b)")
_PHONES: Final = (
    re.compile(r"(?<![\w+.,/-])\+\d{1,3}(?:[ ./-]?\(?\d{1,5}\)?){1,6}(?!\w)"),
    re.compile(r"(?<![\w+.,/-])(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[.-]\d{4}(?![\w-])"),
    re.compile(r"(?<![\w+.,/-])1-\d{3}-\d{3}-\d{4}(?![\w-])"),
    re.compile(r"(?<![\w+.,/-])\d{3}-\d{4}(?![\w-]|[.,]\d)"),
    re.compile(r"(?<![\w+.,/-])0\d{1,5}(?:[ /-]{1,3}\d{2,8}){1,5}(?![\w-])"),
    re.compile(r"(?<![\w+.,/-])0\d{6,14}(?![\w-])"),
    re.compile(r"(?<![\w+.,/-])\d{4}(?:[ -]\d{4}){3}(?![\w-])"),
)
_SPELLED: Final = re.compile(
    r"\b(?P<lead>(?:call|dial|phone|pin|code|password|ruf|wähle|notruf|passwort)(?: is| ist|:)? )"
    r"(?P<digits>\d{3,8})(?![\w.,-]\w)",
    re.IGNORECASE,
)
"""What leads to a number that is read digit by digit."""
_FORMULA: Final = re.compile(r"(?<![\w-])(?=[A-Z\d]*\d)(?=(?:[A-Z]\d*){2,4}(?!\w))[A-Z][A-Z\d]{1,6}")
_SUBSCRIPTS: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_WORDS_WITH_STROKE: Final = re.compile(r"(?<![\w/.~:@-])([^\W\d_]{2,20})/([^\W\d_]{2,20})(?![\w/.])")
_ARROW: Final = re.compile(r"(?:\s|^)*(?:<?-{1,3}>|=>|[\u2190-\u21ff\u27f5-\u27ff]|\u2794|\u279c)(?:\s|$)*")
_AND: Final = re.compile(r"\s*&\s*(?=\w)")
_ROMAN: Final = re.compile(
    r"\b(?P<before>[A-ZÄÖÜ][^\W\d_]+)(?P<mid> of \w+)? (?P<roman>[IVXL]{2,8}|I|V|X)\b(?P<dot>\.?)"
)
_BEHIND_NAME: Final = re.compile(r"\.?(?:$|[,;:!?)]| (?:of|was|and|von|war|und|ruled|died|regierte|starb)\b)")
_ROMAN_FORM: Final = re.compile(r"(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_VALUES: Final = {"I": 1, "V": 5, "X": 10, "L": 50}
_SINGLE: Final = name_set(
    "Chapter Part Act Scene Volume Book Section Phase Type Episode Level Stage Kapitel Teil Akt Szene Band Buch"
    " Abschnitt Stufe Artikel Article Mark"
)
"""A single letter behind one of these is a Roman number as well: "Chapter V"."""


def read_signs(text: str, words: ReadingWords) -> str:
    """Return a text with its addresses, numbers that are spelled, abbreviations and signs in words."""
    text = text.translate(_SUBSCRIPTS)
    text = _MAIL.sub(lambda match: _mail(match, words), text)
    text = _HOST.sub(lambda match: _spelled(match[0], words), text)
    for pattern in _PHONES:
        text = pattern.sub(lambda match: _phone(match, words), text)
    text = _SPELLED.sub(lambda match: match["lead"] + _digits(match["digits"], words), text)
    text = _DOTTED.sub(lambda match: _dotted(match, words), text)
    text = _VERSION.sub(f"{words.signs['version']} ", text)
    text = _SHARP.sub(rf"\1 {words.signs['sharp']}", text)
    text = _HASHTAG.sub(f"{words.signs['hashtag']} ", text)
    text = _MENTION.sub(f"{words.signs['at']} ", text)
    text = _saints_and_streets(text, words)
    text = _numbered_pattern(words).sub(lambda match: f"{BEFORE_NUMBERS[words.at][match[1]]} ", text)
    text = _abbreviation_pattern(words).sub(lambda match: _abbreviation(match, words), text)
    text = _ROMAN.sub(lambda match: _roman(match, words), text)
    text = _FORMULA.sub(lambda match: " ".join(match[0]), text)
    text = _WORDS_WITH_STROKE.sub(lambda match: _either(match, words), text)
    text = _ARROW.sub(", ", text).strip(" ,") if _ARROW.search(text) else text
    text = _AND.sub(f" {words.signs['and']} ", text)
    return text.replace("©", f"{words.signs['copyright']} ")


def _spelled(name: str, words: ReadingWords) -> str:
    signs = {".": "dot", "_": "underscore", "-": "dash", "+": "plus"}
    return "".join(f" {words.signs[signs[char]]} " if char in signs else char for char in name)


def _mail(match: re.Match[str], words: ReadingWords) -> str:
    name, host = (" ".join(_spelled(part, words).split()) for part in match.groups())
    return f"{name} {words.signs['at']} {host}"


def _phone(match: re.Match[str], words: ReadingWords) -> str:
    digits = re.sub(r"\D", "", match[0])
    is_whole = match.re not in _PHONES[:1] + _PHONES[4:5] or MIN_PHONE_DIGITS <= len(digits) <= MAX_PHONE_DIGITS
    if not is_whole or re.fullmatch(r"\d{1,2}[ /-]\d{1,2}[ /-]\d{2,4}", match[0]):  # a date
        return match[0]
    groups = [_digits(group, words) for group in re.findall(r"\d+", match[0])]
    return (f"{words.signs['plus']} " if match[0].startswith("+") else "") + ", ".join(groups)


def _digits(group: str, words: ReadingWords) -> str:
    return " ".join(words.words(int(digit)) for digit in group)


def _dotted(match: re.Match[str], words: ReadingWords) -> str:
    """Return a version with "point", an internet address with "dot"; in German a date is left as it is."""
    parts = match["parts"].split(".")
    is_grouped = words.thousands == "." and all(len(part) == 3 for part in parts[1:])  # noqa: PLR2004 - thousands
    is_date = len(parts) == 3 and len(parts[2]) in {2, 4} and int(parts[0]) <= 31 and 0 < int(parts[1]) <= 12  # noqa: PLR2004
    if is_grouped or (is_date and not match["v"]):
        return match[0]
    joint = words.signs["dot" if len(parts) == IP_PARTS else "point"]
    version = f"{words.signs['version']} " if match["v"] else ""
    return version + f" {joint} ".join(parts)


def _saints_and_streets(text: str, words: ReadingWords) -> str:
    if words.at:
        return re.sub(r"(?<=[a-zäöü])str\.(?=$|[\s,;)])", "straße", text)
    text = re.sub(r"(?<=[a-z] )St\.(?=$|[\s,;)])(?! [A-Z])", "Street", text)
    return re.sub(r"\bSt\.? (?=[A-Z])", "Saint ", text)


@cache
def _numbered_pattern(words: ReadingWords) -> re.Pattern[str]:
    known = "|".join(re.escape(sign) for sign in sorted(BEFORE_NUMBERS[words.at], key=len, reverse=True))
    return re.compile(rf"(?<![\w.#&])({known}) ?(?=\d)")


@cache
def _abbreviation_pattern(words: ReadingWords) -> re.Pattern[str]:
    known = "|".join(re.escape(short) for short in sorted(ABBREVIATIONS[words.at], key=len, reverse=True))
    return re.compile(rf"(?<![\w./-])({known})(?=[\s,;:)]|$)")


def _abbreviation(match: re.Match[str], words: ReadingWords) -> str:
    """Return what was shortened; a full stop that ends the sentence as well stays."""
    is_last = match[1].endswith(".") and not match.string[match.end() :].strip()
    return ABBREVIATIONS[words.at][match[1]] + ("." if is_last else "")


def _roman(match: re.Match[str], words: ReadingWords) -> str:
    before, roman = match["before"], match["roman"]
    value = _roman_value(roman)
    titled = match.string[: match.start()].rstrip().rpartition(" ")[2] in REGNAL_TITLES or before in REGNAL_TITLES
    men, women = REGNAL
    is_ruler = titled or before in men | women
    is_single_name = is_ruler and (titled or _BEHIND_NAME.match(match.string, match.end()) is not None)
    if not value or (len(roman) == 1 and before not in _SINGLE and not is_single_name):
        return match[0]
    front = f"{before}{match['mid'] or ''}"
    is_last = not match.string[match.end() :].strip()
    dot = match["dot"] if not words.at or is_last else ""
    if is_ruler:
        if not words.at:
            return f"{front} the {words.ordinal(value)}{dot}"
        article = "die" if before in women else "der"
        return f"{front} {article} {words.ordinal(value).capitalize()}{dot}"
    return f"{front} {words.words(value)}{dot or match['dot']}"


def _roman_value(roman: str) -> int:
    """Return the value of a Roman number; 0 for letters that are none."""
    if not _ROMAN_FORM.fullmatch(roman):
        return 0
    values = [_ROMAN_VALUES[letter] for letter in roman]
    total = sum(
        -value if any(later > value for later in values[at + 1 : at + 2]) else value for at, value in enumerate(values)
    )
    return total if total <= MAX_ROMAN else 0


def _either(match: re.Match[str], words: ReadingWords) -> str:
    first, last = match.groups()
    if first in UNITS and (last in UNITS or last in PER):
        return match[0]
    if first in UNITS or first.isupper() or last.isupper():
        return f"{first} {last}"
    if first.endswith(("s", "en")) and (last in PER or last in UNITS):
        per = PER[last][words.at] if last in PER else UNITS[last][words.at].partition("|")[0]
        return f"{first} {words.signs['per']} {per}"
    if first.lower() in {"and", "und"}:
        return f"{first} {last}"
    return f"{first} {words.signs['or']} {last}"
