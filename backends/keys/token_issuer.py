"""Makes tokens with a key, and knows them again.

Rules kept here:

* The secret is read when the first token is made or shown, in a thread; who comes meanwhile waits for that one.
* What a token allows is decided in ``protocol/admission/tokens.py``.
"""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import attrs
import trio

from backends.keys.token_secret import token_secret
from protocol.admission.keys import AccessKey, KeyFault
from protocol.admission.tokens import (
    SECRET_BYTES,
    Audience,
    TokenClaims,
    UsedTokens,
    find_token,
    mark_of,
    token_text,
)
from protocol.messages.identity import Scope

ID_BYTES: Final = 12


@attrs.frozen(kw_only=True)
class TokenOrder:
    """The wanted properties of a token."""

    audience: Audience = "api"
    scopes: frozenset[Scope]
    lasts_s: float
    is_single_use: bool = False


@attrs.define(eq=False)
class TokenIssuer:
    """The tokens of one server."""

    data_dir: Path
    unix_time: Callable[[], float]
    _secret: bytes | None = attrs.field(default=None, init=False, repr=False)
    _process_id: str = attrs.field(factory=lambda: secrets.token_urlsafe(ID_BYTES), init=False)
    _used: UsedTokens = attrs.field(factory=UsedTokens, init=False)
    _reading: trio.Lock = attrs.field(factory=trio.Lock, init=False, repr=False)

    async def issue(self, key: AccessKey, order: TokenOrder) -> tuple[str, float]:
        """Return a token made with ``key``, and when it expires, in Unix time; raises ``KeyFileError``."""
        expires_at_s = self.unix_time() + order.lasts_s
        if key.expires_at_s is not None:
            expires_at_s = min(expires_at_s, key.expires_at_s)
        claims = TokenClaims(
            audience=order.audience,
            key_id=key.key_id,
            key_mark=mark_of(key),
            scopes=tuple(scope for scope in Scope if scope in order.scopes & key.scopes),
            expires_at_s=expires_at_s,
            token_id=secrets.token_urlsafe(ID_BYTES),
            process_id=self._process_id if order.is_single_use else None,
        )
        return token_text(claims, await self._wait_secret()), expires_at_s

    async def find(
        self, text: str, audience: Audience, keys: Mapping[str, AccessKey]
    ) -> tuple[AccessKey, TokenClaims] | KeyFault:
        """Return a token's key, narrowed to what the token allows, and its claims; raises ``KeyFileError``."""
        found = find_token(text, audience, await self._wait_secret(), keys, self.unix_time())
        if isinstance(found, tuple) and found[1].process_id not in (None, self._process_id):
            return "used_token"  # perhaps: another process remembers
        return found

    def use(self, claims: TokenClaims) -> bool:
        """Note that a token is used; return ``False`` if it was good for one use, and was used."""
        return claims.process_id is None or self._used.use(claims, self.unix_time())

    async def _wait_secret(self) -> bytes:
        if self._secret is None:
            async with self._reading:
                new = secrets.token_bytes(SECRET_BYTES)
                self._secret = await trio.to_thread.run_sync(token_secret, self.data_dir, new)
        return self._secret
