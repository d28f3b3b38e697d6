"""The commands, on a database of their own."""

import json
import stat
from pathlib import Path

import attrs
import pytest
import trio
from click.testing import CliRunner, Result

from backends.storage.sqlite import SqliteStore
from cli import main
from cli.history import opened, printable, when
from protocol.messages.history import Record
from tests.backends.storage.record_fixtures import CALL, SESSION, TURN, found, turn
from tests.fakes import default_settings

pytestmark = pytest.mark.usefixtures("bare_environment")
BOBS = (
    attrs.evolve(SESSION, session_id="s2", user_id="bob", client_id="[red]", started_at=2_000.0),
    turn(9, session_id="s2", user_id="bob", heard="hello\x1b[2J\nworld", replied=""),
)


def run(*arguments: str, data: Path, answer: str | None = None) -> Result:
    group, command, *rest = arguments
    given = [group, command, "--set", f"supervisor.data_dir={data}", *rest]
    return CliRunner().invoke(main, given, env={"COLUMNS": "200", "TZ": "UTC"}, input=answer)


def keep(data: Path, *records: Record) -> None:
    async def write() -> None:
        async with opened(store_in(data)) as store:
            await store.write(records)

    trio.run(write)


def kept_in(data: Path) -> list[str]:
    async def read() -> list[str]:
        async with opened(store_in(data)) as store:
            return await found(store)

    return trio.run(read)


def store_in(data: Path) -> SqliteStore:
    return SqliteStore(attrs.evolve(default_settings().history.sqlite, path=data / "history.db"))


def test_conversations_are_listed_by_user(tmp_path: Path) -> None:
    keep(tmp_path, SESSION, TURN, *BOBS)
    lines = run("history", "list", data=tmp_path).stdout.splitlines()
    assert lines[0].split() == ["session", "user", "client", "began", "turns", "first", "words"]
    assert [line.split()[:3] for line in lines[1:]] == [["s2", "bob", "[red]"], ["s1", "anna", "phone"]]
    assert lines[1].rstrip().endswith("1      hello\\x1b[2J\\nworld")
    mine = run("history", "list", "--user", "anna", data=tmp_path).stdout
    assert "s1" in mine
    assert "s2" not in mine


def test_a_long_first_sentence_is_cut(tmp_path: Path) -> None:
    keep(tmp_path, SESSION, turn(1, heard="x" * 100))
    assert run("history", "list", data=tmp_path).stdout.rstrip().endswith(" " + "x" * 59 + "…")


def test_a_conversation_is_shown_from_its_beginning(tmp_path: Path) -> None:
    keep(tmp_path, SESSION, turn(2, heard="and off", confidence=None), TURN, attrs.evolve(CALL, ok=False))
    shown = run("history", "show", "s1", data=tmp_path).stdout
    assert shown.splitlines()[1:5] == [
        "  heard    Turn on the kitchen light",
        "  called   home/light {'on': True, 'rooms': ['Küche']}",
        "           failed: on (12 ms)",
        "  replied  The light is on.",
    ]
    assert "anna  en 0.75 done" in shown
    assert shown.index("kitchen") < shown.index("and off")
    missing = run("history", "show", "s9\x1b[2J", data=tmp_path)
    assert missing.exit_code == 1
    assert "\x1b" not in missing.output


def test_words_are_found(tmp_path: Path) -> None:
    keep(tmp_path, TURN, *BOBS)
    result = run("history", "search", "kitchen", "light", data=tmp_path)
    assert result.stdout.startswith("s1  ")
    assert "hello" not in result.stdout
    assert run("history", "search", "kitchen", "--user", "bob", data=tmp_path).stdout == ""
    assert run("history", "search", data=tmp_path).exit_code == 2


def test_turns_are_exported_as_json_lines_for_their_owner_only(tmp_path: Path) -> None:
    keep(tmp_path, CALL, *(turn(number) for number in range(600)), *BOBS)
    file = tmp_path / "out.jsonl"
    result = run("history", "export", str(file), "--user", "anna", data=tmp_path)
    assert (result.exit_code, result.stderr) == (0, "600 turns\n")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["turn_id"] for line in lines] == [f"t{number}" for number in reversed(range(600))]
    assert lines[-2]["calls"][0]["arguments"] == {"on": True, "rooms": ["Küche"]}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = run("history", "export", str(file), data=tmp_path)
    assert (again.exit_code, "exists already" in again.output) == (1, True)
    assert run("history", "export", "-", "--session", "s2", data=tmp_path).stdout.count("\n") == 1
    nowhere = run("history", "export", str(tmp_path / "no" / "x"), data=tmp_path)
    assert (nowhere.exit_code, "No such file" in nowhere.output) == (1, True)


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (("--session", "s1"), ["t9"]),
        (("--user", "bob"), ["t1"]),
        (("--older-than", "1d"), []),
        (("--user", "anna", "--session", "s2"), ["t9", "t1"]),
        (("--older-than", "99999d"), ["t9", "t1"]),
    ],
)
def test_what_fits_is_deleted(tmp_path: Path, options: tuple[str, ...], left: list[str]) -> None:
    keep(tmp_path, SESSION, TURN, CALL, *BOBS)
    result = run("history", "delete", "--yes", *options, data=tmp_path)
    assert result.exit_code == 0, result.output
    assert kept_in(tmp_path) == left


def test_nothing_is_deleted_before_the_question_is_answered(tmp_path: Path) -> None:
    keep(tmp_path, TURN)
    asked = run("history", "delete", "--user", "anna", "--older-than", "1d", data=tmp_path, answer="n\n")
    assert asked.exit_code == 1
    assert "Delete the conversations and of 'anna' only and from before" in asked.output
    assert kept_in(tmp_path) == ["t1"]
    assert run("history", "delete", "--session", "s1", data=tmp_path, answer="y\n").exit_code == 0
    assert kept_in(tmp_path) == []


@pytest.mark.parametrize("options", [(), ("--older-than", "soon")])
def test_a_deletion_that_does_not_say_what_is_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert run("history", "delete", "--yes", *options, data=tmp_path).exit_code == 2


def test_a_database_that_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "history.db").mkdir()
    result = run("history", "list", data=tmp_path)
    assert (result.exit_code, result.output.startswith("Error: ")) == (1, True)
    assert "Is a directory" in result.output


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\x1b[31mb", "a\\x1b[31mb"), ("\u202eevil", "\\u202eevil"), ("a\tb\n", "a\\tb\\n"), ("Küche 🦏", "Küche 🦏")],
)
def test_a_terminal_obeys_no_text(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_time_out_of_all_calendars_is_shown_as_it_is() -> None:
    assert when(1e300) == "1e+300 s"
