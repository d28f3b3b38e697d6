"""The document of the HTTP API."""

import json

from backends.ingress.openapi import OPERATIONS, document


def test_each_operation_is_in_the_document_with_its_answers() -> None:
    paths = document("1.2.3")["paths"]
    assert list(paths) == [operation.path for operation in OPERATIONS]
    for operation in OPERATIONS:
        assert (operation.body is not None) == ("requestBody" in paths[operation.path][operation.method])
        assert {int(status) for status in paths[operation.path][operation.method]["responses"]} == set(
            operation.answers
        )


def test_parameters_have_a_type_and_a_meaning() -> None:
    (limit,) = document("1")["paths"]["/api/conversations"]["get"]["parameters"]
    assert (limit["name"], limit["in"], limit["schema"]) == ("limit", "query", {"type": "integer"})


def test_the_document_is_json() -> None:
    assert json.loads(json.dumps(document("1.2.3")))["info"]["version"] == "1.2.3"
