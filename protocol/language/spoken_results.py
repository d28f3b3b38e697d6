"""What is said of a tool's result that the tool has not put into words: pure.

Rules kept here:

* JSON, markup, encoded data and the marks of images, sounds and links are never spoken; a text or number within is.
* A tool that returns nothing has done what it was asked for.
* More than a minute of text is cut at a sentence, and it is said that there is more.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from protocol.language.phrases import DONE, MANY_PARTS, NO, NOT_READABLE, THERE_IS_MORE, phrase

MAX_SPOKEN_CHARS: Final = 1_200  # a minute and a half; a longer answer is no answer to a command
MAX_LISTED: Final = 10
MAX_NAME_CHARS: Final = 60  # of one thing of a list that is read aloud
MAX_JSON_STARTS: Final = 200  # places at which JSON is looked for
MESSAGE_KEYS: Final = (
    "speech",
    "message",
    "answer",
    "text",
    "summary",
    "response",
    "result",
    "output",
    "detail",
    "error",
)
"""Where a table has words for a person, the first that is there."""
_MEDIA: Final = re.compile(
    r"^\[(?:(?:image|audio|resource)[ ,][^\]\n]{0,300}|[^\]\n]{0,200}: [a-z][\w+.-]{1,20}:[^\]\s]{0,500})\]$",
    re.MULTILINE,
)
_NOTHING: Final = frozenset({"null", "none", "undefined", "nil", "true", "ok", "{}", "[]"})
_FENCE: Final = re.compile(r"^\s*(?:```|~~~)\w*\s*$", re.MULTILINE)
_MARKUP: Final = re.compile(r"\s*<(?:\?xml|!DOCTYPE|[a-zA-Z])[^<>]{0,300}>.*</[\w:.-]{1,60}>\s*", re.DOTALL)
_TAG: Final = re.compile(r"<[^<>]{1,300}>")
_ENCODED: Final = re.compile(r"(?:data:[\w/+.-]{1,60};base64,\S*|[A-Za-z0-9+/_-]{80,}={0,2})")
_IDENTIFIER: Final = re.compile(r"(?=\S*\d)(?![a-z]+://)[\w:.-]{24,}")
_CUT_DATA: Final = re.compile(r"\s*(?:\{\s*[\"'{}]|\[\s*[\"'{\[])")
_LABEL: Final = re.compile(r"(?:[^\s:]{1,30} ?){1,4}:")
_CUT: Final = " [cut]"
_DECODER: Final = json.JSONDecoder()


@attrs.define
class _ResultParts:
    """What a result has."""

    prose: str = ""
    values: list[Any] = attrs.field(factory=list)
    unreadable: int = 0


def spoken_result(content: str, language: str) -> str:
    """Return what is said of a result's text, in the language of the session."""
    text, media_count = _MEDIA.subn("", content)
    found = _parts(text)
    if found.prose:
        return _bounded(found.prose, language, is_cut=content.endswith(_CUT))
    said = [words for value in found.values if (words := _words(value))]
    if said:
        return _bounded("\n".join(said), language)
    if any(value is False for value in map(_unwrapped, found.values)):
        return phrase(NO, language)
    if found.unreadable:
        return phrase(NOT_READABLE, language)
    parts = [_unwrapped(value) for value in found.values]
    count = media_count + sum(len(part) for part in parts if isinstance(part, list | dict))
    return phrase(MANY_PARTS, language, count=str(count)) if count > 1 else phrase(DONE, language)


def error_words(content: str) -> str:
    """Return what a failed result says to a person: its text, or the message within JSON; empty if there is none."""
    found = _parts(_MEDIA.sub("", content))
    said = [words for value in found.values if (words := _words(value))]
    return " ".join((found.prose or " ".join(said)).split())


def _parts(text: str) -> _ResultParts:
    """Return the prose of a text and the values of the JSON in it."""
    text = _FENCE.sub("", text).strip()
    found = _ResultParts()
    if text.lower().strip(".") in _NOTHING - {"ok", "true"}:
        return found
    if _MARKUP.fullmatch(text):
        text = " ".join(_TAG.sub(" ", text).split())
    text, encoded = _ENCODED.subn("", text)
    found.unreadable = encoded
    prose = "".join(_outside(text, found)).strip()
    if _CUT_DATA.match(prose):  # JSON that was cut off, or no JSON but like it
        found.unreadable, prose = found.unreadable + 1, ""
    if found.values and _LABEL.fullmatch(prose):
        prose = ""
    if prose == "true":
        prose = ""
    elif prose == "false":
        found.values.append(False)
        prose = ""
    elif len(prose) > 1 and prose[0] == prose[-1] == '"' and '"' not in prose[1:-1]:
        prose = prose[1:-1].strip()
    found.prose = "" if _IDENTIFIER.fullmatch(prose) else prose
    return found


def _outside(text: str, found: _ResultParts) -> Iterator[str]:
    """Yield the pieces of a text between tables and lists in JSON, and note these."""
    at = 0
    for start in [match.start() for match in re.finditer(r"[\[{]", text)][:MAX_JSON_STARTS]:
        if start < at:
            continue
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            if not text[at:start].strip():  # what begins like JSON and is none is not looked into
                break
            continue
        is_note = isinstance(value, list) and (text[end:].partition("\n")[0].strip() != "" or text[at:start].strip())
        if not is_note:
            yield text[at:start]
            found.values.append(value)
            at = end
    yield text[at:]


def _unwrapped(value: Any) -> Any:
    """Return what a table of one value, within another one, holds."""
    while isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    return value


def _words(value: Any) -> str:
    """Return a value in words, empty if it has none: a text, a number, a few names, or the message of a table."""
    inside = _unwrapped(value)
    if isinstance(inside, bool) or inside is None:
        return ""
    if isinstance(inside, int | float):
        return "" if not math.isfinite(inside) else str(inside)[:MAX_NAME_CHARS]
    if isinstance(inside, str):
        text = inside.strip()
        is_told = not _IDENTIFIER.fullmatch(text) and not _ENCODED.fullmatch(text) and text.lower() not in _NOTHING
        return text if is_told else ""
    return _message(inside) if isinstance(inside, Mapping) else _listed(inside)


def _message(table: Mapping[str, Any]) -> str:
    for key in MESSAGE_KEYS:
        held = _unwrapped(table.get(key))
        if isinstance(held, Mapping):
            held = _message(held)
        if isinstance(held, str) and held.strip() and not _IDENTIFIER.fullmatch(held.strip()):
            return held.strip()
    return ""


def _listed(values: Any) -> str:
    """Return a list of a few names; empty for any other."""
    is_short = isinstance(values, Sequence) and 0 < len(values) <= MAX_LISTED
    if is_short and all(isinstance(each, str) and 0 < len(each.strip()) <= MAX_NAME_CHARS for each in values):
        return ", ".join(each.strip() for each in values)
    return ""


def _bounded(text: str, language: str, *, is_cut: bool = False) -> str:
    """Return a text of at most ``MAX_SPOKEN_CHARS``, cut at a sentence if it can be."""
    text = text.removesuffix(_CUT.strip()).strip()
    if len(text) <= MAX_SPOKEN_CHARS:
        return f"{text} {phrase(THERE_IS_MORE, language)}" if is_cut else text
    head = text[:MAX_SPOKEN_CHARS]
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s)|\n", head)]
    last = ends[-1] if ends and ends[-1] > MAX_SPOKEN_CHARS // 2 else head.rfind(" ") + 1 or MAX_SPOKEN_CHARS
    cut = head[:last].rstrip(" ,;:\n")
    stop = "" if cut.endswith((".", "!", "?")) else "."
    return f"{cut}{stop} {phrase(THERE_IS_MORE, language)}"
