"""Access keys: how they are written, kept, found and changed; pure, time and randomness are arguments.

Rules kept here:

* A key is ``sayso_ID_SECRET``. The identifier finds the record, so that one digest is computed for each try; the secret
  has 256 random bits, which the server chose.
* Only a digest of a key is kept. It is one SHA-256: nobody can try 2**256 secrets, so a slow function as for passwords
  would protect nothing, and would let strangers make the server compute (docs/decisions/0018-keys.md).
* Digests are compared in constant time, for an unknown identifier too.
* Names are shown in terminals and logs, and users name what is stored: both are checked when a key is made.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import attrs

from protocol.messages.identity import Grant, Identity, Scope

KEY: Final = re.compile(r"sayso_(?P<id>[0-9a-f]{12})_[A-Za-z0-9_-]{43}")
SECRET_BYTES: Final = 32
ID_BYTES: Final = 6
KEYS_MAX: Final = 1_000  # an office has some dozens; all are read again at each change
NAME_MAX: Final = 64
USER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
NO_DIGEST: Final = "0" * 64

KeyFault = Literal["no_key", "unknown_key", "expired_key", "used_token"]


class KeyRefused(ValueError):
    """A key cannot be made or changed like that; the message says why."""


@attrs.frozen
class AccessKey:
    """One key as it is kept."""

    key_id: str
    name: str
    user: str
    """The owner of what is stored for those who use the key."""
    scopes: frozenset[Scope]
    digest: str = attrs.field(repr=False)
    """SHA-256 of the key's text, in hexadecimal."""
    created_at_s: float
    """Unix time."""
    expires_at_s: float | None = None
    """Unix time; ``None`` if it never expires."""

    def has_expired(self, now_s: float) -> bool:
        """Return whether the key's time is over; ``now_s`` is Unix time."""
        return self.expires_at_s is not None and now_s >= self.expires_at_s

    @property
    def grant(self) -> Grant:
        """What the key allows."""
        return Grant(self.key_id, self.scopes, self.expires_at_s, self.digest)


def key_text(key_id: str, secret: str) -> str:
    """Return a key as its owner writes it."""
    return f"sayso_{key_id}_{secret}"


def digest_of(text: str) -> str:
    """Return what is kept of a key."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def find_key(text: str | None, keys: Mapping[str, AccessKey], now_s: float) -> AccessKey | KeyFault:
    """Return the key that was presented, out of ``keys`` by identifier; else what is wrong with it."""
    if text is None:
        return "no_key"
    written = KEY.fullmatch(text)
    found = keys.get(written["id"]) if written else None
    is_right = hmac.compare_digest(digest_of(text), NO_DIGEST if found is None else found.digest)
    if found is None or not is_right:
        return "unknown_key"
    return "expired_key" if found.has_expired(now_s) else found


def is_still_good(grant: Grant, keys: Mapping[str, AccessKey], now_s: float) -> bool:
    """Return whether what was granted is still so: the key is there, has the same secret and scopes, and is in time."""
    found = keys.get(grant.key_id)
    if grant.expires_at_s is not None and now_s >= grant.expires_at_s:
        return False
    if found is None or found.has_expired(now_s) or not grant.scopes <= found.scopes:
        return False
    return hmac.compare_digest(found.digest, grant.digest)


def tenant_of_user(user: str) -> str:
    """Return the tenant of a user's requests; no address is written like that."""
    return f"user {user}"


def may_resume(owner: str, sender: str) -> bool:
    """Return whether a session of ``owner`` may be resumed by ``sender``, both users: only by its own."""
    return owner == sender


def identified(identity: Identity, key: AccessKey, *, is_token: bool = False) -> Identity:
    """Return the sender as its key says: its user, and the user's tenant."""
    grant = attrs.evolve(key.grant, is_token=is_token)
    return attrs.evolve(identity, user=key.user, tenant=tenant_of_user(key.user), grant=grant)


# --- making and changing them --------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class KeyOrder:
    """The wanted properties of a new key."""

    name: str
    user: str
    scopes: frozenset[Scope]
    lasts_s: float | None = None
    """Seconds; ``None`` for ever."""


def with_new_key(
    keys: Sequence[AccessKey], order: KeyOrder, now_s: float, random_bytes: Callable[[int], bytes]
) -> tuple[tuple[AccessKey, ...], str]:
    """Return the keys with one more, and its text, which is not kept; raises ``KeyRefused``."""
    check_name(order.name)
    if not USER.fullmatch(order.user):
        raise KeyRefused(
            f"a user must be up to 64 of A-Z, a-z, 0-9 and ._@+- and begin with a letter or digit, not {order.user!r}"
        )
    if not order.scopes:
        raise KeyRefused("a key must have a scope: talk, read or operate")
    if any(key.name == order.name for key in keys):
        raise KeyRefused(f"there is a key named {order.name!r} already: choose another name, rotate or revoke that one")
    if len(keys) >= KEYS_MAX:
        raise KeyRefused(f"there are {KEYS_MAX} keys already: revoke some")
    key_id = random_bytes(ID_BYTES).hex()
    if any(key.key_id == key_id for key in keys):
        raise KeyRefused("the new key's identifier is taken: try again")
    text = key_text(key_id, secret_of(random_bytes(SECRET_BYTES)))
    expires_at_s = None if order.lasts_s is None else now_s + order.lasts_s
    made = AccessKey(key_id, order.name, order.user, order.scopes, digest_of(text), now_s, expires_at_s)
    return (*keys, made), text


def without_key(keys: Sequence[AccessKey], wanted: str) -> tuple[tuple[AccessKey, ...], AccessKey]:
    """Return the keys without the one of that name or identifier, and that one; raises ``KeyRefused``."""
    found = named(keys, wanted)
    return tuple(key for key in keys if key is not found), found


def with_new_secret(
    keys: Sequence[AccessKey],
    wanted: str,
    now_s: float,
    random_bytes: Callable[[int], bytes],
    lasts_s: float | None = None,
) -> tuple[tuple[AccessKey, ...], str]:
    """Return the keys with another secret in one, and its text; the one before is invalid. Raises ``KeyRefused``.

    Without ``lasts_s`` it lasts as long as it was made for.
    """
    found = named(keys, wanted)
    if lasts_s is None and found.expires_at_s is not None:
        lasts_s = found.expires_at_s - found.created_at_s
    text = key_text(found.key_id, secret_of(random_bytes(SECRET_BYTES)))
    expires_at_s = None if lasts_s is None else now_s + lasts_s
    changed = attrs.evolve(found, digest=digest_of(text), created_at_s=now_s, expires_at_s=expires_at_s)
    return tuple(changed if key is found else key for key in keys), text


def named(keys: Sequence[AccessKey], wanted: str) -> AccessKey:
    """Return the key of that name or identifier; raises ``KeyRefused``."""
    found = next((key for key in keys if wanted in (key.name, key.key_id)), None)
    if found is None:
        known = ", ".join(repr(key.name) for key in keys) or "none"
        raise KeyRefused(f"there is no key named {wanted!r}, only: {known}")
    return found


def check_name(name: str) -> None:
    """Raise ``KeyRefused`` for a name that could not be shown in a line."""
    if not name or len(name) > NAME_MAX or not name.isprintable() or name != name.strip():
        raise KeyRefused(f"a key's name must be 1 to {NAME_MAX} printable characters, not {name[: 2 * NAME_MAX]!r}")


def secret_of(random: bytes) -> str:
    """Return random bytes as a key has them: base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode("ascii")


DURATION: Final = re.compile(r"(?P<count>[1-9][0-9]{0,5})(?P<unit>[smhd])")
UNITS_S: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def duration_s(text: str) -> float:
    """Return the seconds of a duration such as ``90d``, ``12h``, ``30m`` or ``45s``; raises ``KeyRefused``."""
    found = DURATION.fullmatch(text)
    if found is None:
        raise KeyRefused(f"a duration must be like 90d, 12h, 30m or 45s, not {text[:NAME_MAX]!r}")
    return float(int(found["count"]) * UNITS_S[found["unit"]])
