"""Tags of languages: how clients write them, which there are, and which speech model hears them; pure.

Rules kept here:

* "en_US", "EN" and "english" are written one way from the edge of the server on: "en-US", "en", "en". So is each code
  and name of a language that Whisper hears.
* A speech model whose name ends in ``.en`` knows English only, as all of Whisper's do; any other one hears every
  language of the table.
"""

import re
from collections.abc import Sequence
from typing import Final, overload

from protocol.language.language_names import CODE_OF

_TAG: Final = re.compile(
    r"([a-z]{2,12})((?:[-_][a-z0-9]{1,8}){0,8})(?:\.[\w-]{1,20})?(?:@[\w-]{1,20})?", re.IGNORECASE | re.ASCII
)
AUTO: Final = frozenset({"", "auto", "und", "mul"})
"""What leaves the language open: the last two are ISO 639's own words for that."""
SHOWN_CHARS: Final = 20
MAX_TAG_CHARS: Final = 60
SCRIPT_CHARS, REGION_CHARS = 4, 2


def normalised(tag: str) -> str | None:
    """Return a tag as BCP 47 writes it ("en-US" for "en_us", "zh-Hans"), ``None`` for "" and "auto".

    Raises ``ValueError`` for what is no language that can be heard.
    """
    plain = " ".join(tag[: MAX_TAG_CHARS + 1].casefold().split())
    if plain in AUTO:
        return None
    if plain in CODE_OF:
        return CODE_OF[plain]
    match = _TAG.fullmatch(tag.strip())
    code = None if match is None else CODE_OF.get(match[1].lower())
    if match is None or code is None or len(plain) > MAX_TAG_CHARS:
        raise ValueError(f"language must be a code such as en, de or en-US, not {tag[:SHOWN_CHARS]!r}")
    parts = [part for part in re.split("[-_]", match[2]) if part]
    known = next(
        (at for at, part in enumerate(parts) if len(part) == 1), len(parts)
    )  # an extension follows: "u-hc-h12"
    return "-".join([code, *map(_subtag, parts[:known]), *(part.lower() for part in parts[known:])])


def _subtag(part: str) -> str:
    """Return a script as "Hans", a region as "US", anything else in lower case."""
    if len(part) == SCRIPT_CHARS and part.isalpha():
        return part.capitalize()
    return part.upper() if len(part) == REGION_CHARS and part.isalpha() else part.lower()


@overload
def primary(tag: str) -> str: ...


@overload
def primary(tag: str | None) -> str | None: ...


def primary(tag: str | None) -> str | None:
    """Return the "en" of "en-US"."""
    return None if tag is None else tag.replace("_", "-").partition("-")[0].lower()


def is_english_only(model: str) -> bool:
    """Whether a speech model knows English only, by its name or folder."""
    return model.rstrip("/").lower().endswith(".en")


def model_for(language: str | None, wanted: str | None, offered: Sequence[str]) -> str | None:
    """Return the speech model for a language: the wanted or usual one, else the first that knows it; ``None`` for none.

    ``offered`` has the usual one first; ``language`` is ``None`` where it is to be detected.
    """
    name = wanted or offered[0]
    if primary(language) in {None, "", "en"} or not is_english_only(name):
        return name
    return next((other for other in offered if not is_english_only(other)), None) if wanted is None else None


def translator(wanted: str | None, offered: Sequence[str]) -> str | None:
    """Return the speech model that translates: the wanted one, else the first that can; ``None`` for none."""
    names = offered if wanted is None else (wanted,)
    return next((name for name in names if not is_english_only(name)), None)


def hearing_problem(language: str | None, wanted: str | None, offered: Sequence[str]) -> str | None:
    """Return why a language cannot be heard with the models that there are, ``None`` if it can."""
    if model_for(language, wanted, offered) is not None:
        return None
    others = [name for name in offered if not is_english_only(name)]
    if others:
        return f"model {wanted} hears English only, not {language}; {', '.join(others)} can hear it"
    return (
        f"this server's speech model {wanted or offered[0]} hears English only, not {language}; "
        'set transcription.model = "base"'
    )
