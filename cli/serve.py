"""``sayso serve``: run the server until a signal or a drain stops it.

Exit codes: 0 after an orderly stop, 1 if it could not start, 2 for a bad configuration, 70 if it gave up, 75 if it
drained because it was unhealthy. After 70 and 75 its service manager should start it again.
"""

import datetime as dt
import gc
import logging
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import attrs
import click
import trio

import supervisor
from assembly.providers.shared_stores import MissingExtra
from backends import private_files
from backends.commands.grammar import CommandFileError
from backends.ingress.certificates import Certificate, CertificateError, names_of_this_machine, own_certificate
from backends.ingress.listeners import PortInUse, check_port
from backends.ingress.server import tls_files
from backends.keys.key_file import KeyFile, KeyFileError
from backends.speech.models import ModelError
from cli import config_option, logs
from cli.replicas import NoProxy, ReplicaCommand, check_proxy, serve_replicas
from cli.settings import parse_assignments, settings_or_exit
from config.examples import ExampleError, examples, with_example
from config.load import Loaded, is_loopback, needs_key
from config.paths import data_home
from config.settings import GatewaySettings, Settings
from runtime import RestartIntensityExceeded, StartFailed

log = logging.getLogger("sayso.cli")
EXIT_NOT_STARTED: Final = 1
EXIT_BAD_CONFIGURATION: Final = 2
EXIT_GAVE_UP: Final = 70  # EX_SOFTWARE of sysexits.h
DEFAULT_URL: Final = "ws://127.0.0.1:8000/ws"  # what `sayso say` talks to by itself
FIRST_SENTENCE: Final = "what time is it"
WILDCARDS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to reach what listens everywhere


@click.command()
@config_option
@click.option("--host", help="Where to listen (gateway.host).")
@click.option("--port", help="0 lets the system choose (gateway.port).")
@click.option(
    "--tls",
    type=click.Choice(["self-signed"]),
    help="Speak TLS with a certificate of the server's own, whose fingerprint clients must know.",
)
@click.option("--insecure", is_flag=True, help="Allow a host that other machines reach, without any keys.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Any setting, such as log.level=debug.")
@click.option("--example", metavar="NAME", help="Add an example to try things with, such as home.")
@click.option("--ready-file", type=click.Path(path_type=Path), help="Write the address there once it listens.")
@click.pass_obj
def serve(  # noqa: PLR0917 - click calls it by name
    config_path: Path | None,
    host: str | None,
    port: str | None,
    tls: str | None,
    insecure: bool,
    assignments: tuple[str, ...],
    example: str | None,
    ready_file: Path | None,
) -> None:
    """Run the server."""
    named = {"gateway.host": host, "gateway.port": port, "gateway.insecure": "true" if insecure else None}
    flags = parse_assignments(assignments) | {key: value for key, value in named.items() if value is not None}
    loaded = settings_or_exit(config_path, flags)
    first_sentence = FIRST_SENTENCE
    if example is not None:
        try:
            settings, added = with_example(loaded.settings, example, examples())
        except ExampleError as error:
            click.echo(f"sayso: {error}", err=True)
            sys.exit(EXIT_BAD_CONFIGURATION)
        loaded, first_sentence = attrs.evolve(loaded, settings=settings), added.say
    if tls is not None:
        loaded = attrs.evolve(loaded, settings=with_own_certificate(loaded.settings))
    logs.configure(loaded.settings.log)
    for warning in loaded.warnings:
        log.warning(warning)
    command = ReplicaCommand(config_path, example, flags)
    sys.exit(run(loaded, ready_file, first_sentence, command))


Server = Callable[..., Awaitable[None]]


def run(
    loaded: Loaded,
    ready_file: Path | None,
    first_sentence: str = FIRST_SENTENCE,
    command: ReplicaCommand | None = None,
) -> int:
    """Run the server, which proposes to say ``first_sentence``; return the exit code.

    ``command`` starts each of several replicas, where the settings want them.
    """
    try:
        trio.run(check_port, loaded.settings.gateway)  # models take seconds to load, and this goes wrong most often
        prepare_data_dir(loaded.settings)
        check_keys(loaded.settings, time.time())
        certificate = checked_certificate(loaded.settings.gateway)
        server = server_of(loaded, command)
    except (OSError, KeyFileError, NoKey, NoProxy, CertificateError) as refused:
        click.echo(f"sayso: {root_cause(refused)}", err=True)
        return EXIT_NOT_STARTED
    try:
        trio.run(_serve, server, ready_file, Greeting(first_sentence, certificate, loaded.settings.supervisor.roles))
    except* StartFailed as failed:
        click.echo(f"sayso: {root_cause(failed)}", err=True)
        return_code = EXIT_NOT_STARTED
    except* (CommandFileError, MissingExtra, ModelError) as bad:
        click.echo(f"sayso: {root_cause(bad)}", err=True)
        return_code = EXIT_BAD_CONFIGURATION
    except* RestartIntensityExceeded as exceeded:
        click.echo(f"sayso: giving up: {root_cause(exceeded)}", err=True)
        return_code = EXIT_GAVE_UP
    except* supervisor.MustRestart as unwell:
        click.echo(f"sayso: leaving to start again: {root_cause(unwell)}", err=True)
        return_code = supervisor.EXIT_MUST_RESTART
    else:
        return_code = 0
    return return_code


def prepare_data_dir(settings: Settings) -> None:
    """Prepare the data folder, closed to other users; raises OSError that says what to do."""
    data_dir = settings.supervisor.data_dir
    if not settings.history.enabled and not settings.tools.builtin:
        return  # history is off: nothing is written there
    for line in private_files.prepare(
        data_dir,
        settings.history.sqlite.path,
        is_default=data_dir == data_home(os.environ),
        is_history_kept=settings.history.enabled,
    ):
        log.warning(line)


class NoKey(Exception):
    """The server would listen beyond this machine, and nobody has a key."""


def check_keys(settings: Settings, now_s: float) -> None:
    """Check that there is a key where one is needed; ``now_s`` is Unix time. Raises ``KeyFileError`` and ``NoKey``."""
    host = settings.gateway.host
    keys = KeyFile.in_folder(settings.supervisor.data_dir).read()
    if not needs_key(settings.gateway) or any(not key.has_expired(now_s) for key in keys):
        return
    why = "gateway.require_key is set" if is_loopback(host) else f"other machines reach {host} (gateway.host)"
    raise NoKey(
        f"{why}, and there is no key that is good: make one with"
        " `sayso keys new NAME --scope talk`, or let everyone in with --insecure"
    )


def with_own_certificate(settings: Settings) -> Settings:
    """Return the settings with a certificate of the server's own; ends the process if there can be none."""
    gateway = settings.gateway
    names = names_of_this_machine(socket.gethostname(), gateway.host, gateway.allowed_hosts)
    try:
        files = own_certificate(settings.supervisor.data_dir / "tls", names, dt.datetime.now(dt.UTC))
    except CertificateError as error:
        click.echo(f"sayso: {error}", err=True)
        sys.exit(EXIT_NOT_STARTED)
    gateway = attrs.evolve(gateway, tls_certificate=str(files.certificate), tls_key=str(files.key))
    return attrs.evolve(settings, gateway=gateway)


def checked_certificate(settings: GatewaySettings) -> Certificate | None:
    """Return the certificate that is to be used, if any, and warn about its end; raises ``CertificateError``."""
    files = tls_files(settings)
    if files is None:
        return None
    certificate = files.load()
    warning = certificate.warning(dt.datetime.now(dt.UTC))
    if warning is not None:
        log.warning(warning)
    return certificate


@attrs.frozen
class Greeting:
    """What a person is told once the server listens."""

    first_sentence: str
    """What it proposes to say."""
    certificate: Certificate | None = None
    roles: Sequence[str] = ()
    """What it does for other servers, if it has no sessions (``supervisor.roles``)."""

    def lines(self, addresses: Sequence[tuple[str, int]]) -> list[str]:
        """Return what is printed."""
        urls = [self.url(host, port) for host, port in addresses]
        where = "" if urls[0] == DEFAULT_URL else f" --url {urls[0]}"
        lines = [f"listening on {url}" for url in urls]
        if self.certificate is not None:
            lines.append(f"certificate: sha256 {self.certificate.fingerprint}")
            where += f" --fingerprint {self.certificate.fingerprint}"
        if self.roles:
            base = f"{urls[0].removesuffix('/ws').replace('ws', 'http', 1)}/v1"
            sections = {"recognise": "transcription", "speak": "speech"}
            return [*lines, *(f"other servers: {sections[role]}.openai.url = {base}" for role in self.roles)]
        return [*lines, f'try: sayso say{where} "{self.first_sentence}"']

    def url(self, host: str, port: int) -> str:
        """Return the address of the native protocol, as a client on this machine reaches it."""
        return socket_url(host, port, is_secure=self.certificate is not None)


def server_of(loaded: Loaded, command: ReplicaCommand | None) -> Server:
    """Return what serves: one server, or several replicas; raises ``NoProxy``."""
    count = loaded.settings.replicas.count
    if count == 1 or command is None:
        return partial(supervisor.serve, loaded.settings)
    haproxy = check_proxy(loaded.origins["replicas.count"], count)
    return partial(serve_replicas, loaded.settings, command, haproxy)


async def _serve(server: Server, ready_file: Path | None, greeting: Greeting) -> None:
    async with trio.open_nursery() as nursery:
        addresses: Sequence[tuple[str, int]] = await nursery.start(server)
        # what was made until now lives as long as the process: looking at it again held the event loop for 0.2 s at
        # each full collection, and for 0.4 s more with the 270,000 objects of two languages' sentences about the home
        gc.collect()
        gc.freeze()
        if addresses:
            _greet(addresses, ready_file, greeting)


def _greet(addresses: Sequence[tuple[str, int]], ready_file: Path | None, greeting: Greeting) -> None:
    for line in greeting.lines(addresses):
        click.echo(line)
    if ready_file is not None:
        temporary = ready_file.with_name(f"{ready_file.name}.part")
        temporary.write_text(f"{greeting.url(*addresses[0])}\n")
        temporary.replace(ready_file)  # written whole: a program that waits for the file must not read a part of it


def socket_url(host: str, port: int, *, is_secure: bool = False) -> str:
    """Return the address of the native protocol, as a client on this machine reaches it."""
    reachable = WILDCARDS.get(host, host)
    scheme = "wss" if is_secure else "ws"
    return f"{scheme}://{f'[{reachable}]' if ':' in reachable else reachable}:{port}/ws"


def root_cause(error: BaseException) -> str:
    """Return the root cause in words: the innermost exception of a failed start or of a group."""
    *_, last = _inwards(error)
    if isinstance(last, PortInUse):
        return str(last.strerror)  # without the number that means the same
    return str(last) or type(last).__name__


def _inwards(error: BaseException) -> Iterator[BaseException]:
    yield error
    inner = None
    if isinstance(error, BaseExceptionGroup):
        inner = error.exceptions[0]
    elif isinstance(error, StartFailed):
        inner = error.exit.error
    if inner is not None:
        yield from _inwards(inner)
