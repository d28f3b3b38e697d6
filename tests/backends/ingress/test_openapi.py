"""The document of the HTTP API."""

import json

import pytest

from backends.ingress.http_audio import SPEECH, TRANSCRIPTIONS
from backends.ingress.openapi import OPERATIONS, document
from backends.speech.encoding import FORMATS


def test_each_operation_is_in_the_document_with_its_answers() -> None:
    paths = document("1.2.3")["paths"]
    assert [(path, method) for path in paths for method in paths[path]] == [
        (operation.path, operation.method) for operation in OPERATIONS
    ]
    for operation in OPERATIONS:
        assert (operation.body is not None) == ("requestBody" in paths[operation.path][operation.method])
        assert {int(status) for status in paths[operation.path][operation.method]["responses"]} == set(
            operation.answers
        )


def content_types(path: str, status: int) -> set[str]:
    (operation,) = document("1")["paths"][path].values()
    return set(operation["responses"][str(status)]["content"])


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
    limit = document("1")["paths"]["/api/conversations"]["get"]["parameters"][0]
    assert (limit["name"], limit["in"], limit["schema"]) == ("limit", "query", {"type": "integer"})


def test_the_document_is_json() -> None:
    assert json.loads(json.dumps(document("1.2.3")))["info"]["version"] == "1.2.3"
