import io
import json
import logging
from collections.abc import Iterator

import pytest

from cli import logs
from config.settings import LogSettings


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
