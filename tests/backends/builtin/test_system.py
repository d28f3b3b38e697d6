import os
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from backends.builtin import system
from backends.builtin.system import ProgramError, Programs, system_text
from backends.builtin.units import convert, find_unit


def test_memory_disk_and_processor_are_told(tmp_path):
    text = system_text("all", tmp_path / "not" / "made" / "yet")

    assert "gigabytes of memory are free" in text
    assert "gigabytes of disk space are free" in text
    assert "The processor is" in text


def test_a_gigabyte_of_the_machine_is_that_of_the_conversions():
    factor = convert(Decimal(1), find_unit("gigabyte"), find_unit("byte"))

    assert factor == system.GIGABYTE


def test_the_uptime_is_told(tmp_path):
    assert system_text("uptime", tmp_path).startswith("The machine has been running for ")


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (None, "This machine has no battery."),
        ((80.4, True), "The battery is at 80 percent and charging."),
        ((5.0, False), "The battery is at 5 percent."),
    ],
)
def test_a_battery_is_told_where_there_is_one(tmp_path, monkeypatch, reading, expected):
    monkeypatch.setattr(system, "_read_battery", lambda: reading)

    assert system_text("battery", tmp_path) == expected


def test_an_allowed_program_is_started_with_its_vector_and_no_shell(tmp_path):
    out = tmp_path / "out"
    code = f"import sys; open({str(out)!r}, 'w').write(repr(sys.argv[1:]))"
    programs = Programs({"Writer": [sys.executable, "-c", code, "$HOME; ls *"]})

    assert programs.start(" writer ") == "writer is done."
    assert out.read_text() == repr(["$HOME; ls *"])


def test_a_program_that_goes_on_is_left_alone_in_a_session_of_its_own():
    programs = Programs({"sleeper": [sys.executable, "-c", "import time; time.sleep(30)"]})

    assert programs.start("sleeper") == "Started sleeper."
    (process,) = programs._started
    try:
        assert os.getsid(process.pid) == process.pid
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", ["rm", "", "echo hello", "echo; rm -rf /"])
def test_what_is_not_allowed_is_not_started(name):
    with pytest.raises(ProgramError, match=r"I may not start .*Allowed: echo\."):
        Programs({"echo": ["echo"]}).start(name)


def test_a_program_that_is_missing_or_fails_is_told():
    programs = Programs({"missing": ["no-such-program-here"], "failing": [sys.executable, "-c", "raise SystemExit(3)"]})

    with pytest.raises(ProgramError, match="missing did not start: No such file"):
        programs.start("missing")
    with pytest.raises(ProgramError, match="failing ended at once with code 3"):
        programs.start("failing")


@pytest.mark.parametrize("vectors", [{"x": []}, {" ": ["ls"]}])
def test_an_allow_list_without_name_or_command_is_refused(vectors):
    with pytest.raises(ValueError, match="a name and at least its command"):
        Programs(vectors)


def test_a_relative_folder_has_a_disk_too():
    assert "disk space" in system_text("disk", Path("nowhere"))
