import json

import pytest

from cli.log_lines import Found, LineFilter, printable, read, searched, shown

LINES = [
    {"event": "turn done", "level": "info", "session_id": "s1", "turn_id": "t1", "timestamp": "2026-11-28T08:00:00Z"},
    {
        "event": "no answer",
        "level": "warning",
        "session_id": "s1",
        "turn_id": "t2",
        "timestamp": "2026-11-28T08:00:01Z",
    },
    {"event": "socket lost: 1006", "level": "info", "session_id": "s1"},
    {"event": "turn done", "level": "info", "session_id": "s2", "turn_id": "t3"},
    {"event": "history waits in memory", "level": "error"},
]
TEXTS = [json.dumps(line) + "\n" for line in LINES]


def numbers(wanted: LineFilter) -> list[int]:
    shown_lines = list(searched(TEXTS, wanted, Found(), is_json=True))
    return [TEXTS.index(line + "\n") for line in shown_lines]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (LineFilter(), [0, 1, 2, 3, 4]),
        (LineFilter(turn="t1"), [0]),
        (LineFilter(turn="t"), []),
        (LineFilter(session="s1"), [0, 1, 2]),
        (LineFilter(session="s1", turn="t3"), []),
        (LineFilter(level="warning"), [1, 4]),
        (LineFilter(session="s1", level="warning"), [1]),
        (LineFilter(level="error"), [4]),
    ],
)
def test_lines_are_found_by_their_turn_session_and_level(wanted: LineFilter, expected: list[int]) -> None:
    assert numbers(wanted) == expected


def test_a_line_of_an_unknown_level_is_never_hidden() -> None:
    assert LineFilter(level="error").includes({"event": "x", "level": "notice"})
    assert LineFilter(level="error").includes({"event": "x"})
    assert LineFilter(level="error").includes({"event": "x", "level": "critical"})


def test_what_is_no_json_object_is_counted_and_skipped() -> None:
    found = Found()
    texts = ["listening on ws://127.0.0.1:8000/ws\n", "[1]\n", "\n", '{"broken": \n', "[" * 100_000, TEXTS[0]]
    assert len(list(searched(texts, LineFilter(), found, is_json=False))) == 1
    assert (found.lines, found.others, found.shown) == (1, 5, 1)
    assert read("null") is None


def test_why_nothing_was_found_is_said_with_what_helps() -> None:
    assert "log.json = true" in Found(others=3).nothing()
    assert Found(lines=7).nothing().startswith("none of 7 lines is one of those")


def test_a_line_is_read_by_a_person() -> None:
    assert shown(LINES[0]) == "2026-11-28T08:00:00Z info     turn done  session_id=s1 turn_id=t1"
    assert shown({"event": None, "level": ["odd"], "timestamp": 3}) == "3 ['odd']  None "
    assert shown({"event": "x", "logger": "sayso.turn"}) == "- -        x  [sayso.turn]"
    failed = shown({"event": "crashed", "exception": "Traceback:\n  ValueError: broken"})
    assert failed.splitlines()[1:] == ["    Traceback:", "      ValueError: broken"]


def test_what_a_terminal_would_obey_is_shown_as_escapes() -> None:
    assert printable("tool \x1b[2J\r\n done ä") == "tool \\x1b[2J\\r\\n done ä"
    assert "\x1b" not in shown({"event": "\x1b[31m", "exception": "a\x1b[0m", "name": "\u202e"})
