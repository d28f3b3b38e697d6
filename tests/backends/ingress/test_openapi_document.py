"""The document of the HTTP API."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from backends.ingress.http_audio import SPEECH, TRANSCRIPTIONS
from backends.ingress.openapi import OPERATIONS
from backends.ingress.openapi_document import document
from backends.speech.encoding import FORMATS
from protocol.admission.scopes import needed_scopes

DOCUMENT = document("1.2.3")
METHODS = [(operation.method, operation.path) for operation in OPERATIONS]


def operation(method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][method]
    return found


def test_each_operation_is_in_the_document_with_its_answers() -> None:
    assert [(method, path) for path, item in DOCUMENT["paths"].items() for method in item] == METHODS
    for row in OPERATIONS:
        found = operation(row.method, row.path)
        assert (row.body is not None) == ("requestBody" in found)
        assert set(row.answers) <= set(map(int, found["responses"]))
        assert all(found["responses"][str(status)]["description"] == told for status, told in row.answers.items())


def test_operations_have_names_of_their_own() -> None:
    names = [operation(*key)["operationId"] for key in METHODS]
    assert len(set(names)) == len(names)
    assert "get_v1_models_name" in names


@pytest.mark.parametrize(("method", "path"), METHODS)
def test_the_scopes_are_those_by_which_requests_are_admitted(method: str, path: str) -> None:
    told = {scope for way in operation(method, path)["security"] for scopes in way.values() for scope in scopes}
    assert told == {scope.value for scope in needed_scopes(method.upper(), path)}
    assert "401" in operation(method, path)["responses"] or not told


def test_each_error_has_the_form_in_which_it_is_told() -> None:
    for method, path in METHODS:
        for status, response in operation(method, path)["responses"].items():
            if int(status) < 400:
                continue
            schema = response["content"]["application/json"]["schema"]
            forms = {form["$ref"].rpartition("/")[2] for form in schema.get("anyOf", [schema])}
            assert "Error" in forms
            own = {"ListenError"} if path == "/v1/listen" else {"ApiError"} if path.startswith("/v1/") else set()
            assert forms & {"ApiError", "ListenError"} == own


def test_health_is_asked_as_often_as_one_likes() -> None:
    assert "429" not in operation("get", "/health/ready")["responses"]
    assert operation("get", "/api/models")["responses"]["429"]["headers"]["Retry-After"]


def content_types(path: str, status: int) -> set[str]:
    (found,) = DOCUMENT["paths"][path].values()
    return set(found["responses"][str(status)]["content"])


@pytest.mark.parametrize("status", [400, 413, 503])
@pytest.mark.parametrize("path", [SPEECH, TRANSCRIPTIONS])
def test_errors_are_json_whatever_the_answer_would_be(path: str, status: int) -> None:
    assert content_types(path, status) == {"application/json"}


def test_speech_comes_in_each_of_its_formats() -> None:
    assert content_types(SPEECH, 200) == {form.content_type for form in FORMATS.values()}


def test_a_transcript_comes_in_each_of_its_forms() -> None:
    forms = {"application/json", "text/plain", "text/vtt", "application/x-subrip", "text/event-stream"}
    assert content_types(TRANSCRIPTIONS, 200) == forms


def test_parameters_have_a_type_and_a_meaning() -> None:
    parameters = {one["name"]: one for one in operation("get", "/api/conversations")["parameters"]}
    assert parameters["limit"]["in"] == "query"
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 500}
    assert parameters["limit"]["description"]
    (name,) = operation("get", "/v1/models/{name}")["parameters"]
    assert (name["in"], name["required"]) == ("path", True)


def references(found: object) -> Iterator[str]:
    if isinstance(found, dict):
        if isinstance(found.get("$ref"), str):
            yield found["$ref"]
        for value in found.values():
            yield from references(value)
    elif isinstance(found, list):
        for value in found:
            yield from references(value)


def test_every_reference_leads_somewhere() -> None:
    for found in references(DOCUMENT):
        assert found.removeprefix("#/components/schemas/") in DOCUMENT["components"]["schemas"]


def test_the_document_is_json() -> None:
    assert json.loads(json.dumps(DOCUMENT))["info"]["version"] == "1.2.3"
