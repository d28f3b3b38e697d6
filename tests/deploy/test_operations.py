"""docs/operations.md: its sizes, its tables and its commands."""

import ast
import math
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio
import yaml

from backends.keys.token_secret import token_secret
from backends.storage.sqlite import SqliteStore
from config.aliases import ALIASES, NOT_YET
from config.load import load
from tests.backends.storage.record_fixtures import SESSION, TURN
from tests.pages import commands, fenced_blocks, text_of
from tests.source_tree import ROOT
from tests.system.server_fixtures import COMMAND, PYTHONPATH

pytestmark = pytest.mark.system
PAGE = text_of(Path("docs/operations.md"))
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
SHARE_TALKING, COMMANDS_AN_HOUR, SHARE_CONNECTED = 0.05, 20, 0.2
PLANNED_PER_S, IDLE_SESSIONS = 3.5, 2_000
LIMIT_S = 120.0
NOTHING = "\N{EN DASH}"


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its own head."""
    part = PAGE.partition(f"## {heading}\n")[2]
    rows = re.search(r"(?:^\|.*\n)+", part, re.MULTILINE)
    assert rows is not None, heading
    return [[cell.strip() for cell in line.strip("|\n ").split(" | ")] for line in rows[0].splitlines()[2:]]


# --- sizes ---------------------------------------------------------------------------------------


def test_the_sizes_follow_from_the_model_and_the_measured_figure() -> None:
    found = re.search(r"for (five) minutes.*?: ([\d,]+) commands .*?p95 (\d+) ms", text_of(Path("docs/measured.md")))
    assert found is not None
    assert round(int(found[2].replace(",", "")) / 300 * 0.7, 1) == PLANNED_PER_S
    for users, per_s, connected, by_talk, by_sockets, _ in table("How much it needs"):
        count = int(users.replace(",", ""))
        wanted = count * SHARE_TALKING * COMMANDS_AN_HOUR / 3600
        sockets = count * SHARE_CONNECTED
        assert float(f"{wanted:.3g}") == pytest.approx(float(per_s), rel=0.1)
        assert int(connected.replace(",", "")) == sockets
        assert int(by_talk) == math.ceil(wanted / PLANNED_PER_S)
        assert int(by_sockets) == math.ceil(sockets / IDLE_SESSIONS)


# --- settings of the guide -----------------------------------------------------------------------


def test_every_name_of_the_guide_is_told_once_with_its_setting() -> None:
    rows = table("Settings of the performance guide")
    told = {name.strip("`"): setting.strip("`") for name, setting, *_ in rows}
    assert len(told) == len(rows)
    assert told == {alias.variable: alias.key for alias in ALIASES} | dict.fromkeys(NOT_YET, NOTHING)


def test_the_test_that_is_named_for_each_setting_exists() -> None:
    missing = []
    for name, *_, test in table("Settings of the performance guide"):
        path, _, function = test.strip("`").partition("::")
        defined = ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))) if (ROOT / path).is_file() else ()
        names = {node.name for node in defined if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        if not names or (function and function not in names):
            missing.append((name, test))
    assert missing == []


# --- alerts --------------------------------------------------------------------------------------


def test_every_alert_is_told_with_its_urgency_and_what_to_do() -> None:
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    rules = {rule["alert"]: rule["labels"]["severity"] for group in groups for rule in group["rules"]}
    rows = table("Alerts, and what to do")
    told = {row[0].split("`")[1]: "page" if "(page)" in row[0] else "ticket" for row in rows}
    assert told == rules
    assert all(len(row) == 4 and all(row) for row in rows)


# --- commands ------------------------------------------------------------------------------------


def shell(folder: Path, *arguments: str, settings: Sequence[tuple[str, str]] = ()) -> str:
    """Run a command of the page in ``folder``; it must end well."""
    program = [*COMMAND, *arguments[1:]] if arguments[0] == "sayso" else list(arguments)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": PYTHONPATH, **dict(settings)}
    ended = subprocess.run(
        program, cwd=folder, env=environ, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert ended.returncode == 0, (arguments, ended.stdout, ended.stderr)
    return ended.stdout


async def keep_a_turn(data: Path) -> None:
    """Write a database with one turn into a data folder, as a server leaves it."""
    store = SqliteStore(load(None, {"HOME": str(data)}, {"supervisor.data_dir": str(data)}).settings.history.sqlite)
    await store.open()
    await store.write([SESSION, TURN])
    await store.close()


def of_page(*words: str) -> tuple[str, ...]:
    """Return the command of the page that begins with these words."""
    (found,) = {call for call in commands(PAGE, "sayso") if call[: len(words)] == words}
    return ("sayso", *found)


def test_the_backup_of_the_page_is_brought_back_as_the_page_says(tmp_path: Path) -> None:
    data = tmp_path / "data"
    settings = (("SAYSO_SUPERVISOR__DATA_DIR", str(data)),)
    data.mkdir()
    trio.run(keep_a_turn, data)
    assert TURN.heard in shell(tmp_path, *of_page("history", "list"), settings=settings)
    shell(tmp_path, *of_page("backup"), settings=settings)
    shell(tmp_path, *of_page("history", "export"), settings=settings)
    assert TURN.heard in (tmp_path / "history.jsonl").read_text(encoding="utf-8")
    (data / "history.db").write_bytes(b"")
    for name in ("history.db-wal", "history.db-shm"):
        (data / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "copy.db", data / "history.db")
    assert TURN.heard in shell(tmp_path, *of_page("history", "list"), settings=settings)


def test_the_keys_of_the_page_are_made_and_the_server_takes_the_files_as_secrets(tmp_path: Path) -> None:
    settings = (("SAYSO_SUPERVISOR__DATA_DIR", str(tmp_path)),)
    keys = [("sayso", *call) for call in sorted(set(commands(PAGE, "sayso"))) if call[:2] == ("keys", "new")]
    assert len(keys) == 2
    for call in keys:
        assert "sayso_" in shell(tmp_path, *call, settings=settings)
    listed = shell(tmp_path, *of_page("keys", "list"), settings=settings)
    assert all(call[3] in listed for call in keys)
    made = re.search(r"^ {4}(head -c .*)$", PAGE, re.MULTILINE)
    assert made is not None
    shell(tmp_path, "sh", "-c", made[1])
    assert token_secret(tmp_path, b"") == (tmp_path / "tokens.secret").read_bytes()


def test_the_settings_of_the_page_are_good(tmp_path: Path) -> None:
    (block,) = [block for block in fenced_blocks(PAGE) if block.language == "toml"]
    (tmp_path / block.name).write_text(block.text, encoding="utf-8")
    shell(tmp_path, *of_page("config", "check"))
