"""What a command sends along and trusts; a server with TLS is in tests/system/test_keys_and_tls.py."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli.access import BadAccess, ServerAccess, access_options, certificate_of, ssl_fingerprint

FINGERPRINT = "ab" * 32
URL = "wss://127.0.0.1:1/ws"


def test_a_key_goes_into_each_request_and_into_no_picture_of_the_object() -> None:
    access = ServerAccess("sayso_secret")
    assert access.headers == {"Authorization": "Bearer sayso_secret"}
    assert "secret" not in repr(access)


def test_without_a_key_nothing_is_sent_and_the_usual_certificates_are_trusted() -> None:
    assert ServerAccess().headers == {}
    assert ServerAccess().ssl_context(URL) is None


@pytest.mark.parametrize(
    ("access", "url", "reason"),
    [
        (ServerAccess(fingerprint="abc"), URL, "64 hexadecimal digits"),
        (ServerAccess(fingerprint="z" * 64), URL, "64 hexadecimal digits"),
        (ServerAccess(fingerprint=FINGERPRINT), "ws://127.0.0.1:1/ws", "begin with wss:// or https://"),
        (ServerAccess(fingerprint=FINGERPRINT), "wss:///ws", "begin with wss:// or https://"),
        (ServerAccess(fingerprint=FINGERPRINT), URL, "no certificate from 127.0.0.1:1"),
        (ServerAccess(ca="/nonexistent.pem"), URL, r"/nonexistent\.pem \(--ca\)"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(access: ServerAccess, url: str, reason: str) -> None:
    with pytest.raises(BadAccess, match=reason):
        access.ssl_context(url)


def test_a_file_without_certificates_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("garbage")
    with pytest.raises(BadAccess, match="is no PEM file of certificates"):
        ServerAccess(ca=str(path)).ssl_context(URL)


def test_a_fingerprint_is_the_sha_256_of_the_certificate() -> None:
    assert ssl_fingerprint(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_port_where_nothing_listens_has_no_certificate() -> None:
    with pytest.raises(BadAccess, match="no certificate from"):
        certificate_of("127.0.0.1", 1)


def test_the_options_of_a_command_become_one_object() -> None:
    @click.command()
    @access_options
    def command(access: ServerAccess) -> None:
        click.echo(f"{access.key} {access.ca} {access.fingerprint}")

    run = CliRunner().invoke
    assert run(command, ["--key", "k", "--fingerprint", "f"], env={"SAYSO_KEY": "other"}).output == "k None f\n"
    assert run(command, ["--ca", "file"], env={"SAYSO_KEY": "other"}).output == "other file None\n"
