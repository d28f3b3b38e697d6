"""Where a request carries a key or a token: ``Authorization``, a WebSocket's subprotocols, a page's cookie; pure.

Rules kept here:

* ``Authorization`` comes first; a request that has one of another kind has no good key, whatever else it carries.
* A browser cannot give a WebSocket any headers, so a page offers its key as a subprotocol beside the one that it wants.
  The server never selects that one: its name would be in the answer.
* The cookie of our own pages comes last, and holds a token for that alone: nothing that was copied out of it is good
  elsewhere, and no key can be put into it.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from protocol.admission.tokens import Audience

SCHEMES: Final = frozenset({"bearer", "token"})  # RFC 6750; and Deepgram's
CREDENTIAL_MAX: Final = 1_024  # characters; the longest token has some 400
COOKIE: Final = "sayso_login"
MALFORMED: Final = ""
"""What stands for a credential that cannot be read: no key is written like that."""


@attrs.frozen
class Presented:
    """The key or token of a request."""

    text: str = attrs.field(repr=False)
    audience: Audience = "api"


def presented(headers: Mapping[str, str]) -> Presented | None:
    """Return the key or token that a request carries, ``None`` if it carries none; names are in lower case."""
    text = _in_request(headers)
    if text is not None:
        return Presented(text)
    cookie = _cookie(headers)
    return None if cookie is None else Presented(_bounded(cookie), "page")


def _cookie(headers: Mapping[str, str]) -> str | None:
    """Return the value of our cookie (RFC 6265, section 4.2)."""
    for pair in headers.get("cookie", "").split(";"):
        name, equals, value = pair.strip().partition("=")
        if equals and name == COOKIE:
            return value
    return None


def _in_request(headers: Mapping[str, str]) -> str | None:
    authorization = headers.get("authorization")
    if authorization is not None:
        scheme, _, value = authorization.strip().partition(" ")
        return _bounded(value.strip()) if scheme.lower() in SCHEMES else MALFORMED
    offered = [name.strip() for name in headers.get("sec-websocket-protocol", "").split(",")]
    if len(offered) > 1 and offered[0].lower() in SCHEMES:
        return _bounded(offered[1])  # Deepgram's: the scheme, and then the key
    for prefix, decoded in SUBPROTOCOLS:
        for name in offered:
            if name.startswith(prefix):
                return _bounded(decoded(name.removeprefix(prefix)))
    return None


def _bounded(text: str) -> str:
    return text if len(text) <= CREDENTIAL_MAX else MALFORMED


def _unwrapped(text: str) -> str:
    """Decode base64url without padding."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return MALFORMED


SUBPROTOCOLS: Final[tuple[tuple[str, Callable[[str], str]], ...]] = (
    ("sayso.key.", _unwrapped),
    ("openai-insecure-api-key.", str),  # of OpenAI's own client in browsers
)
"""By the prefix of the subprotocol: how the key behind it is read."""


def as_subprotocol(text: str) -> str:
    """Return the subprotocol by which a page presents a key or a token."""
    return "sayso.key." + base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode("ascii")
