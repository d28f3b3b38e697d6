import json

from click.testing import CliRunner

from cli import main
from protocol.dialects.native_schema import native_schema


def test_the_schema_is_printed_as_json() -> None:
    result = CliRunner().invoke(main, ["schema"])
    assert result.exit_code == 0
    assert json.loads(result.output) == native_schema()
