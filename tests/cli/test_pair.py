"""What a device is told; the code itself is the library's business."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
from click.testing import CliRunner, Result

from backends.keys.key_file import KeyFile
from cli import main
from cli.pair import address_of, pairing_link
from protocol.admission.keys import digest_of
from protocol.messages.identity import Scope
from tests.backends.ingress.tls_fixtures import made
from tests.fakes import default_settings

pytestmark = pytest.mark.usefixtures("bare_environment")

ADDRESSES = ("127.0.0.1", "192.0.2.7", "::1", "2001:db8::7")


def run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["pair", "--set", f"supervisor.data_dir={data}", "phone", *arguments])


def told(result: Result) -> dict[str, str]:
    assert result.exit_code == 0, result.output
    link = urlsplit(result.stdout.splitlines()[-1])
    assert (link.scheme, link.netloc) == ("sayso", "pair")
    return {name: values[0] for name, values in parse_qs(link.query).items()}


def test_a_device_gets_a_key_of_its_own_for_talking(tmp_path: Path) -> None:
    found = told(run(tmp_path, "--url", "ws://192.0.2.7:8000/ws", "--user", "ann"))
    assert found.keys() == {"url", "key"}
    (key,) = KeyFile.in_folder(tmp_path).read()
    assert (key.name, key.user, key.scopes, key.digest) == (
        "phone",
        "ann",
        frozenset({Scope.TALK}),
        digest_of(found["key"]),
    )
    assert "there is a key named 'phone' already" in run(tmp_path, "--url", "ws://192.0.2.7:8000/ws").stderr


@pytest.mark.parametrize(
    ("asked", "scopes"),
    [((), {Scope.TALK}), (("read",), {Scope.READ}), (("talk", "read", "talk"), {Scope.TALK, Scope.READ})],
)
def test_the_key_has_the_scopes_that_are_asked_for(tmp_path: Path, asked: tuple[str, ...], scopes: set[Scope]) -> None:
    options = [part for scope in asked for part in ("--scope", scope)]
    told(run(tmp_path, "--url", "ws://192.0.2.7:8000/ws", *options))
    (key,) = KeyFile.in_folder(tmp_path).read()
    assert key.scopes == scopes


def test_an_unknown_scope_is_refused_and_no_key_is_made(tmp_path: Path) -> None:
    result = run(tmp_path, "--url", "ws://192.0.2.7:8000/ws", "--scope", "listen")
    assert result.exit_code == 2
    assert "'listen' is not one of 'talk', 'read', 'operate'" in result.stderr
    assert not KeyFile.in_folder(tmp_path).read()


def test_a_certificate_of_the_servers_own_is_named_by_its_fingerprint(tmp_path: Path) -> None:
    fingerprint = made(tmp_path / "tls").load().fingerprint
    assert told(run(tmp_path, "--url", "wss://192.0.2.7:8000/ws"))["fingerprint"] == fingerprint


def test_a_server_that_others_do_not_reach_is_told_and_no_key_is_made(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "listens on this computer only" in result.stderr
    assert not KeyFile.in_folder(tmp_path).read()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", None),
        ("localhost", None),
        ("0.0.0.0", "wss://192.0.2.7:8000/ws"),
        ("192.0.2.8", "wss://192.0.2.8:8000/ws"),
        ("2001:db8::8", "wss://[2001:db8::8]:8000/ws"),
        ("voice.example.org", "wss://voice.example.org:8000/ws"),
    ],
)
def test_the_address_is_one_that_others_reach(host: str, url: str | None) -> None:
    gateway = attrs.evolve(default_settings().gateway, host=host)
    assert address_of(gateway, ADDRESSES, is_secure=True) == url
    assert address_of(attrs.evolve(gateway, host="0.0.0.0"), ("127.0.0.1",), is_secure=True) is None


def test_the_link_can_be_taken_apart_again() -> None:
    link = pairing_link("wss://[::1]:8000/ws?a=b&c", "key", "ab")
    assert parse_qs(urlsplit(link).query) == {
        "url": ["wss://[::1]:8000/ws?a=b&c"],
        "key": ["key"],
        "fingerprint": ["ab"],
    }
