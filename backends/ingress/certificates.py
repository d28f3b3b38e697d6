"""The server's certificate: read, checked, made, and read again when its files change.

Rules kept here:

* A certificate and its key are used together or not at all. What is wrong is one sentence that names the file.
* Files that are replaced while the server runs are used for new connections within seconds. If they are no good, the
  old ones stay in use, and the log says so once.
* A certificate of our own is made only where it was asked for. It is for this machine's names and addresses, its key is
  0600, and it stays the same until shortly before its end: clients know it by its fingerprint.
"""

import contextlib
import datetime as dt
import hashlib
import ipaddress
import logging
import os
import ssl
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import psutil
import trio
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from backends.private_files import make_private_folder, open_private
from protocol.admission.notices import CertificateLook

log = logging.getLogger("sayso.ingress")

LOOK_EVERY_S: Final = 5.0
LASTS: Final = dt.timedelta(days=397)  # what browsers accept at most
RENEWED_BEFORE: Final = dt.timedelta(days=30)
BACKDATED: Final = dt.timedelta(hours=1)  # for clients whose clocks are late
FILE_MAX_BYTES: Final = 1 << 20
NAME: Final = "sayso"

Signature = tuple[tuple[int, int, int], ...]


class CertificateError(Exception):
    """The certificate cannot be used; the message says why, and names the file."""


@attrs.frozen
class CertificateFiles:
    """The two files, in PEM."""

    certificate: Path
    """The server's certificate, and behind it those that vouch for it."""
    key: Path

    def signature(self) -> Signature:
        """Return what changes with the files; raises ``CertificateError``."""
        try:
            found = [path.stat() for path in (self.certificate, self.key)]
        except OSError as error:
            raise CertificateError(f"{error.filename}: {error.strerror}") from error
        return tuple((one.st_ino, one.st_size, one.st_mtime_ns) for one in found)

    def load(self) -> "Certificate":
        """Read and check the files; raises ``CertificateError``. Blocks."""
        try:
            chain = x509.load_pem_x509_certificates(_read(self.certificate))
        except ValueError as error:
            raise CertificateError(f"{self.certificate} (gateway.tls_certificate) is no PEM certificate") from error
        try:
            key = serialization.load_pem_private_key(_read(self.key), password=None)
        except TypeError as error:
            raise CertificateError(
                f"{self.key} (gateway.tls_key) is encrypted: it must be readable by itself"
            ) from error
        except (ValueError, UnsupportedAlgorithm) as error:
            raise CertificateError(f"{self.key} (gateway.tls_key) is no PEM private key") from error
        spki = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        if key.public_key().public_bytes(*spki) != chain[0].public_key().public_bytes(*spki):
            raise CertificateError(
                f"{self.key} (gateway.tls_key) does not belong to {self.certificate} (gateway.tls_certificate)"
            )
        try:
            return Certificate(_context(self), chain[0])
        except (ssl.SSLError, OSError) as error:
            raise CertificateError(f"{self.certificate} and {self.key} cannot be used for TLS: {error}") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(FILE_MAX_BYTES)
    except OSError as error:
        raise CertificateError(f"{path}: {error.strerror}") from error


def _context(files: CertificateFiles) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(files.certificate, files.key, password="")  # never asked for at a terminal
    return context


@attrs.frozen
class Certificate:
    """A certificate that was checked, and the context that serves it."""

    context: ssl.SSLContext
    _parsed: x509.Certificate

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal."""
        return hashlib.sha256(self._parsed.public_bytes(Encoding.DER)).hexdigest()

    @property
    def expires_at(self) -> dt.datetime:
        """When it ends, in UTC."""
        return self._parsed.not_valid_after_utc

    @property
    def names(self) -> frozenset[str]:
        """The names and addresses that it is for."""
        with contextlib.suppress(x509.ExtensionNotFound):
            found = self._parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            addresses = map(str, found.get_values_for_type(x509.IPAddress))
            return frozenset((*found.get_values_for_type(x509.DNSName), *addresses))
        return frozenset()

    def warning(self, now: dt.datetime) -> str | None:
        """Return what an operator should know about its end; ``None`` while that is far."""
        if now >= self.expires_at:
            return f"the certificate has expired on {self.expires_at:%Y-%m-%d}: clients will refuse it"
        if self.expires_at - now < RENEWED_BEFORE / 2:
            return f"the certificate expires on {self.expires_at:%Y-%m-%d}: renew it"
        return None


UTC_NOW: Final = partial(dt.datetime.now, dt.UTC)


class ServerCertificate:
    """The certificate in use."""

    def __init__(
        self,
        files: CertificateFiles,
        publish: Callable[[CertificateLook], None],
        now: Callable[[], dt.datetime] = UTC_NOW,
    ) -> None:
        """Read the files; raises ``CertificateError``. Tells ``publish`` how it is, now and at each look at the files.

        ``now`` returns the time in UTC.
        """
        self._files = files
        self._publish = publish
        self._now = now
        self._seen = files.signature()
        self._current = files.load()
        self._problem: str | None = None
        self._tell()

    @property
    def context(self) -> ssl.SSLContext:
        """What a new connection uses."""
        return self._current.context

    async def watch(self) -> None:
        """Look after the files until cancelled."""
        while True:
            await trio.sleep(LOOK_EVERY_S)
            await self.refresh()

    async def refresh(self) -> None:
        """Read the files again if they have changed."""
        try:
            changed = await trio.to_thread.run_sync(self._load_changed)
        except CertificateError as error:
            log.error("the certificate stays as it was: %s", error)  # noqa: TRY400 - its words say all
            self._problem = f"the certificate stays as it was: {error}"
            changed = None
        if changed is not None:
            self._current, self._problem = changed, None
            log.info("new connections use another certificate: sha256 %s", changed.fingerprint)
        self._tell()

    def _tell(self) -> None:
        current = self._current
        trouble = self._problem or current.warning(self._now())
        self._publish(CertificateLook(current.fingerprint, f"{current.expires_at:%Y-%m-%d}", trouble))

    def _load_changed(self) -> Certificate | None:
        try:
            signature = self._files.signature()
        except CertificateError:
            signature = ()
        if signature == self._seen:
            return None
        self._seen = signature
        return self._files.load()


# --- a certificate of our own --------------------------------------------------------------------


def own_certificate(folder: Path, names: Iterable[str], now: dt.datetime) -> CertificateFiles:
    """Return the files of a certificate that signs itself, for these names and addresses; blocks.

    The one that is there stays if it is good for some time and for all the names. Raises ``CertificateError``.
    """
    files = CertificateFiles(folder / "certificate.pem", folder / "key.pem")
    wanted = frozenset(names)
    with contextlib.suppress(CertificateError):
        found = files.load()
        if now < found.expires_at - RENEWED_BEFORE and wanted <= found.names:
            return files
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(key, sorted(wanted), now)
    pkcs8 = serialization.PrivateFormat.PKCS8
    try:
        make_private_folder(folder)
        _write(files.key, key.private_bytes(Encoding.PEM, pkcs8, serialization.NoEncryption()))
        _write(files.certificate, certificate.public_bytes(Encoding.PEM))
    except OSError as error:
        raise CertificateError(f"{folder}: {error.strerror}; the certificate must be written there") from error
    return files


def _write(path: Path, data: bytes) -> None:
    draft = path.with_suffix(".tmp")
    with os.fdopen(open_private(draft, os.O_WRONLY | os.O_TRUNC), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _self_signed(key: ec.EllipticCurvePrivateKey, names: Sequence[str], now: dt.datetime) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LASTS)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def names_of_this_machine(hostname: str, host: str, allowed_hosts: Sequence[str]) -> frozenset[str]:
    """Return what clients may call this server: names, and its addresses but those of one link only."""
    names = {
        "localhost",
        "127.0.0.1",
        "::1",
        hostname.lower(),
        host,
        *(name.partition(":")[0] for name in allowed_hosts),
    }
    return frozenset({*addresses_of_this_machine(), *filter(_is_certifiable, names)})


def addresses_of_this_machine() -> tuple[str, ...]:
    """Return the addresses by which this machine is reached, by itself or by others, those of IPv4 first."""
    found = {one.address for some in psutil.net_if_addrs().values() for one in some if _is_lasting_address(one.address)}
    return tuple(sorted(found, key=lambda address: (":" in address, address)))


def _is_lasting_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_link_local or address.is_unspecified)


def _is_certifiable(name: str) -> bool:
    """Return whether a certificate can be for a name: any, but not ``*`` and not what stands for all addresses."""
    try:
        return not ipaddress.ip_address(name).is_unspecified
    except ValueError:
        return bool(name) and name != "*" and name.isascii()
