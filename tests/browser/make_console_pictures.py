"""Makes the pictures of docs/console.md: ``python -m tests.browser.make_console_pictures``.

It needs what the browser tests need. Two people have typed some commands.
"""

import contextlib
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Final

import psutil

import tests.system.model_fixtures as models
from tests.browser.browser_fixtures import Chromium, running_browser
from tests.browser.console_server import ConsoleServer, console_server
from tests.source_tree import ROOT

DOCS: Final = ROOT / "docs"
SAID: Final = {
    "ada": ("what time is it", "set a timer for ten minutes", "what is two plus three", "add milk to my shopping list"),
    "ben": ("what is the date", "make me a sandwich", "remind me tomorrow at eight to water the plants"),
}
SETTINGS: Final[dict[str, object]] = {
    "load.enabled": True,
    "transcription.workers": 2,
    "load.exit_when_unsafe": False,
}
PAST_S: Final = 60  # of figures in the charts
ANSWERED_S: Final = 6.0  # until a view has asked for everything again


def opened(
    page: Chromium, console: ConsoleServer, view: str, width: int = 1280, height: int = 900, **options: object
) -> None:
    """Open a view of the console with the key for everything."""
    page.open(f"{console.console_url}#{view}", script=console.script(), width=width, height=height, **options)
    page.wait_state("live")
    time.sleep(ANSWERED_S)


def take(page: Chromium, console: ConsoleServer, folder: Path) -> None:
    """Take the pictures: turns in the dark, a phone, and a server at load level 3 whose worker was killed before."""
    opened(page, console, "turns", 1280, 800, scheme="dark")
    page.screenshot(folder / "console-turns.png")
    opened(page, console, "overview", 390, 800, scale=2)
    page.screenshot(folder / "console-phone.png")
    opened(page, console, "overview")
    psutil.Process(console.worker_pid()).kill()
    page.wait("[data-kind=worker_ended]")
    process = psutil.Process(console.server.process.pid)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    process.rlimit(resource.RLIMIT_NOFILE, (round(process.num_fds() / 0.87), most))  # of the signal open_files
    page.wait("[data-level='3']")
    time.sleep(ANSWERED_S)
    page.screenshot(folder / "console.png")


def main() -> None:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        home = Path(name)
        os.environ["HOME"] = name
        (home / "models").mkdir()
        models._made.append(home / "models")
        console = stack.enter_context(console_server(home, SETTINGS))
        stack.enter_context(console.people(SAID))
        page = stack.enter_context(running_browser())
        time.sleep(PAST_S)
        take(page, console, DOCS)


if __name__ == "__main__":
    main()
