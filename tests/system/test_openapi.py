"""A server's answers are as its OpenAPI document says, for requests that a generator makes of that document.

The cases are the same in every run: their number is bounded, and nothing in them is random. Left out is what would stop
the server (``/api/drain``), and the stream that has no end.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.system.server_fixtures import SMALL, Server, need_models, running_server
from tests.system.test_keys_and_tls import new_key

pytestmark = pytest.mark.system

EXAMPLES: Final = int(os.environ.get("SAYSO_OPENAPI_EXAMPLES", "4"))  # of each operation, key and kind of data
LEFT_OUT: Final = frozenset({"/api/drain", "/api/status/stream"})
CHECKS: Final = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NOT_READY: Final = {503}  # what is off in this server says so


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, str | None]]]:
    """A server, and the keys of those who ask."""
    need_models()
    folder = tmp_path_factory.mktemp("api")
    key = new_key(folder, "all", "--scope", "talk", "--scope", "read", "--scope", "operate")
    with running_server(folder, SMALL) as server:
        yield server, {"nobody": None, "operator": key}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("who", ["nobody", "operator"])
def test_answers_are_as_the_document_says(
    api: tuple[Server, dict[str, str | None]], who: str, mode: GenerationMode
) -> None:
    server, keys = api
    key = keys[who]
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    described = schemathesis.openapi.from_dict(server.get("/openapi.json").json())
    asked: set[str] = set()
    for found in described.get_all_operations():
        operation = found.ok()
        if operation.path in LEFT_OUT:
            continue

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(mode))
        def ask(case: schemathesis.Case) -> None:
            response = case.call(base_url=server.http_url, headers=headers, timeout=60)
            is_well = response.status_code in NOT_READY
            case.validate_response(response, checks=CHECKS if is_well else [not_a_server_error, *CHECKS])
            asked.add(case.operation.path)

        with suppress(Unsatisfiable):  # an operation without parameters takes no wrong ones
            ask()
    assert asked >= {"/v1/models/{name}", "/api/tokens", "/v1/audio/speech"}
    assert "Traceback" not in server.log()
