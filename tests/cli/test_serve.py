import gc
import socket
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import pytest
import trio
from click.testing import CliRunner, Result

import supervisor
from backends.commands.grammar import CommandFileError
from backends.ingress.certificates import CertificateFiles
from backends.ingress.listeners import PortInUse
from backends.keys.key_file import KeyFile
from cli import logs, main
from cli.replicas import ReplicaCommand
from cli.serve import root_cause, socket_url
from config.settings import GatewaySettings, Settings
from protocol.admission.keys import AccessKey
from protocol.messages.identity import Scope
from runtime import RestartIntensityExceeded, StartFailed
from runtime.messaging.exits import Exit, ExitKind
from tests.backends.ingress.tls_fixtures import made


def ended(error: Exception) -> Exit:
    return Exit(kind=ExitKind.START_FAILED, reason=str(error), incarnation=1, started_s=0.0, ended_s=0.0, error=error)


@attrs.frozen
class Serve:
    """Runs ``sayso serve`` on a server that ends as the test says; the settings that it got are in ``seen``."""

    monkeypatch: pytest.MonkeyPatch
    seen: list[Settings] = attrs.field(factory=list)

    def __call__(self, *arguments: str, end: Exception | None = None) -> Result:
        async def server(
            settings: Settings, *, task_status: trio.TaskStatus[Sequence[tuple[str, int]]] = trio.TASK_STATUS_IGNORED
        ) -> None:
            self.seen.append(settings)
            if isinstance(end, StartFailed):
                raise end
            task_status.started([(settings.gateway.host, 4711)])
            if end is not None:
                raise end

        self.monkeypatch.setattr(supervisor, "serve", server)
        return CliRunner().invoke(main, ["serve", *arguments])


@pytest.fixture
def serve(bare_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    monkeypatch.setattr(logs, "configure", lambda _settings: None)
    monkeypatch.setenv("SAYSO_GATEWAY__PORT", "0")
    yield Serve(monkeypatch)
    gc.unfreeze()


def test_what_was_made_at_the_start_is_not_collected_again_and_again(serve: Serve) -> None:
    gc.unfreeze()
    assert serve().exit_code == 0
    assert gc.get_freeze_count() > 100_000


def test_the_address_and_a_first_command_are_printed(serve: Serve) -> None:
    result = serve()
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "listening on ws://127.0.0.1:4711/ws",
        'try: sayso say --url ws://127.0.0.1:4711/ws "what time is it"',
    ]


def test_flags_are_settings(serve: Serve) -> None:
    result = serve("--host", "::1", "--port", "0", "--set", "log.level=debug")
    assert result.exit_code == 0, result.output
    (settings,) = serve.seen
    assert (settings.gateway.host, settings.gateway.port, settings.log.level) == ("::1", 0, "debug")
    assert "listening on ws://[::1]:4711/ws" in result.stdout


def test_an_example_is_added_to_the_configuration(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[tools.servers.mine]\nurl = "http://127.0.0.1:1"\n')
    result = serve("--example", "home", "--config", str(tmp_path / "mine.toml"))
    assert result.exit_code == 0, result.output
    (settings,) = serve.seen
    assert list(settings.tools.servers) == ["mine", "home"]
    assert settings.tools.policy == {"home/unlock_door": "confirm"}
    assert 'sayso say --url ws://127.0.0.1:4711/ws "turn on the kitchen light"' in result.stdout


def test_an_example_that_is_not_there_is_exit_code_2_and_the_others_are_listed(serve: Serve) -> None:
    result = serve("--example", "hose")
    assert result.exit_code == 2
    assert result.stderr == (
        "sayso: there is no example 'hose'; there are: "
        "home (a toy house: lights, heating, blinds, a lock and sensors in four rooms)\n"
    )
    assert serve.seen == []


def test_the_ready_file_holds_the_address(serve: Serve, tmp_path: Path) -> None:
    assert serve("--ready-file", str(tmp_path / "ready")).exit_code == 0
    assert (tmp_path / "ready").read_text() == "ws://127.0.0.1:4711/ws\n"


def test_a_bad_configuration_is_exit_code_2_and_starts_nothing(serve: Serve) -> None:
    result = serve("--port", "http")
    assert result.exit_code == 2
    assert "command line: gateway.port: expected a whole number, not 'http'" in result.stderr
    assert serve.seen == []


def test_a_proxy_on_this_computer_may_want_a_key_of_everyone(serve: Serve, tmp_path: Path) -> None:
    settings = ("--set", f"supervisor.data_dir={tmp_path}", "--set", "gateway.require_key=true")
    refused = serve(*settings)
    assert refused.exit_code == 1
    assert "gateway.require_key is set, and there is no key that is good" in refused.stderr
    assert serve(*settings, "--insecure").exit_code == 0


def test_several_replicas_need_haproxy_and_it_is_said_how(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setenv("WORKERS", "2")
    refused = serve()
    assert refused.exit_code == 1
    assert "2 replicas (WORKERS) need HAProxy" in refused.stderr
    assert "apt-get install haproxy" in refused.stderr
    assert serve.seen == []
    assert serve("--set", "replicas.count=1").exit_code == 0


def test_each_of_several_replicas_gets_all_that_the_command_line_says(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[ReplicaCommand] = []

    def noted(*arguments: object) -> int:
        commands.extend(one for one in arguments if isinstance(one, ReplicaCommand))
        return 0

    monkeypatch.setattr(sys.modules["cli.serve"], "run", noted)
    result = serve("--port", "4712", "--set", "replicas.count=2", "--set", "history.url=postgresql://127.0.0.1/x")
    assert result.exit_code == 0, result.output
    (command,) = commands
    assert dict(command.flags) == {
        "gateway.port": "4712",
        "replicas.count": "2",
        "history.url": "postgresql://127.0.0.1/x",
    }


def test_an_open_host_needs_a_key_that_is_good_or_insecure(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def unchecked(_settings: GatewaySettings) -> None:
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr(sys.modules["cli.serve"], "check_port", unchecked)  # tests listen on the loopback only
    data = ("--set", f"supervisor.data_dir={tmp_path}")
    refused = serve("--host", "0.0.0.0", *data)
    assert refused.exit_code == 1
    assert refused.stderr == (
        "sayso: other machines reach 0.0.0.0 (gateway.host), and there is no key that is good: make one with"
        " `sayso keys new NAME --scope talk`, or let everyone in with --insecure\n"
    )
    assert serve("--host", "0.0.0.0", "--insecure", *data).exit_code == 0
    file = KeyFile.in_folder(tmp_path)
    for expires_at_s, code in ((1.0, 1), (None, 0)):
        key = AccessKey("0" * 12, "phone", "ann", frozenset({Scope.TALK}), "d" * 64, 0.0, expires_at_s)
        with file.locked():
            file.write([key])
        assert serve("--host", "0.0.0.0", *data).exit_code == code


def test_a_certificate_of_its_own_is_made_once_and_its_fingerprint_printed(serve: Serve, tmp_path: Path) -> None:
    arguments = ("--tls", "self-signed", "--set", f"supervisor.data_dir={tmp_path}")
    first, second = serve(*arguments), serve(*arguments)
    assert (first.exit_code, first.stdout) == (0, second.stdout), first.output
    files = CertificateFiles(tmp_path / "tls" / "certificate.pem", tmp_path / "tls" / "key.pem")
    fingerprint = files.load().fingerprint
    assert first.stdout.splitlines() == [
        "listening on wss://127.0.0.1:4711/ws",
        f"certificate: sha256 {fingerprint}",
        f'try: sayso say --url wss://127.0.0.1:4711/ws --fingerprint {fingerprint} "what time is it"',
    ]
    assert serve.seen[0].gateway.tls_certificate == str(files.certificate)


def test_a_certificate_that_is_no_good_is_told_in_a_sentence_and_nothing_starts(serve: Serve, tmp_path: Path) -> None:
    one, other = made(tmp_path / "one"), made(tmp_path / "other")
    result = serve("--set", f"gateway.tls_certificate={one.certificate}", "--set", f"gateway.tls_key={other.key}")
    assert result.exit_code == 1
    assert result.stderr == (
        f"sayso: {other.key} (gateway.tls_key) does not belong to {one.certificate} (gateway.tls_certificate)\n"
    )
    assert serve("--set", f"gateway.tls_certificate={one.certificate}").exit_code == 2
    (tmp_path / "file").touch()
    data = f"supervisor.data_dir={tmp_path / 'file'}"
    assert serve("--tls", "self-signed", "--set", data).stderr.startswith(f"sayso: {tmp_path / 'file'}")
    assert serve.seen == []


def test_a_damaged_file_of_keys_is_told_in_a_sentence_and_nothing_starts(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")
    result = serve("--set", f"supervisor.data_dir={tmp_path}")
    assert result.exit_code == 1
    assert "keys.json is no file of keys" in result.stderr
    assert "Traceback" not in result.output
    assert serve.seen == []


def test_a_port_in_use_is_exit_code_1_in_words(serve: Serve) -> None:
    inner = StartFailed("gateway", ended(PortInUse("127.0.0.1", 8_000)))
    result = serve(end=StartFailed("root", ended(inner)))
    assert result.exit_code == 1
    assert result.stderr.startswith("sayso: port 8000 on 127.0.0.1 is in use: stop what listens there")
    assert "Traceback" not in result.output


def test_a_port_in_use_is_found_before_anything_is_loaded(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = serve("--port", str(port))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"sayso: port {port} on 127.0.0.1 is in use: stop what listens there")
    assert serve.seen == []


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_data_folder_that_cannot_be_written_is_one_sentence(serve: Serve, tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    result = serve("--set", f"supervisor.data_dir={tmp_path / place}")
    assert result.exit_code == 1
    assert result.stderr == (
        f"sayso: {tmp_path / place}: Not a directory; the server must be able to write there (supervisor.data_dir)\n"
    )
    assert serve.seen == []


def test_a_server_that_keeps_nothing_needs_no_data_folder(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = (f"supervisor.data_dir={tmp_path / 'file'}", "history.enabled=false", "tools.builtin=false")
    assert serve(*(word for setting in settings for word in ("--set", setting))).exit_code == 0


def test_the_usual_data_folder_is_closed_to_other_users(
    serve: Serve, bare_environment: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, chosen = tmp_path / "XDG_DATA_HOME" / "sayso", tmp_path / "chosen"
    for each in (folder, chosen):
        each.mkdir(parents=True)
        each.chmod(0o755)
    assert serve().exit_code == 0
    assert serve("--set", f"supervisor.data_dir={chosen}").exit_code == 0
    assert [stat.S_IMODE(each.stat().st_mode) for each in (folder, chosen)] == [0o700, 0o755]
    assert [record.getMessage() for record in caplog.records] == [
        f"closed to other users, which could open it: {folder}",
        f"{chosen} is open to other users, who see what files are in it: chmod 700 {chosen}",
    ]


def test_bad_command_files_are_exit_code_2_with_every_problem(serve: Serve) -> None:
    result = serve(end=CommandFileError(["a.yaml:2: no tool", "b.yaml:1: no language"]))
    assert result.exit_code == 2
    assert "a.yaml:2: no tool\nb.yaml:1: no language" in result.stderr
    assert "Traceback" not in result.output


def test_a_server_that_gives_up_is_exit_code_70(serve: Serve) -> None:
    error = RestartIntensityExceeded("root", "4 restarts in 60 s", (), ended(ValueError("bad state")))
    result = serve(end=error)
    assert result.exit_code == 70
    assert "giving up: root: 4 restarts in 60 s" in result.stderr


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), OSError("of a server that runs")])
def test_any_other_error_is_a_bug_and_shows_itself(serve: Serve, error: Exception) -> None:
    result = serve(end=error)
    assert isinstance(result.exception, ExceptionGroup)


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "ws://127.0.0.1:1/ws"), ("0.0.0.0", "ws://127.0.0.1:1/ws"), ("::", "ws://[::1]:1/ws")],
)
def test_an_address_is_one_that_can_be_reached_from_here(host: str, url: str) -> None:
    assert socket_url(host, 1) == url


def test_the_innermost_cause_is_told() -> None:
    error = ExceptionGroup(
        "", [StartFailed("root", ended(StartFailed("gateway", ended(socket.gaierror(8, "no name")))))]
    )
    assert root_cause(error) == "[Errno 8] no name"
