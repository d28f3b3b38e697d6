"""How amounts are read aloud: money, measures, ranges, fractions, powers and sums; pure, see ``readings.py``."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Final

from protocol.language.reading_tables import ReadingWords
from protocol.language.unit_tables import MONEY, NEEDS_BLANK, PARTS, PER, SCALES, UNITS, WORDS_AS_WELL

HALF, OUT_OF = 2, frozenset({10, 100})
CENT_DIGITS: Final = 2
_FRACTION_SIGNS: Final = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
_RAISED: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"


def _any(signs: Iterable[str]) -> str:
    return "|".join(re.escape(sign) for sign in sorted(signs, key=len, reverse=True))


_ANY_UNIT: Final = _any(UNITS)
_PER: Final = rf"(?:/ ?(?P<per>{_any(PER.keys() | UNITS.keys())})(?![\w/²³]))?"
_SCALE: Final = rf"(?: ?(?P<scale>{_any(SCALES)})\b\.?)?"
_MINUS: Final = r"(?:(?<![\w.,)\]])(?P<minus>[-\u2212]) ?)?"
_CODES: Final = _any(sign for sign in MONEY if sign.isalpha())
_MARKS: Final = _any(sign for sign in MONEY if not sign.isalpha())
_MARK: Final = r"[$€£¥₹₩₽₺₴₪฿₫₱%°]"
_RANGE: Final = re.compile(
    rf"(?<![\w.,/:-])(?P<sign>{_MARK})?(?P<first>\d[\d.,]{{0,14}}?)(?P<unit> ?[%€°][CF]?|[kKmM]\b|¢)?"
    rf"(?P<dash> ?[-\u2010-\u2014\u2212] ?)(?=(?P<own>{_MARK})?(?P<last>\d[\d.,]{{0,14}})(?!\d*/\d))"
)
_CHAIN: Final = re.compile(r"\d[\d.,]*[-\u2013]\d[\d.,]*(?:[-\u2013]|\w*-\w)")
_FRACTION: Final = re.compile(r"(?<![\w/.,])(?:(\d{1,3})[ -])?(\d{1,3})[/\u2044](\d{1,3})(?![\w/]|[.,]\d)")
_COUNTED: Final = re.compile(
    r"\b(page|step|part|chapter|round|question|slide|level|episode|Seite|Schritt|Teil|Kapitel|Runde|Frage|Folie)"
    r" (\d{1,4})/(\d{1,4})\b",
    re.IGNORECASE,
)
_COUNTED_THINGS: Final = re.compile(r" (?:stars|points|people|users|questions|Sterne|Punkte|Personen)\b")
_FEET: Final = re.compile(r"(?<![\w.])(\d{1,2})(?:'|\u2032|\u2019) ?(\d{1,2}(?:\.\d)?)(?:\"|\u2033|\u201d|'')")
_INCHES: Final = re.compile(
    r"(?<![\w./])(\d{1,3}(?:\.\d)?)(?:\"|\u2033)(?P<noun> (?!wide|tall|long|deep|high|in|of)[a-z])?"
)
_INCHES_BY: Final = re.compile(r"(?<![\w./])(\d{1,3}(?:\.\d)?)\" ?[x\u00d7] ?(\d{1,3}(?:\.\d)?)\"")
_PART_OF_INCH: Final = re.compile(r"(?<=\d/)(\d{1,2})\"")
_POWER: Final = re.compile(
    r"(?:(?<![\w*^.])(?P<base>\d{1,9}(?:\.\d{1,9})?|[a-zA-Z])|(?<=\w)(?P<closed>\)))(?: ?\*\* ?| ?\^ ?)"
    r"(?P<brace>\{)?(?P<exponent>-?(?:\d{1,4}(?:\.\d{1,4})?|[a-z](?![a-z])))(?(brace)\})(?![\w*^])"
)
_RAISED_POWER: Final = re.compile(rf"(?<=[\da-zA-Z)])([{_RAISED}]{{1,5}})(?![\w{_RAISED}])")
_SCIENTIFIC: Final = re.compile(r"(?<![\w.])(\d{1,3}(?:[.,]\d{1,12})?)[eE]([+-]?)(\d{1,3})(?!\w)")
_TIMES: Final = re.compile(r"(?<=[\d)]) ?[*\u00d7\u22c5] ?(?=[\d(])|(?<=\d) x (?=\d)")
_BY: Final = re.compile(r"(?<=\d)[x\u00d7](?=\d)")
_FOLD: Final = re.compile(r"(?<![\w.,])(\d{1,6}(?:[.,]\d{1,3})?)[x\u00d7](?!\w)")
_DIVIDED: Final = re.compile(r"(?<=[\d)]) ?÷ ?(?=[\d(])|(?<=[\d)]) / (?=[\d(])")
_PLUS: Final = re.compile(
    r"(?<=[\w)²³]) \+ (?=[\w(])|(?<=\d)\+(?=\d)|(?<=\b[a-zA-Z])\+(?=\d|[a-zA-Z]\b)|(?<=\bUTC)\+(?=\d)"
    r"|(?<=\bGMT)\+(?=\d)|(?<![\w+])\+(?=\d)|(?<=\d)\+(?![\w+])"
)
_SUBTRACTED: Final = re.compile(r"(?<=[\d)]) ?[-\u2212\u2013] ?(?=[\d(])")
_DIFFERENCE: Final = re.compile(
    r"(?:(?<=\d)|(?<=\b[a-z])) [-\u2212] (?=\d)|(?<=\bUTC)[-\u2212](?=\d)|(?<=\bGMT)[-\u2212](?=\d)"
)
_SCALED: Final = re.compile(r"(?<![\w.,])(\d{1,4}(?:[.,]\d{1,2})?)(k|M|B|bn)(?!\w)")
_NEGATIVE: Final = re.compile(r"(?<![\w.,)\]/-])[-\u2212](?=\d)")
_RATIO: Final = re.compile(r"(?<![\w.,:])(\d{1,4}):(\d{1,4})(?![\w:]|[.,]\d)")
_COMPARED: Final = re.compile(
    r"(?P<between>(?<=[\w)]) ?)?(?P<sign><=|>=|!=|==|=|[<>≤≥≠≈]|(?<!\w)~(?=\d))(?: ?(?=[\w(√-]))"
)
_OTHER_SIGNS: Final = {"<=": "≤", ">=": "≥", "!=": "≠", "==": "=", "~": "≈"}
_BARE_SQUARE: Final = re.compile(r"(?<![\w/])(km|cm|mm|m|ft|mi|in)([²³])(?!\w)")
_LOOSE: Final = re.compile(r"[±√∞]")
_GROUPED: Final = re.compile(
    r"(?<![\w.,])[1-9]\d{0,2}(?:(?P<gap>[ '\u2019])\d{3})(?:(?P=gap)\d{3}){0,4}(?![ '\u2019]?\d)"
)
_HARD_GAPS: Final = re.compile(r"(?<=\d)[\u00a0\u202f\u2009\u2007](?=\d{3}(?!\d))")


def closed_up(text: str, words: ReadingWords) -> str:
    """Return a text with thousands that are parted by narrow blanks, "1'000" and ".5" as they are usually written.

    Before all blanks become one kind.
    """
    text = _HARD_GAPS.sub("'", text)
    point, gap = re.escape(words.point), re.escape(words.thousands)
    text = re.sub(  # "1.234,50" in English
        rf"(?<![\w.,])(\d{{1,3}}(?:{point}\d{{3}}){{1,4}}){gap}(\d{{1,2}})(?![\w.,]\d|\d)",
        lambda match: match[1].replace(words.point, words.thousands) + words.point + match[2],
        text,
    )
    text = _GROUPED.sub(lambda match: _regrouped(match, words), text)
    return re.sub(rf"(?<![\w.,]){re.escape(words.point)}(?=\d)", f"0{words.point}", text)


def _regrouped(match: re.Match[str], words: ReadingWords) -> str:
    groups = re.split(r"[ '\u2019]", match[0])
    is_sure = match["gap"] != " " or len(groups) > HALF or groups[-1] == "000"  # "take 5 500 mg tablets"
    return words.thousands.join(groups) if is_sure else match[0]


def powers(text: str, words: ReadingWords) -> str:
    """Return "2**10" as "two to the power of ten": before Markdown is left out, which has the same signs."""
    return _POWER.sub(lambda match: _power(match["base"] or match["closed"], match["exponent"], words), text)


def _power(base: str, exponent: str, words: ReadingWords) -> str:
    is_negative = exponent.startswith("-")
    said = _figure(exponent.removeprefix("-"), words)
    return words.signs["power"].format(_figure(base, words), f"{words.signs['minus']} {said}" if is_negative else said)


def _figure(text: str, words: ReadingWords) -> str:
    return words.said(text) if text.isdigit() else text.replace(".", words.point) if text[:1].isdigit() else text


def read_amounts(text: str, words: ReadingWords) -> str:
    """Return a text with its amounts in words."""
    text = _fractions_in_digits(text)
    text = _COUNTED.sub(rf"\1 \2 {words.signs['of']} \3", text)
    text = _feet(text, words)
    text = _RANGE.sub(lambda match: _range(match, words), text)
    text = _TIMES.sub(f" {words.signs['times']} ", text)
    text = _BY.sub(f" {words.signs['by']} ", text)
    text = _money(text, words)
    text = _unit_pattern(words).sub(lambda match: _measure(match, words), text)
    text = _after_per(words).sub(lambda match: _per(match[0], words), text)
    text = _FRACTION.sub(lambda match: _fraction(match, words), text)
    return _sums(text, words)


def _fractions_in_digits(text: str) -> str:
    def digits(match: re.Match[str]) -> str:
        gap = " " if match.start() and match.string[match.start() - 1].isdigit() else ""
        return gap + unicodedata.normalize("NFKC", match[0]).replace("\u2044", "/")

    return re.sub(f"[{_FRACTION_SIGNS}]", digits, text)


def _feet(text: str, words: ReadingWords) -> str:
    def both(match: re.Match[str]) -> str:
        signs = words.signs
        foot, inch = (
            signs[one if number == "1" else many]
            for number, one, many in ((match[1], "foot", "feet"), (match[2], "inch", "inches"))
        )
        return f"{words.said(match[1])} {foot} {_figure(match[2], words)} {inch}"

    text = _FEET.sub(both, text)
    text = _INCHES_BY.sub(rf"\1 {words.signs['by']} \2 {words.signs['inches']}", text)
    text = _PART_OF_INCH.sub(rf"\1 {words.signs['inch']}", text)
    if text.count('"') % HALF and "\u2033" not in text:  # an odd one is an inch; of a pair each is a quotation mark
        return _INCHES.sub(
            lambda match: (
                f"{_figure(match[1], words)} "
                f"{words.signs['inch' if match[1] == '1' or match['noun'] else 'inches']}{match['noun'] or ''}"
            ),
            text,
            count=1,
        )
    return text


# --- ranges and sums ------------------------------------------------------------------------------


def _range(match: re.Match[str], words: ReadingWords) -> str:
    """Return "10-20" as "10 to 20", and "10 - 3 = 7" as it is: that is a difference."""
    text, sign, own = match.string, match["sign"] or "", match["own"]
    if _CHAIN.match(text, match.start("first")) and not match["unit"]:
        return match[0]
    is_spaced = match["dash"] != match["dash"].strip() and "\u2013" not in match["dash"]
    first, last = (re.sub(r"\D", "", match[name]) for name in ("first", "last"))
    if "=" in text or (is_spaced and int(first) >= int(last)):
        return match[0]
    if sign and sign != "%" and own is None:  # "$10-20": the sign goes with the last one
        return f"{match['first']} {words.signs['to']} {sign}"
    return f"{sign}{match['first']}{match['unit'] or ''} {words.signs['to']} "


def _sums(text: str, words: ReadingWords) -> str:
    signs = words.signs
    text = _BARE_SQUARE.sub(lambda match: UNITS.get(match[0], ("", ""))[words.at].split("|")[-1] or match[0], text)
    text = _RAISED_POWER.sub(lambda match: _raised(match, words), text)
    text = _SCIENTIFIC.sub(lambda match: _scientific(match, words), text)
    text = _FOLD.sub(lambda match: f"{_figure(match[1], words)} {signs['times']}", text)
    text = _DIVIDED.sub(f" {signs['divided']} ", text)
    text = _PLUS.sub(f" {signs['plus']} ", text)
    difference = _SUBTRACTED if "=" in text else _DIFFERENCE
    text = difference.sub(f" {signs['minus']} ", text)
    text = _NEGATIVE.sub(f"{signs['minus']} ", text)
    text = _SCALED.sub(lambda match: f"{match[1]} {SCALES[match[2]][words.at]}", text)
    text = _RATIO.sub(rf"\1 {signs['ratio']} \2", text)
    text = _COMPARED.sub(lambda match: _compared(match, words), text)
    return _LOOSE.sub(lambda match: f" {signs[match[0]]} ", text)


def _raised(match: re.Match[str], words: ReadingWords) -> str:
    exponent = unicodedata.normalize("NFKC", match[1]).replace("\u2212", "-")
    if exponent in {"2", "3"}:
        return f" {words.signs['squared' if exponent == '2' else 'cubed']}"
    said = _power("", exponent, words).strip()
    return f" {said}"


def _scientific(match: re.Match[str], words: ReadingWords) -> str:
    minus = "-" if match[2] == "-" else ""
    return words.signs["exponent"].format(_figure(match[1], words), _power("10", f"{minus}{int(match[3])}", words))


def _compared(match: re.Match[str], words: ReadingWords) -> str:
    sign = _OTHER_SIGNS.get(match["sign"], match["sign"])
    if match["between"] is not None and match["sign"] != "~":
        return f" {words.signs[sign]} "
    said = words.signs.get(f"first {sign}", "")
    return f" {said} " if said else match[0]


# --- money ----------------------------------------------------------------------------------------


@cache
def _money_patterns(words: ReadingWords) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what has its sign behind, and what has it in front."""
    sign = rf"(?P<sign>(?<!\w)(?:{_CODES})(?!\w)|{_MARKS})"
    end = r"(?![\d/]|[.,]\d)"
    behind = rf"{_MINUS}(?<![\w.,]){words.figure}{_SCALE} ?(?P<sign>{_MARKS}|(?:{_CODES})\b)(?!\d){_PER}"
    front = rf"{_MINUS}(?<![A-Za-z]){sign} ?(?P<inner>[-\u2212])?{words.figure}(?!\d){_SCALE}{_PER}"
    return re.compile(behind), re.compile(front + end.replace("/", "") if end else front)


def _money(text: str, words: ReadingWords) -> str:
    behind, front = _money_patterns(words)
    text = front.sub(lambda match: _price(match, words), text)
    return behind.sub(lambda match: _price(match, words), text)


def _price(match: re.Match[str], words: ReadingWords) -> str:
    inner = match.groupdict().get("inner")
    minus = f"{words.signs['minus']} " if match["minus"] or inner else ""
    per = f" {words.signs['per']} {_per(match['per'], words)}" if match["per"] else ""
    return f"{minus}{_sum_of_money(match, words)}{per}"


def _sum_of_money(match: re.Match[str], words: ReadingWords) -> str:
    names = MONEY[match["sign"]][words.at].split("|")
    part = match["part"] or match["foreign"]
    many = names[0] if words.at else names[1]
    if match["scale"]:
        return f"{words.amount(match)} {_scale(match, words)} {many}"
    if part and (len(part) != CENT_DIGITS or (not words.at and not names[2])):
        return f"{words.amount(match)} {many}"
    count, cents = int(match["whole"].replace(words.thousands, "")), int(part or 0)
    if words.at:
        said = f"{'ein' if count == 1 else words.said(match['whole'])} {names[0]}"
        if cents and not count:
            return f"{words.words(cents)} Cent" if names[0] in {"Euro", "Dollar"} else f"{words.amount(match)} {many}"
        return f"{said} {words.words(cents)}" if cents else said
    small = f"{words.words(cents)} {names[2 if cents == 1 else 3]}"
    if cents and not count:
        return small
    large = f"{words.said(match['whole'])} {names[0 if count == 1 else 1]}"
    return f"{large} and {small}" if cents else large


def _scale(match: re.Match[str], words: ReadingWords) -> str:
    scale = SCALES[match["scale"]][words.at]
    return scale.removesuffix("en") if words.at and words.count(match) == 1 and scale.endswith("ionen") else scale


# --- measures -------------------------------------------------------------------------------------


@cache
def _after_per(words: ReadingWords) -> re.Pattern[str]:
    known = _any(unit for unit in UNITS if unit.isalpha() and unit not in WORDS_AS_WELL)
    return re.compile(rf"(?<=\b{words.signs['per']} )(?:{known})(?!\w)")


@cache
def _unit_pattern(words: ReadingWords) -> re.Pattern[str]:
    plain = _any(unit for unit in UNITS if unit not in WORDS_AS_WELL | NEEDS_BLANK)
    last = _any(WORDS_AS_WELL - NEEDS_BLANK)
    blank = _any(NEEDS_BLANK - WORDS_AS_WELL)
    both = _any(WORDS_AS_WELL & NEEDS_BLANK)
    end = r"(?= ?(?:[.,;:!?)\n]|$)| (?:x|by|und|and) \d)"
    unit = (
        rf"(?: ?(?P<plain>{plain})| (?P<blank>{blank})| ?(?P<word>{last})(?:{end}|(?=/))"
        rf"| (?P<both>{both})(?:{end}|(?=/)))(?![\w²³])"
    )
    return re.compile(rf"{_MINUS}(?<![\w.,]){words.figure}{unit}{_PER}(?!/)(?:\.(?= [a-zäöü]))?")


def _measure(match: re.Match[str], words: ReadingWords) -> str:
    unit = match["plain"] or match["blank"] or match["word"] or match["both"]
    if unit == "m" and re.search(r"\d ?h(?:ours?|rs?)? ?$|hours? $", match.string[: match.start()]):
        unit = "min"  # "2h 30m"
    names = UNITS[unit][words.at].split("|")
    is_one = words.count(match) == 1
    figure = words.amount(match)
    if is_one and words.at:
        figure = "eine" if names[0].partition(" ")[0].endswith("e") else "ein"
    minus = f"{words.signs['minus']} " if match["minus"] else ""
    per = f" {words.signs['per']} {_per(match['per'], words)}" if match["per"] else ""
    stop = "." if unit.endswith(".") and not match.string[match.end() :].strip() else ""
    return f"{minus}{figure} {names[0 if is_one else -1]}{per}{stop}"


def _per(unit: str, words: ReadingWords) -> str:
    return PER[unit][words.at] if unit in PER else UNITS[unit][words.at].split("|")[0]


def _fraction(match: re.Match[str], words: ReadingWords) -> str:
    whole, above, below = match[1], int(match[2]), int(match[3])
    is_counted = below in OUT_OF or _COUNTED_THINGS.match(match.string, match.end()) is not None
    if is_counted and 1 < above <= below and not whole:
        return f"{words.said(match[2])} {words.signs['out of']} {words.said(match[3])}"
    is_improper = below == HALF and above % HALF == 1 and not whole
    if below not in PARTS or not (0 < above < below or is_improper):
        return match[0].replace("/", " ") if below > 1 else match[0]
    one, many, german = PARTS[below]
    if not words.at:
        said = f"{words.words(above)} {one if above == 1 else many}"
        return f"{words.said(whole)} and {said}" if whole else said
    if below == HALF:  # no noun in German
        return (
            f"{'ein' if whole == '1' else words.said(whole)}einhalb"
            if whole
            else "eine halbe"
            if above == 1
            else f"{words.words(above)} halbe"
        )
    said = f"{'ein' if above == 1 else words.words(above)} {german}"
    return f"{words.said(whole)} und {said}" if whole else said
