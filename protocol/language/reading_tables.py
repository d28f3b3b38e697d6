"""Words for what is written with signs and figures, in English and German; tables only, see ``readings.py``."""

import re
from collections.abc import Mapping
from typing import Final

import attrs

from protocol.language.german import MONTHS as GERMAN_MONTHS
from protocol.language.numerals import number_in_words, ordinal_in_words, year_in_words

HUNDRED: Final = 100
SHORT: Final = 3  # letters of a shortened name


def name_set(names: str) -> frozenset[str]:
    """Return words parted by blanks as a set."""
    return frozenset(names.split())


ENGLISH_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
    "December",
)
SHORT_MONTHS: Final[tuple[Mapping[str, int], Mapping[str, int]]] = (
    {name[:3]: at for at, name in enumerate(ENGLISH_MONTHS, 1) if len(name) > SHORT} | {"Sept": 9},
    {name[:3]: at for at, name in enumerate(GERMAN_MONTHS, 1) if len(name) > SHORT} | {"Sept": 9, "Mrz": 3},
)
SHORT_DAYS: Final[tuple[Mapping[str, str], Mapping[str, str]]] = (
    {
        "Mon": "Monday",
        "Tue": "Tuesday",
        "Tues": "Tuesday",
        "Wed": "Wednesday",
        "Thu": "Thursday",
        "Thurs": "Thursday",
        "Fri": "Friday",
        "Sat": "Saturday",
        "Sun": "Sunday",
    },
    {
        "Mo": "Montag",
        "Di": "Dienstag",
        "Mi": "Mittwoch",
        "Do": "Donnerstag",
        "Fr": "Freitag",
        "Sa": "Samstag",
        "So": "Sonntag",
    },
)

ABBREVIATIONS: Final[tuple[Mapping[str, str], Mapping[str, str]]] = (
    {
        "Dr.": "Doctor",
        "Mr.": "Mister",
        "Mrs.": "Missus",
        "Ms.": "Miz",
        "Prof.": "Professor",
        "Gen.": "General",
        "Capt.": "Captain",
        "Lt.": "Lieutenant",
        "Sgt.": "Sergeant",
        "Col.": "Colonel",
        "Gov.": "Governor",
        "Sen.": "Senator",
        "Rev.": "Reverend",
        "Mt.": "Mount",
        "Ft.": "Fort",
        "Jr.": "Junior",
        "Sr.": "Senior",
        "Ave.": "Avenue",
        "Blvd.": "Boulevard",
        "Rd.": "Road",
        "Hwy.": "Highway",
        "Apt.": "Apartment",
        "approx.": "approximately",
        "dept.": "department",
        "vs.": "versus",
        "vs": "versus",
        "e.g.": "for example",
        "i.e.": "that is",
        "cf.": "compare",
        "w/o": "without",
        "w/": "with",
        "a.k.a.": "also known as",
        "max.": "maximum",
        "incl.": "including",
        "excl.": "excluding",
        "misc.": "miscellaneous",
    },
    {
        "Dr.": "Doktor",
        "Prof.": "Professor",
        "Hr.": "Herr",
        "Hrn.": "Herrn",
        "Fr.": "Frau",
        "St.": "Sankt",
        "Str.": "Straße",
        "z. B.": "zum Beispiel",
        "z.B.": "zum Beispiel",
        "d. h.": "das heißt",
        "d.h.": "das heißt",
        "u. a.": "unter anderem",
        "u.a.": "unter anderem",
        "bzw.": "beziehungsweise",
        "ca.": "circa",
        "Ca.": "Circa",
        "etwa.": "etwa",
        "vgl.": "vergleiche",
        "ggf.": "gegebenenfalls",
        "evtl.": "eventuell",
        "inkl.": "inklusive",
        "exkl.": "exklusive",
        "zzgl.": "zuzüglich",
        "max.": "maximal",
        "mind.": "mindestens",
        "Tel.": "Telefon",
        "Mio.": "Millionen",
        "Mrd.": "Milliarden",
        "Tsd.": "tausend",
        "v. Chr.": "vor Christus",
        "n. Chr.": "nach Christus",
        "v.Chr.": "vor Christus",
        "Jh.": "Jahrhundert",
        "n.Chr.": "nach Christus",
        "sog.": "sogenannte",
        "usw.": "und so weiter",
        "u.s.w.": "und so weiter",
        "z. T.": "zum Teil",
        "z.T.": "zum Teil",
        "i. d. R.": "in der Regel",
        "o. ä.": "oder ähnlich",
    },
)
BEFORE_NUMBERS: Final[tuple[Mapping[str, str], Mapping[str, str]]] = (
    {
        "No.": "number",
        "no.": "number",
        "Nos.": "numbers",
        "Nr.": "number",
        "#": "number",
        "№": "number",
        "§": "section",
        "p.": "page",
        "pp.": "pages",
        "Fig.": "figure",
        "fig.": "figure",
        "Vol.": "volume",
        "vol.": "volume",
        "ch.": "chapter",
        "Ch.": "chapter",
        "Art.": "article",
    },
    {
        "Nr.": "Nummer",
        "No.": "Nummer",
        "#": "Nummer",
        "№": "Nummer",
        "§": "Paragraf",
        "S.": "Seite",
        "Abb.": "Abbildung",
        "Bd.": "Band",
        "Kap.": "Kapitel",
        "Art.": "Artikel",
        "Abs.": "Absatz",
    },
)

REGNAL: Final[tuple[frozenset[str], frozenset[str]]] = (
    name_set(
        "Henry Louis Charles George James Edward William Richard John Paul Benedict Pius Leo Gregory Innocent Clement"
        " Urban Frederick Philip Peter Nicholas Alexander Napoleon Wilhelm Ludwig Friedrich Karl Heinrich Otto Franz"
        " Joseph Georg Philipp Johannes Benedikt Nikolaus Harald Gustav Ramses Ferdinand Carl Felipe Juan Albert"
        " Leopold Umberto Christian Oscar Haakon Robert"
    ),
    name_set(
        "Elizabeth Elisabeth Mary Maria Catherine Katharina Margaret Margrethe Isabella Theresia Anna Cleopatra"
        " Kleopatra Beatrix Christina"
    ),
)
"""Names of rulers and popes, of men and of women: a Roman number behind one is an ordinal."""
REGNAL_TITLES: Final = frozenset(
    ["King", "Queen", "Pope", "Emperor", "Tsar", "Prince", "Kaiser", "König", "Papst", "Zar", "Fürst"]
)

SIGNS: Final[tuple[Mapping[str, str], Mapping[str, str]]] = (
    {
        "minus": "minus",
        "plus": "plus",
        "to": "to",
        "ratio": "to",
        "times": "times",
        "divided": "divided by",
        "by": "by",
        "per": "per",
        "power": "{} to the power of {}",
        "exponent": "{} times {}",
        "squared": "squared",
        "cubed": "cubed",
        "at": "at",
        "dot": "dot",
        "point": "point",
        "underscore": "underscore",
        "dash": "dash",
        "and": "and",
        "or": "or",
        "of": "of",
        "out of": "out of",
        "about": "about",
        "over": "over",
        "version": "version",
        "hashtag": "hashtag",
        "sharp": "sharp",
        "copyright": "copyright",
        "=": "equals",
        "≈": "is about",
        "≠": "does not equal",
        "≤": "is at most",
        "≥": "is at least",
        "<": "is less than",
        ">": "is greater than",
        "first <": "less than",
        "first >": "more than",
        "first ≤": "at most",
        "first ≥": "at least",
        "first ≈": "about",
        "±": "plus or minus",
        "√": "square root of",
        "∞": "infinity",
        "feet": "feet",
        "foot": "foot",
        "inches": "inches",
        "inch": "inch",
        "and seconds": "and {} {}",
        "second": "second",
        "seconds": "seconds",
    },
    {
        "minus": "minus",
        "plus": "plus",
        "to": "bis",
        "ratio": "zu",
        "times": "mal",
        "divided": "geteilt durch",
        "by": "mal",
        "per": "pro",
        "power": "{} hoch {}",
        "exponent": "{} mal {}",
        "squared": "Quadrat",
        "cubed": "hoch drei",
        "at": "ät",
        "dot": "Punkt",
        "point": "Punkt",
        "underscore": "Unterstrich",
        "dash": "Bindestrich",
        "and": "und",
        "or": "oder",
        "of": "von",
        "out of": "von",
        "about": "etwa",
        "over": "durch",
        "version": "Version",
        "hashtag": "Hashtag",
        "sharp": "sharp",
        "copyright": "Copyright",
        "=": "ist gleich",
        "≈": "ist etwa",
        "≠": "ist ungleich",
        "≤": "ist höchstens",
        "≥": "ist mindestens",
        "<": "ist kleiner als",
        ">": "ist größer als",
        "first <": "weniger als",
        "first >": "mehr als",
        "first ≤": "höchstens",
        "first ≥": "mindestens",
        "first ≈": "etwa",
        "±": "plus oder minus",
        "√": "Wurzel aus",
        "∞": "unendlich",
        "feet": "Fuß",
        "foot": "Fuß",
        "inches": "Zoll",
        "inch": "Zoll",
        "and seconds": "und {} {}",
        "second": "Sekunde",
        "seconds": "Sekunden",
    },
)


@attrs.frozen
class ReadingWords:
    """How one language reads figures."""

    code: str
    at: int
    """Which of the words in the tables: 0 for English, 1 for German."""
    number: str
    """A pattern for whole numbers with their separators."""
    thousands: str
    point: str

    @property
    def signs(self) -> Mapping[str, str]:
        """What signs are called."""
        return SIGNS[self.at]

    @property
    def months(self) -> tuple[str, ...]:
        """The names of the months."""
        return (ENGLISH_MONTHS, GERMAN_MONTHS)[self.at]

    @property
    def figure(self) -> str:
        """A pattern with the groups ``whole`` and ``part``, or ``foreign`` for "3,5" in English."""
        point, other = re.escape(self.point), re.escape(self.thousands)
        return (
            rf"(?P<whole>{self.number})"
            rf"(?:{point}(?P<part>\d{{1,9}})|{other}(?P<foreign>\d{{1,2}})(?![\d{other}]))?"
        )

    def words(self, value: int) -> str:
        """Return a whole number in words."""
        return number_in_words(value, self.code)

    def ordinal(self, value: int) -> str:
        """Return "third", "dritte"."""
        return ordinal_in_words(value, self.code)

    def year(self, value: int) -> str:
        """Return 1984 as "nineteen eighty-four"."""
        return year_in_words(value, self.code)

    def said(self, digits: str) -> str:
        """Return a small whole number in words, another one as it is written."""
        plain = digits.replace(self.thousands, "")
        is_small = plain == digits and int(plain) < HUNDRED and (plain == "0" or not plain.startswith("0"))
        return self.words(int(plain)) if is_small else digits

    def amount(self, match: re.Match[str]) -> str:
        """Return the number of a match of ``figure`` as it is read."""
        part = match["part"] or match["foreign"]
        return f"{match['whole']}{self.point}{part}" if part else self.said(match["whole"])

    def count(self, match: re.Match[str]) -> int | None:
        """Return the number of a match of ``figure`` if it is whole."""
        has_part = match["part"] is not None or match["foreign"] is not None
        return None if has_part else int(match["whole"].replace(self.thousands, ""))


READING_WORDS: Final[Mapping[str, ReadingWords]] = {
    "en": ReadingWords("en", 0, r"\d{1,3}(?:,\d{3}){1,4}(?!\d)|\d{1,15}", ",", "."),
    "de": ReadingWords("de", 1, r"\d{1,3}(?:\.\d{3}){1,4}(?!\d)|\d{1,15}", ".", ","),
}
