from pathlib import Path

from config.sources import SettingEntry, line_numbers, read_environment, read_toml

TEXT = """\
# a comment with port = 1
[gateway]
host = "127.0.0.1"   # port = 2

[gateway.websocket]
"max_connections" = 5
[tools.servers."my server"]
command = "x"
"""


def test_lines_are_found_for_tables_and_keys() -> None:
    found = line_numbers(TEXT)
    assert found["gateway"] == 2
    assert found["gateway.host"] == 3
    assert found["gateway.websocket.max_connections"] == 6
    assert found["tools.servers.my server"] == 7


def test_a_file_becomes_entries_with_places(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(TEXT)
    assert read_toml(path) == [
        SettingEntry("gateway.host", "127.0.0.1", f"{path}:3", is_text=False),
        SettingEntry("gateway.websocket.max_connections", 5, f"{path}:6", is_text=False),
        SettingEntry("tools.servers", {"my server": {"command": "x"}}, f"{path}:7", is_text=False),
    ]


def test_inline_and_dotted_tables_are_sections_too(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('log = {level = "debug"}\ngateway.websocket.max_connections = 5\n')
    assert [(entry.key, entry.origin) for entry in read_toml(path)] == [
        ("log.level", f"{path}:1"),
        ("gateway.websocket.max_connections", f"{path}:2"),
    ]


def test_only_our_variables_are_read() -> None:
    environ = {"PATH": "/bin", "SAYSO_LOG__LEVEL": "debug", "SAYSO": "x"}
    assert read_environment(environ) == [SettingEntry("log.level", "debug", "SAYSO_LOG__LEVEL", is_text=True)]
