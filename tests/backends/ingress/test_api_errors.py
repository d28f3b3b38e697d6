import json

import pytest
from quart import Quart

from backends.ingress.api_errors import ApiError, error_response


@pytest.mark.parametrize(("status", "kind"), [(400, "invalid_request_error"), (503, "server_error")])
async def test_an_error_has_the_shape_that_openais_clients_show(status: int, kind: str) -> None:
    async with Quart(__name__).app_context():
        response = error_response(ApiError(status, "why", "file"))
        assert json.loads(await response.get_data()) == {
            "error": {"message": "why", "type": kind, "param": "file", "code": None}
        }
    assert response.status_code == status
    assert "Retry-After" not in response.headers


@pytest.mark.parametrize(("retry_after_s", "header"), [(0.2, "1"), (7.4, "7")])
async def test_when_to_come_back_is_told_in_whole_seconds(retry_after_s: float, header: str) -> None:
    async with Quart(__name__).app_context():
        response = error_response(ApiError(503, "busy", None, retry_after_s))
    assert response.headers["Retry-After"] == header
