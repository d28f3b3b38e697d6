"""What is said about the conversation itself, such as "never mind", and which of several things is chosen; pure.

Only whole sentences count, so that "stop the pasta timer" stays a command. English and German have tables.
"""

import enum
import re
from collections.abc import Mapping, Sequence
from typing import Final

from protocol.language.languages import primary


class Remark(enum.Enum):
    """What a sentence about the conversation wants."""

    DROP = "never mind"
    REPEAT = "repeat that"
    TAKE_BACK = "undo that"


_DROP: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({
        "cancel", "cancel it", "cancel that", "drop it", "forget about it", "forget it", "forget that", "leave it",
        "never mind", "never mind that", "nevermind", "not now", "stop", "stop it", "stop that",
    }),
    "de": frozenset({
        "abbrechen", "abbruch", "brich ab", "doch nicht", "halt", "lass es", "lass es sein", "lass gut sein",
        "lass mal", "schon gut", "stop", "stopp", "vergiss das", "vergiss es",
    }),
}  # fmt: skip
_REFUSE: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({"dont", "no", "no thank you", "no thanks", "none", "none of them", "nope", "nothing"}),
    "de": frozenset({"gar nichts", "keine", "keinen", "keiner", "keins", "nein", "nein danke", "nichts"}),
}
"""Only an answer to a question."""
_REPEAT: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({
        "can you repeat that", "come again", "could you repeat that", "one more time", "pardon", "repeat", "repeat it",
        "repeat that", "repeat what you said", "say again", "say it again", "say that again", "say that one more time",
        "what did you just say", "what did you say",
    }),
    "de": frozenset({
        "kannst du das wiederholen", "noch einmal", "noch mal", "nochmal", "sag das noch einmal", "sag das noch mal",
        "sag das nochmal", "was hast du gesagt", "wie bitte", "wiederhol das", "wiederhole", "wiederhole das",
        "wiederholen",
    }),
}  # fmt: skip
_TAKE_BACK: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({
        "i didnt mean that", "reverse that", "revert", "revert that", "take it back", "take that back", "undo",
        "undo it", "undo that", "undo the last thing", "undo this", "undo what you did",
    }),
    "de": frozenset({
        "das rückgängig machen", "mach das rückgängig", "mach das wieder rückgängig",
        "mach es rückgängig", "mache das rückgängig", "mache es rückgängig", "nimm das zurück", "nimm es zurück",
        "rückgängig", "rückgängig machen", "zurücknehmen",
    }),
}  # fmt: skip
_POLITE: Final = frozenset({"please", "okay", "ok", "oh", "sorry", "um", "uh", "bitte", "ach", "äh", "ähm"})
_ORDINALS: Final[Mapping[str, tuple[frozenset[str], ...]]] = {
    "en": (
        frozenset({"first", "1", "1st", "one"}),
        frozenset({"second", "2", "2nd", "two"}),
        frozenset({"third", "3", "3rd", "three"}),
        frozenset({"fourth", "4", "4th", "four"}),
        frozenset({"fifth", "5", "5th", "five"}),
    ),
    "de": (
        frozenset({"erste", "ersten", "erster", "1", "eins"}),
        frozenset({"zweite", "zweiten", "zweiter", "2", "zwei"}),
        frozenset({"dritte", "dritten", "dritter", "3", "drei"}),
        frozenset({"vierte", "vierten", "vierter", "4", "vier"}),
        frozenset({"fünfte", "fünften", "fünfter", "5", "fünf"}),
    ),
}
_LAST: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({"last"}),
    "de": frozenset({"letzte", "letzten", "letzter"}),
}
_EMPTY: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({"the", "one", "a", "my", "i", "mean", "meant", "want", "for", "number", "that", "its", "timer"}),
    "de": frozenset({"der", "die", "das", "den", "ich", "meine", "meinen", "für", "nummer", "mit", "über", "timer"}),
}
"""Words that say nothing about which one."""
_NUMBERS: Final[Mapping[str, str]] = {
    word: str(number)
    for number, words in {
        1: "one eine ein", 2: "two zwei", 3: "three drei", 4: "four vier", 5: "five fünf", 6: "six sechs",
        7: "seven sieben", 8: "eight acht", 9: "nine neun", 10: "ten zehn", 11: "eleven elf", 12: "twelve zwölf",
        15: "fifteen fünfzehn", 20: "twenty zwanzig", 25: "fünfundzwanzig", 30: "thirty dreißig", 40: "forty vierzig",
        45: "fünfundvierzig", 50: "fifty fünfzig", 60: "sixty sechzig", 90: "ninety neunzig",
    }.items()
    for word in words.split()
}  # fmt: skip
_NOTHING: Final = frozenset[str]()
MIN_STEM_LETTERS: Final = 3  # "minutes" is "minute"


def remark_of(text: str, language: str, *, is_answer: bool = False) -> Remark | None:
    """Return what a sentence wants of the conversation; ``is_answer``: a question is open, and "no" drops it.

    >>> remark_of("Never mind.", "en"), remark_of("no", "en"), remark_of("Sag das nochmal!", "de")
    (<Remark.DROP: 'never mind'>, None, <Remark.REPEAT: 'repeat that'>)
    """
    code = primary(language)
    words = _words(text)
    said = {" ".join(words), " ".join(word for word in words if word not in _POLITE)}
    if said & _DROP.get(code, _NOTHING) or (is_answer and said & _REFUSE.get(code, _NOTHING)):
        return Remark.DROP
    if said & _TAKE_BACK.get(code, _NOTHING):
        return Remark.TAKE_BACK
    return Remark.REPEAT if said & _REPEAT.get(code, _NOTHING) else None


def chosen(text: str, titles: Sequence[str], language: str) -> int | None:
    """Return which of ``titles`` is meant, as an index; ``None`` for none or more than one.

    >>> chosen("the pizza one", ["pasta timer", "pizza timer"], "en"), chosen("the last", ["a", "b", "c"], "en")
    (1, 2)
    """
    code = primary(language)
    words = [word for word in _words(text) if word not in _POLITE]
    telling = [word for word in words if word not in _EMPTY.get(code, ())] or words
    same = [at for at, title in enumerate(titles) if _words(title) in (_words(text), telling)]
    if len(same) == 1:  # also where the others have its words and more
        return same[0]
    numbered = [_numbered(word) for word in telling]
    meant = [at for at, title in enumerate(titles) if _is_in(numbered, title)]
    if numbered and len(meant) == 1:
        return meant[0]
    if meant or len(telling) != 1:
        return None
    if telling[0] in _LAST.get(code, ()):
        return len(titles) - 1
    at = next((at for at, ordinal in enumerate(_ORDINALS.get(code, ())) if telling[0] in ordinal), len(titles))
    return at if at < len(titles) else None


def _is_in(words: Sequence[str], title: str) -> bool:
    others = [_numbered(word) for word in _words(title)]
    return all(any(_is_same(word, other) for other in others) for word in words)


def _is_same(word: str, other: str) -> bool:
    short, long = sorted((word, other), key=len)
    return short == long or (len(short) >= MIN_STEM_LETTERS and long.startswith(short) and len(long) <= len(short) + 2)


def _numbered(word: str) -> str:
    return _NUMBERS.get(word, word)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower().replace("'", "").replace("\u2019", ""))
