"""The words of points in time, by language; tables, and the plain form of a text that they are looked for in."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from backends.builtin.feasts import NAMES
from protocol.language.numerals import number_in_words

EVERY_DAY: Final = (0, 1, 2, 3, 4, 5, 6)
WORKDAYS: Final = (0, 1, 2, 3, 4)
WEEKEND: Final = (5, 6)


@attrs.frozen(kw_only=True)
class PlainForm:
    """How a text is made plain."""

    replaced: Sequence[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]]
    """What is replaced, in this order."""
    numbers: Mapping[str, str]
    """Words of numbers below sixty, as digits."""


@attrs.frozen(kw_only=True)
class DelayWords:
    """How a time from now is named."""

    delay: re.Pattern[str]
    """With the group ``parts``."""
    delay_part: re.Pattern[str]
    """A number and a unit."""
    units: Mapping[str, str]


@attrs.frozen(kw_only=True)
class RepeatWords:
    """How days of every week are named."""

    repeats: Sequence[tuple[re.Pattern[str], tuple[int, ...]]]
    every_weekday: re.Pattern[str]
    """Such as "every monday and friday"."""
    weekday: re.Pattern[str]
    """One name of a day of the week."""
    weekdays: Mapping[str, int]


@attrs.frozen(kw_only=True)
class DayWords:
    """How one day is named."""

    one_weekday: re.Pattern[str]
    """With the groups ``next`` and ``weekday``."""
    offsets: Sequence[tuple[re.Pattern[str], int]]
    in_days: re.Pattern[str]
    """With the groups ``count`` and ``unit``."""
    feasts: Mapping[str, str]
    feast: re.Pattern[str]
    """With the group ``feast``."""
    dates: Sequence[re.Pattern[str]]
    """With the groups ``day``, ``month`` and maybe ``year``."""
    months: Mapping[str, int]


@attrs.frozen(kw_only=True)
class ClockWords:
    """How a time of day is named."""

    parts_of_day: Sequence[tuple[re.Pattern[str], bool, int]]
    """Whether it is after noon, and the hour that stands for it if no other is said."""
    fixed_times: Sequence[tuple[re.Pattern[str], int]]
    around_hour: Sequence[tuple[re.Pattern[str], int | None]]
    """Minutes past the group ``hour``; with None those of ``minute``, and ``past`` if they are past it."""
    clocks: Sequence[re.Pattern[str]]
    """With the groups ``hour`` and maybe ``minute``."""


@attrs.frozen(kw_only=True)
class MomentWords:
    """How points in time are named in one language; patterns are for plain text between spaces."""

    plain: PlainForm
    delays: DelayWords
    repeats: RepeatWords
    days: DayWords
    clock: ClockWords
    fillers: frozenset[str]
    """Words that may stand between the parts."""


def plainly(text: str, words: MomentWords) -> str:
    """Return a text in lower case, with numbers in digits and without punctuation but ":" in times."""
    plain = text.lower().replace("'", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "")
    for pattern, replacement in words.plain.replaced:
        plain = pattern.sub(replacement, plain)
    plain = " ".join(words.plain.numbers.get(word, word) for word in plain.split())
    return re.sub(r"\b([2-5]0) ([1-9])\b(?! ?(?:am|pm|:))", lambda tens: str(int(tens[1]) + int(tens[2])), plain)


def _p(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<= )(?:{pattern})(?= )")


def _names(names: Mapping[str, object]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


def _numbers(language: str, **more: str) -> Mapping[str, str]:
    return {number_in_words(value, language): str(value) for value in range(60)} | more


_EN_DAYS: Final = {
    name: at
    for at, names in enumerate(
        (
            ("monday", "mon"),
            ("tuesday", "tues", "tue"),
            ("wednesday", "wed"),
            ("thursday", "thurs", "thu"),
            ("friday", "fri"),
            ("saturday",),
            ("sunday",),
        )
    )
    for name in names
}
_EN_MONTHS: Final = {
    name: at
    for at, full in enumerate(
        [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ],
        1,
    )
    for name in {full, full[:3]}
}
_EN_ORDINALS: Final = {
    "first": "1st",
    "second": "2nd",
    "third": "3rd",
    "fourth": "4th",
    "fifth": "5th",
    "sixth": "6th",
    "seventh": "7th",
    "eighth": "8th",
    "ninth": "9th",
    "tenth": "10th",
    "eleventh": "11th",
    "twelfth": "12th",
    "thirteenth": "13th",
    "fourteenth": "14th",
    "fifteenth": "15th",
    "sixteenth": "16th",
    "seventeenth": "17th",
    "eighteenth": "18th",
    "nineteenth": "19th",
    "twentieth": "20th",
    "thirtieth": "30th",
}
_EN_UNITS: Final = {
    **dict.fromkeys(("second", "seconds", "sec", "secs"), "second"),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), "minute"),
    **dict.fromkeys(("hour", "hours", "hr", "hrs"), "hour"),
    **dict.fromkeys(("day", "days"), "day"),
    **dict.fromkeys(("week", "weeks"), "week"),
}
_EN_UNIT: Final = _names(_EN_UNITS)
_EN_DAY: Final = _names(_EN_DAYS)
_EN_MONTH: Final = _names(_EN_MONTHS)
_TH: Final = r"(?P<day>\d{1,2}) ?(?:st|nd|rd|th)"
_YEAR: Final = r"(?: (?:in )?(?P<year>20\d\d|19\d\d))?"
_HOUR: Final = r"(?P<hour>\d{1,2})"

_EN_ORDINAL: Final = _names(_EN_ORDINALS)

ENGLISH: Final = MomentWords(
    plain=PlainForm(
        replaced=(
            (re.compile(r"\b([ap])\.? m\b\.?|\b([ap])\.m\b\.?"), lambda found: f"{found[1] or found[2]}m"),
            (re.compile(r"(?<=\d)(am|pm)\b"), r" \1"),
            (re.compile(r"(?<=\d)\.(?=\d\d\b)"), ":"),
            (re.compile(r"[,;!?]|\.(?!\d)"), " "),
            (re.compile(r"\bo ?clock\b"), " oclock "),
            (re.compile(r"\btwenty[- ](?=\w+(?:st|nd|rd|th)\b)"), "20 "),
            (re.compile(r"\bthirty[- ]first\b"), "31st"),
            (
                re.compile(rf"\b((?:the|20|{_EN_MONTH}) )({_EN_ORDINAL})\b"),
                lambda found: found[1] + _EN_ORDINALS[found[2]],
            ),
            (re.compile(rf"\b({_EN_ORDINAL})(?= (?:of )?(?:{_EN_MONTH})\b)"), lambda found: _EN_ORDINALS[found[1]]),
            (re.compile(r"\b20 (\d)(st|nd|rd|th)\b"), r"2\1\2"),
            (re.compile(r"-(?=\D)|(?<=\D)-"), " "),
            (re.compile(r"\bhalf an hour\b"), "30 minutes"),
            (re.compile(r"\ban? (?=hour|minute|second|day|week)"), "1 "),
            (re.compile(r"\boh (?=\w)"), "0 "),
            (re.compile(r"\b(\w+) (days?|weeks?) from now\b"), r"in \1 \2"),
            (re.compile(r"^(?!in )(.*) from now$"), r"in \1"),
        ),
        numbers=_numbers("en"),
    ),
    delays=DelayWords(
        delay=re.compile(rf"in (?P<parts>(?:\d+(?:\.\d+)? (?:{_EN_UNIT})(?: and)? ?)+)(?: ?from now)?"),
        delay_part=re.compile(rf"(\d+(?:\.\d+)?) ({_EN_UNIT})\b"),
        units=_EN_UNITS,
    ),
    repeats=RepeatWords(
        repeats=(
            (_p(r"(?:every|each) (?:single )?day|everyday|daily"), EVERY_DAY),
            (
                _p(r"(?:on |every |each )?(?:weekdays?|work ?days?)|(?:from )?monday (?:to|through|till|until) friday"),
                WORKDAYS,
            ),
            (_p(r"(?:on |every |each )(?:the )?weekends?|weekends"), WEEKEND),
            (re.compile(r"(?<= )(?:every|each) (?=(?:morning|afternoon|evening|night) )"), EVERY_DAY),
        ),
        every_weekday=_p(
            rf"(?:every|each) (?:{_EN_DAY})(?: (?:and |every |on )*(?:{_EN_DAY}))*"
            rf"|(?:on )?(?:{_EN_DAY})s(?: (?:and |every |on )*(?:{_EN_DAY})s)*"
        ),
        weekday=re.compile(rf"\b({_EN_DAY})(?=s?\b)"),
        weekdays=_EN_DAYS,
    ),
    days=DayWords(
        one_weekday=_p(
            rf"(?:on )?(?:this |this coming |the coming |coming |the )?(?P<next>next )?(?P<weekday>{_EN_DAY})"
        ),
        offsets=(
            (_p("the day after tomorrow|day after tomorrow"), 2),
            (_p("the day before yesterday|day before yesterday"), -2),
            (_p("tomorrow"), 1),
            (_p("yesterday"), -1),
            (_p("today"), 0),
            (re.compile(r"(?<= )(?=tonight |this (?:morning|afternoon|evening) )"), 0),
        ),
        in_days=_p(r"in (?P<count>\d+) (?P<unit>days?|weeks?)"),
        feasts=NAMES["en"],
        feast=_p(rf"(?:on |at )?(?P<feast>{_names(NAMES['en'])})"),
        dates=(
            _p(r"(?P<year>20\d\d)-(?P<month>\d{1,2})-(?P<day>\d{1,2})"),
            _p(rf"(?:on )?(?:the )?{_TH} (?:of |day of )?(?P<month>{_EN_MONTH}){_YEAR}"),
            _p(rf"(?:on )?(?P<month>{_EN_MONTH}) (?:the )?(?P<day>\d{{1,2}})(?: ?(?:st|nd|rd|th))?{_YEAR}"),
            _p(rf"(?:on )?(?P<day>\d{{1,2}}) (?:of )?(?P<month>{_EN_MONTH}){_YEAR}"),
            _p(rf"(?:on )?the {_TH}(?: of the month)?"),
        ),
        months=_EN_MONTHS,
    ),
    clock=ClockWords(
        parts_of_day=(
            (_p(r"am|(?:early )?(?:in the |this )?morning"), False, 9),
            (_p(r"pm"), True, 15),
            (_p(r"(?:in the |this )?afternoon"), True, 15),
            (_p(r"(?:in the |this )?evening"), True, 18),
            (_p(r"(?:at )?night|tonight"), True, 20),
        ),
        fixed_times=((_p(r"(?:12 )?(?:noon|midday)"), 12), (_p(r"(?:12 )?midnight"), 0)),
        around_hour=(
            (_p(rf"half (?:past )?{_HOUR}"), 30),
            (_p(rf"(?:a )?quarter (?:past|after) {_HOUR}"), 15),
            (_p(rf"(?:a )?quarter (?:to|till|til|before|of) {_HOUR}"), -15),
            (_p(rf"(?P<minute>\d{{1,2}})(?: minutes?)? (?:(?P<past>past|after)|to|till|til|before) {_HOUR}"), None),
        ),
        clocks=(
            _p(rf"{_HOUR}:(?P<minute>[0-5]\d)"),
            _p(rf"{_HOUR} (?:0 )?(?P<minute>[0-5]?\d)(?: oclock)?"),
            _p(rf"{_HOUR}(?: oclock)?"),
        ),
    ),
    fillers=frozenset(["at", "on", "by", "for", "around", "about", "the", "of", "and", "from", "this"]),
)

_DE_DAYS: Final = {
    name: at
    for at, names in enumerate(
        (
            ("montag", "mo"),
            ("dienstag", "di"),
            ("mittwoch", "mi"),
            ("donnerstag", "do"),
            ("freitag", "fr"),
            ("samstag", "sonnabend", "sa"),
            ("sonntag", "so"),
        )
    )
    for name in names
    if len(name) > 2  # noqa: PLR2004 - "do", "so" and "mi" are other words when spoken
}
_DE_MONTHS: Final = {
    name: at
    for at, name in enumerate(
        [
            "januar",
            "februar",
            "märz",
            "april",
            "mai",
            "juni",
            "juli",
            "august",
            "september",
            "oktober",
            "november",
            "dezember",
        ],
        1,
    )
} | {"jänner": 1, "feber": 2, "juno": 6}
_DE_ENDING: Final = "(?:e[nr]?)"
_DE_ORDINALS: Final = {
    word: str(value)
    for value, word in enumerate(
        (
            *("erst", "zweit", "dritt", "viert", "fünft", "sechst", "siebt", "acht", "neunt", "zehnt", "elft"),
            *("zwölft", *(f"{number_in_words(value, 'de')}t" for value in range(13, 20))),
            *(f"{number_in_words(value, 'de')}st" for value in range(20, 32)),
        ),
        1,
    )
}
_DE_UNITS: Final = {
    **dict.fromkeys(("sekunde", "sekunden", "second", "seconds"), "second"),
    **dict.fromkeys(("minute", "minuten"), "minute"),
    **dict.fromkeys(("stunde", "stunden"), "hour"),
    **dict.fromkeys(("tag", "tage", "tagen"), "day"),
    **dict.fromkeys(("woche", "wochen"), "week"),
}
_DE_UNIT: Final = _names(_DE_UNITS)
_DE_DAY: Final = _names(_DE_DAYS)
_DE_MONTH: Final = _names(_DE_MONTHS)
_DE_YEAR: Final = r"(?: (?P<year>20\d\d|19\d\d))?"
_UHR: Final = r"(?: uhr)?"

GERMAN: Final = MomentWords(
    plain=PlainForm(
        replaced=(
            (
                re.compile(rf"\b({_names(_DE_ORDINALS)}){_DE_ENDING}(?= (?:{_DE_MONTH})\b)"),
                lambda found: f"{_DE_ORDINALS[found[1]]}.",
            ),
            (
                re.compile(rf"\b(am|den) ({_names(_DE_ORDINALS)}){_DE_ENDING}(?= |$)"),
                lambda found: f"{found[1]} {_DE_ORDINALS[found[2]]}.",
            ),
            (re.compile(r"(?<=\d)\.(?=\d\d\b(?!\.))"), ":"),
            (re.compile(r"[,;!?]|(?<=\D)\.(?!\d)"), " "),
            (re.compile(r"(?<=\d)uhr\b"), " uhr"),
            (re.compile(r"-(?=\D)|(?<=\D)-"), " "),
            (re.compile(r"\beine[rm]? (?=stunde|minute|sekunde|woche)|\beinem? (?=tag)"), "1 "),
            (re.compile(r"\b1 halben stunde\b|\beiner halben stunde\b"), "30 minuten"),
            (re.compile(r"\beiner viertelstunde\b"), "15 minuten"),
        ),
        numbers=_numbers("de", ein="1", eine="1", zwo="2"),
    ),
    delays=DelayWords(
        delay=re.compile(rf"in (?P<parts>(?:\d+(?:\.\d+)? (?:{_DE_UNIT})(?: und)? ?)+)"),
        delay_part=re.compile(rf"(\d+(?:\.\d+)?) ({_DE_UNIT})\b"),
        units=_DE_UNITS,
    ),
    repeats=RepeatWords(
        repeats=(
            (_p(r"jeden tag|täglich"), EVERY_DAY),
            (_p(r"werktags|an werktagen|unter der woche|jeden werktag|(?:von )?montags? bis freitags?"), WORKDAYS),
            (_p(r"jedes wochenende|an wochenenden|(?:immer )?am wochenende"), WEEKEND),
            (re.compile(r"(?<= )jeden (?=(?:morgen|vormittag|mittag|nachmittag|abend) )"), EVERY_DAY),
        ),
        every_weekday=_p(
            rf"jeden (?:{_DE_DAY})(?: (?:und |jeden )*(?:{_DE_DAY}))*"
            rf"|(?:immer )?(?:{_DE_DAY})s(?: (?:und )?(?:{_DE_DAY})s)*"
        ),
        weekday=re.compile(rf"\b({_DE_DAY})(?=s?\b)"),
        weekdays=_DE_DAYS,
    ),
    days=DayWords(
        one_weekday=_p(
            rf"(?:am |an diesem |diesen |kommenden |am kommenden |der |den )?"
            rf"(?P<next>(?:am |der |den )?nächste[nr]? )?(?P<weekday>{_DE_DAY})"
        ),
        offsets=(
            (_p("übermorgen"), 2),
            (_p("vorgestern"), -2),
            (re.compile(r"(?<! am)(?<!jeden)(?<!heute)(?<= )morgen(?= )"), 1),
            (_p("gestern"), -1),
            (_p("heute"), 0),
        ),
        in_days=_p(r"in (?P<count>\d+) (?P<unit>tag|tagen|wochen?)"),
        feasts=NAMES["de"],
        feast=_p(rf"(?:an |zu |am |der |den )?(?P<feast>{_names(NAMES['de'])})"),
        dates=(
            _p(r"(?P<year>20\d\d)-(?P<month>\d{1,2})-(?P<day>\d{1,2})"),
            _p(rf"(?:am |der |den )?(?P<day>\d{{1,2}})\.? (?P<month>{_DE_MONTH}){_DE_YEAR}"),
            _p(r"(?:am |der |den )?(?P<day>\d{1,2})\. ?(?P<month>\d{1,2})\.?(?: ?(?P<year>20\d\d))?"),
            _p(r"(?:(?:am|der|den) (?P<day>\d{1,2})\.|am (?P<bare>\d{1,2}))(?! uhr| ?:)"),
        ),
        months=_DE_MONTHS,
    ),
    clock=ClockWords(
        parts_of_day=(
            (_p(r"(?:am |in der )?(?:früh|morgens?|vormittags?)"), False, 9),
            (_p(r"(?:am )?nachmittags?"), True, 15),
            (_p(r"(?:am )?abends?"), True, 18),
        ),
        fixed_times=((_p(r"(?:12 uhr )?mittags?"), 12), (_p(r"(?:0 uhr |12 uhr )?mitternacht"), 0)),
        around_hour=(
            (_p(rf"halb {_HOUR}{_UHR}"), -30),
            (_p(rf"viertel nach {_HOUR}{_UHR}"), 15),
            (_p(rf"(?:viertel vor|dreiviertel) {_HOUR}{_UHR}"), -15),
            (_p(rf"(?P<minute>\d{{1,2}})(?: minuten)? (?:(?P<past>nach)|vor) {_HOUR}{_UHR}"), None),
        ),
        clocks=(
            _p(rf"{_HOUR}:(?P<minute>[0-5]\d){_UHR}"),
            _p(rf"{_HOUR} uhr (?P<minute>[0-5]?\d)"),
            _p(rf"{_HOUR} (?P<minute>[0-5]\d){_UHR}"),
            _p(rf"{_HOUR}{_UHR}"),
        ),
    ),
    fillers=frozenset(
        [
            "um",
            "am",
            "an",
            "der",
            "den",
            "dem",
            "die",
            "das",
            "ab",
            "gegen",
            "für",
            "auf",
            "zum",
            "zur",
            "bis",
            "von",
            "und",
            "mal",
        ]
    ),
)
MOMENT_WORDS: Final[Mapping[str, MomentWords]] = {"en": ENGLISH, "de": GERMAN}
