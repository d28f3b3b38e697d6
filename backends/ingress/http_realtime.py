"""Secrets for pages that speak OpenAI's Realtime API: ``POST /v1/realtime/client_secrets``.

Rules kept here:

* A secret is a token of the key that asks for it (``protocol/admission/tokens.py``), for talking alone, behind the
  ``ek_`` that OpenAI's clients in browsers insist on.
* Where no key is needed there is nothing to stand for: any secret is good, and a random one is given.
* The session that is described is checked and told again. It is not kept: the client sends it in ``session.update``.
"""

import secrets
from typing import Any, Final, Literal

import attrs
import msgspec
from quart import Response, jsonify, request
from quart_trio import QuartTrio

from backends.ingress.api_errors import ApiError, error_response
from backends.ingress.http_access import TOKEN_MAX_S, KnownKeys
from backends.ingress.http_answers import admitted
from backends.ingress.json_body import BadBody, read_json
from backends.keys.key_file import KeyFileError
from backends.keys.token_issuer import TokenOrder
from protocol.admission.audit import AuditAct
from protocol.admission.tokens import EPHEMERAL
from protocol.dialects.realtime.session_document import SessionDocument, new_document
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.identity import Grant, Scope

PATH: Final = "/v1/realtime/client_secrets"
LASTS_S: Final = 600  # as OpenAI's, if the client names no time
SHORTEST_S, LONGEST_S = 10, 7_200  # what OpenAI takes; ours last ``TOKEN_MAX_S`` at most, and the answer tells it
RANDOM_BYTES: Final = 24


class ExpiresAfter(msgspec.Struct):
    """How long a secret is good."""

    seconds: int = LASTS_S
    anchor: Literal["created_at"] = "created_at"


class ClientSecretBody(msgspec.Struct):
    """What a secret is asked for."""

    expires_after: ExpiresAfter = msgspec.field(default_factory=ExpiresAfter)
    session: dict[str, Any] = msgspec.field(default_factory=dict)


@attrs.frozen
class ClientSecretRoute:
    """Makes secrets."""

    keys: KnownKeys

    async def create(self) -> Response:
        """Make a secret with the key of the request."""
        try:
            wanted = _wanted(await request.get_data(as_text=False))
            session = _session(wanted.session)
            lasts_s = min(wanted.expires_after.seconds, TOKEN_MAX_S)
            value, expires_at_s = await self._issued(admitted().identity.grant, lasts_s)
        except ApiError as error:
            return error_response(error)
        response = jsonify({"value": value, "expires_at": round(expires_at_s), "session": session})
        response.headers["Cache-Control"] = "no-store"
        return response

    async def _issued(self, grant: Grant | None, lasts_s: float) -> tuple[str, float]:
        """Return a secret and when it expires, in Unix time; raises ``ApiError``."""
        if grant is None:
            random = secrets.token_urlsafe(RANDOM_BYTES)
            return f"{EPHEMERAL}{random}", self.keys.tokens.unix_time() + lasts_s
        key = self.keys.key_of(grant.key_id)
        if grant.is_token or key is None:
            raise ApiError(403, "a client secret is made with a key, not with another secret")
        self.keys.acts.note(AuditAct("token", f"POST {PATH}", admitted().identity.address, key.key_id))
        order = TokenOrder(scopes=frozenset({Scope.TALK}), lasts_s=lasts_s)
        try:
            token, expires_at_s = await self.keys.tokens.issue(key, order)
        except KeyFileError as error:
            raise ApiError(503, str(error)) from error
        return f"{EPHEMERAL}{token}", expires_at_s


def _wanted(data: str | bytes) -> ClientSecretBody:
    """Return what the body asks for; raises ``ApiError``."""
    try:
        body = read_json(data or b"{}", ClientSecretBody)
    except BadBody as error:
        shape = '{"expires_after": {"anchor": "created_at", "seconds": 600}, "session": {"type": "realtime"}}'
        raise ApiError(400, f"the body must be like {shape}: {error}") from error
    seconds = body.expires_after.seconds
    if not SHORTEST_S <= seconds <= LONGEST_S:
        message = f"expires_after.seconds must be from {SHORTEST_S} to {LONGEST_S}, not {seconds}"
        raise ApiError(400, message, "expires_after.seconds")
    return body


def _session(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the session that is described, complete; raises ``ApiError`` for one that could not be served."""
    kind: Literal["realtime", "transcription"] = (
        "transcription" if wanted.get("type") == "transcription" else "realtime"
    )
    try:
        document = SessionDocument(new_document(kind)).changed(wanted)
        document.wanted()
    except RemoteProtocolError as error:
        raise ApiError(400, str(error), "session") from error
    return document.content


def add_realtime_routes(app: QuartTrio, route: ClientSecretRoute) -> None:
    """Add the route to the app."""
    app.add_url_rule(PATH, endpoint=PATH, view_func=route.create, methods=["POST"])
