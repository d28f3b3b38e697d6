import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from cli import COMMANDS, main

ROOT = Path(__file__).parents[2]
HEAVY = ("trio", "numpy", "ctranslate2", "msgspec", "rich.console", "structlog")


def test_help_lists_every_command_without_importing_any() -> None:
    program = (
        f"import sys, cli; cli.main(['--help'], standalone_mode=False); print(sorted({set(HEAVY)} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"  {name} " in shown for name in COMMANDS)
    assert shown.splitlines()[-1] == "[]"


def test_every_command_of_the_table_can_be_called() -> None:
    for name in COMMANDS:
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0, result.output


def test_a_command_that_does_not_exist_is_refused() -> None:
    result = CliRunner().invoke(main, ["dance"])
    assert result.exit_code == 2
    assert "No such command 'dance'" in result.output


def test_the_module_is_the_program() -> None:
    command = [sys.executable, "-m", "cli", "--help"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shown.startswith("Usage: sayso ")


CLOSED_PIPE = "import os, sys; end, start = os.pipe(); os.close(end); os.dup2(start, 1); "


def test_a_benchmarks_list_ends_without_a_word_when_its_reader_has_gone() -> None:
    program = f"{CLOSED_PIPE} from bench.__main__ import run; run([])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_command_whose_tasks_find_the_reader_gone_ends_without_a_word() -> None:
    program = (
        f"{CLOSED_PIPE} import click, cli, cli.schema\n"
        "def end(): raise ExceptionGroup('tasks', [BrokenPipeError(32, 'Broken pipe')])\n"
        "cli.schema.schema = click.command('schema')(end)\n"
        "cli.main(['schema'])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
