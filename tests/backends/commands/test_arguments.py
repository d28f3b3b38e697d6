from typing import Any

import pytest

from backends.commands.arguments import arguments_of
from backends.commands.files import Command


def command(arguments: dict[str, Any] | None) -> Command:
    return Command("Intent", "server", "tool", arguments, ())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (None, {"size": "small", "measure": {"value": 5}}),
        ({"size": "{size}", "name": "{name}"}, {"size": "small"}),
        ({"text": "{size} cup", "source": "voice"}, {"text": "small cup", "source": "voice"}),
        ({"value": "{measure.value}"}, {"value": 5}),
        ({"inside": {"size": "{size}", "name": "{name}"}}, {"inside": {"size": "small"}}),
        ({"all": ["{size}", "{name}"]}, {"all": ["small"]}),
    ],
)  # fmt: skip
def test_arguments_are_made_of_what_was_said(arguments: dict[str, Any] | None, expected: dict[str, Any]) -> None:
    assert arguments_of(command(arguments), {"size": "small", "measure": {"value": 5}}) == expected
