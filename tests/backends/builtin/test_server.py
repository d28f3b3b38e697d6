"""The built-in server, called through the SDK within this process; as a process: tests/system/test_mcp.py."""

from datetime import UTC
from typing import Any

import pytest
import trio
from mcp import Client

from backends.builtin.server import make_server, parse_programs
from backends.mcp.announcements import REVERSIBLE_META_KEY, UNDO_META_KEY, USER_META_KEY
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
    ("set_alarm", {}, "For when? Say: wake me at seven."),
    ("list_alarms", {}, "No alarm is set."),
    ("set_reminder", {"when": "at 5"}, "What shall I remind you of?"),
    ("set_reminder", {"text": "call mom"}, "When shall I remind you?"),
    ("set_reminder", {"text": "call mom", "when": "in 2 minutes"}, "I will remind you in two minutes: call mom."),
    ("list_reminders", {}, "There are no reminders."),
    ("start_stopwatch", {}, "The stopwatch is running."),
    ("read_stopwatch", {}, "The stopwatch stands at zero seconds."),
    ("count_days", {"day": "christmas"}, "Thirty-two days until Christmas."),
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
    ("set_alarm", {"when": "bluish"}, "I do not understand the time bluish."),
    ("cancel_alarm", {}, "No alarm is set."),
    ("cancel_reminder", {}, "There are no reminders."),
    ("find_date", {"day": "blue"}, "I do not know the day blue."),
    ("undo_change", {"change": 5}, "That cannot be undone any more."),
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

    assert len(tools) == 35
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
        assert tools[name].meta[REVERSIBLE_META_KEY] is True
    for name in ("get_time", "run_program", "delete_note"):
        assert tools[name].meta[REVERSIBLE_META_KEY] is False


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


async def test_a_call_is_made_for_the_user_that_it_names(data_dir):
    ada: Any = {USER_META_KEY: "ada"}
    async with Client(make_server(data_dir, {})) as client:
        await client.call_tool("add_note", {"text": "call Anna"}, meta=ada)
        assert (await call(client, "list_notes"))[1] == "There are no notes."
        result = await client.call_tool("list_notes", {}, meta=ada)
        assert result.content[0].text == "One note. 1: call Anna."


CHANGES = [
    ([], ("set_timer", {"seconds": 60}), "list_timers"),
    ([("set_timer", {"seconds": 60})], ("cancel_timer", {}), "list_timers"),
    ([("set_timer", {"seconds": 60})], ("pause_timer", {}), "list_timers"),
    ([("set_timer", {"seconds": 60})], ("extend_timer", {"by_seconds": 60}), "list_timers"),
    ([("set_timer", {"seconds": 60})], ("rename_timer", {"new_name": "tea"}), "list_timers"),
    (
        [("set_timer", {"seconds": 60}), ("set_timer", {"seconds": 90})],
        ("cancel_timer", {"every": True}),
        "list_timers",
    ),
    ([], ("set_alarm", {"when": "7 am"}), "list_alarms"),
    ([("set_alarm", {"when": "7 am"})], ("cancel_alarm", {}), "list_alarms"),
    ([], ("set_reminder", {"text": "call mom", "when": "in 5 minutes"}), "list_reminders"),
    ([("set_reminder", {"text": "call mom", "when": "at 5"})], ("cancel_reminder", {}), "list_reminders"),
    ([], ("add_note", {"text": "a"}), "list_notes"),
    ([("add_note", {"text": "a"}), ("add_note", {"text": "b"})], ("delete_note", {"which": 1}), "list_notes"),
    ([("add_note", {"text": "a"}), ("add_note", {"text": "b"})], ("delete_note", {"which": "all"}), "list_notes"),
    ([("add_to_list", {"item": "milk"})], ("add_to_list", {"item": "eggs, bread"}), "read_list"),
    ([("add_to_list", {"item": "milk, eggs, bread"})], ("remove_from_list", {"item": "eggs"}), "read_list"),
    ([("add_to_list", {"item": "milk, eggs"})], ("remove_from_list", {"item": "all"}), "read_list"),
    ([], ("start_stopwatch", {}), "read_stopwatch"),
    ([("start_stopwatch", {})], ("reset_stopwatch", {}), "read_stopwatch"),
]


@pytest.mark.parametrize(("before", "change", "shown"), CHANGES)
async def test_a_change_says_which_call_takes_it_back_exactly(data_dir, before, change, shown):
    async with Client(make_server(data_dir, {}, now=lambda: NOON, zone=UTC)) as client:
        for tool, arguments in before:
            await client.call_tool(tool, arguments)
        was = await call(client, shown)
        result = await client.call_tool(*change)
        assert not result.is_error
        changed = await call(client, shown)
        undo = result.meta[UNDO_META_KEY]
        undone = await client.call_tool(undo["tool"], undo["arguments"])
        assert (undone.is_error, undone.content[0].text) == (False, "That is undone.")
        assert (await call(client, shown), was == changed) == (was, False)
        again = await client.call_tool(undo["tool"], undo["arguments"])
        assert (again.is_error, again.content[0].text) == (True, "That cannot be undone any more.")
        redo = undone.meta[UNDO_META_KEY]
        await client.call_tool(redo["tool"], redo["arguments"])
        assert await call(client, shown) == changed


async def test_what_reads_and_what_asks_offers_no_undo(data_dir):
    async with Client(make_server(data_dir, {}, now=lambda: NOON, zone=UTC)) as client:
        for tool, arguments in (("list_timers", {}), ("get_time", {}), ("set_alarm", {}), ("cancel_timer", {})):
            assert UNDO_META_KEY not in ((await client.call_tool(tool, arguments)).meta or {})


async def test_another_user_undoes_nothing(data_dir):
    ada: Any = {USER_META_KEY: "ada"}
    async with Client(make_server(data_dir, {})) as client:
        undo = (await client.call_tool("add_note", {"text": "a"}, meta=ada)).meta[UNDO_META_KEY]
        assert await call(client, undo["tool"], **undo["arguments"]) == (True, "That cannot be undone any more.")
        assert (await client.call_tool("list_notes", {}, meta=ada)).content[0].text == "One note. 1: a."


async def test_what_older_versions_kept_is_there(data_dir):
    data_dir.mkdir()
    (data_dir / "notes.json").write_text('["call Anna"]')
    async with Client(make_server(data_dir, {}, database=data_dir / "history.db")) as client:
        assert (await call(client, "list_notes"))[1] == "One note. 1: call Anna."
    assert sorted(path.name for path in data_dir.iterdir() if "history" not in path.name) == ["notes.imported-1"]


async def test_old_files_that_cannot_be_read_stop_nothing(data_dir, caplog):
    (data_dir / "notes.json").mkdir(parents=True)
    async with Client(make_server(data_dir, {})) as client:
        assert (await call(client, "add_note", text="a"))[1] == "Noted: a"
    assert "are not there yet" in caplog.text


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
