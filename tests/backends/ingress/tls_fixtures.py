"""Certificates and clients for tests of TLS."""

import datetime as dt
import ssl
from pathlib import Path

import trio

from backends.ingress.certificates import CertificateFiles, own_certificate

NOW = dt.datetime.now(dt.UTC)
NAMES = ("localhost", "127.0.0.1")


def made(folder: Path, *names: str) -> CertificateFiles:
    """Make a certificate that signs itself."""
    return own_certificate(folder, names or NAMES, NOW)


def trusting(files: CertificateFiles) -> ssl.SSLContext:
    """Return a client's context that trusts that certificate alone."""
    return ssl.create_default_context(cafile=str(files.certificate))


async def secure_stream(port: int, context: ssl.SSLContext) -> trio.SSLStream[trio.SocketStream]:
    """Connect, and agree on keys."""
    plain = await trio.open_tcp_stream("127.0.0.1", port)
    stream = trio.SSLStream(plain, context, server_hostname="localhost", https_compatible=True)
    try:
        await stream.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(plain)
        raise
    return stream
