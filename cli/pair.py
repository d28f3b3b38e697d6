"""``sayso pair``: make a key for a device, and show it as a QR code with the server's address and certificate.

Rules kept here:

* The code holds a key that was made for it alone: a device that is lost is revoked by its name.
* Without ``--scope`` the key may only talk: ``read`` shows more than its user's history, such as status and metrics.
* A certificate is named by its fingerprint only if it signs itself: one that others vouch for is renewed often.
"""

import ipaddress
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import click
import segno

from backends.ingress.certificates import CertificateError, CertificateFiles, addresses_of_this_machine
from cli import config_option
from cli.keys import expires_option, made_key, scope_option, set_option
from cli.serve import WILDCARDS
from cli.settings import parse_assignments, settings_or_exit
from config.load import is_loopback
from config.settings import GatewaySettings, Settings
from protocol.messages.identity import LOCAL_USER, Scope

SCHEME: Final = "sayso://pair"


@click.command()
@config_option
@set_option
@click.argument("name")
@click.option("--user", default=LOCAL_USER, show_default=True, help="Whose history and notes it is for.")
@scope_option
@expires_option
@click.option("--url", help="How the device reaches the server, such as wss://192.0.2.7:8000/ws.")
@click.pass_obj
def pair(  # noqa: PLR0917 - click calls it by name
    config_path: Path | None,
    assignments: tuple[str, ...],
    name: str,
    user: str,
    scopes: tuple[str, ...],
    expires: str | None,
    url: str | None,
) -> None:
    """Make a key for the device NAME, and show what it needs as a QR code."""
    settings = settings_or_exit(config_path, parse_assignments(assignments)).settings
    own = own_certificate_of(settings)
    is_secure = own is not None or bool(settings.gateway.tls_certificate)
    address = url or address_of(settings.gateway, addresses_of_this_machine(), is_secure=is_secure)
    if address is None:
        raise click.ClickException(
            "the server listens on this computer only (gateway.host): let it listen to others,"
            " or say how it is reached (--url)"
        )
    key = made_key(settings, name, user, frozenset(map(Scope, scopes)), expires)
    fingerprint = own if address.startswith("wss://") else None
    link = pairing_link(address, key, fingerprint)
    segno.make(link, micro=False).terminal(out=sys.stdout, compact=True)
    click.echo(link)
    click.echo(f"this is {name}'s key: show it to nobody else (sayso keys revoke {name})", err=True)


def pairing_link(address: str, key: str, fingerprint: str | None) -> str:
    """Return what the code says."""
    parts = {"url": address, "key": key} | ({} if fingerprint is None else {"fingerprint": fingerprint})
    return f"{SCHEME}?{urlencode(parts)}"


def own_certificate_of(settings: Settings) -> str | None:
    """Return the fingerprint of the server's own certificate, if it has made one and uses no other."""
    tls = settings.supervisor.data_dir / "tls"
    if settings.gateway.tls_certificate:
        return None
    try:
        return CertificateFiles(tls / "certificate.pem", tls / "key.pem").load().fingerprint
    except CertificateError:
        return None


def address_of(gateway: GatewaySettings, addresses: Sequence[str], *, is_secure: bool) -> str | None:
    """Return the address at which others reach the server; ``None`` if they do not."""
    host: str | None = gateway.host
    if gateway.host in WILDCARDS:
        host = next((one for one in addresses if not ipaddress.ip_address(one).is_loopback), None)
    if host is None or is_loopback(host):
        return None
    return f"{'wss' if is_secure else 'ws'}://{f'[{host}]' if ':' in host else host}:{gateway.port}/ws"
