"""Logging in on our own pages, and tokens made with a key.

Rules kept here:

* A page never sees its credential: the cookie is HttpOnly, and goes to this server's own pages only (SameSite=Strict).
* The key in a login's body is compared and forgotten; the cookie holds a token, which ends with the key.
* Wrong keys count as those of any request do.
"""

import math
from typing import Final, Protocol

import attrs
import msgspec
import trio
from quart import Response, jsonify, request
from quart_trio import QuartTrio

from backends.ingress.http_answers import admitted, failure
from backends.ingress.json_body import BadBody, read_json
from backends.keys.audit_file import AuditFile
from backends.keys.key_file import KeyFileError
from backends.keys.token_issuer import TokenIssuer, TokenOrder
from protocol.admission.audit import AuditAct, AuditNotes
from protocol.admission.credentials import COOKIE
from protocol.admission.identity import operator_refusal
from protocol.admission.keys import AccessKey, KeyFault
from protocol.admission.logins import RefusedLogins
from protocol.messages.identity import Scope

LOGIN_S: Final = 30 * 86_400.0  # a tablet on the wall; the cookie ends with its key, too
OPERATOR_LOGIN_S: Final = 12 * 3_600.0  # a day of work
TOKEN_S: Final = 300.0
TOKEN_MAX_S: Final = 3_600.0
AUDIT_SHOWN: Final = 500


class KnownKeys(Protocol):
    """The keys, as these routes need them; ``backends.keys.key_ring.KeyRing`` in production."""

    is_demanded: bool
    tokens: TokenIssuer
    refused: RefusedLogins
    acts: AuditNotes
    record: AuditFile

    async def refresh(self) -> None:
        """Write down what was done since the last call."""

    def find(self, text: str | None) -> AccessKey | KeyFault:
        """Return the key that was presented, or what is wrong with it."""

    def key_of(self, key_id: str) -> AccessKey | None:
        """Return a key by its identifier."""


class _LoginBody(msgspec.Struct, forbid_unknown_fields=True):
    key: str


class _TokenBody(msgspec.Struct, forbid_unknown_fields=True):
    scopes: tuple[Scope, ...] | None = None
    expires_in_s: float = TOKEN_S
    single_use: bool = False


@attrs.frozen
class AccessRoutes:
    """The routes."""

    keys: KnownKeys

    async def login(self) -> Response:
        """Take a key, and give the page's browser a cookie in its place."""
        try:
            text = read_json(await request.get_data(as_text=False), _LoginBody).key
        except BadBody as error:
            return failure(400, f'the body must be like {{"key": "sayso_..."}}: {error}')
        found = self.keys.find(text)
        if not isinstance(found, AccessKey):
            return self._refused(found)
        self.keys.acts.note(AuditAct("login", "POST /api/login", admitted().identity.address, found.key_id))
        lasts_s = OPERATOR_LOGIN_S if Scope.OPERATE in found.scopes else LOGIN_S
        order = TokenOrder(audience="page", scopes=found.scopes, lasts_s=lasts_s)
        try:
            token, expires_at_s = await self.keys.tokens.issue(found, order)
        except KeyFileError as error:
            return failure(503, str(error))
        response = jsonify({"user": found.user, "scopes": _names(found.scopes), "expires_at": round(expires_at_s)})
        self._set_cookie(response, token, round(lasts_s))
        return response

    def _refused(self, fault: KeyFault) -> Response:
        sender = admitted().identity
        told = self.keys.refused.refuse(fault, sender.tenant, trio.current_time())
        self.keys.acts.note(AuditAct("refused", told.cause, sender.address))
        response = failure(told.status, told.reason)
        if told.retry_after_s is not None:
            response.headers["Retry-After"] = str(math.ceil(told.retry_after_s))
        return response

    async def logout(self) -> Response:
        """Take the cookie away."""
        response = jsonify({})
        self._set_cookie(response, "", 0)
        return response

    def _set_cookie(self, response: Response, value: str, max_age_s: int) -> None:
        is_secure = request.scheme == "https"
        response.set_cookie(
            COOKIE, value, max_age=max_age_s, path="/", httponly=True, samesite="Strict", secure=is_secure
        )
        response.headers["Cache-Control"] = "no-store"

    async def tokens(self) -> Response:
        """Make a token with the key of the request."""
        grant = admitted().identity.grant
        if grant is None:
            return failure(409, "no key is needed here, so there is nothing that a token could stand for")
        key = self.keys.key_of(grant.key_id)
        if grant.is_token or key is None:
            return failure(403, "a token is made with a key, not with another token")
        try:
            body = read_json(await request.get_data(as_text=False) or b"{}", _TokenBody)
        except BadBody as error:
            return failure(400, f'the body must be like {{"scopes": ["talk"], "expires_in_s": 300}}: {error}')
        wanted = key.scopes if body.scopes is None else frozenset(body.scopes)
        if not 1 <= body.expires_in_s <= TOKEN_MAX_S:
            return failure(400, f"expires_in_s must be from 1 to {TOKEN_MAX_S:g}, not {body.expires_in_s:g}")
        if not wanted or not wanted <= key.scopes:
            return failure(403, f"the key is for {', '.join(_names(key.scopes))} only")
        self.keys.acts.note(AuditAct("token", "POST /api/tokens", admitted().identity.address, key.key_id))
        return await self._made(
            key, TokenOrder(scopes=wanted, lasts_s=body.expires_in_s, is_single_use=body.single_use)
        )

    async def _made(self, key: AccessKey, order: TokenOrder) -> Response:
        try:
            token, expires_at_s = await self.keys.tokens.issue(key, order)
        except KeyFileError as error:
            return failure(503, str(error))
        response = jsonify({"token": token, "scopes": _names(order.scopes), "expires_at": round(expires_at_s)})
        response.headers["Cache-Control"] = "no-store"
        return response

    async def audit(self) -> Response:
        """List who did what, newest first."""
        refusal = operator_refusal(admitted().identity, "the record of who did what")
        if refusal is not None:
            return failure(403, refusal)
        await self.keys.refresh()
        try:
            newest = await trio.to_thread.run_sync(self.keys.record.newest, AUDIT_SHOWN)
        except OSError as error:
            return failure(503, str(error))
        shown = [attrs.asdict(entry.act) | {"at": entry.at_s, "count": entry.count} for entry in newest]
        response = jsonify({"entries": shown})
        response.headers["Cache-Control"] = "no-store"
        return response


def _names(scopes: frozenset[Scope]) -> list[str]:
    return [scope.value for scope in Scope if scope in scopes]


def add_access_routes(app: QuartTrio, routes: AccessRoutes) -> None:
    """Add the routes to the app."""
    for path, view in (
        ("/api/login", routes.login),
        ("/api/logout", routes.logout),
        ("/api/tokens", routes.tokens),
    ):
        app.add_url_rule(path, endpoint=path, view_func=view, methods=["POST"])
    app.add_url_rule("/api/audit", endpoint="/api/audit", view_func=routes.audit, methods=["GET"])
