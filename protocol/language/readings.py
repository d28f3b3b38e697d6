"""How written figures are read aloud: times, money, fractions, dates, units and powers; pure.

Rules kept here:

* Only what a speech synthesiser reads wrongly is rewritten; a plain number stays in digits.
* English and German have rules; in another language the text stays as it is.
* Every repetition in a pattern is bounded, so that no text makes matching slow.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import attrs

from protocol.language.german import MONTHS as GERMAN_MONTHS
from protocol.language.languages import primary
from protocol.language.numerals import number_in_words

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
    "December",
)
HUNDRED, NOON = 100, 12

_UNITS: Final[Mapping[str, tuple[str, str]]] = {
    "km/h": ("kilometer per hour|kilometers per hour", "Kilometer pro Stunde"),
    "kph": ("kilometer per hour|kilometers per hour", "Kilometer pro Stunde"),
    "m/s": ("meter per second|meters per second", "Meter pro Sekunde"),
    "mph": ("mile per hour|miles per hour", "Meilen pro Stunde"),
    "MB/s": ("megabyte per second|megabytes per second", "Megabyte pro Sekunde"),
    "Mbit/s": ("megabit per second|megabits per second", "Megabit pro Sekunde"),
    "Mbps": ("megabit per second|megabits per second", "Megabit pro Sekunde"),
    "Gbit/s": ("gigabit per second|gigabits per second", "Gigabit pro Sekunde"),
    "l/100 km": ("liter per hundred kilometers|liters per hundred kilometers", "Liter auf hundert Kilometer"),
    "°C": ("degree Celsius|degrees Celsius", "Grad Celsius"),
    "℃": ("degree Celsius|degrees Celsius", "Grad Celsius"),
    "°F": ("degree Fahrenheit|degrees Fahrenheit", "Grad Fahrenheit"),
    "℉": ("degree Fahrenheit|degrees Fahrenheit", "Grad Fahrenheit"),
    "°": ("degree|degrees", "Grad"),
    "km²": ("square kilometer|square kilometers", "Quadratkilometer"),
    "m²": ("square meter|square meters", "Quadratmeter"),
    "m³": ("cubic meter|cubic meters", "Kubikmeter"),
    "km": ("kilometer|kilometers", "Kilometer"),
    "cm": ("centimeter|centimeters", "Zentimeter"),
    "mm": ("millimeter|millimeters", "Millimeter"),
    "m": ("meter|meters", "Meter"),
    "ft": ("foot|feet", "Fuß"),
    "mi": ("mile|miles", "Meilen"),
    "kg": ("kilogram|kilograms", "Kilogramm"),
    "mg": ("milligram|milligrams", "Milligramm"),
    "g": ("gram|grams", "Gramm"),
    "lb": ("pound|pounds", "Pfund"),
    "lbs": ("pound|pounds", "Pfund"),
    "oz": ("ounce|ounces", "Unzen"),
    "ml": ("milliliter|milliliters", "Milliliter"),
    "mL": ("milliliter|milliliters", "Milliliter"),
    "l": ("liter|liters", "Liter"),
    "L": ("liter|liters", "Liter"),
    "kWh": ("kilowatt hour|kilowatt hours", "Kilowattstunden"),
    "kW": ("kilowatt|kilowatts", "Kilowatt"),
    "MW": ("megawatt|megawatts", "Megawatt"),
    "W": ("watt|watts", "Watt"),
    "V": ("volt|volts", "Volt"),
    "GHz": ("gigahertz|gigahertz", "Gigahertz"),
    "MHz": ("megahertz|megahertz", "Megahertz"),
    "kHz": ("kilohertz|kilohertz", "Kilohertz"),
    "Hz": ("hertz|hertz", "Hertz"),
    "TB": ("terabyte|terabytes", "Terabyte"),
    "GB": ("gigabyte|gigabytes", "Gigabyte"),
    "MB": ("megabyte|megabytes", "Megabyte"),
    "kB": ("kilobyte|kilobytes", "Kilobyte"),
    "KB": ("kilobyte|kilobytes", "Kilobyte"),
    "hPa": ("hectopascal|hectopascals", "Hektopascal"),
    "dB": ("decibel|decibels", "Dezibel"),
    "h": ("hour|hours", "Stunde|Stunden"),
    "hrs": ("hour|hours", "Stunden"),
    "min": ("minute|minutes", "Minute|Minuten"),
    "mins": ("minute|minutes", "Minuten"),
    "sec": ("second|seconds", "Sekunde|Sekunden"),
    "ms": ("millisecond|milliseconds", "Millisekunden"),
}
"""By their signs: English words, German words; one and many where they differ."""
_MONEY: Final[Mapping[str, tuple[str, str]]] = {
    "$": ("dollar|dollars|cent|cents", "Dollar"),
    "€": ("euro|euros|cent|cents", "Euro"),
    "£": ("pound|pounds|penny|pence", "Pfund"),
    "¥": ("yen|yen||", "Yen"),
}
_PARTS: Final[Mapping[int, tuple[str, str, str]]] = {
    2: ("half", "halves", "halbe"),
    3: ("third", "thirds", "Drittel"),
    4: ("quarter", "quarters", "Viertel"),
    5: ("fifth", "fifths", "Fünftel"),
    6: ("sixth", "sixths", "Sechstel"),
    8: ("eighth", "eighths", "Achtel"),
    10: ("tenth", "tenths", "Zehntel"),
    16: ("sixteenth", "sixteenths", "Sechzehntel"),
}
_SIGNS: Final = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3", "⅛": "1/8"}

_ANY_UNIT: Final = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_TIME: Final = re.compile(
    r"(?<![\w.,:])([01]?\d|2[0-3]):([0-5]\d)(?![\d:]|[.,]\d)(?P<half> ?[AaPp](?:\.[Mm]\.|[Mm]\b))?(?P<hour> Uhr\b)?"
)
_NUMBER_EN: Final = r"\d{1,3}(?:,\d{3}){1,4}|\d{1,15}"
_NUMBER_DE: Final = r"\d{1,3}(?:\.\d{3}){1,4}|\d{1,15}"
_SCALE: Final = r"(?: (?P<scale>thousand|million|billion|trillion|Millionen|Million|Milliarden|Milliarde)\b)?"
_FRACTION: Final = re.compile(r"(?<![\w/.,])(?:(\d{1,3})(?: |(?=\d/\d)))?(\d{1,2})/(\d{1,2})(?![\w/]|[.,]\d)")
_ISO_DATE: Final = re.compile(r"(?<![\w-])(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})(?![\w-])")
_SLASHED: Final = re.compile(r"(?<![\w/])(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})(?![\w/])")
_DOTTED: Final = re.compile(r"(?<![\w.])(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})(?!\w)")
_POWER: Final = re.compile(r"(?<![\w*^.])(\d{1,9}|[a-z])(?:\*\*|\^| \*\* | \^ )(-?\d{1,4})(?![\w*^])")
_SQUARED: Final = re.compile(r"(?<=[\da-z])([²³])(?!\w)")
_TIMES: Final = re.compile(r"(?<=\d) ?[*\u00d7] ?(?=\d)")
_DIVIDED: Final = re.compile(r"(?<=\d) ?÷ ?(?=\d)")
_MAIL: Final = re.compile(r"(?<![\w.+-])([\w+-]{1,64}(?:\.[\w+-]{1,64}){0,5})@([\w-]{1,63}(?:\.[\w-]{1,63}){1,5})\b")


@attrs.frozen
class _LanguageReader:
    """One language's rules."""

    number: str
    """A pattern for whole numbers with their separators."""
    thousands: str
    point: str
    words: Callable[[int], str]
    language: int
    """Which of the words in the tables."""
    signs: Mapping[str, str]
    """What signs are called."""

    def read(self, text: str) -> str:
        """Return ``text`` as it is read aloud."""
        text = _MAIL.sub(self._mail, text)
        for pattern in (_ISO_DATE, _SLASHED, _DOTTED):
            text = pattern.sub(self._date, text)
        text = _TIME.sub(self._time, text)
        text = self._amounts(text)
        text = self._units(text)
        text = _FRACTION.sub(self._fraction, re.sub(f"[{''.join(_SIGNS)}]", _sign, text))
        text = _SQUARED.sub(lambda match: f" {self.signs['squared'] if match[1] == '²' else self.signs['cubed']}", text)
        text = _TIMES.sub(f" {self.signs['times']} ", text)
        return _DIVIDED.sub(f" {self.signs['divided']} ", text)

    def powers(self, text: str) -> str:
        """Return "2**10" as "two to the power of ten": before Markdown is left out, which has the same signs."""
        return _POWER.sub(lambda match: self.signs["power"].format(self._base(match[1]), self._signed(match[2])), text)

    def _base(self, text: str) -> str:
        return self._said(text) if text.isdigit() else text

    def _signed(self, text: str) -> str:
        return f"{self.signs['minus']} {self._said(text[1:])}" if text.startswith("-") else self._said(text)

    def _said(self, digits: str) -> str:
        """Return a small whole number in words, another one as it is written."""
        plain = digits.replace(self.thousands, "")
        return self.words(int(plain)) if int(plain) < HUNDRED and plain == digits else digits

    def _mail(self, match: re.Match[str]) -> str:
        name, host = (part.replace(".", f" {self.signs['dot']} ") for part in match.groups())
        return f"{name} {self.signs['at']} {host}"

    def _date(self, match: re.Match[str]) -> str:
        year, month, day = (int(match[name]) for name in "ymd")
        if match.re is _SLASHED and month > NOON:
            month, day = day, month
        if not (0 < month <= NOON and 0 < day <= 31):  # noqa: PLR2004 - days of a month
            return match[0]
        if self.language:
            return f"{day}. {GERMAN_MONTHS[month - 1]} {year}"
        return f"{_MONTHS[month - 1]} {day}{_ending(day)}, {year}"

    def _time(self, match: re.Match[str]) -> str:
        hour, minute = int(match[1]), int(match[2])
        if self.language:
            spoken = "ein" if hour == 1 else self.words(hour)
            return f"{spoken} Uhr {self.words(minute)}" if minute else f"{spoken} Uhr"
        half = match["half"]
        rest = match["hour"] or ""
        if minute:
            said = f"{self.words(hour)} {'oh ' if minute < 10 else ''}{self.words(minute)}"  # noqa: PLR2004
        elif half or hour > NOON:
            said = self.words(hour) if half else f"{self.words(hour)} hundred"
        else:
            said = f"{self.words(hour)} o'clock" if hour else "midnight"
        return f"{said} {half.replace('.', '').strip().upper()}" if half else said + rest

    def _amounts(self, text: str) -> str:
        sign, point = f"(?P<sign>[{''.join(_MONEY)}])", re.escape(self.point)
        figure = rf"(?P<whole>{self.number})(?:{point}(?P<part>\d{{1,4}}))?(?![\d/]|{point}\d)"
        text = re.sub(rf"(?<![\w.,{''.join(_MONEY)}]){figure}{_SCALE} ?{sign}(?!\d)", self._money, text)
        return re.sub(rf"(?:\bUS)?{sign} ?{figure}{_SCALE}", self._money, text)

    def _money(self, match: re.Match[str]) -> str:
        whole, part, scale = match["whole"], match["part"], match["scale"]
        names = _MONEY[match["sign"]][self.language].split("|")
        if scale or (part and len(part) != 2):  # noqa: PLR2004 - cents have two digits
            figure = f"{whole}{self.point}{part}" if part else self._said(whole)
            return " ".join(word for word in (figure, scale, names[-1 if self.language else 1]) if word)
        count, cents = int(whole.replace(self.thousands, "")), int(part or 0)
        if self.language:
            said = f"{'ein' if count == 1 else self._said(whole)} {names[0]}"
            return f"{said} {self.words(cents)}" if cents else said
        small = f"{self.words(cents)} {names[2 if cents == 1 else 3]}"
        if cents and not count:
            return small
        large = f"{self._said(whole)} {names[0 if count == 1 else 1]}"
        return f"{large} and {small}" if cents else large

    def _units(self, text: str) -> str:
        point = re.escape(self.point)
        figure = rf"(?P<whole>{self.number})(?P<part>{point}\d{{1,9}})?"
        text = re.sub(
            rf"(?<=\d) ?[-\u2013] ?(?={figure} ?(?:{_ANY_UNIT})(?![\w/²³]))",
            f" {self.signs['to']} ",
            text,
            flags=re.ASCII,
        )
        return re.sub(
            rf"(?P<minus>(?<![\w.,])[-\u2212])?(?<![\w.,]){figure} ?(?P<unit>{_ANY_UNIT})(?![\w/²³])",
            self._measure,
            text,
        )

    def _measure(self, match: re.Match[str]) -> str:
        names = _UNITS[match["unit"]][self.language].split("|")
        figure = f"{match['whole']}{match['part']}" if match["part"] else self._said(match["whole"])
        is_one = match["whole"] == "1" and not match["part"]
        if is_one and self.language:
            figure = "eine" if names[0].endswith("e") else "ein"
        minus = f"{self.signs['minus']} " if match["minus"] else ""
        return f"{minus}{figure} {names[0 if is_one else -1]}"

    def _fraction(self, match: re.Match[str]) -> str:
        whole, above, below = match[1], int(match[2]), int(match[3])
        if below not in _PARTS or not 0 < above < below:
            return match[0].replace("/", " ") if below > 1 else match[0]
        one, many, german = _PARTS[below]
        if not self.language:
            said = f"{self.words(above)} {one if above == 1 else many}"
            return f"{self._said(whole)} and {said}" if whole else said
        if below == 2:  # noqa: PLR2004 - no noun in German
            return f"{self._said(whole)}einhalb" if whole else "eine halbe"
        said = f"{'ein' if above == 1 else self.words(above)} {german}"
        return f"{self._said(whole)} und {said}" if whole else said


def _sign(match: re.Match[str]) -> str:
    is_behind_digit = match.start() > 0 and match.string[match.start() - 1].isdigit()
    return f"{' ' if is_behind_digit else ''}{_SIGNS[match[0]]}"


def _ending(day: int) -> str:
    return "th" if day in {11, 12, 13} else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


_READERS: Final[Mapping[str, _LanguageReader]] = {
    "en": _LanguageReader(
        number=_NUMBER_EN,
        thousands=",",
        point=".",
        words=partial(number_in_words, language="en"),
        language=0,
        signs={
            "minus": "minus",
            "to": "to",
            "times": "times",
            "divided": "divided by",
            "power": "{} to the power of {}",
            "squared": "squared",
            "cubed": "cubed",
            "at": "at",
            "dot": "dot",
        },
    ),
    "de": _LanguageReader(
        number=_NUMBER_DE,
        thousands=".",
        point=",",
        words=partial(number_in_words, language="de"),
        language=1,
        signs={
            "minus": "minus",
            "to": "bis",
            "times": "mal",
            "divided": "geteilt durch",
            "power": "{} hoch {}",
            "squared": "Quadrat",
            "cubed": "hoch drei",
            "at": "ät",
            "dot": "Punkt",
        },
    ),
}


def read_aloud(text: str, language: str) -> str:
    """Return ``text`` without Markdown as it is read aloud in ``language`` ("en", "de-AT")."""
    reader = _READERS.get(primary(language))
    return text if reader is None else reader.read(text)


def powers_aloud(text: str, language: str) -> str:
    """Return ``text`` with its powers in words; the rest may still be Markdown."""
    reader = _READERS.get(primary(language))
    return text if reader is None else reader.powers(text)
