"""Tags of languages: how clients write them, which there are, and which speech model hears them; pure.

Rules kept here:

* "en_US", "EN" and "english" are written one way from the edge of the server on: "en-US", "en", "en".
* A speech model whose name ends in ``.en`` knows English only, as all of Whisper's do; any other one hears every
  language of the table.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, overload

CODES: Final = frozenset(
    {"af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "br", "bs", "ca", "cs", "cy", "da", "de", "el", "en"}
    | {"es", "et", "eu", "fa", "fi", "fo", "fr", "gl", "gu", "ha", "haw", "he", "hi", "hr", "ht", "hu", "hy", "id"}
    | {"is", "it", "ja", "jw", "ka", "kk", "km", "kn", "ko", "la", "lb", "ln", "lo", "lt", "lv", "mg", "mi", "mk"}
    | {"ml", "mn", "mr", "ms", "mt", "my", "ne", "nl", "nn", "no", "oc", "pa", "pl", "ps", "pt", "ro", "ru", "sa"}
    | {"sd", "si", "sk", "sl", "sn", "so", "sq", "sr", "su", "sv", "sw", "ta", "te", "tg", "th", "tk", "tl", "tr"}
    | {"tt", "uk", "ur", "uz", "vi", "yi", "yo", "zh", "yue"}
)
"""Languages that Whisper hears."""
_NAMES: Final[Mapping[str, str]] = {
    "english": "en",
    "eng": "en",
    "german": "de",
    "deutsch": "de",
    "deu": "de",
    "ger": "de",
    "french": "fr",
    "fra": "fr",
    "fre": "fr",
    "spanish": "es",
    "spa": "es",
    "italian": "it",
    "ita": "it",
    "dutch": "nl",
    "nld": "nl",
    "portuguese": "pt",
    "por": "pt",
    "polish": "pl",
    "pol": "pl",
    "russian": "ru",
    "rus": "ru",
    "japanese": "ja",
    "jpn": "ja",
    "chinese": "zh",
    "zho": "zh",
    "korean": "ko",
    "kor": "ko",
    "nb": "no",
    "turkish": "tr",
    "ukrainian": "uk",
    "swedish": "sv",
    "danish": "da",
    "arabic": "ar",
    "hindi": "hi",
}
_TAG: Final = re.compile(r"([a-z]{2,12})((?:[-_][a-z0-9]{2,8}){0,3})(?:\.utf-?8)?", re.IGNORECASE | re.ASCII)
AUTO: Final = "auto"
SHOWN_CHARS: Final = 20


def normalised(tag: str) -> str | None:
    """Return a tag as it is written here ("en-US" for "en_us"), ``None`` for "" and "auto".

    Raises ``ValueError`` for what is no language that can be heard.
    """
    tag = tag.strip()
    if tag.lower() in {"", AUTO}:
        return None
    match = _TAG.fullmatch(tag)
    code = _NAMES.get(match[1].lower(), match[1].lower()) if match is not None else ""
    if match is None or code not in CODES:
        raise ValueError(f"language must be a code such as en, de or en-US, not {tag[:SHOWN_CHARS]!r}")
    parts = [part for part in re.split("[-_]", match[2]) if part]
    return "-".join([code, *(part.upper() if len(part) == 2 else part.lower() for part in parts)])  # noqa: PLR2004


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
