"""How dates, times of day and years are read aloud; pure, see ``readings.py``."""

import re
from typing import Final

from protocol.language.reading_tables import SHORT_DAYS, SHORT_MONTHS, ReadingWords

NOON, MONTHS, DAYS, TEN = 12, 12, 31, 10
CENTURY: Final = 100
OLD_YEARS: Final = range(1_010, 2_000)  # the others are read as any number
_TIME: Final = re.compile(
    r"(?<![\w.,:])(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,]\d{1,6})?)?"
    r"(?![\d:]|[.,]\d)(?P<half> ?[AaPp](?:\. ?[Mm]\.|[Mm]\b))?(?P<clock> Uhr\b)?(?P<zulu>Z\b)?"
)
_DOTTED_TIME: Final = re.compile(r"(?<![\w.,:])([01]?\d|2[0-3])\.([0-5]\d)(?= ?(?:Uhr\b|[AaPp]\.?[Mm]\b))")
_HALF_DAY: Final = re.compile(r"(?<![\w.,:])(1[0-2]|0?[1-9]) ?([AaPp])(?:\. ?[Mm]\.|[Mm]\b\.?(?=\s[a-z])|[Mm]\b)")
_TIMES: Final = re.compile(
    r"(?P<first>:[0-5]\d(?: ?[AaPp]\.?[Mm]\b\.?)?(?: Uhr)?|\d ?[AaPp]\.?[Mm]\b\.?)"
    r" ?[-\u2013\u2014] ?(?=\d{1,2}(?::\d\d| ?[AaPp]\.?[Mm]\b)|noon\b|midnight\b)"
)
_ISO: Final = re.compile(
    r"(?<![\w-])(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})(?:[T ](?=\d\d:\d\d)(?P<time>\d\d:\d\d(?::\d\d)?)"
    r"(?:\.\d{1,9})?(?P<zone>Z|[+-]\d\d:?\d\d)?)?(?![\w-])"
)
_SLASHED: Final = re.compile(r"(?<![\w/])(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4}|\d\d)(?![\w/])")
_DOTTED: Final = re.compile(r"(?<![\w.])(?P<d>\d{1,2})\. ?(?P<m>\d{1,2})\. ?(?P<y>\d{4}|\d\d)(?![\w.]\d|\w)")
_DAY_AND_MONTH: Final = re.compile(r"(?<![\w.])(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?!\d)")
_ON_SLASHED: Final = re.compile(r"\b(?P<on>on|by|until|since|from|due) (?P<m>\d{1,2})/(?P<d>\d{1,2})(?![\w/]|[.,]\d)")
_BLANK_YEAR: Final = re.compile(r"(?<![\w.,:/-])(?P<y>1\d[1-9]\d|1[1-9]\d\d)(?![\w:/%-]|[.,]\d)")
_YEARS: Final = re.compile(r"(?<![\w.,:/-])(1[1-9]\d\d|20\d\d) ?[-\u2013] ?(1[1-9]\d\d|20\d\d)(?![\w:/%-]|[.,]\d)")
_DECADE: Final = re.compile(r"(?<![\w.,:/])(?P<century>1[1-9]|20)(?P<ten>\d0)(?:'|\u2019)?s\b")
_SHORT_DECADE: Final = re.compile(
    r"(?:['\u2019]|(?P<before>\b(?:the|his|her|their|my|your|our|early|late|mid)[ -]['\u2019]?))(?P<ten>[1-9]0)s\b"
)
_GERMAN_DECADE: Final = re.compile(r"(?<![\w.,:/])(?P<century>1[1-9]|20)?(?P<ten>[1-9]0)er\b")
_YEAR_BEFORE: Final = (
    re.compile(
        r"(?:\b(?:in|since|until|till|before|after|from|around|about|during|year|by|of|early|late|mid|circa|to|and"
        r"|summer|winter|spring|autumn|fall)|st,|nd,|rd,|th,|,?[A-Z][a-z]{2,8}) $",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:jahre?s?|seit|von|bis|vor|nach|ab|um|anno|sommer|winter|herbst|frühling|und|in"
        r"|januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember) $",
        re.IGNORECASE,
    ),
)
_THINGS: Final = re.compile(r" (?!(?:is|was|has|as|this|its|us|does|vs)\b)[a-z]{2,20}s\b")  # "in 1500 meters"
_YEAR_BEHIND: Final = re.compile(r" (?:AD|CE|BC|BCE|n\. Chr|v\. Chr)\b")
_ORDINAL: Final = re.compile(
    r"(?:(?P<before>\b[^\W\d_]+) )?(?<![\w.,:])(?P<day>\d{1,2})\.(?= ?(?P<next>[A-ZÄÖÜ][\w-]+))"
)
_OBLIQUE: Final = frozenset(
    ["den", "dem", "des", "am", "vom", "zum", "zur", "im", "beim", "bis", "ab", "seit", "diesem", "einem", "jedem"]
)
_OPEN: Final = frozenset(["die", "das", "der"])
ORDINAL_LEADERS: Final = _OBLIQUE | _OPEN | {"ein", "eine", "ihr", "sein", "mein", "dein", "jeder", "unser"}
"""What stands before a number with a full stop, in German, if that is an ordinal: "der 2. Weltkrieg"."""
_BEFORE_DER: Final = re.compile(r"\b(?:in|mit|von|bei|zu|aus|nach|seit|an|auf|während) der $", re.IGNORECASE)


def read_dates(text: str, words: ReadingWords) -> str:
    """Return a text with its dates, times and years in words."""
    text = _written_out(text, words)
    text = _ISO.sub(lambda match: _iso(match, words), text)
    for pattern in (_SLASHED, _DOTTED) if not words.at else (_DOTTED, _DAY_AND_MONTH, _SLASHED):
        text = pattern.sub(lambda match: _date(match, words), text)
    if words.at:
        text = _ORDINAL.sub(lambda match: _german_ordinal(match, words), text)
    else:
        text = _ON_SLASHED.sub(lambda match: _date(match, words), text)
        text = _english_dates(text, words)
    text = _DOTTED_TIME.sub(r"\1:\2", text)
    text = _TIMES.sub(rf"\g<first> {words.signs['to']} ", text)
    text = _TIME.sub(lambda match: _time(match, words), text)
    if not words.at:
        text = _HALF_DAY.sub(lambda match: _half_day(match, words), text)
    return _years(text, words)


def _written_out(text: str, words: ReadingWords) -> str:
    """Return a text without shortened names of months and, in a date or a range, of days."""
    months = SHORT_MONTHS[words.at]
    short = "|".join(sorted(months, key=len, reverse=True))
    name = words.months

    def month(match: re.Match[str]) -> str:
        return name[months[match["month"]] - 1]

    behind = r"(?=,? \d)" if not words.at else r"(?= \d)"
    before = r"(?<=\d )" if not words.at else r"(?<=\d\. )"
    text = re.sub(
        rf"\b(?P<month>{short})\b\.?{behind}|{before}(?P<m>{short})\b\.?(?!\w)",
        lambda match: name[months[match["month"] or match["m"]] - 1],
        text,
    )
    text = re.sub(
        rf"\b(?P<month>{short}) ?[-\u2013] ?(?={short}\b)", lambda match: f"{month(match)} {words.signs['to']} ", text
    )
    text = re.sub(rf"(?<= {words.signs['to']} )(?P<month>{short})\b", month, text)
    days = SHORT_DAYS[words.at]
    day = "|".join(sorted(days, key=len, reverse=True))
    text = re.sub(
        rf"\b(?P<first>{day})\.? ?[-\u2013] ?(?P<last>{day})\b\.?",
        lambda match: f"{days[match['first']]} {words.signs['to']} {days[match['last']]}",
        text,
    )
    text = re.sub(rf"\b(?P<day>{day})\.(?= [a-z])", lambda match: days[match["day"]], text)
    names = "|".join(name)
    return re.sub(
        rf"\b(?P<day>{day})\b\.?(?=, (?:(?:den|der) )?(?:{names}|\d))", lambda match: days[match["day"]], text
    )


def _iso(match: re.Match[str], words: ReadingWords) -> str:
    date = _date(match, words)
    if not match["time"] or date == match[0]:
        return date
    zone = " UTC" if match["zone"] == "Z" else ""
    return f"{date}, {match['time']}{zone}"


def _date(match: re.Match[str], words: ReadingWords) -> str:
    parts = match.groupdict()
    year, month, day = parts.get("y") or "", int(match["m"]), int(match["d"])
    if match.re in {_SLASHED, _ON_SLASHED} and month > MONTHS:
        month, day = day, month
    if not (0 < month <= MONTHS and 0 < day <= DAYS):
        return match[0]
    year = f"20{year}" if len(year) == 2 else year  # noqa: PLR2004 - two digits
    if words.at:
        said = f"{day}. {words.months[month - 1]}"
        return f"{said} {year}" if year else said
    on = f"{parts['on']} " if parts.get("on") else ""
    return f"{on}{words.months[month - 1]} {_numbered(day)}" + (f", {year}" if year else "")


def _numbered(day: int) -> str:
    ending = "th" if day in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def _english_dates(text: str, words: ReadingWords) -> str:
    """Return "November 27" as "November 27th", "27 November 2026" as "November 27th, 2026"."""
    months = "|".join(words.months)
    end = r"(?![\w:/%]|[.,-]\d| (?:percent|people|times|hours|minutes|days|miles))"

    def named(match: re.Match[str]) -> str:
        day = int(match["d"])
        if not 0 < day <= DAYS:
            return match[0]
        year = f", {match['y']}" if match["y"] else ""
        return f"{match['month']} {_numbered(day)}{year}"

    text = re.sub(rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)? (?P<month>{months})(?:,? (?P<y>\d{{4}})(?!\d))?", named, text)
    return re.sub(rf"\b(?P<month>{months}) (?P<d>\d{{1,2}})(?:,? (?P<y>\d{{4}})(?!\d))?{end}", named, text)


def _german_ordinal(match: re.Match[str], words: ReadingWords) -> str:
    """Return "am 3. Mai" as "am dritten Mai", "der 2. Weltkrieg" as "der zweite Weltkrieg"."""
    before, day = match["before"] or "", int(match["day"])
    is_month = match["next"] in words.months
    if not day or (not is_month and before.lower() not in ORDINAL_LEADERS):
        return match[0]
    ordinal = words.ordinal(day)
    leader = before.lower()
    if leader in _OBLIQUE or _BEFORE_DER.search(match.string[: match.start("day")]):
        ordinal += "n"
    elif leader not in _OPEN and leader != "eine":
        ordinal += "r"
    return f"{before} {ordinal}".strip() if before else ordinal


def _time(match: re.Match[str], words: ReadingWords) -> str:
    hour, minute = int(match["hour"]), int(match["minute"])
    zone = " UTC" if match["zulu"] else ""
    if words.at:
        spoken = "ein" if hour == 1 else words.words(hour)
        said = f"{spoken} Uhr {words.words(minute)}" if minute else f"{spoken} Uhr"
        return _with_seconds(said, match, words) + zone
    half = match["half"]
    rest = match["clock"] or ""
    if minute:
        said = f"{words.words(hour)} {'oh ' if minute < TEN else ''}{words.words(minute)}"
    elif half or hour > NOON:
        said = words.words(hour) if half else f"{words.words(hour)} hundred"
    else:
        said = f"{words.words(hour)} o'clock" if hour else "midnight"
    said = _with_seconds(said, match, words)
    return f"{said} {_letters(half)}{zone}" if half else said + rest + zone


def _with_seconds(said: str, match: re.Match[str], words: ReadingWords) -> str:
    second = int(match["second"] or 0)
    if not second:
        return said
    named = words.signs["second" if second == 1 else "seconds"]
    count = "eine" if words.at and second == 1 else words.words(second)
    return f"{said} {words.signs['and seconds'].format(count, named)}"


def _letters(half: str) -> str:
    return half.replace(".", "").replace(" ", "").upper()


def _half_day(match: re.Match[str], words: ReadingWords) -> str:
    """Return "5pm" as "five PM"; the full stop of a sentence stays."""
    is_last = not match.string[match.end() :].strip() and match[0].endswith(".")
    return f"{words.words(int(match[1]))} {match[2].upper()}M{'.' if is_last else ''}"


def _years(text: str, words: ReadingWords) -> str:
    def decade(match: re.Match[str]) -> str:
        groups = match.groupdict()
        century, ten = groups.get("century"), int(match["ten"])
        if words.at:
            said = f"{words.words(ten)}er"
            return f"{words.year(int(century) * CENTURY)}{said}" if century else said
        tens = "hundreds" if not ten else f"{words.words(ten).removesuffix('y')}ies" if ten > TEN else "tens"
        if century == "20" and not ten:
            return "two thousands"
        before = (groups.get("before") or "").rstrip("'\u2019")
        return f"{words.words(int(century))} {tens}" if century else f"{before}{tens}"

    def known(match: re.Match[str]) -> str:
        before, behind = match.string[: match.start()], match.string[match.end() :]
        is_year = (_YEAR_BEFORE[words.at].search(before) or _YEAR_BEHIND.match(behind)) and (
            words.at or not _THINGS.match(behind)
        )
        return _year(match["y"], words) if is_year else match[0]

    text = _YEARS.sub(lambda match: f"{_year(match[1], words)} {words.signs['to']} {_year(match[2], words)}", text)
    for pattern in (_GERMAN_DECADE,) if words.at else (_DECADE, _SHORT_DECADE):
        text = pattern.sub(decade, text)
    return _BLANK_YEAR.sub(known, text)


def _year(digits: str, words: ReadingWords) -> str:
    return words.year(int(digits)).replace("oh-", "oh ") if int(digits) in OLD_YEARS else digits
