"""Errors in the shape that OpenAI's clients show."""

from typing import Any

from quart import Response, jsonify


class ApiError(Exception):
    """An error that is answered to the client, with its HTTP status."""

    def __init__(
        self,
        status: int,
        message: str,
        param: str | None = None,
        retry_after_s: float | None = None,
        *,
        code: str | None = None,
    ) -> None:
        """Take what is told: ``param`` is the field that is wrong, ``code`` OpenAI's word for the mistake, if any."""
        super().__init__(message)
        self.code = code
        self.status = status
        self.param = param
        self.retry_after_s = retry_after_s


def error_fields(error: ApiError) -> dict[str, Any]:
    """Return an error's fields as OpenAI's clients expect them."""
    kind = "server_error" if error.status >= 500 else "invalid_request_error"  # noqa: PLR2004 - HTTP's own border
    return {"message": str(error), "type": kind, "param": error.param, "code": error.code}


def error_response(error: ApiError) -> Response:
    """Return an error as OpenAI's clients expect it."""
    response = jsonify({"error": error_fields(error)})
    response.status_code = error.status
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    return response
