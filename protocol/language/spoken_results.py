"""What is said of a tool's result that the tool has not put into words: pure.

Rules kept here:

* JSON and the marks of images and sounds are never spoken; a single text or number within is.
* A tool that returns nothing has done what it was asked for.
"""

import json
import re
from typing import Any, Final

from protocol.language.phrases import DONE, MANY_PARTS, phrase

MAX_SPOKEN_CHARS: Final = 2_000  # of one value in JSON: more is no answer to a command
_MEDIA: Final = re.compile(r"^\[(?:image|audio|resource)[ ,][^\]\n]{0,300}\]$", re.MULTILINE)


def spoken_result(content: str, language: str) -> str:
    """Return what is said of a result's text, in the language of the session."""
    text, media_count = _MEDIA.subn("", content)
    text = text.strip()
    value = _value(text)
    if isinstance(value, str) and value.strip():
        return value.strip()
    count = media_count + (len(value) if isinstance(value, list | dict) else 0)
    if not count:
        return phrase(DONE, language)
    return phrase(MANY_PARTS, language, count=str(count)) if count > 1 else phrase(DONE, language)


def _value(text: str) -> Any:
    """Return the text itself, or what its JSON holds: one value as a text, else the table or list."""
    if text == "null" or text[:1] in {"{", "["}:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return text
        while isinstance(value, dict) and len(value) == 1:
            (value,) = value.values()
        is_told = isinstance(value, int | float) and not isinstance(value, bool)
        return str(value)[:MAX_SPOKEN_CHARS] if is_told else value
    return text
