"""Makes the pictures of docs/page.md: ``python -m tests.browser.make_pictures``; needs what the browser tests need.

A person says two commands of the example home, one of which is still being said; on the desk a call waits for a yes.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import tests.system.model_fixtures as models
from tests.browser.browser_fixtures import Chromium, running_browser, write_microphone
from tests.source_tree import ROOT
from tests.system.server_fixtures import Server, running_server

DOCS = ROOT / "docs"
POLICY = '[tools.policy]\n"home/unlock_door" = "confirm"\n'


@contextlib.contextmanager
def home_server(folder: Path) -> Iterator[Server]:
    """Run a server with the example home."""
    (folder / "models").mkdir()
    models._made.append(folder / "models")
    (folder / "sayso.toml").write_text(POLICY)
    settings = {"transcription.workers": 1, "inference.provider": "none"}
    with running_server(folder, settings, flags=("--example", "home")) as server:
        yield server


def phone(page: Chromium, server: Server, path: Path) -> None:
    """Take a picture while the second command is said."""
    page.open(server.http_url, permissions=["microphone"], scale=2, width=390, height=760)
    page.wait_state("ready")
    page.click("#talk")
    page.wait(".turn .stages")
    page.wait_state("hearing")
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 900))")  # some of its waves
    page.screenshot(path)


def desk(page: Chromium, server: Server, path: Path) -> None:
    """Take a picture of a question, in the dark."""
    page.open(server.http_url, scheme="dark", width=1000, height=760)
    page.wait_state("ready")
    page.say("turn on the kitchen light")
    page.wait(".turn .stages")
    page.say("unlock the front door")
    page.wait_state("asking")
    page.screenshot(path)


def main() -> None:
    """Write both pictures."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        os.environ["HOME"] = name
        said = ("Please turn on the kitchen light.", "What time is it?")
        microphone = write_microphone(folder / "microphone.wav", *said, pause_s=7.0)
        server = stack.enter_context(home_server(folder))
        page = stack.enter_context(running_browser(microphone))
        phone(page, server, DOCS / "page-phone.png")
        desk(page, server, DOCS / "page-desk.png")


if __name__ == "__main__":
    main()
