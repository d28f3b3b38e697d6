"""Answers that several routes share."""

from contextlib import ExitStack
from typing import cast

from quart import Response, jsonify, request

from backends.ingress.hypercorn_bridge import ADMITTED_KEY, HELD_KEY
from backends.protocols import Admitted


def failure(status: int, message: str) -> Response:
    """Return an error as JSON."""
    response = jsonify({"error": message})
    response.status_code = status
    return response


def admitted() -> Admitted:
    """Return how the request at hand was admitted."""
    return cast("Admitted", cast("dict[str, object]", request.scope)[ADMITTED_KEY])


def held_for_answer() -> ExitStack:
    """Return what is closed when the answer to the request at hand is over, however it ends."""
    return cast("ExitStack", cast("dict[str, object]", request.scope)[HELD_KEY])
