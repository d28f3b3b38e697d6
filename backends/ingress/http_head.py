"""Parses a request's head, and makes the answers that need nothing but the head; pure, over h11's events.

Rules kept here:

* Labels for metrics come from closed sets: methods and routes, never text from the client.
* A head that is handed on is written anew, without its hop-by-hop headers (RFC 9110, section 7.6.1).
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl

import attrs
import h11
from websockets.datastructures import Headers
from websockets.http11 import Request as Handshake
from websockets.http11 import Response as HandshakeResponse

from backends.protocols import HttpAnswer, Refusal, Request

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
HOP_BY_HOP: Final = frozenset({b"connection", b"upgrade", b"keep-alive", b"proxy-connection", b"http2-settings"})
ABSOLUTE_FORM: Final = re.compile(rb"https?://(?P<authority>[^/?#]*)(?P<rest>[/?].*)?", re.IGNORECASE)
ANY_TARGET: Final = "*"
"""Of OPTIONS: the server as a whole."""


BUSY_CAUSES: Final = frozenset({"connections", "requests"})
TURNED_AWAY: Final = "turned_away"
UNFIT: Final = re.compile(
    rb"(?P<bare_lf>(?<!\r)\n)|(?P<folded>\n[ \t])|(?P<control>[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n))"
)
FAULTS: Final = {
    "bare_lf": "each line of the head must end in CR LF",
    "folded": "no line of the head may continue the one before (RFC 9112, section 5.2)",
    "control": "the head must have no control characters",
}
"""What proxies in front of this server read in different ways, so that a request could be hidden in another."""


def head_fault(raw: bytes | bytearray) -> str | None:
    """Return the rule that a whole head breaks though h11 takes it; ``None`` for a good one."""
    found = UNFIT.search(raw)
    return None if found is None or found.lastgroup is None else FAULTS[found.lastgroup]


class BadTarget(ValueError):
    """A request target that is in none of the forms of RFC 9112, section 3.2; ``status`` says what is answered."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def origin_form(head: h11.Request) -> h11.Request:
    """Return the head with a target that begins with ``/``, or is ``*`` of OPTIONS; raises ``BadTarget``.

    The authority of an absolute target replaces ``Host`` (RFC 9112, section 3.2.2).
    """
    if head.method == b"CONNECT":
        raise BadTarget(501, "CONNECT is for proxies, and this server is none")
    if head.target.startswith(b"/") or (head.target == b"*" and head.method == b"OPTIONS"):
        return head
    found = ABSOLUTE_FORM.fullmatch(head.target)
    if found is None:
        raise BadTarget(400, f"the request's target must begin with / or http://, not {head.target[:50]!r}")
    rest: bytes = found["rest"] or b"/"
    target = rest if rest.startswith(b"/") else b"/" + rest
    others = [(name, value) for name, value in head.headers.raw_items() if name.lower() != b"host"]
    return h11.Request(
        method=head.method,
        target=target,
        headers=[(b"Host", found["authority"]), *others],
        http_version=head.http_version,
    )


def request_of(head: h11.Request, peer: str) -> Request:
    """Return the request; of repeated headers the values are joined, ``query`` has the last of repeated keys.

    The target is in origin form.
    """
    path, _, query = head.target.decode("ascii").partition("?")
    headers: dict[str, str] = {}
    for raw_name, raw_value in head.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    last = {name: found[-1] for name, found in values.items()}
    repeated = {name: tuple(found) for name, found in values.items() if len(found) > 1}
    return Request(head.method.decode("ascii"), path, last, headers, peer, repeated=repeated)


def method_label(method: str) -> str:
    """Return the method if it is a common one, else ``OTHER``."""
    return method if method in METHODS else "OTHER"


def wants_websocket(request: Request) -> bool:
    """Return whether the client asks for a WebSocket, also in an invalid handshake."""
    connection = {token.strip() for token in request.headers.get("connection", "").lower().split(",")}
    return "upgrade" in connection and request.headers.get("upgrade", "").strip().lower() == "websocket"


def handshake_of(head: h11.Request) -> Handshake:
    """Return the same head as websockets' handshake understands it."""
    headers = Headers([(name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers])
    version = "HTTP/" + head.http_version.decode("ascii")
    return Handshake(head.target.decode("ascii"), headers, head.method.decode("ascii"), version)


def handshake_error(response: HandshakeResponse) -> HttpAnswer:
    """Return the answer to a handshake that websockets has rejected."""
    kept = ("Allow", "Upgrade")
    headers = tuple((name, value) for name, value in response.headers.raw_items() if name in kept)
    body = bytes(response.body or b"")
    return HttpAnswer(response.status_code, TEXT, body, (*headers, ("Sec-WebSocket-Version", "13")))


@attrs.frozen
class Handover:
    """One request as the server behind this one reads it."""

    head: bytes
    received: bytes
    """Bytes that were read behind the head: of the body, or of the client's next message."""
    body_bytes: int | None
    """Length of the body; ``None`` for a chunked body, which marks its own end."""
    path: str = "/"


def handover_of(head: h11.Request, received: bytes) -> Handover:
    """Write the head again, without the request to switch protocols."""
    lines = [b"%s %s HTTP/%s" % (head.method, head.target, head.http_version)]
    lines += [b"%s: %s" % (name, value) for name, value in head.headers.raw_items() if name.lower() not in HOP_BY_HOP]
    path = head.target.partition(b"?")[0].decode("ascii")
    return Handover(b"\r\n".join([*lines, b"", b""]), received, body_bytes_of(head), path)


def body_bytes_of(head: h11.Request) -> int | None:
    """Return the announced length of the body, ``None`` if it is chunked (RFC 9112, section 6.3)."""
    announced = dict(head.headers)
    if b"transfer-encoding" in announced:
        return None
    return int(announced.get(b"content-length", b"0"))


def error_answer(status: int, message: str, headers: Iterable[tuple[str, str]] = ()) -> HttpAnswer:
    """Return an error as JSON."""
    return HttpAnswer(status, JSON, json.dumps({"error": message}).encode(), tuple(headers))


def not_a_websocket(request: Request) -> HttpAnswer:
    """Return the answer to a plain request for an address that speaks WebSocket."""
    if request.method == "GET":
        return error_answer(426, f"{request.path} speaks WebSocket", [("Upgrade", "websocket")])
    return error_answer(405, f"{request.path} is opened as a WebSocket, with GET", [("Allow", "GET")])


def refusal_answer(refusal: Refusal) -> HttpAnswer:
    """Return the answer to a refused request."""
    if refusal.retry_after_s is None:
        return error_answer(refusal.status, refusal.reason)
    return error_answer(refusal.status, refusal.reason, [_retry_after(refusal.retry_after_s)])


TRY_AGAIN_LATER: Final = 1013
CLOSE_CODES: Final = {
    "no_key": 4001,
    "unknown_key": 4001,
    "expired_key": 4001,
    "scope": 1008,
    "logins": 4029,
    "rate": 4029,
}
"""By the cause of a refusal (docs/protocol.md)."""
NO_KEY_RETRY_S: Final = 60.0  # for a client that tries again whatever it is told


@attrs.frozen
class SessionRefusal:
    """How a refusal is told over a WebSocket."""

    reason: str
    retry_after_s: float
    close_code: int
    close_reason: str


def refused_in_session(refusal: Refusal) -> SessionRefusal | None:
    """Return how a browser, which cannot read a refused handshake, is told; ``None`` if nothing is opened for that."""
    retry_after_s = NO_KEY_RETRY_S if refusal.retry_after_s is None else refusal.retry_after_s
    if refusal.cause in CLOSE_CODES:
        return SessionRefusal(refusal.reason, retry_after_s, CLOSE_CODES[refusal.cause], refusal.reason)
    if refusal.retry_after_s is None:
        return None
    reason = f"retry_after_ms={round(retry_after_s * 1_000)}"
    return SessionRefusal(refusal.reason, retry_after_s, TRY_AGAIN_LATER, reason)


def refused_session_answer(refusal: Refusal) -> HttpAnswer:
    """Return the answer to a refused handshake, for a client that reads its status."""
    if refusal.retry_after_s is None:
        return error_answer(refusal.status, refusal.reason)
    body = json.dumps({"reason": refusal.reason, "retry_after_ms": round(refusal.retry_after_s * 1_000)})
    return HttpAnswer(refusal.status, JSON, body.encode(), (_retry_after(refusal.retry_after_s),))


def _retry_after(delay_s: float) -> tuple[str, str]:
    return "Retry-After", str(math.ceil(delay_s))


def refused_endpoint(refusal: Refusal) -> str:
    """Return the label for the metrics of a request that was refused before its route was looked up."""
    return TURNED_AWAY if refusal.cause in BUSY_CAUSES else f"refused_{refusal.cause}"
