"""A server with keys and a certificate of its own, as somebody uses it from a terminal."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.ingress.certificates import CertificateFiles
from tests.system.server_fixtures import COMMAND, SMALL, Server, environment, need_models, poll, running_server

pytestmark = pytest.mark.system

RUN_S = 120.0


def sayso(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ``sayso`` with the settings of the server in ``folder``."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(folder, {}),
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )


def new_key(folder: Path, name: str, *options: str) -> str:
    made = sayso(folder, "keys", "new", name, *options)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server with TLS, and a key for talking to it."""
    need_models()
    folder = tmp_path_factory.mktemp("keyed-server")
    key = new_key(folder, "phone", "--user", "ann")
    with running_server(folder, SMALL, flags=("--tls", "self-signed")) as server:
        yield server, key


def certificate_of(server: Server) -> CertificateFiles:
    tls = server.folder / "data" / "tls"
    return CertificateFiles(tls / "certificate.pem", tls / "key.pem")


def say(server: Server, *options: str) -> subprocess.CompletedProcess[str]:
    return sayso(server.folder, "say", "--url", server.url, *options, "what time is it")


def test_a_client_with_key_and_fingerprint_talks_and_others_are_told_what_is_missing(phone: tuple[Server, str]) -> None:
    server, key = phone
    assert server.url.startswith("wss://127.0.0.1:")
    fingerprint = certificate_of(server).load().fingerprint
    assert f"certificate: sha256 {fingerprint}" in server.log()
    known = ("--fingerprint", fingerprint)
    good = say(server, *known, "--key", key)
    assert good.returncode == 0, good.stderr
    assert "get_time" in good.stdout
    assert say(server, "--ca", str(certificate_of(server).certificate), "--key", key).returncode == 0
    for options, reason in (
        (known, "a key is needed here"),
        ((*known, "--key", key[:-1] + "~"), "the key is not known here"),
        (("--key", key), "no safe connection"),
        (("--fingerprint", "0" * 64, "--key", key), "the server has another certificate"),
    ):
        refused = say(server, *options)
        assert (refused.returncode, reason in refused.stderr) == (1, True), refused.stderr
    assert key not in server.log()


def test_keys_are_noticed_while_the_server_runs_and_scopes_hold(phone: tuple[Server, str]) -> None:
    server, key = phone
    known = ("--url", server.url, "--fingerprint", certificate_of(server).load().fingerprint)

    def status(with_key: str) -> subprocess.CompletedProcess[str]:
        return sayso(server.folder, "status", "--once", *known, "--key", with_key)

    assert "403" in status(key).stderr
    reader = new_key(server.folder, "dashboard", "--scope", "read")
    poll("the new key is known", lambda: status(reader).returncode == 0)
    assert sayso(server.folder, "keys", "revoke", "dashboard").returncode == 0
    poll("the revoked key is not", lambda: "401" in status(reader).stderr)
    assert reader not in server.log()
