from pathlib import Path

import click
import pytest

from cli.settings import parse_assignments, settings_or_exit


def test_assignments_become_a_mapping_and_values_may_hold_equals() -> None:
    assert parse_assignments(("log.level=debug", "inference.openai.url=http://x/?a=b", "speech.piper.voice=")) == {
        "log.level": "debug",
        "inference.openai.url": "http://x/?a=b",
        "speech.piper.voice": "",
    }


@pytest.mark.parametrize("assignment", ["log.level", "=debug", ""])
def test_what_is_no_assignment_is_refused(assignment: str) -> None:
    with pytest.raises(click.BadParameter, match="expected KEY=VALUE"):
        parse_assignments((assignment,))


def test_a_file_in_the_current_folder_is_found(bare_environment: Path) -> None:
    (bare_environment / "sayso.toml").write_text("[gateway]\nport = 9123\n")
    assert settings_or_exit(None, {}).settings.gateway.port == 9123


def test_a_named_file_comes_before_the_one_in_the_folder(bare_environment: Path) -> None:
    (bare_environment / "sayso.toml").write_text("[gateway]\nport = 9123\n")
    other = bare_environment / "other.toml"
    other.write_text("[gateway]\nport = 9124\n")
    assert settings_or_exit(other, {}).settings.gateway.port == 9124


@pytest.mark.usefixtures("bare_environment")
def test_every_problem_is_printed_and_the_exit_code_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        settings_or_exit(None, {"gateway.port": "x", "gateway.prot": "1"})
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "sayso: the configuration has 2 problems:",
        "  command line: gateway.port: expected a whole number, not 'x'",
        "  command line: gateway.prot is no setting; did you mean gateway.port?",
    ]
