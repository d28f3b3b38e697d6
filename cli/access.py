"""How a command reaches a server: with which key, and by which certificate it knows the server.

Rules kept here:

* A server whose certificate is given by its fingerprint is asked for the certificate first; then it alone is trusted.
"""

import functools
import hashlib
import hmac
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import click

FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
SECURE: Final = frozenset({"wss", "https"})
HTTPS_PORT: Final = 443
CERTIFICATE_WITHIN_S: Final = 5.0


class BadAccess(Exception):
    """The server cannot be known by what was given; the message says why."""


@attrs.frozen
class ServerAccess:
    """What a command sends along, and what it trusts."""

    key: str | None = attrs.field(default=None, repr=False)
    ca: str | None = None
    """A PEM file of certificates that are trusted beside nothing else."""
    fingerprint: str | None = None
    """SHA-256 of the server's certificate, in hexadecimal."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of each request."""
        return {} if self.key is None else {"Authorization": f"Bearer {self.key}"}

    def ssl_context(self, url: str) -> ssl.SSLContext | None:
        """Return the context for this address, ``None`` for the usual one; blocks, and raises ``BadAccess``."""
        if self.fingerprint is not None:
            return pinned_context(url, self.fingerprint)
        if self.ca is None:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            raise BadAccess(f"{self.ca} (--ca) is no PEM file of certificates: {error.strerror or error}") from error


NO_ACCESS: Final = ServerAccess()


def pinned_context(url: str, fingerprint: str) -> ssl.SSLContext:
    """Return a context that trusts the server's certificate, if it has that fingerprint; raises ``BadAccess``."""
    wanted = fingerprint.lower().replace(":", "")
    address = urlsplit(url)
    if not FINGERPRINT.fullmatch(wanted):
        raise BadAccess("--fingerprint must be the SHA-256 of a certificate: 64 hexadecimal digits")
    if address.scheme not in SECURE or not address.hostname:
        raise BadAccess(f"--fingerprint is for addresses that begin with wss:// or https://, not {url!r}")
    der = certificate_of(address.hostname, address.port or HTTPS_PORT)
    found = ssl_fingerprint(der)
    if not hmac.compare_digest(found, wanted):
        raise BadAccess(f"the server has another certificate: sha256 {found}")
    context = ssl.create_default_context(cadata=der)
    context.check_hostname = False  # the fingerprint says more than a name
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # one that somebody else has signed is trusted by itself, too
    return context


def certificate_of(host: str, port: int) -> bytes:
    """Return the certificate that a server shows, in DER; raises ``BadAccess``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent over this connection
    try:
        with (
            socket.create_connection((host, port), CERTIFICATE_WITHIN_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            shown = secure.getpeercert(binary_form=True)
    except OSError as error:
        raise BadAccess(f"no certificate from {host}:{port}: {error}") from error
    if shown is None:
        raise BadAccess(f"{host}:{port} shows no certificate")
    return shown


def ssl_fingerprint(der: bytes) -> str:
    """Return the SHA-256 of a certificate, in hexadecimal."""
    return hashlib.sha256(der).hexdigest()


def access_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of ``ServerAccess`` to a command, which gets them as ``access``."""

    @click.option("--key", envvar="SAYSO_KEY", help="Your key, if the server wants one (or in SAYSO_KEY).")
    @click.option(
        "--ca", metavar="FILE", help="Trust only servers whose certificate is in this PEM file, or signed by one."
    )
    @click.option(
        "--fingerprint", metavar="SHA256", help="Trust only the server whose certificate has this fingerprint."
    )
    @functools.wraps(command)
    def with_access(*args: Any, key: str | None, ca: str | None, fingerprint: str | None, **rest: Any) -> Any:
        return command(*args, access=ServerAccess(key, ca, fingerprint), **rest)

    return with_access
