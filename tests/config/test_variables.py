from typing import Any

import pytest

from config.variables import expanded_servers

ENVIRON = {"TOKEN": "secret", "EMPTY": ""}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${TOKEN}", "secret"),
        ("Bearer ${TOKEN}", "Bearer secret"),
        ("${TOKEN}${TOKEN}", "secretsecret"),
        ("${TOKEN:-other}", "secret"),
        ("${MISSING:-other}", "other"),
        ("${MISSING:-}", ""),
        ("${EMPTY:-other}", "other"),
        ("${EMPTY}", ""),
        ("$TOKEN", "$TOKEN"),
        ("${}", "${}"),
        ("plain", "plain"),
        ("${env:TOKEN}", "secret"),
        ("${MISSING:-a$b}", "a$b"),
        ("${MISSING:-${TOKEN}/x}", "secret/x"),
        ("${MISSING:-${ALSO:-none}}", "none"),
    ],
)
def test_a_variable_is_its_value_or_the_text_beside_it(written, value):
    servers = {"a": {"command": "${TOKEN}", "env": {"KEY": written}}, "b": {"url": "u", "headers": {"X": written}}}

    found, problems = expanded_servers(servers, ENVIRON)

    assert (found["a"]["env"]["KEY"], found["b"]["headers"]["X"], problems) == (value, value, [])
    assert found["a"]["command"] == "secret"


def test_a_variable_that_is_not_set_is_named():
    _, problems = expanded_servers({"mail": {"command": "m", "env": {"KEY": "${MY_KEY}"}}}, ENVIRON)

    assert problems == ["mail.env.KEY: the variable MY_KEY is not set"]


def test_a_value_is_not_expanded_again():
    found, _ = expanded_servers({"a": {"command": "m", "env": {"K": "${A}"}}}, {"A": "${B}", "B": "no"})

    assert found["a"]["env"]["K"] == "${B}"


def test_command_arguments_folder_and_address_are_expanded_too():
    servers: dict[str, dict[str, Any]] = {
        "a": {"command": "${BIN:-npx}", "args": ["-y", "--key=${TOKEN}", 5], "cwd": "${TOKEN}/x"},
        "b": {"url": "https://${HOST:-localhost}/mcp?key=${TOKEN}"},
    }

    found, problems = expanded_servers(servers, ENVIRON)

    assert found["a"] == {"command": "npx", "args": ["-y", "--key=secret", 5], "cwd": "secret/x"}
    assert (found["b"], problems) == ({"url": "https://localhost/mcp?key=secret"}, [])


def test_an_argument_without_its_variable_is_named():
    _, problems = expanded_servers({"a": {"command": "m", "args": ["-x", "${MY_KEY}"]}}, ENVIRON)

    assert problems == ["a.args[1]: the variable MY_KEY is not set"]
