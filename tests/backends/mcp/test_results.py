import json

import pytest
from mcp_types import (
    AudioContent,
    CallToolResult,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
    Tool,
    ToolAnnotations,
)

from backends.mcp.results import (
    MAX_CHOICE_CHARS,
    MAX_CHOICES,
    MAX_DESCRIPTION_CHARS,
    MAX_LISTING_BYTES,
    MAX_SCHEMA_BYTES,
    MAX_TOOLS,
    MAX_UNDO_CHARS,
    bounded,
    choices_of,
    result_text,
    taken_tools,
    tool_spec,
    undo_of,
)
from protocol.messages.understanding import Choice, Undo


def a_tool(name="go", size=0):
    return Tool(name=name, input_schema={"type": "object", "title": "x" * size} if size else {"type": "object"})


def test_of_a_very_long_list_the_first_tools_are_taken_and_the_rest_is_told():
    tools = [a_tool(f"t{number}") for number in range(MAX_TOOLS + 1)]
    taken, left_out = taken_tools("s", tools)

    assert [spec.name for spec in taken] == [f"t{number}" for number in range(MAX_TOOLS)]
    assert left_out == ["all from tool 513 on: at most 512 are taken from one server"]
    assert taken_tools("s", tools[:2], has_more=True)[1] == left_out
    assert taken_tools("s", tools[:MAX_TOOLS])[1] == []


def test_a_tool_with_a_giant_schema_or_name_is_left_out_and_the_others_stay():
    taken, left_out = taken_tools("s", [a_tool("giant", MAX_SCHEMA_BYTES), a_tool("n" * 129), a_tool("small")])

    assert [spec.name for spec in taken] == ["small"]
    assert left_out == [
        "giant, whose schema has 65567 bytes, at most 65536 are taken",
        "a tool whose name has 129 characters, at most 128 are taken",
    ]


def test_all_schemas_together_have_a_limit():
    size = MAX_SCHEMA_BYTES - 100
    taken, left_out = taken_tools("s", [a_tool(f"t{number}", size) for number in range(40)])

    assert len(taken) == MAX_LISTING_BYTES // size
    assert left_out == ["all from tool 17 on: the schemas together have over 1048576 bytes"]


def test_text_blocks_are_joined():
    result = CallToolResult(content=[TextContent(text="one"), TextContent(text="two ")])

    assert result_text(result, 100) == "one\ntwo"


def test_structured_content_speaks_only_where_there_is_no_text():
    structured = {"städte": ["Köln"], "n": 1}

    assert json.loads(result_text(CallToolResult(content=[], structured_content=structured), 100)) == structured
    assert result_text(CallToolResult(content=[TextContent(text="x")], structured_content=structured), 100) == "x"


def test_what_is_no_text_is_named():
    result = CallToolResult(
        content=[
            ImageContent(data="AAAA", mime_type="image/png"),
            AudioContent(data="AAAA", mime_type="audio/wav"),
            ResourceLink(name="report", uri="file:///r.txt"),
            EmbeddedResource(resource=TextResourceContents(uri="file:///a", text="inside")),
        ]
    )

    assert result_text(result, 200) == "[image, image/png]\n[audio, audio/wav]\n[report: file:///r.txt]\ninside"


def test_an_empty_result_is_empty_text():
    assert result_text(CallToolResult(content=[]), 10) == ""


@pytest.mark.parametrize("size", [10, 99, 100, 101, 100_000])
def test_no_text_is_longer_than_its_bound(size):
    text = bounded("x" * size, 100)

    assert len(text) <= 100
    assert text.endswith("[cut]") == (size > 100)


@pytest.mark.parametrize(
    ("meta", "expected"),
    [({"sayso/reversible": True}, True), ({"sayso/reversible": 1}, False), ({}, False), (None, False)],
)
def test_a_tool_is_reversible_only_if_it_says_so(meta, expected):
    tool = Tool(name="a", input_schema={"type": "object"}, _meta=meta)
    assert tool_spec("s", tool).is_reversible is expected


def test_hints_of_a_tool_are_passed_on_and_missing_ones_stay_unknown():
    bare = Tool(name="a", input_schema={"type": "object"})
    hinted = Tool(
        name="b",
        title="Title",
        input_schema={"type": "object"},
        annotations=ToolAnnotations(read_only_hint=False, destructive_hint=True),
    )

    assert (tool_spec("s", bare).read_only, tool_spec("s", bare).destructive) == (None, None)
    assert (tool_spec("s", bare).title, tool_spec("s", hinted).title) == ("", "Title")
    spec = tool_spec("s", hinted)
    assert (spec.server, spec.description, spec.read_only, spec.destructive, spec.idempotent) == (
        "s",
        "Title",
        False,
        True,
        None,
    )


def test_a_description_is_bounded():
    tool = Tool(name="a", description="x" * 10_000, input_schema={"type": "object"})

    assert len(tool_spec("s", tool).description) == MAX_DESCRIPTION_CHARS


def a_choice(title="pizza timer", arguments=None):
    return {"title": title, "arguments": {"name": "pizza"} if arguments is None else arguments}


def test_what_a_call_may_have_meant_is_taken_from_its_result():
    result = CallToolResult(content=[], _meta={"sayso/choices": [a_choice(), a_choice("tea timer", {"seconds": 300})]})

    assert choices_of(result) == (Choice("pizza timer", {"name": "pizza"}), Choice("tea timer", {"seconds": 300}))
    assert choices_of(CallToolResult(content=[])) == ()


@pytest.mark.parametrize(
    "told",
    [
        None,
        "pizza",
        [a_choice()],
        [a_choice()] * (MAX_CHOICES + 1),
        ["a", 5],
        [{"title": 5, "arguments": {}}, {"title": "x"}],
        [a_choice(arguments={"x": "y" * MAX_CHOICE_CHARS})] * 2,
    ],
)
def test_choices_that_are_not_well_formed_or_too_many_are_left_out(told):
    assert choices_of(CallToolResult(content=[], _meta={"sayso/choices": told})) == ()


def test_how_a_call_is_taken_back_is_taken_from_its_result():
    meta = {"sayso/undo": {"tool": "cancel_timer", "arguments": {"id": 7}}}

    assert undo_of(CallToolResult(content=[], _meta=meta)) == Undo("cancel_timer", {"id": 7})
    assert undo_of(CallToolResult(content=[])) is None
    assert undo_of(CallToolResult(content=[], is_error=True, _meta=meta)) is None, (
        "what failed did nothing to take back"
    )


@pytest.mark.parametrize(
    "told",
    [
        None,
        "cancel_timer",
        {"tool": "cancel_timer"},
        {"tool": "", "arguments": {}},
        {"tool": "n" * 129, "arguments": {}},
        {"tool": 7, "arguments": {}},
        {"tool": "x", "arguments": []},
        {"tool": "x", "arguments": {"text": "y" * MAX_UNDO_CHARS}},
    ],
)
def test_an_undo_that_is_not_well_formed_is_none(told):
    assert undo_of(CallToolResult(content=[], _meta={"sayso/undo": told})) is None
