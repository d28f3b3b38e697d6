import logging
from collections.abc import Iterator

import pytest

from backends.mcp import sdk_log
from backends.mcp.sdk_log import MAX_KINDS, SERVER, WINDOW_S, RepeatFilter, filter_sdk_logs

BAD = "Failed to parse JSONRPC message from server"


@pytest.fixture(autouse=True)
def server() -> Iterator[None]:
    token = SERVER.set("tea")
    yield
    SERVER.reset(token)


def passed(quiet: RepeatFilter, message: str, at_s: float, error: Exception | None = None) -> logging.LogRecord | None:
    """Return the record as a handler would get it, ``None`` if none would."""
    exc_info = None if error is None else (type(error), error, None)
    record = logging.LogRecord("mcp.client.stdio", logging.ERROR, __file__, 1, message, (), exc_info)
    record.created = at_s
    return record if quiet.filter(record) else None


def text(quiet: RepeatFilter, message: str, at_s: float, error: Exception | None = None) -> str | None:
    record = passed(quiet, message, at_s, error)
    return None if record is None else record.getMessage()


def test_a_flood_is_one_line_and_a_number() -> None:
    quiet = RepeatFilter()
    error = ValueError("expected value\n  at line 1")
    told = f"tool server tea: {BAD}: expected value at line 1"

    assert text(quiet, BAD, 1_000.0, error) == told
    assert [text(quiet, BAD, 1_000.0 + number, error) for number in range(300)] == [None] * 300
    assert text(quiet, BAD, 1_000.0 + WINDOW_S, error) == f"{told} (300 more like it were not logged)"
    assert text(quiet, BAD, 1_000.0 + 2 * WINDOW_S, error) == told


def test_each_server_and_each_kind_of_message_has_its_own_line() -> None:
    quiet = RepeatFilter()
    assert text(quiet, "one", 1.0)
    assert text(quiet, "two", 1.0)
    token = SERVER.set("coffee")
    assert text(quiet, "one", 1.0) == "tool server coffee: one"
    SERVER.reset(token)
    assert text(quiet, "one", 1.0) is None


def test_a_line_is_short_and_a_mistake_of_the_server_has_no_traceback() -> None:
    foreign, own = (
        passed(RepeatFilter(), message, 1.0, ValueError("x" * 10_000)) for message in (BAD, "a bug of the SDK")
    )

    assert foreign is not None
    assert own is not None
    assert foreign.exc_info is None
    assert len(foreign.getMessage()) < 300
    assert own.exc_info is not None


def test_not_more_kinds_are_remembered_than_allowed() -> None:
    quiet = RepeatFilter()
    for number in range(3 * MAX_KINDS):
        assert passed(quiet, f"message {number}", 1.0)

    assert len(quiet._told) <= MAX_KINDS


def test_each_logger_of_the_sdk_gets_one_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk_log, "LOGGERS", ("test.sdk",))
    filter_sdk_logs()
    filter_sdk_logs()

    assert [type(each) for each in logging.getLogger("test.sdk").filters] == [RepeatFilter]
