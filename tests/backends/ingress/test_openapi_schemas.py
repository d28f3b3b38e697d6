"""The schemas of the API: good ones, of operations that there are, and as the code reads what is sent."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import msgspec
import pytest

from backends.ingress import http_speech
from backends.ingress.http_app import DrainBody
from backends.ingress.openapi import OPERATIONS
from backends.ingress.openapi_schemas import (
    ANSWERS,
    BODIES,
    COMPONENTS,
    MAX_INPUT_CHARS,
    PARAMETERS,
    TRANSCRIPT_FORMATS,
)
from backends.speech.piper import SPEED_MAX, SPEED_MIN
from protocol.audio.captions import FORMATS
from protocol.messages.models import ModelShown

KNOWN = {(operation.method, operation.path): operation for operation in OPERATIONS}


def schemas() -> Iterator[Any]:
    yield from COMPONENTS.values()
    yield from ANSWERS.values()
    yield from BODIES.values()
    yield from PARAMETERS.values()


def test_each_is_a_schema() -> None:
    for schema in schemas():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_each_is_of_an_operation_and_of_what_it_answers_or_takes() -> None:
    for method, path, status in ANSWERS:
        assert status in KNOWN[method, path].answers
    for key in BODIES:
        assert KNOWN[key].body is not None
    for path, name in PARAMETERS:
        assert any(name in {**one.query, **one.in_path} for (_, known), one in KNOWN.items() if known == path)


def test_every_answer_in_json_and_every_body_is_described() -> None:
    answers = {
        (*key, status)
        for key, operation in KNOWN.items()
        for status in operation.answers
        if status < 400 and "application/json" in operation.content_types
    }
    assert answers <= set(ANSWERS)
    assert {key for key, operation in KNOWN.items() if operation.body is not None} == set(BODIES)


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/api/drain", DrainBody), ("/v1/audio/speech", http_speech._SpeechBody)],
    ids=["drain", "speech"],
)
def test_a_body_that_is_written_down_here_has_the_fields_that_are_read(path: str, kind: type[msgspec.Struct]) -> None:
    assert set(BODIES["post", path]["properties"]) == set(kind.__struct_fields__)


def test_bounds_are_those_that_are_checked() -> None:
    assert set(TRANSCRIPT_FORMATS) == set(FORMATS)
    assert MAX_INPUT_CHARS == http_speech.MAX_INPUT_CHARS
    speed = BODIES["post", "/v1/audio/speech"]["properties"]["speed"]
    assert (speed["minimum"], speed["maximum"]) == (SPEED_MIN, SPEED_MAX)


def test_a_class_is_described_as_it_is_sent() -> None:
    shown = msgspec.to_builtins(msgspec.convert({"name": "base", "state": "available"}, ModelShown))
    schema = {**COMPONENTS["ModelShown"], "components": {"schemas": COMPONENTS}}
    jsonschema.Draft202012Validator(schema).validate(shown)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({"name": "base", "state": "available"})
