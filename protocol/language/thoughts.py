"""Leaves out what a model writes while it thinks (``<think>...</think>``); sans-IO.

Rules kept here:

* A tag may come in pieces: what may be the beginning of one waits for the next piece.
* A thought that is never closed goes on to the end of the answer. A closing tag alone is left out.
"""

import re
from typing import Final

import attrs

TAGS: Final = ("think", "thinking", "thought", "reasoning")
_TAG: Final = re.compile(rf"<(?P<end>/)?(?:{'|'.join(TAGS)})>", re.IGNORECASE)
_TAGS: Final = tuple(f"<{slash}{name}>" for name in TAGS for slash in ("", "/"))


@attrs.define
class ThoughtFilter:
    """Takes text as it streams, returns what may be shown and spoken of it."""

    _waiting: str = ""
    _is_thought: bool = False
    _was_thought: bool = False
    """Whether a thought has just ended: the blank lines behind it belong to it."""

    def feed(self, text: str) -> str:
        """Take more text; return what is certain not to be thought."""
        text = self._waiting + text
        length = len(text) - _open_tag_length(text)
        text, self._waiting = text[:length], text[length:]
        return self._outside(text)

    def flush(self) -> str:
        """Return what was held back at the end of the answer, and begin anew."""
        rest = self._outside(self._waiting)
        self._waiting, self._is_thought, self._was_thought = "", False, False
        return rest

    def _outside(self, text: str) -> str:
        shown, at = [], 0
        for tag in _TAG.finditer(text):
            shown.append(self._passed(text[at : tag.start()]))
            self._is_thought = tag["end"] is None
            self._was_thought = not self._is_thought
            at = tag.end()
        shown.append(self._passed(text[at:]))
        return "".join(shown)

    def _passed(self, text: str) -> str:
        if self._is_thought:
            return ""
        text = text.lstrip() if self._was_thought else text
        self._was_thought = self._was_thought and not text
        return text


def without_thoughts(text: str) -> str:
    """Return a whole text without its thoughts."""
    thoughts = ThoughtFilter()
    return thoughts.feed(text) + thoughts.flush()


def _open_tag_length(text: str) -> int:
    """Return the length of what may be the beginning of a tag at the end of ``text``."""
    at = text.rfind("<")
    tail = text[at:].lower() if at >= 0 else ""
    return len(tail) if tail and any(tag.startswith(tail) and tag != tail for tag in _TAGS) else 0
