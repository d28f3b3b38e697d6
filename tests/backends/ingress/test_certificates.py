"""Certificates: made, read, refused and read again, with real files."""

import datetime as dt
import logging
import shutil
import ssl
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from backends.ingress.certificates import (
    LASTS,
    CertificateError,
    CertificateFiles,
    ServerCertificate,
    names_of_this_machine,
    own_certificate,
)
from protocol.admission.notices import CertificateLook
from tests.backends.ingress.tls_fixtures import NAMES, NOW, made


def test_a_certificate_of_our_own_is_for_the_names_that_were_asked_for(tmp_path: Path) -> None:
    certificate = made(tmp_path, "localhost", "voice.example.org", "192.0.2.1", "2001:db8::1").load()
    assert certificate.names == {"localhost", "voice.example.org", "192.0.2.1", "2001:db8::1"}
    assert len(certificate.fingerprint) == 64
    assert certificate.warning(NOW) is None


def test_its_key_is_for_the_owner_only(tmp_path: Path) -> None:
    files = made(tmp_path / "tls")
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    assert stat.S_IMODE(files.key.parent.stat().st_mode) == 0o700
    assert sorted(path.name for path in files.key.parent.iterdir()) == ["certificate.pem", "key.pem"]


def test_it_stays_the_same_while_it_is_good_and_clients_may_know_its_fingerprint(tmp_path: Path) -> None:
    before = made(tmp_path).load().fingerprint
    assert made(tmp_path).load().fingerprint == before
    assert made(tmp_path, "localhost").load().fingerprint == before, "it is for more names than that"
    assert made(tmp_path, "localhost", "new.example.org").load().fingerprint != before


def test_it_is_made_anew_a_month_before_its_end_and_when_it_is_damaged(tmp_path: Path) -> None:
    files = made(tmp_path)
    before = files.load().fingerprint
    own_certificate(tmp_path, NAMES, NOW + LASTS - dt.timedelta(days=31))
    assert files.load().fingerprint == before
    own_certificate(tmp_path, NAMES, NOW + LASTS - dt.timedelta(days=29))
    after = files.load().fingerprint
    assert after != before
    files.key.write_text("garbage")
    made(tmp_path)
    assert files.load().fingerprint != after


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CertificateError, match="must be written there"):
        made(tmp_path / "file" / "tls")


def test_what_is_wrong_with_files_is_one_sentence_that_names_the_file(tmp_path: Path) -> None:
    one, other = made(tmp_path / "one"), made(tmp_path / "other")
    garbage, encrypted = tmp_path / "garbage.pem", tmp_path / "encrypted.pem"
    garbage.write_bytes(b"\x00-----BEGIN")
    locked = serialization.BestAvailableEncryption(b"secret")
    pkcs8, pem = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    encrypted.write_bytes(ec.generate_private_key(ec.SECP256R1()).private_bytes(pem, pkcs8, locked))
    for certificate, key, reason in (
        (one.certificate, other.key, "does not belong to"),
        (garbage, one.key, r"garbage\.pem \(gateway\.tls_certificate\) is no PEM certificate"),
        (one.key, one.key, "is no PEM certificate"),
        (one.certificate, garbage, r"garbage\.pem \(gateway\.tls_key\) is no PEM private key"),
        (one.certificate, one.certificate, "is no PEM private key"),
        (one.certificate, encrypted, "is encrypted"),
        (one.certificate, tmp_path, "Is a directory"),
        (tmp_path / "missing.pem", one.key, r"missing\.pem: No such file or directory"),
    ):
        with pytest.raises(CertificateError, match=reason) as caught:
            CertificateFiles(certificate, key).load()
        assert "\n" not in str(caught.value)


def test_old_versions_of_tls_and_renegotiation_are_refused(tmp_path: Path) -> None:
    context = made(tmp_path).load().context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_an_operator_is_told_of_its_end(tmp_path: Path) -> None:
    certificate = made(tmp_path).load()
    assert certificate.warning(certificate.expires_at - dt.timedelta(days=16)) is None
    soon = certificate.warning(certificate.expires_at - dt.timedelta(days=14))
    assert soon is not None
    assert "renew it" in soon
    over = certificate.warning(certificate.expires_at)
    assert over is not None
    assert "has expired" in over


async def test_files_that_were_replaced_are_used_and_bad_ones_are_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    files, other = made(tmp_path / "one"), made(tmp_path / "other")
    told: list[CertificateLook] = []
    current = ServerCertificate(files, told.append)
    first = current.context
    await current.refresh()
    assert current.context is first
    shutil.copy(other.certificate, files.certificate)  # its key is not there yet
    await current.refresh()
    await current.refresh()
    assert current.context is first
    assert told[1].trouble is None
    assert told[-1].fingerprint == told[0].fingerprint
    assert "does not belong to" in str(told[-1].trouble), "it is told until the files are good again"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "the certificate stays as it was" in caplog.text
    shutil.copy(other.key, files.key)
    await current.refresh()
    assert current.context is not first
    assert f"sha256 {other.load().fingerprint}" in caplog.text
    assert told[-1] == CertificateLook(other.load().fingerprint, f"{other.load().expires_at:%Y-%m-%d}")
    files.key.unlink()
    second = current.context
    await current.refresh()
    assert current.context is second


async def test_the_end_of_a_certificate_in_use_is_told(tmp_path: Path) -> None:
    files, told = made(tmp_path), list[CertificateLook]()
    ends = files.load().expires_at
    now = [ends - dt.timedelta(days=100)]
    current = ServerCertificate(files, told.append, lambda: now[0])
    now[0] = ends - dt.timedelta(days=3)
    await current.refresh()
    assert told[0].trouble is None
    assert told[1].trouble == f"the certificate expires on {ends:%Y-%m-%d}: renew it"


def test_a_machine_has_its_names_and_lasting_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    class Address:
        def __init__(self, address: str) -> None:
            self.address = address

    found = {"eth0": [Address("192.0.2.7"), Address("fe80::1%eth0"), Address("00:00:5e:00:53:01")]}
    monkeypatch.setattr("backends.ingress.certificates.psutil.net_if_addrs", lambda: found)
    names = names_of_this_machine("Nuc", "0.0.0.0", ("voice.example.org:8443", "*", "*.example.org"))
    usual = {"localhost", "127.0.0.1", "::1"}
    assert names == usual | {"nuc", "192.0.2.7", "voice.example.org", "*.example.org"}
