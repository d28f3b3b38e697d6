import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import logs, main
from config.settings import LogSettings
from runtime.messaging.log_ids import add_log_ids


@pytest.fixture(autouse=True)
def kept_logging() -> Iterator[None]:
    """Give the test's logging back as it was."""
    root, ours = logging.getLogger(), logging.getLogger("sayso")
    kept = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = kept[0]
    root.setLevel(kept[1])
    ours.setLevel(kept[2])


def logged(settings: LogSettings, *, name: str = "sayso.test", level: int = logging.INFO) -> str:
    stream = io.StringIO()
    logs.configure(settings, stream)
    logging.getLogger(name).log(level, "state is %s", "ready", extra={"session_id": "s1"})
    return stream.getvalue()


def test_json_is_one_object_a_line_with_what_was_given_as_extra() -> None:
    line = json.loads(logged(LogSettings(level="info", json=True)))
    assert line["event"] == "state is ready"
    assert line["session_id"] == "s1"
    assert (line["level"], line["logger"]) == ("info", "sayso.test")
    assert line["timestamp"].endswith("Z")


def test_a_person_gets_a_line_without_colours_where_there_is_no_terminal() -> None:
    line = logged(LogSettings(level="info", json=False))
    assert "state is ready" in line
    assert "session_id=s1" in line
    assert "\x1b[" not in line


def test_below_the_level_nothing_is_written() -> None:
    assert logged(LogSettings(level="warning", json=True)) == ""
    assert logged(LogSettings(level="debug", json=True), level=logging.DEBUG) != ""


def test_libraries_speak_up_from_warnings_on() -> None:
    settings = LogSettings(level="debug", json=True)
    assert logged(settings, name="hypercorn.error") == ""
    assert logged(settings, name="hypercorn.error", level=logging.WARNING) != ""


def test_an_exception_is_part_of_its_line() -> None:
    stream = io.StringIO()
    logs.configure(LogSettings(level="info", json=True), stream)
    try:
        int("broken")
    except ValueError:
        logging.getLogger("sayso.test").exception("it failed")
    assert "ValueError: invalid literal" in json.loads(stream.getvalue())["exception"]


async def test_each_line_of_a_task_has_the_ids_of_what_it_works_on() -> None:
    add_log_ids(turn_id="t1", session_id="s0")
    line = json.loads(logged(LogSettings(level="info", json=True)))
    assert (line["turn_id"], line["session_id"]) == ("t1", "s1"), "what the record says itself is kept"


# --- sayso logs ----------------------------------------------------------------------------------


def written(*turns: str) -> str:
    """Return the log of some turns, as the server writes it."""
    stream = io.StringIO()
    logs.configure(LogSettings(level="info", json=True), stream)
    for turn in turns:
        logging.getLogger("sayso.turn").info("turn %s", "done", extra={"turn_id": turn, "session_id": "s1"})
    return stream.getvalue()


def test_a_turn_is_found_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "server.log").write_text("listening\n" + written("t1", "t2"))
    result = CliRunner().invoke(main, ["logs", "--turn", "t2", str(tmp_path / "server.log")])
    assert (result.exit_code, result.output.count("turn done")) == (0, 1)
    assert "turn_id=t2" in result.output


def test_a_session_is_found_in_the_standard_input_and_can_stay_json() -> None:
    result = CliRunner().invoke(main, ["logs", "--session", "s1", "--json"], input=written("t1", "t2"))
    assert [json.loads(line)["turn_id"] for line in result.output.splitlines()] == ["t1", "t2"]


@pytest.mark.parametrize(
    ("arguments", "text", "expected"),
    [
        (["--turn", "t9"], None, "none of 1 lines is one of those"),
        ([], "no JSON\n", "let the server write them with log.json = true"),
        (["/nowhere/server.log"], "", "No such file"),
        (["--level", "loud"], "", "is not one of"),
    ],
)
def test_where_nothing_is_found_it_is_said_why(arguments: list[str], text: str | None, expected: str) -> None:
    result = CliRunner().invoke(main, ["logs", *arguments], input=written("t1") if text is None else text)
    assert result.exit_code != 0
    assert expected in result.output
