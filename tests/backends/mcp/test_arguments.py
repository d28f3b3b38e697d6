import logging
import warnings

import pytest

from backends.mcp.arguments import Checker

DRINK = {
    "type": "object",
    "properties": {
        "drink": {"enum": ["tea", "coffee"]},
        "cups": {"type": "integer", "minimum": 1},
        "extras": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["drink"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("arguments", [{"drink": "tea"}, {"drink": "coffee", "cups": 2, "extras": ["milk"]}])
def test_arguments_that_fit_are_no_problem(arguments):
    assert Checker("order", DRINK).problem(arguments) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "'drink' is a required property"),
        ({"drink": "beer"}, "drink: 'beer' is not one of"),
        ({"drink": "tea", "cups": "two"}, "cups: 'two' is not of type 'integer'"),
        ({"drink": "tea", "cups": 0}, "cups: 0 is less than the minimum of 1"),
        ({"drink": "tea", "extras": ["milk", 3]}, "extras.1: 3 is not of type 'string'"),
        ({"drink": "tea", "colour": "red"}, "'colour' was unexpected"),
    ],
)
def test_the_problem_names_the_argument_and_the_rule(arguments, words):
    problem = Checker("order", DRINK).problem(arguments)

    assert problem is not None
    assert problem.startswith("wrong arguments for order: ")
    assert words in problem


def test_a_long_value_is_not_repeated_whole():
    problem = Checker("order", DRINK).problem({"drink": "x" * 10_000})

    assert problem is not None
    assert len(problem) < 300


@pytest.mark.parametrize("schema", [{"type": 3}, {"properties": []}, {"$ref": 1}])
def test_a_schema_that_is_none_checks_nothing_and_is_told(schema, caplog):
    with caplog.at_level(logging.WARNING, "sayso.mcp"):
        assert Checker("order", schema).problem({"anything": 1}) is None

    assert "order has a schema that is none" in caplog.text


def test_a_schema_elsewhere_is_never_fetched(caplog):
    checker = Checker("order", {"$ref": "http://127.0.0.1:9/schema.json"})
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING, "sayso.mcp"):
        warnings.simplefilter("error")
        assert checker.problem({}) is None
        assert checker.problem({}) is None

    assert caplog.text.count("refers to something elsewhere") == 1


def test_a_tool_without_arguments_takes_none_or_any():
    assert Checker("ping", {}).problem({"a": 1}) is None
