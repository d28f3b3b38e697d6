"""Short-lived tokens, made with a key for a browser or a device that is not to have the key; pure, time is an argument.

Rules kept here:

* A token is ``sayso-token.CLAIMS.MAC``: its claims in base64url, and their HMAC-SHA256 by a secret of this server. So a
  token of another server is not good here. Nothing is read of claims whose MAC is wrong.
* It is bound to its key: it can do no more, lasts no longer, and ends when the key is replaced or revoked.
* Its audience says where it may be presented: a page's cookie is no bearer token, and the other way round.
* One that is good for one use is good in the process that made it only, because the used ones are remembered in memory.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final, Literal

import attrs
import msgspec

from protocol.admission.keys import AccessKey, KeyFault
from protocol.messages.identity import Scope

PREFIX: Final = "sayso-token."
EPHEMERAL: Final = "ek_"  # before a token: OpenAI's client in browsers takes nothing else
SECRET_BYTES: Final = 32
MARK_CHARS: Final = 16
USED_MAX: Final = 10_000
DOMAIN: Final = b"sayso token 1\0"

Audience = Literal["api", "page"]


class TokenClaims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a token says."""

    audience: Audience
    key_id: str
    key_mark: str
    """Of the key's digest, which changes with its secret."""
    scopes: tuple[Scope, ...]
    expires_at_s: float
    """Unix time."""
    token_id: str
    process_id: str | None = None
    """Of one that is good for one use: the process in which it is."""


def mark_of(key: AccessKey) -> str:
    """Return what a token remembers of its key."""
    return hashlib.sha256(key.digest.encode()).hexdigest()[:MARK_CHARS]


def token_text(claims: TokenClaims, secret: bytes) -> str:
    """Return the token."""
    body = _encoded(msgspec.json.encode(claims))
    return f"{PREFIX}{body}.{_encoded(_mac(body, secret))}"


def find_token(
    text: str, audience: Audience, secret: bytes, keys: Mapping[str, AccessKey], now_s: float
) -> tuple[AccessKey, TokenClaims] | KeyFault:
    """Return a token's key, narrowed to what the token allows, and its claims; else what is wrong with it."""
    body, _, mac = text.removeprefix(PREFIX).partition(".")
    if not text.startswith(PREFIX) or not hmac.compare_digest(_mac(body, secret), _decoded(mac)):
        return "unknown_key"
    try:
        claims = msgspec.json.decode(_decoded(body), type=TokenClaims)
    except msgspec.DecodeError:  # signed by another version of this server, whose tokens say more or less
        return "unknown_key"
    key = keys.get(claims.key_id)
    if key is None or claims.audience != audience or not hmac.compare_digest(mark_of(key), claims.key_mark):
        return "unknown_key"
    if now_s >= claims.expires_at_s or key.has_expired(now_s):
        return "expired_key"
    scopes = key.scopes.intersection(claims.scopes)
    return attrs.evolve(key, scopes=scopes, expires_at_s=claims.expires_at_s), claims


def _mac(body: str, secret: bytes) -> bytes:
    return hmac.digest(secret, DOMAIN + body.encode(errors="replace"), "sha256")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


@attrs.define
class UsedTokens:
    """The tokens of one use that were used, until each expires."""

    limit: int = USED_MAX
    _expires_at_s: dict[str, float] = attrs.field(factory=dict, init=False)
    _forgotten_s: float = attrs.field(default=0.0, init=False)
    """The latest end of a token that was forgotten: if the clock goes back, none of them is good again."""

    def __len__(self) -> int:
        return len(self._expires_at_s)

    def use(self, claims: TokenClaims, now_s: float) -> bool:
        """Note one use; return whether it is the first. With too many to remember none is."""
        if claims.token_id in self._expires_at_s or claims.expires_at_s <= self._forgotten_s:
            return False
        if len(self._expires_at_s) >= self.limit:
            self._forget(now_s)
        if len(self._expires_at_s) >= self.limit:
            return False
        self._expires_at_s[claims.token_id] = claims.expires_at_s
        return True

    def _forget(self, now_s: float) -> None:
        over = [token_id for token_id, expires_at_s in self._expires_at_s.items() if expires_at_s <= now_s]
        for token_id in over:
            self._forgotten_s = max(self._forgotten_s, self._expires_at_s.pop(token_id))
