"""What must not be written down: secrets in what tools are given and in what they answer; pure.

Rules kept here:

* The name of a field tells more than its value: whatever is called a password is one.
* Of a text only what looks like a credential is taken out, so that the audit log stays readable.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

HIDDEN: Final = "[redacted]"
SECRET_NAME: Final = re.compile(
    r"pass(word|wd|phrase|code)?$|^pin$|secret|token|api_?key|access_?key|private_?key|credential|authorization|cookie",
    re.IGNORECASE,
)
# credentials that announce themselves: vendors' prefixes, JSON web tokens, bearer headers, user:password in addresses
SECRET_TEXT: Final = re.compile(
    r"""
    \b(?:sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[abprs])[-_][A-Za-z0-9_-]{16,}
    | \bAKIA[0-9A-Z]{16}\b
    | \beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*
    | (?<=bearer\ )[A-Za-z0-9._~+/-]{8,}=*
    | (?<=://)[^\s/:@]+:[^\s/@]+(?=@)
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----.*?(?:-----END\ [A-Z ]*PRIVATE\ KEY-----|\Z)
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def redacted(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call, at every depth without what is secret by its name or its look."""
    return {name: HIDDEN if SECRET_NAME.search(name) else _value(value) for name, value in arguments.items()}


def redacted_text(text: str) -> str:
    """Return a text with every credential that can be told by its look taken out."""
    return SECRET_TEXT.sub(HIDDEN, text)


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, Mapping):
        return redacted(value)
    if isinstance(value, Sequence):
        return [_value(item) for item in value]
    return value
