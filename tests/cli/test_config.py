import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from config.keys import KEYS


@pytest.fixture
def here(bare_environment: Path) -> Path:
    (bare_environment / "sayso.toml").write_text('[gateway]\nport = 9123\n[inference.openai]\napi_key = "s3cr3t"\n')
    return bare_environment


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env={"COLUMNS": "200", "WORKERS": "3600"})


@pytest.mark.usefixtures("here")
def test_json_shows_every_setting_with_its_origin_and_no_secret() -> None:
    result = run("config", "--json")
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert set(shown["settings"]) == set(KEYS)
    assert shown["settings"]["gateway.port"]["value"] == 9123
    assert shown["settings"]["gateway.port"]["origin"].endswith("sayso.toml:2")
    assert shown["settings"]["gateway.host"] == {"value": "127.0.0.1", "origin": "default"}
    [warning] = shown["warnings"]
    assert warning.startswith("WORKERS is ignored: replicas.count: expected a value <= 64, not '3600'; ")
    assert "s3cr3t" not in result.output


@pytest.mark.usefixtures("here")
def test_changed_shows_only_what_is_not_the_default() -> None:
    result = run("config", "--changed", "--set", "log.level=debug")
    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        "setting",
        "gateway.port",
        "inference.openai.api_key",
        "log.level",
    ]
    assert "s3cr3t" not in result.output
    assert "warning: WORKERS is ignored" in result.stderr


@pytest.mark.usefixtures("here")
def test_check_says_that_all_is_good() -> None:
    result = run("config", "check")
    assert (result.exit_code, result.stdout) == (0, "the configuration is good\n")


@pytest.fixture
def bad(here: Path) -> Path:
    path = here / "bad.toml"
    path.write_text("[gateway]\nport = 70000\n")
    return path


COMMANDS_WITH_SETTINGS = [("serve",), ("doctor",), ("config",), ("config", "check")]


@pytest.mark.parametrize("command", COMMANDS_WITH_SETTINGS, ids=" ".join)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_file_can_be_named_on_either_side_of_a_command(bad: Path, command: tuple[str, ...], place: int) -> None:
    words = [*command[:place], "--config", str(bad), *command[place:]]
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert f"{bad}:2: gateway.port: expected a value <= 65535, not 70000" in result.stderr


def test_of_two_files_the_one_behind_the_command_counts(here: Path, bad: Path) -> None:
    good = here / "good.toml"
    good.touch()
    assert run("--config", str(bad), "config", "check", "--config", str(good)).exit_code == 0
    assert run("--config", str(good), "config", "--config", str(bad), "check").exit_code == 2


def test_the_page_of_all_settings_is_printed() -> None:
    result = run("config", "reference")
    assert result.exit_code == 0, result.output
    assert "| `port` | `8000` |" in result.stdout
