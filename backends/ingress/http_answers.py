"""Answers that several routes share."""

from typing import cast

from quart import Response, jsonify, request

from backends.ingress.hypercorn_bridge import ADMITTED_KEY
from backends.protocols import Admitted


def failure(status: int, message: str) -> Response:
    """Return an error as JSON."""
    response = jsonify({"error": message})
    response.status_code = status
    return response


def admitted() -> Admitted:
    """Return how the request at hand was admitted."""
    return cast("Admitted", cast("dict[str, object]", request.scope)[ADMITTED_KEY])
