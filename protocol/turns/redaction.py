"""Removes secrets from records: from texts, and from tools' arguments and results; pure.

Rules kept here:

* The name of a field counts more than its value: a field called a password is one.
* Of a text only what looks like a credential or a card's number is taken out, so that the history stays readable.
* It is no complete protection: a secret that looks like a word is not found. ``history.transcripts = false`` keeps
  no words at all.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from protocol.messages.history import Record
from protocol.messages.records import SessionRecord, ToolRecord, TurnRecord

HIDDEN: Final = "[redacted]"
SECRET_NAME: Final = re.compile(
    r"pass(word|wd|phrase|code)?$|^pin$|secret|token|api_?key|access_?key|private_?key|credential|authorization|cookie",
    re.IGNORECASE,
)
# credentials that announce themselves: vendors' prefixes, JSON web tokens, bearer headers, user:password in addresses
SECRET_TEXT: Final = re.compile(
    r"""
    \b(?:sk|pk|rk|gh[opsur]|github_pat|glpat|xox[abeoprs]|hf|npm|dop_v1)[-_][A-Za-z0-9_-]{16,}
    | \b(?:AKIA|ASIA)[0-9A-Z]{16}\b
    | \bAIza[A-Za-z0-9_-]{30,}
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*
    | (?<=bearer\ )[A-Za-z0-9._~+/-]{8,}=*
    | (?<=://)[^\s/:@]+:[^\s/@]+(?=@)
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)

# "the password is hunter2": a word with a digit or a sign; what is only called a key or a token has to be long, too
_SAYS = r"""\s{0,3}(?:\b(?:is|ist|lautet)\b|[:=])\s{0,3}["']?"""
SAID_PASSWORD: Final = re.compile(
    r"(\b(?:pass(?:word|wort|code|phrase)|kennwort)" + _SAYS + r")"
    r"""(?=[^\s"']{0,64}[0-9!@#$%^&*+=_?])[^\s"']{6,200}(?<![.!?])""",
    re.IGNORECASE,
)
SAID_KEY: Final = re.compile(
    r"(\b(?:token|secret|key|schlüssel|geheimnis)" + _SAYS + r")(?=[A-Za-z+/=_.-]{0,64}\d)[A-Za-z0-9+/=_.-]{16,500}",
    re.IGNORECASE,
)
CARD_NUMBER: Final = re.compile(r"(?<![\w.,+-])[2-6]\d(?:[ -]?\d){11,17}(?![\w-])")  # ISO/IEC 7812: 13 to 19 digits


def kept(record: Record, *, has_words: bool = True) -> Record:
    """Return what history keeps of a record: without secrets, and without any words unless ``has_words``."""
    match record:
        case TurnRecord() if not has_words:
            return attrs.evolve(record, heard="", replied="")
        case TurnRecord():
            return attrs.evolve(record, heard=redacted_text(record.heard), replied=redacted_text(record.replied))
        case ToolRecord() if not has_words:
            return attrs.evolve(record, arguments={}, result="", transcript="")
        case ToolRecord():
            return attrs.evolve(
                record,
                arguments=redacted(record.arguments),
                result=redacted_text(record.result),
                transcript=redacted_text(record.transcript),
            )
        case SessionRecord():
            return record


def redacted(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call, at every depth without what is secret by its name or its look."""
    return {name: HIDDEN if SECRET_NAME.search(name) else _value(value) for name, value in arguments.items()}


def redacted_text(text: str) -> str:
    """Return a text with every credential and card number that can be told by its look taken out."""
    text = SECRET_TEXT.sub(HIDDEN, text)
    for pattern in (SAID_PASSWORD, SAID_KEY):
        text = pattern.sub(rf"\g<1>{HIDDEN}", text)
    return CARD_NUMBER.sub(lambda found: HIDDEN if _is_card(found[0]) else found[0], text)


def _is_card(text: str) -> bool:
    """Return whether the digits have the check digit of a card's number (Luhn, ISO/IEC 7812-1)."""
    digits = [int(sign) for sign in reversed(text) if sign.isdecimal()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, Mapping):
        return redacted(value)
    if isinstance(value, Sequence):
        return [_value(item) for item in value]
    return value
