"""``sayso doctor``: checks everything that the server needs. A line for each check, with the fix if it fails.

Rules kept here:

* Nothing is downloaded or left running; every check is under a deadline.
* ``fail`` means that the server cannot work, ``warn`` that some function is missing.
"""

import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import attrs
import click
from rich.console import Console
from rich.markup import escape

from assembly.providers import (
    embeddings,
    home_assistant,
    language_models,
    recognisers,
    shared_stores,
    stores,
    synthesisers,
)
from assembly.providers.provider import Finding
from assembly.providers.server_check import check_mcp
from backends.speech import wake_words
from cli import config_option
from cli.settings import settings_or_exit
from config.settings import Settings

STYLES: Final = {"ok": "green", "warn": "yellow", "fail": "bold red"}
OLDEST_PYTHON: Final = (3, 11)
EXIT_FAIL: Final = 1


@click.command()
@config_option
@click.option("--json", "is_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def doctor(config_path: Path | None, is_json: bool) -> None:
    """Check what the server needs, and say the fix; the exit code is 1 if anything fails."""
    settings = settings_or_exit(config_path, {}).settings
    console = Console()
    findings = []
    for check in CHECKS:
        for finding in check(settings):
            findings.append(finding)
            if not is_json:
                console.print(line(finding), highlight=False, soft_wrap=True)
    if is_json:
        click.echo(json.dumps([attrs.asdict(finding) for finding in findings], indent=1))
    sys.exit(EXIT_FAIL if any(finding.state == "fail" for finding in findings) else 0)


def line(finding: Finding) -> str:
    """Return a finding as rich markup."""
    fix = f"\n       {escape(finding.fix)}" if finding.fix else ""
    return f"[{STYLES[finding.state]}]{finding.state:>4}[/]  {escape(f'{finding.name}: {finding.text}')}{fix}"


def python(_settings: Settings) -> Iterator[Finding]:
    """Check the version of the interpreter."""
    running = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        yield Finding("python", "fail", running, "sayso needs Python 3.11 or newer: make serve PYTHON=python3.12")
    else:
        yield Finding("python", "ok", running)


def providers(settings: Settings) -> Iterator[Finding]:
    """Run the checks of all providers."""
    ours = settings.supervisor
    if ours.does("recognise"):
        yield from recognisers.KIND.findings(settings)
    if ours.does("speak"):
        yield from synthesisers.KIND.findings(settings)
    if ours.has_sessions:
        yield from language_models.KIND.findings(settings)
        yield from stores.KIND.findings(settings)
        yield from embeddings.check_meaning(settings)


def port(settings: Settings) -> Iterator[Finding]:
    """Check that the port is free."""
    host, number = settings.gateway.host, settings.gateway.port
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        fix = "is the server running already? otherwise: sayso serve --port 0, or gateway.port"
        yield Finding("port", "fail", f"{host}:{number} cannot be had: {error.strerror or error}", fix)
    else:
        yield Finding("port", "ok", f"{host}:{number} is free")


def folders(settings: Settings) -> Iterator[Finding]:
    """Check that the data folders can be written."""
    for name in ("data_dir", "models_dir"):
        folder: Path = getattr(settings.supervisor, name)
        nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
            yield Finding(name, "ok", str(folder))
        else:
            fix = f"make {nearest} writable, or set supervisor.{name}"
            yield Finding(name, "fail", f"{folder} cannot be written", fix)


def tools(settings: Settings) -> Iterator[Finding]:
    """Check that the programs of the MCP servers are installed, and that those at an address answer."""
    for name, server in settings.tools.servers.items():
        command = server.get("command")
        if command is None:
            yield from check_mcp(f"tools {name}", server["url"], server.get("headers", {}))
        elif shutil.which(command, path=server.get("env", {}).get("PATH")):
            yield Finding(f"tools {name}", "ok", str(command))
        else:
            fix = f"install {command}, or give its full path in tools.servers.{name}.command"
            yield Finding(f"tools {name}", "warn", f"{command} is not on PATH", fix)


def wake_word(settings: Settings) -> Iterator[Finding]:
    """Check that the default wake word can be listened for, and name those that clients may ask for."""
    word, known = settings.wake.word, wake_words.wake_words()
    problem = wake_words.wake_word_problem(word) if word else None
    if problem is not None:
        yield Finding(
            "wake", "fail", f"wake.word = {word!r}: {problem}", wake_words.INSTALL_COMMAND if not known else ""
        )
    elif not known:
        yield Finding("wake", "ok", f"no wake words; {wake_words.INSTALL_COMMAND} brings them")
    else:
        yield Finding("wake", "ok", f"{word or 'none'} unless a client asks for {', '.join(known)}")


CHECKS: Final[tuple[Callable[[Settings], Iterator[Finding]], ...]] = (
    python,
    providers,
    wake_word,
    port,
    folders,
    tools,
    home_assistant.findings,
    shared_stores.findings,
)
