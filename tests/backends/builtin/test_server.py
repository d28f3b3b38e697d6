"""The built-in server, called through the SDK within this process; as a process: tests/system/test_mcp.py."""

import json
from typing import Any

import pytest
import trio
from mcp import Client

from backends.builtin.server import make_server, parse_programs
from backends.builtin.store import JsonFile
from backends.mcp.announcements import SESSION_META_KEY, Announcements
from backends.mcp.results import choices_of
from protocol.messages.understanding import Choice

NOON = 1_795_435_200.0  # 2026-11-23 12:00 UTC


class Wall:
    """A wall clock that goes with Trio's."""

    def __init__(self):
        self._zero = trio.current_time()

    def __call__(self):
        return NOON + trio.current_time() - self._zero


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / "data"


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    return result.is_error, result.content[0].text


CALLS = [
    ("get_time", {"place": "Tokyo"}, "It is 9:00 PM in Tokyo."),
    ("get_date", {"place": "Tokyo"}, "In Tokyo it is Monday, November 23rd, 2026."),
    ("calculate", {"expression": "12 times 7"}, "That is 84."),
    ("calculate", {"expression": "10/3"}, "That is about 3.3333."),
    ("convert_units", {"value": 5, "from_unit": "miles", "to_unit": "km"}, "5 miles are about 8.0467 kilometers."),
    ("convert_units", {"value": 1, "from_unit": "foot", "to_unit": "inches"}, "1 foot is 12 inches."),
    ("convert_units", {"value": 1, "from_unit": "cup", "to_unit": "ounces"}, "1 cup is 8 fluid ounces."),
    ("convert_units", {"value": 1, "from_unit": "year", "to_unit": "days"}, "1 year is 365 days."),
    ("set_timer", {"seconds": 10}, "Timer set for ten seconds."),
    ("set_timer", {"seconds": 90, "name": "tea"}, "Tea timer set for one minute and thirty seconds."),
    ("set_timer", {}, "For how long? Say: set a timer for ten minutes."),
    ("list_timers", {}, "There is no timer."),
    ("pause_timer", {}, "There is no timer."),
    ("resume_timer", {}, "There is no timer."),
    ("extend_timer", {"by_seconds": 60}, "There is no timer."),
    ("shorten_timer", {"by_seconds": 60}, "There is no timer."),
    ("rename_timer", {"new_name": "tea"}, "There is no timer."),
    ("cancel_timer", {}, "There is no timer."),
    ("add_note", {"text": "call Anna"}, "Noted: call Anna"),
    ("list_notes", {}, "There are no notes."),
    ("list_notes", {"which": 2}, "There are no notes."),
    ("delete_note", {"which": 1}, "There are no notes."),
    ("add_to_list", {"item": "milk"}, "Added milk to the shopping list."),
    ("remove_from_list", {"item": "milk"}, "The shopping list is empty."),
    ("add_to_list", {"item": "milk", "list_name": "shopping"}, "Added milk to the shopping list."),
    ("read_list", {"list_name": "to do"}, "The to do list is empty."),
    ("remove_from_list", {"item": "all", "list_name": "to do"}, "The to do list is empty."),
    ("run_program", {"name": "true"}, "true is done."),
]
FAILURES = [
    ("get_time", {"place": "narnia"}, "I do not know the place Narnia."),
    ("calculate", {"expression": "1/0"}, "Nothing can be divided by zero."),
    (
        "convert_units",
        {"value": 1, "from_unit": "mile", "to_unit": "kilo"},
        "Miles measure length, but kilograms measure mass.",
    ),
    ("set_timer", {"seconds": 0}, "A timer must run for one second"),
    ("calculate", {"expression": "0/0"}, "Nothing can be divided by zero."),
    ("calculate", {"expression": "sqrt -4"}, "A negative number has no real square root."),
    ("calculate", {"expression": "10 5 + 1"}, "The calculation cannot go on with '5'."),
    ("convert_units", {"value": 1, "from_unit": "parsec", "to_unit": "kilo"}, "I do not know the unit parsec."),
    ("add_note", {"text": " "}, "A note must have 1 to 1000 characters"),
    ("run_program", {"name": "rm"}, "I may not start rm. Allowed: true."),
]


@pytest.mark.parametrize(("tool", "arguments", "expected"), CALLS)
async def test_a_tool_answers_in_a_sentence(data_dir, tool, arguments, expected):
    server = make_server(data_dir, {"true": ["true"]}, now=Wall())
    async with Client(server) as client:
        assert await call(client, tool, **arguments) == (False, expected)


@pytest.mark.parametrize(("tool", "arguments", "expected"), FAILURES)
async def test_a_failure_is_an_answer_that_begins_with_its_reason(data_dir, tool, arguments, expected):
    server = make_server(data_dir, {"true": ["true"]}, now=Wall())
    async with Client(server) as client:
        is_error, text = await call(client, tool, **arguments)

    assert is_error
    assert text.startswith(expected)


@pytest.mark.parametrize(
    ("tool", "arguments", "named"),
    [
        ("set_timer", {"seconds": "soon"}, "seconds"),
        ("extend_timer", {"by_seconds": -5}, "by_seconds"),
        ("calculate", {"expression": ["x"]}, "expression"),
        ("system_info", {"topic": "secrets"}, "topic"),
    ],
)
async def test_arguments_that_do_not_fit_the_schema_are_refused_by_name(data_dir, tool, arguments, named):
    async with Client(make_server(data_dir, {})) as client:
        is_error, text = await call(client, tool, **arguments)

    assert is_error
    assert named in text


async def test_an_unknown_tool_is_refused(data_dir):
    async with Client(make_server(data_dir, {})) as client:
        assert await call(client, "no_such_tool") == (True, "Unknown tool: no_such_tool")


async def test_every_tool_has_a_description_a_schema_and_hints(data_dir):
    async with Client(make_server(data_dir, {})) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}

    assert len(tools) == 20
    for tool in tools.values():
        assert tool.description
        assert tool.input_schema["type"] == "object"
        assert tool.annotations.read_only_hint is not None
        assert "ctx" not in tool.input_schema.get("properties", {})
    assert tools["get_time"].annotations.read_only_hint
    assert tools["delete_note"].annotations.destructive_hint
    assert not tools["run_program"].annotations.read_only_hint
    for name in ("set_timer", "pause_timer", "resume_timer", "extend_timer", "shorten_timer", "rename_timer"):
        assert (tools[name].annotations.read_only_hint, tools[name].annotations.destructive_hint) == (False, False)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_where_several_timers_may_be_meant_the_result_says_which(data_dir, autojump_clock, mode):
    async with Client(make_server(data_dir, {}, now=Wall()), mode=mode) as client:
        await call(client, "set_timer", seconds=60, name="tea")
        await call(client, "set_timer", seconds=600)
        result = await client.call_tool("cancel_timer", {})

    assert not result.is_error
    assert result.content[0].text == "There are two timers: tea timer and ten-minute timer. Which one?"
    assert choices_of(result) == (
        Choice("tea timer", {"name": "tea"}),
        Choice("ten-minute timer", {"seconds": 600}),
    )


async def test_a_timer_is_announced_to_the_session_that_set_it(data_dir, autojump_clock):
    said = []
    server = make_server(data_dir, {}, now=Wall())
    extension = Announcements(lambda session, text: said.append((round(trio.current_time(), 1), session, text)))
    started_s = trio.current_time()
    async with Client(server, mode="legacy", extensions=[extension]) as client:
        for seconds, session in ((5, "kitchen"), (2, "office")):
            meta: Any = {SESSION_META_KEY: session}
            await client.call_tool("set_timer", {"seconds": seconds}, meta=meta)
        await trio.sleep(6)

    assert [(round(at - started_s), session) for at, session, _ in said] == [(2, "office"), (5, "kitchen")]
    assert said[0][2] == "Your two-second timer is done."
    assert json.loads((data_dir / "timers.json").read_text()) == []


async def test_a_timer_that_ended_while_the_server_was_away_is_announced_late(data_dir, autojump_clock):
    wall = Wall()
    async with Client(make_server(data_dir, {}, now=wall), mode="legacy") as client:
        await call(client, "set_timer", seconds=60, name="tea")
    await trio.sleep(120)
    said = []
    extension = Announcements(lambda _, text: said.append(text))
    async with Client(make_server(data_dir, {}, now=wall), mode="legacy", extensions=[extension]):
        await trio.sleep(1)

    assert said == ["Your tea timer is done. It was due one minute ago."]


async def test_timers_that_another_server_has_locked_are_announced_when_they_are_free(
    data_dir, autojump_clock, monkeypatch
):
    monkeypatch.setattr("backends.builtin.store.LOCK_WITHIN_S", 0.0)
    said = []
    extension = Announcements(lambda _, text: said.append(text))
    async with Client(make_server(data_dir, {}, now=Wall()), mode="legacy", extensions=[extension]) as client:
        await call(client, "set_timer", seconds=5)
        with JsonFile(data_dir / "timers.json").locked():
            is_error, text = await call(client, "cancel_timer")
            await trio.sleep(6)
        assert (is_error, text) == (True, "That is being changed elsewhere. Please try again.")
        await trio.sleep(2)

    assert set(said) == {"Your five-second timer is done."}
    assert json.loads((data_dir / "timers.json").read_text()) == []


async def test_a_timer_is_announced_when_it_is_over_after_its_changes(data_dir, autojump_clock):
    said = []
    extension = Announcements(lambda _, text: said.append((round(trio.current_time() - started_s), text)))
    server = make_server(data_dir, {}, now=Wall())
    started_s = trio.current_time()
    async with Client(server, mode="legacy", extensions=[extension]) as client:
        await call(client, "set_timer", seconds=20, name="tea")
        await call(client, "pause_timer")
        await trio.sleep(100)
        assert said == []
        assert (await call(client, "resume_timer"))[1] == "The tea timer is running, with twenty seconds left."
        await call(client, "extend_timer", by_seconds=10, name="tea")
        await call(client, "shorten_timer", by_seconds=25)
        await trio.sleep(6)

    assert said == [(105, "Your tea timer is done.")]


async def test_a_cancelled_timer_is_not_announced(data_dir, autojump_clock):
    said = []
    extension = Announcements(lambda _, text: said.append(text))
    async with Client(make_server(data_dir, {}, now=Wall()), mode="legacy", extensions=[extension]) as client:
        await call(client, "set_timer", seconds=5)
        assert await call(client, "cancel_timer") == (False, "The five-second timer is cancelled.")
        await trio.sleep(60)

    assert said == []


async def test_what_was_kept_is_there_after_a_restart(data_dir):
    async with Client(make_server(data_dir, {})) as client:
        await call(client, "add_note", text="call Anna")
        await call(client, "add_to_list", item="milk", list_name="groceries")
    async with Client(make_server(data_dir, {})) as client:
        assert (await call(client, "list_notes"))[1] == "One note. 1: call Anna."
        assert (await call(client, "read_list", list_name="shopping"))[1] == "On the shopping list: milk."


def test_programs_are_read_from_json():
    assert parse_programs('{"editor": ["gedit", "-w"]}') == {"editor": ("gedit", "-w")}


@pytest.mark.parametrize("text", ["[]", '{"a": "ls"}', '{"a": [1]}', "{", "null"])
def test_programs_of_another_shape_are_refused(text):
    with pytest.raises(ValueError, match=r"programs must be|Expecting"):
        parse_programs(text)
