"""What a sender with a key that is not good is told, and how often; pure, time is an argument.

Rules kept here:

* A sender that presents wrong keys again and again is told to wait, by its address. A right key is taken from the same
  address all the same: a key cannot be guessed, and nobody can lock out others behind the same router.
"""

from collections.abc import Mapping
from typing import Final

import attrs

from protocol.admission.keys import KeyFault
from protocol.admission.rate import RateLimit, RateTable
from protocol.admission.scopes import in_words
from protocol.messages.identity import Scope

UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
TOO_MANY_REQUESTS: Final = 429
WRONG_KEYS: Final = RateLimit(count=10, window_s=60.0, burst=10)  # a person who mistypes a key needs two or three
ADDRESSES_MAX: Final = 4_096
FAULTS: Final[Mapping[KeyFault, str]] = {
    "no_key": "a key is needed here: send it as Authorization: Bearer KEY (make one with `sayso keys new`)",
    "unknown_key": "the key is not known here: it was revoked, replaced, or mistyped",
    "expired_key": "the key or token has expired: get another one",
    "used_token": "the token was good for one use, and was used",
}


@attrs.frozen
class LoginRefusal:
    """Why a sender is refused."""

    status: int
    cause: str
    reason: str
    challenge: str | None = None
    """The value of ``WWW-Authenticate`` (RFC 6750, section 3)."""
    retry_after_s: float | None = None


@attrs.define
class RefusedLogins:
    """Counts the wrong keys of each address."""

    _table: RateTable = attrs.field(factory=lambda: RateTable((WRONG_KEYS,), ADDRESSES_MAX), init=False)

    def refuse(self, fault: KeyFault, address: str, now_s: float) -> LoginRefusal:
        """Return what the sender is told; a key that is not good counts."""
        if fault == "no_key":
            return LoginRefusal(UNAUTHORIZED, fault, FAULTS[fault], 'Bearer realm="sayso"')
        wait_s = self._table.wait_s(address, now_s)
        if wait_s > 0:
            reason = "too many wrong keys came from your address"
            return LoginRefusal(TOO_MANY_REQUESTS, "logins", reason, retry_after_s=wait_s)
        self._table.take(address, now_s)
        challenge = 'Bearer realm="sayso", error="invalid_token"'
        return LoginRefusal(UNAUTHORIZED, fault, FAULTS[fault], challenge)


def scope_refusal(needed: frozenset[Scope]) -> LoginRefusal:
    """Return what the sender of a good key is told whose scopes do not suffice."""
    scopes = " ".join(scope.value for scope in Scope if scope in needed)
    challenge = f'Bearer realm="sayso", error="insufficient_scope", scope="{scopes}"'
    return LoginRefusal(FORBIDDEN, "scope", f"this needs a key for {in_words(needed)}", challenge)
