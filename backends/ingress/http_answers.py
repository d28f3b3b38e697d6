"""What several routes answer alike."""

from typing import Final

from quart import Response, jsonify, request

LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})
FORWARDED: Final = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
)
"""What proxies add to a request; whose connection comes from this machine speaks for somebody else then."""


def failure(status: int, message: str) -> Response:
    """Return an error as JSON."""
    response = jsonify({"error": message})
    response.status_code = status
    return response


def refusal_for_strangers(what: str) -> str | None:
    """Return why ``what`` is not taken from who asks: only from this machine, and from no web page open on it."""
    host = request.host.rpartition(":")[0] or request.host
    if request.remote_addr not in LOOPBACK or host.strip("[]") not in LOOPBACK | {"localhost"}:
        return f"{what} is taken from this machine only"
    if any(name in request.headers for name in FORWARDED):
        return f"{what} is taken from this machine only, and not through a proxy"
    if "Origin" in request.headers:
        return f"{what} is taken from programs, not from web pages"
    return None
