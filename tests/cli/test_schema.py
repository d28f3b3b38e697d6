import json

from click.testing import CliRunner

from cli import main, version
from protocol.dialects.asyncapi import asyncapi_document
from protocol.dialects.native_schema import native_schema


def test_the_schema_is_printed_as_json() -> None:
    result = CliRunner().invoke(main, ["schema"])
    assert result.exit_code == 0
    assert json.loads(result.output) == native_schema()


def test_the_asyncapi_document_is_printed_when_asked_for() -> None:
    result = CliRunner().invoke(main, ["schema", "--asyncapi"])
    assert result.exit_code == 0
    assert json.loads(result.output) == asyncapi_document(version())
