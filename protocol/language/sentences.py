"""Cuts a reply into sentences while it is still being written, and leaves out what must not be spoken.

Rules kept here:

* Rules instead of a model: a cut must come at once, and a wrong one costs a pause, not a meaning.
* A full stop ends a sentence only once it is known what follows it; so what ``feed`` returns never has to be taken
  back, and it is the same however the text was divided.
* The first clause goes out early, so that speech begins before the first sentence is complete.
"""

import re
from typing import Final

import attrs

from protocol.language.german import MONTHS as GERMAN_MONTHS
from protocol.language.languages import primary
from protocol.language.markup import FENCES, without_formulas, without_line_start, without_markup
from protocol.language.read_dates import ORDINAL_LEADERS
from protocol.language.reading_tables import SHORT_DAYS, SHORT_MONTHS
from protocol.language.readings import powers_aloud, read_aloud
from protocol.language.thoughts import ThoughtFilter, without_thoughts

MAX_CHARS: Final = 240  # about 15 s of speech; synthesis time grows with it, and a barge-in wastes it
MAX_READ_CHARS: Final = 900  # with the figures in words; a voice takes 1,000
FIRST_CLAUSE_CHARS: Final = 24  # shorter ones sound chopped

# abbreviations without their last full stop, in lower case: first those that something always follows
NEVER_LAST: Final = frozenset(
    {"mr", "mrs", "ms", "dr", "prof", "st", "gen", "col", "sgt", "capt", "mt", "vs", "e.g", "i.e", "cf", "approx"}
    | {
        "ca",
        "hr",
        "fr",
        "bzw",
        "z.b",
        "d.h",
        "u.a",
        "vgl",
        "ggf",
        "evtl",
        "inkl",
        "zzgl",
        "mio",
        "mrd",
        "tsd",
        "med",
        "sog",
    }
)
BEFORE_NUMBERS: Final = frozenset(
    {"no", "nos", "nr", "fig", "figs", "vol", "pp", "eq", "abb", "tel", "art", "p", "s", "ch", "kap", "abs", "bd"}
    | {name.lower() for months in SHORT_MONTHS for name in months}
)
BEFORE_SMALL_LETTERS: Final = frozenset(
    {"a.m", "p.m", "etc", "inc", "ltd", "co", "corp", "jr", "sr", "u.s", "u.k", "e.u", "usw", "u.s.w", "est"}
    | {"min", "max", "sec", "hrs", "std", "sek", "ave", "blvd", "rd", "dept", "misc", "incl"}
    | {name.lower() for names in SHORT_DAYS for name in names if len(name) > 2}  # noqa: PLR2004 - "so." is a word
    | {"str", "jh", "mind", "z.t", "o.ä", "n.chr", "v.chr"}
)

_CLOSERS: Final = "\"'\u2019\u201d\u00bb)\\]*_"
_OPENERS: Final = frozenset("\n\"'\u201c\u201e\u00ab([*-#")
_END: Final = re.compile(
    rf"[\u3002\uff01\uff1f][\u300d\u300f\uff09{_CLOSERS}]*+(?=.)"  # Chinese, Japanese: no blanks between sentences
    rf"|(?P<stop>[.!?\u2026]+)[{_CLOSERS}]*(?=\s)"
    r"|\n",
    re.DOTALL,
)
_CLAUSE: Final = re.compile(r"[,;:\u2014\u2013](?=\s)|[\uff0c\u3001\uff1b\uff1a]")
_BLANKS: Final = re.compile(r"[ \t]+")
_LAST_WORD: Final = re.compile(r"[^\s(\[\"'\u201c\u201e\u00ab*_]+$")
_LIST_NUMBER: Final = re.compile(r"\s*\d{1,3}$")
_INITIALS: Final = re.compile(r"[^\W\d_](?:\.[^\W\d_]){1,8}")  # "U.S.A", without the last full stop
_ROMAN: Final = re.compile(r"[ivxl]{1,8}")
_FIRST_WORD: Final = re.compile(r"[\w-]+(?=[^\w-])")


@attrs.define
class SentenceCutter:
    """Takes text as it streams, returns sentences fit to be spoken.

    >>> cutter = SentenceCutter()
    >>> cutter.feed("It is **four** o'clock. Dr. Smith")
    ["It is four o'clock."]
    >>> cutter.feed(" calls at 5:30. ")
    ['Doctor Smith calls at five thirty.']
    """

    language: str = "en"
    """Of the text: figures are read aloud in it."""
    _thoughts: ThoughtFilter = attrs.field(factory=ThoughtFilter, init=False)
    _text: str = attrs.field(default="", init=False)
    _is_line_start: bool = attrs.field(default=True, init=False)
    _fence: str = attrs.field(default="", init=False)
    """What opened the block of code that is being read; empty outside."""
    _has_spoken: bool = attrs.field(default=False, init=False)

    def feed(self, text: str) -> list[str]:
        """Take more text; return the sentences that it completes, without Markdown."""
        self._take(self._thoughts.feed(text))
        return self._cut_all(is_final=False)

    def flush(self) -> list[str]:
        """Return what is left at the end of the reply, and begin anew."""
        self._take(self._thoughts.flush())
        sentences = self._cut_all(is_final=True)
        self._is_line_start, self._fence, self._has_spoken = True, "", False
        return sentences

    def _take(self, text: str) -> None:
        text = _BLANKS.sub(" ", text)
        self._text += text[1:] if text[:1] == " " == self._text[-1:] else text

    def _cut_all(self, *, is_final: bool) -> list[str]:
        sentences = []
        while self._text and (length := self._piece_length() or (is_final and len(self._text))):
            piece, self._text = self._text[:length], self._text[length:]
            sentence = self._spoken(piece)
            self._is_line_start = piece.endswith("\n")
            if sentence:
                sentences.append(sentence)
                self._has_spoken = True
        return sentences

    def _piece_length(self) -> int:
        """Return the length of the next piece; 0 if more text is needed to know it."""
        if self._fence or (self._is_line_start and _may_be_fence(self._text)):
            return self._text.find("\n") + 1
        length = sentence_length(self._text, is_line_start=self._is_line_start, language=self.language)
        if not self._has_spoken:
            clause = _CLAUSE.search(self._text, FIRST_CLAUSE_CHARS, length or MAX_CHARS)
            if clause is not None:
                return clause.end()
        return length

    def _spoken(self, piece: str) -> str:
        if self._is_line_start and (fence := _fence_of(piece)) and (not self._fence or fence == self._fence):
            self._fence = "" if self._fence else fence
            return ""
        return "" if self._fence else speakable(piece, is_line_start=self._is_line_start, language=self.language)


def _may_be_fence(text: str) -> bool:
    marks = text.lstrip(" ")[:3]
    return any(fence.startswith(marks) for fence in FENCES)


def _fence_of(line: str) -> str:
    """Return the marks of a line that opens or closes a block of code, empty for another one."""
    stripped = line.strip()
    marks = next((fence for fence in FENCES if stripped.startswith(fence)), "")
    length = len(stripped) - len(stripped.lstrip(marks[:1])) if marks else 0
    return stripped[:length] if marks and marks not in stripped[length:] else ""  # "```code```" is in one line


def sentence_length(text: str, *, is_line_start: bool, language: str = "en") -> int:
    """Return the length of the sentence that ``text`` begins with; 0 if its end has not been seen."""
    for match in _END.finditer(text):
        if match.end() > MAX_CHARS:
            break
        following = text[match.end() :].lstrip(" ")
        before = text[: match.start()]
        if match["stop"] == "." and primary(language) == "de" and not _is_german_end(before, following):
            continue
        if match["stop"] is None or is_end(before, match["stop"], following, is_first=is_line_start):
            return match.end()
    return length_without_end(text) if len(text) >= MAX_CHARS + 2 else 0  # by then all that could follow is known


def is_end(before: str, stop: str, following: str, *, is_first: bool) -> bool:
    """Whether ``stop`` between ``before`` and ``following`` ends a sentence; ``False`` too while that is not known.

    ``before`` begins with the sentence, which ``is_first`` in its line; ``following`` has no leading blanks.
    """
    if "!" in stop or "?" in stop:
        return True
    begins_anew = following[:1].isupper() or following[:1] in _OPENERS
    if stop != ".":  # an ellipsis
        return begins_anew
    if is_first and _LIST_NUMBER.match(before):
        return False
    last = _LAST_WORD.search(before)
    word = last[0].lower() if last is not None else ""
    if word in BEFORE_NUMBERS or word.endswith("str"):
        return bool(following) and not following[0].isdigit()
    if word in BEFORE_SMALL_LETTERS or (word not in NEVER_LAST and _INITIALS.fullmatch(word)):
        return begins_anew
    is_initial = len(word) == 1 and word.isalpha() and word != "i"
    return word not in NEVER_LAST and not is_initial


def _is_german_end(before: str, following: str) -> bool:
    """Whether a full stop is not the one of an ordinal: "der 3. Mai", "Ludwig XIV. war"; ``False`` while not known."""
    last = _LAST_WORD.search(before)
    word = last[0].lower() if last is not None else ""
    is_number = re.fullmatch(r"\d{1,2}(?:\.\d{1,2})?", word) is not None
    if not is_number and not _ROMAN.fullmatch(word):
        return True
    first = _FIRST_WORD.match(following)
    leader = before[: len(before) - len(word)].split()[-1:] or [""]
    if is_number and leader[0].lower() in ORDINAL_LEADERS:
        return False
    if first is None:
        return following[:1] != "" and not (following[0].isalnum() or following[0] == "-")
    return first[0] not in GERMAN_MONTHS and not first[0][0].islower()


def length_without_end(text: str) -> int:
    """Return where to cut a text longer than ``MAX_CHARS``: after a clause, else between words, else anywhere."""
    clauses = [match.end() for match in _CLAUSE.finditer(text, MAX_CHARS // 2, MAX_CHARS)]
    if clauses:
        return clauses[-1]
    space = text.rfind(" ", 1, MAX_CHARS)
    return space if text[: max(space, 0)].strip() else MAX_CHARS


def speakable(text: str, *, is_line_start: bool = True, language: str = "en") -> str:
    """Return what is to be spoken of a piece of Markdown; empty if nothing of it has a letter or digit."""
    text = without_thoughts(text)
    text = without_formulas(without_line_start(text) if is_line_start else text)
    text = powers_aloud(text, language)
    text = " ".join(without_markup(text).split())
    read = read_aloud(text, language)
    text = read if len(read) <= MAX_READ_CHARS else text
    return text if any(char.isalnum() for char in text) else ""
