"""The OpenAPI document: the operations, what they hold, who may ask, and how each may be refused; pure.

Rules kept here:

* The scopes are read from the table by which requests are admitted (``protocol/admission/scopes.py``).
* Any one scope of an operation suffices, so each is an alternative of its own.
* Errors are told alike everywhere: one sentence under ``error``, or OpenAI's form below ``/v1/``
  and Deepgram's at its own path.
"""

from collections.abc import Mapping
from typing import Any, Final

from backends.ingress.openapi import OPERATIONS, SCALARS, Operation
from backends.ingress.openapi_schemas import (
    ANSWERS,
    ANY_OBJECT,
    BODIES,
    COMPONENTS,
    OPTIONAL_BODIES,
    PARAMETERS,
    Schema,
    reference,
)
from protocol.admission.credentials import COOKIE
from protocol.admission.health import is_open_page
from protocol.admission.scopes import needed_scopes
from protocol.messages.identity import Scope

FIRST_ERROR: Final = 400
JSON: Final = "application/json"
OPENAI_FOLDER: Final = "/v1/"
DEEPGRAM_PATH: Final = "/v1/listen"
CHALLENGE: Final = {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "What is missing (RFC 6750)."}}
RETRY: Final = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
HEADERS: Final[Mapping[int, Mapping[str, Any]]] = {401: CHALLENGE, 429: RETRY, 503: RETRY}
REFUSALS: Final[Mapping[int, str]] = {
    400: "Not a request that can be served.",
    403: "A web page elsewhere may not ask, or the key is for something else.",
    408: "It did not arrive in time.",
    421: "`Host` is no name of this server.",
    500: "The server failed; its log says why.",
    503: "Too much is in work; come back later.",
}
"""Of every operation."""
WITH_KEY: Final[Mapping[int, str]] = {401: "There is no key, or it is not good.", 429: "Asked too often; wait."}
WITH_LIMIT: Final[Mapping[int, str]] = {429: "Asked too often; wait."}
WITH_BODY: Final[Mapping[int, str]] = {413: "The body is too large."}


def document(version: str) -> dict[str, Any]:
    """Return the document, as JSON types."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sayso",
            "version": version,
            "description": "Voice sessions are WebSockets at /ws (/asyncapi.json); everything else is here. A key is"
            " needed where one was made, and beyond the server's own machine.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(COMPONENTS),
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key, or a token made with one."},
                "page": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Of our own pages."},
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    key = operation.method, operation.path
    answers = dict(sorted(_answers(operation).items()))
    return {
        "operationId": operation_id(operation),
        "summary": operation.summary,
        "security": security(operation),
        "parameters": [
            {
                "name": name,
                "in": place,
                "required": place == "path",
                "description": meaning,
                "schema": PARAMETERS.get((operation.path, name), SCALARS[kind]),
            }
            for place, parameters in (("path", operation.in_path), ("query", operation.query))
            for name, (kind, meaning) in parameters.items()
        ],
        **({} if operation.body is None else {"requestBody": _body(operation.body, key)}),
        "responses": {str(status): _response(operation, status, meaning) for status, meaning in answers.items()},
    }


def operation_id(operation: Operation) -> str:
    """Return a name for programs that are generated from the document, such as ``get_api_models``."""
    words = operation.path.replace("{", "").replace("}", "").replace(".", "_").strip("/").split("/")
    return "_".join([operation.method, *words])


def security(operation: Operation) -> list[dict[str, list[str]]]:
    """Return the ways to show that one may ask, any of which suffices; none if everyone may."""
    needed = needed_scopes(operation.method.upper(), operation.path)
    return [{scheme: [scope.value]} for scope in Scope if scope in needed for scheme in ("key", "page")]


def _answers(operation: Operation) -> dict[int, str]:
    found = dict(REFUSALS)
    if needed_scopes(operation.method.upper(), operation.path):
        found |= WITH_KEY
    if not is_open_page(operation.path):
        found |= WITH_LIMIT
    if operation.body is not None:
        found |= WITH_BODY
    return found | operation.answers


def _body(content_type: str, key: tuple[str, str]) -> dict[str, Any]:
    return {
        "required": key not in OPTIONAL_BODIES,
        "content": {content_type: {"schema": BODIES.get(key, ANY_OBJECT)}},
    }


def _response(operation: Operation, status: int, meaning: str) -> dict[str, Any]:
    """Return one answer: its own schema, and the errors that may stand there as well."""
    is_error = status >= FIRST_ERROR
    own = ANSWERS.get((operation.method, operation.path, status))
    if is_error:
        schemas = [reference("Error")]
        if operation.path.startswith(OPENAI_FOLDER):
            schemas.append(reference("ListenError" if operation.path == DEEPGRAM_PATH else "ApiError"))
        if own is not None:
            schemas.append(own)
        own = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    kinds = (JSON,) if is_error else operation.content_types
    content = {kind: {"schema": _schema_of(kind, own)} for kind in kinds}
    headers = HEADERS.get(status)
    return {"description": meaning, "content": content, **({} if headers is None else {"headers": dict(headers)})}


def _schema_of(content_type: str, own: Schema | None) -> Schema:
    if content_type == JSON:
        return ANY_OBJECT if own is None else own
    return {"type": "string"} if content_type.startswith("text/") else {}
