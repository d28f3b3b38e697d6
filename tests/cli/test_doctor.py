import io
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from assembly.providers.provider import Finding, State
from backends.speech import wake_words
from cli import doctor, main
from config.load import load
from config.settings import Settings


def settings(**flags: str) -> Settings:
    named = {name.replace("__", "."): value for name, value in flags.items()}
    return load(None, {"HOME": "/home/ada"}, named).settings


def states(findings: Iterator[Finding]) -> dict[str, str]:
    return {finding.name: finding.state for finding in findings}


def test_an_old_python_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    assert states(doctor.python(settings())) == {"python": "ok"}
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))
    (finding,) = doctor.python(settings())
    assert (finding.state, finding.text) == ("fail", "3.10.4")


@pytest.mark.parametrize(
    ("roles", "kinds"),
    [("recognise", {"whisper model", "cuda"}), ("speak", {"voice"}), ("recognise,speak", {"whisper model", "voice"})],
)
def test_a_server_without_sessions_is_checked_for_what_it_does(roles: str, kinds: set[str]) -> None:
    found = set(states(doctor.providers(settings(supervisor__roles=roles))))
    assert kinds <= found
    assert not {name for name in found if name.startswith(("inference", "history", "meaning"))}


def test_a_taken_port_fails_and_a_free_one_is_fine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        (finding,) = doctor.port(settings(gateway__port=port))
        assert finding.state == "fail"
        assert f"127.0.0.1:{port} cannot be had" in finding.text
    assert states(doctor.port(settings(gateway__port="0"))) == {"port": "ok"}


def test_a_host_that_does_not_exist_fails() -> None:
    host = {"gateway__host": "host.invalid", "gateway__insecure": "true"}
    assert states(doctor.port(settings(**host))) == {"port": "fail"}


def test_folders_are_fine_where_they_could_be_made(tmp_path: Path) -> None:
    chosen = {"supervisor__data_dir": str(tmp_path / "a" / "b"), "supervisor__models_dir": str(tmp_path)}
    assert states(doctor.folders(settings(**chosen))) == {"data_dir": "ok", "models_dir": "ok"}
    assert list(tmp_path.iterdir()) == []


def test_a_folder_below_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    findings = states(doctor.folders(settings(supervisor__data_dir=str(tmp_path / "file" / "data"))))
    assert findings["data_dir"] == "fail"


def test_every_provider_of_every_kind_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    no_gpu = subprocess.CompletedProcess([], 0, stdout="0\n")
    monkeypatch.setattr(subprocess, "run", lambda *_arguments, **_options: no_gpu)
    silent = {"speech__provider": "none", "inference__provider": "none"}
    findings = {
        finding.name: finding.text
        for finding in doctor.providers(settings(**silent, transcription__model="large-v3-turbo"))
    }
    assert findings["speech piper"] == findings["speech openai"] == "not used (speech.provider = none)"
    assert findings["inference embedded"] == "not used (inference.provider = none)"
    assert "is fetched from the hub" in findings["whisper model"]
    assert "Whisper runs on the CPU" in findings["cuda"]
    assert "history sqlite" in findings


def test_the_programs_of_tool_servers_are_looked_for_on_path_and_addresses_are_asked() -> None:
    servers = {
        "here": {"command": sys.executable},
        "gone": {"command": "no-such-program"},
        "far": {"url": "http://127.0.0.1:1/mcp"},
    }
    findings = states(doctor.tools(settings(tools__servers=json.dumps(servers))))
    assert findings == {"tools here": "ok", "tools gone": "warn", "tools far": "warn"}


@pytest.mark.parametrize(
    ("known", "word", "state"),
    [((), "", "ok"), (("okay nabu",), "", "ok"), (("okay nabu",), "okay nabu", "ok"), ((), "okay nabu", "fail")],
)
def test_a_wake_word_that_is_not_there_fails(
    monkeypatch: pytest.MonkeyPatch, known: tuple[str, ...], word: str, state: str
) -> None:
    monkeypatch.setattr(wake_words, "wake_words", lambda: known)
    monkeypatch.setattr(wake_words, "is_installed", lambda: bool(known))
    (finding,) = doctor.wake_word(settings(wake__word=word))
    assert (finding.name, finding.state) == ("wake", state)
    assert "sayso[wake]" in finding.text or known


@pytest.mark.usefixtures("bare_environment")
@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("warn", 0), ("fail", 1)])
def test_only_a_failure_changes_the_exit_code(monkeypatch: pytest.MonkeyPatch, state: State, code: int) -> None:
    monkeypatch.setattr(doctor, "CHECKS", [lambda _settings: iter([Finding("x", state, "[so] it is", "mend it")])])
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == code
    assert "x: [so] it is" in result.output
    assert "mend it" in result.output
    result = CliRunner().invoke(main, ["doctor", "--json"])
    assert result.exit_code == code
    assert json.load(io.StringIO(result.output)) == [
        {"name": "x", "state": state, "text": "[so] it is", "fix": "mend it"}
    ]
