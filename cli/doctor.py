"""``sayso doctor``: is everything there that the server needs? One line each, with what to do about it.

Rules kept here:

* Nothing is downloaded or left running; every look is under a deadline.
* ``fail`` keeps the server from working, ``warn`` takes something away from it.
"""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, Literal

import attrs
import click
from rich.console import Console
from rich.markup import escape

from backends.speech.models import LLM, WHISPER, ModelError, resolve_llm, resolve_voice, resolve_whisper
from backends.speech.piper import INSTALL_COMMAND
from cli.settings import settings_or_exit
from config.settings import Settings

State = Literal["ok", "warn", "fail"]
STYLES: Final = {"ok": "green", "warn": "yellow", "fail": "bold red"}
OLDEST_PYTHON: Final = (3, 11)
LOOK_TIMEOUT_S: Final = 2.0
IMPORT_TIMEOUT_S: Final = 30.0
EXIT_FAIL: Final = 1


@attrs.frozen
class Finding:
    """What one check found."""

    name: str
    state: State
    text: str
    fix: str = ""


@click.command()
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
    """Look at the interpreter."""
    running = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        yield Finding("python", "fail", running, "sayso needs Python 3.11 or newer: make serve PYTHON=python3.12")
    else:
        yield Finding("python", "ok", running)


def models(settings: Settings) -> Iterator[Finding]:
    """Look for the weights, and check those that have a pinned hash."""
    folder = settings.supervisor.models_dir
    name = settings.transcription.model
    if name in WHISPER or Path(name).expanduser().exists():
        yield _model("whisper model", "fail", partial(resolve_whisper, name, folder), name)
    else:
        yield Finding("whisper model", "warn", f"{name} is fetched from the hub at the first start, if it is not there")
    if settings.inference.provider in {"auto", "embedded"}:
        state: State = "fail" if settings.inference.provider == "embedded" else "warn"
        for llm in LLM:
            yield _model("embedded language model", state, partial(resolve_llm, llm, folder), llm)
    voice = settings.speech.voice
    if settings.speech.provider == "piper":
        yield _model("voice", "warn", partial(resolve_voice, voice, folder), voice)


def _model(name: str, missing: State, resolve: Callable[[], Path], model: str) -> Finding:
    try:
        path = resolve()
    except ModelError as error:
        return Finding(name, missing, f"{model} cannot be used", str(error))
    return Finding(name, "ok", f"{model} ({path})")


def piper(settings: Settings) -> Iterator[Finding]:
    """Look for the optional extra that makes speech."""
    if settings.speech.provider != "piper":
        yield Finding("piper", "ok", "not wanted (speech.provider = none)")
    elif importlib.util.find_spec("piper") is None:
        yield Finding("piper", "warn", "not installed: answers come as text only", INSTALL_COMMAND)
    else:
        yield Finding("piper", "ok", "installed")


def cuda(settings: Settings) -> Iterator[Finding]:
    """Look at what CTranslate2 can run on, in a process of its own: a broken driver may end it."""
    command = [sys.executable, "-c", "import ctranslate2; print(ctranslate2.get_cuda_device_count())"]
    try:
        asked = subprocess.run(command, check=True, capture_output=True, text=True, timeout=IMPORT_TIMEOUT_S)
        count = int(asked.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        yield Finding("cuda", "fail", f"CTranslate2 does not load: {error}", "install it again: make clean serve")
        return
    wanted = settings.transcription.device
    if wanted == "cuda" and not count:
        fix = "set transcription.device = auto, or install the NVIDIA driver and the CUDA 12 libraries"
        yield Finding("cuda", "fail", "transcription.device is cuda, but CTranslate2 sees no such device", fix)
    else:
        chosen = "GPU" if count and wanted != "cpu" else "CPU"
        yield Finding("cuda", "ok", f"{count} device(s) seen by CTranslate2; Whisper runs on the {chosen}")


def port(settings: Settings) -> Iterator[Finding]:
    """See whether the port can be had."""
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
    """See whether what must be kept can be written."""
    for name in ("data_dir", "models_dir"):
        folder: Path = getattr(settings.supervisor, name)
        nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
            yield Finding(name, "ok", str(folder))
        else:
            fix = f"make {nearest} writable, or set supervisor.{name}"
            yield Finding(name, "fail", f"{folder} cannot be written", fix)


def language_model(settings: Settings) -> Iterator[Finding]:
    """Ask Ollama whether it is there and has the model."""
    inference = settings.inference
    if inference.provider not in {"auto", "ollama"}:
        return
    state: State = "fail" if inference.provider == "ollama" else "warn"
    try:
        with urllib.request.urlopen(f"{inference.ollama_url}/api/tags", timeout=LOOK_TIMEOUT_S) as answer:  # noqa: S310 - the user's own address
            names = [model["name"] for model in json.load(answer)["models"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        fix = "install and start Ollama (ollama serve); until then the small embedded model answers"
        yield Finding("ollama", state, f"no answer at {inference.ollama_url}: {error}", fix)
        return
    if inference.ollama_model in names or f"{inference.ollama_model}:latest" in names:
        yield Finding("ollama", "ok", f"{inference.ollama_model} at {inference.ollama_url}")
    else:
        has = ", ".join(names) or "none"
        yield Finding("ollama", state, f"has {has}", f"ollama pull {inference.ollama_model}")


def tools(settings: Settings) -> Iterator[Finding]:
    """See whether the programs of the MCP servers are there."""
    for name, server in settings.tools.servers.items():
        command = server.get("command")
        if command is None:
            yield Finding(f"tools {name}", "ok", f"remote: {server['url']}")
        elif shutil.which(command, path=server.get("env", {}).get("PATH")):
            yield Finding(f"tools {name}", "ok", str(command))
        else:
            fix = f"install {command}, or give its full path in tools.servers.{name}.command"
            yield Finding(f"tools {name}", "warn", f"{command} is not on PATH", fix)


CHECKS: Final[tuple[Callable[[Settings], Iterator[Finding]], ...]] = (
    python,
    models,
    piper,
    cuda,
    port,
    folders,
    language_model,
    tools,
)
