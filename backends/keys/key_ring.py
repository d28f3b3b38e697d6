"""The keys of a running server: read again when their file changes, and asked about each request.

Rules kept here:

* A request is checked against keys in memory, which are ``STALE_S`` old at most; the file is looked at by ``refresh``
  alone, in a thread, and by one at a time: what was read first never replaces what was read later.
* A file that could not be opened is tried again at the next look, for its keys may have been revoked.
* Once a key was demanded, one is demanded until the process ends: revoking the last one, or losing the file, opens
  nothing. With a damaged file the last good keys stay.
* What is told, logged or counted never contains a key.
"""

import logging
import math
from collections.abc import Callable, Mapping
from typing import Final

import trio

from backends.keys.audit_file import AuditFile
from backends.keys.key_file import KeyFile, KeyFileError, KeyFileUnfit, Signature
from backends.keys.token_issuer import TokenIssuer
from backends.protocols import CheckUnavailable, Refusal, Request
from protocol.admission.audit import AuditAct, AuditKind, AuditNotes
from protocol.admission.checks import CheckKind
from protocol.admission.credentials import Presented, presented
from protocol.admission.keys import AccessKey, KeyFault, find_key, identified, is_still_good
from protocol.admission.logins import LoginRefusal, RefusedLogins, scope_refusal
from protocol.admission.scopes import OPERATE, READING, allows, needed_scopes
from protocol.admission.tokens import PREFIX, TokenClaims
from protocol.messages.identity import Grant, Identity

log = logging.getLogger("sayso.keys")
STALE_S: Final = 5.0  # seconds; longer than between looks while the server is used, so that no request waits then


class KeyRing:
    """The keys, the newest that are known."""

    def __init__(self, file: KeyFile, *, is_demanded: bool, unix_time: Callable[[], float]) -> None:
        """Read the keys; raises ``KeyFileError``. With ``is_demanded`` a key is needed although there is none."""
        self._file = file
        self._unix_time = unix_time
        self._seen: Signature | None = file.signature()
        self._keys: Mapping[str, AccessKey] = {}
        self._refreshing = trio.Lock()
        self._looked_s = -math.inf
        self.is_demanded = is_demanded
        self.tokens = TokenIssuer(file.path.parent, unix_time)
        self.refused = RefusedLogins()
        self.acts = AuditNotes()
        self.record = AuditFile.in_folder(file.path.parent)
        self._take(file.read())

    def __repr__(self) -> str:
        return f"<KeyRing {len(self._keys)} keys>"

    def __len__(self) -> int:
        """Return how many keys there are, expired ones included."""
        return len(self._keys)

    @property
    def keys(self) -> Mapping[str, AccessKey]:
        """The keys, by identifier."""
        return self._keys

    def key_of(self, key_id: str) -> AccessKey | None:
        """Return a key by its identifier; ``None`` if there is none."""
        return self._keys.get(key_id)

    def find(self, text: str | None) -> AccessKey | KeyFault:
        """Return the key that was presented, or what is wrong with it."""
        return find_key(text, self._keys, self._unix_time())

    def holds(self, grant: Grant) -> bool:
        """Return whether what was granted is still so."""
        return is_still_good(grant, self._keys, self._unix_time())

    async def refresh(self) -> None:
        """Read the file again if it has changed, and write down what was done since."""
        await self._write_acts()  # takes as long as the disk does, which no request waits for
        async with self._refreshing:
            await self._read_again()

    async def refresh_stale(self) -> None:
        """Read the file again if it has changed and was not looked at for ``STALE_S``, as without clients."""
        if trio.current_time() < self._looked_s + STALE_S:
            return
        async with self._refreshing:
            if trio.current_time() >= self._looked_s + STALE_S:  # another request may have waited for the same
                await self._read_again()

    async def _write_acts(self) -> None:
        entries = self.acts.take(self._unix_time())
        try:
            await trio.to_thread.run_sync(self.record.append, entries)
        except OSError as error:
            self.acts.give_back(entries)
            log.error("who did what is not written down: %s", error)  # noqa: TRY400 - its words say all

    async def _read_again(self) -> None:
        self._looked_s = trio.current_time()
        try:
            changed = await trio.to_thread.run_sync(self._read_changed)
        except KeyFileError as error:
            log.error("the keys stay as they were: %s", error)  # noqa: TRY400 - its words say all
            return
        if changed is not None:
            self._take(changed)
            log.info("read %d keys", len(changed))

    def _read_changed(self) -> tuple[AccessKey, ...] | None:
        signature = self._file.signature()
        if signature == self._seen:
            return None
        try:
            found = self._file.read()
        except KeyFileUnfit:
            self._seen = signature  # it is the same at the next look
            raise
        self._seen = signature
        return found

    def _take(self, keys: tuple[AccessKey, ...]) -> None:
        self._keys = {key.key_id: key for key in keys}
        self.is_demanded = self.is_demanded or bool(keys)


class KeyCheck:
    """Admission's question about a sender's key or token."""

    kind = CheckKind.CREDENTIALS

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def check(self, identity: Identity, request: Request) -> Identity | Refusal:
        """Return the sender as its key or token says, or why it is refused."""
        found = await self._found(identity, request)
        if isinstance(found, Refusal):
            self._note("refused", found.cause, identity)
        elif needed_scopes(request.method, request.path) == OPERATE and request.method not in READING:
            self._note("operate", f"{request.method} {request.path}", found)
        return found

    def _note(self, kind: AuditKind, what: str, identity: Identity) -> None:
        key_id = None if identity.grant is None else identity.grant.key_id
        self._ring.acts.note(AuditAct(kind, what, identity.address, key_id))

    async def _found(self, identity: Identity, request: Request) -> Identity | Refusal:
        needed = needed_scopes(request.method, request.path)
        await self._ring.refresh_stale()
        if not needed or not self._ring.is_demanded:
            return identity
        claims: TokenClaims | None = None
        shown = presented(request.headers)
        found: AccessKey | KeyFault
        if shown is None:
            found = "no_key"
        elif shown.audience == "page" or shown.text.startswith(PREFIX):
            found, claims = await self._token(shown)
        else:
            found = self._ring.find(shown.text)
        if isinstance(found, AccessKey) and not allows(found.grant, needed):
            return _refusal(scope_refusal(needed))
        if claims is not None and not self._ring.tokens.use(claims):
            found = "used_token"
        if not isinstance(found, AccessKey):
            return _refusal(self._ring.refused.refuse(found, identity.tenant, trio.current_time()))
        return identified(identity, found, is_token=claims is not None)

    async def _token(self, shown: Presented) -> tuple[AccessKey | KeyFault, TokenClaims | None]:
        try:
            found = await self._ring.tokens.find(shown.text, shown.audience, self._ring.keys)
        except KeyFileError as error:
            raise CheckUnavailable(str(error)) from error
        return found if isinstance(found, tuple) else (found, None)


def _refusal(told: LoginRefusal) -> Refusal:
    headers = () if told.challenge is None else (("WWW-Authenticate", told.challenge),)
    return Refusal(told.status, told.reason, told.retry_after_s, told.cause, headers)
