"""Makes the pictures of docs/page.md: ``python -m tests.browser.make_pictures [FOLDER]``.

It needs what the browser tests need. The page, its microphone and its commands are real; the conversation is played
(``fake_socket.py``), so that the pictures are the same on a busy machine; its times are typical of docs/measured.md.
With a folder, more looks are written there, in German, too: to be looked at, not kept.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs

import tests.system.model_fixtures as models
from tests.browser.browser_fixtures import Chromium, running_browser, write_microphone
from tests.browser.fake_socket import FakeSocket
from tests.source_tree import ROOT
from tests.system.server_fixtures import SMALL, Server, running_server

DOCS: Final = ROOT / "docs"
PHONE: Final[dict[str, Any]] = {"width": 390, "height": 760, "scale": 2}
DESK: Final[dict[str, Any]] = {"width": 1000, "height": 760, "scheme": "dark"}
SPOKEN_MS: Final = 2_800  # of the microphone's file, when its sentence begins
LATENCY_MS: Final = {
    "endpoint": 160.0,
    "queue": 8.0,
    "stt": 152.0,
    "understand": 6.0,
    "tool": 14.0,
    "first_audio": 418.0,
}


@attrs.frozen
class Words:
    """What is said and answered, in one language."""

    locale: str
    light: str
    light_is_on: str
    unlock: str
    shall_i: str
    time_so_far: str


ENGLISH: Final = Words(
    "en-US",
    "Turn on the kitchen light.",
    "The kitchen light is on.",
    "Unlock the front door.",
    "Shall I run unlock door?",
    "What time",
)
GERMAN: Final = Words(
    "de-AT",
    "Schalte das Licht in der Küche ein.",
    "Das Licht in der Küche ist an.",
    "Schließ die Haustür auf.",
    "Soll ich unlock door ausführen?",
    "Wie spät",
)


@contextlib.contextmanager
def home_server(folder: Path) -> Iterator[Server]:
    """Run a server with the example home, whose files and commands the page shows."""
    (folder / "models").mkdir()
    models._made.append(folder / "models")
    with running_server(folder, SMALL, flags=("--example", "home")) as server:
        yield server


def first_turn(socket: FakeSocket, words: Words) -> None:
    """Play a command that was said, done and answered."""
    call = {"turn_id": "t1", "call_id": "c1", "server": "home", "tool": "turn_on_light"}
    socket.tell("transcript", turn_id="t1", text=words.light, language=words.locale[:2], confidence=0.98)
    socket.tell("tool_call", **call, arguments={"where": "kitchen"})
    socket.tell("tool_result", **call, ok=True, duration_ms=14, content=words.light_is_on)
    socket.tell("reply", turn_id="t1", text=words.light_is_on, truncated=False)
    socket.tell("turn_completed", turn_id="t1", outcome="done", latency_ms=LATENCY_MS)
    socket.page.wait(".turn .stages")


def speaking(page: Chromium, server: Server, words: Words, **size: Any) -> None:
    """Show the page while the second command is said."""
    socket = FakeSocket.ready(page, server.http_url, permissions=["microphone"], locale=words.locale, **size)
    first_turn(socket, words)
    page.click("#talk")
    socket.heard("audio", skip=round(1.25 * SPOKEN_MS / 40))
    socket.tell("speech_started", turn_id="t2", at_ms=SPOKEN_MS - 40)
    socket.tell("transcript_partial", turn_id="t2", text=words.time_so_far)
    page.wait(".said.partial")
    page.wait_state("hearing")
    socket.heard("audio", skip=round(1.35 * SPOKEN_MS / 40))


def asking(page: Chromium, server: Server, words: Words, **size: Any) -> None:
    """Show the page while a call waits for a yes."""
    socket = FakeSocket.ready(page, server.http_url, locale=words.locale, **size)
    first_turn(socket, words)
    socket.tell("transcript", turn_id="t2", text=words.unlock, language=words.locale[:2], confidence=0.98)
    call = {
        "turn_id": "t2",
        "call_id": "c2",
        "server": "home",
        "tool": "unlock_door",
        "arguments": {"where": "front door"},
    }
    socket.tell("confirm_request", **call, say=words.shall_i, expires_in_s=20)
    page.wait_state("asking")


def looks(page: Chromium, server: Server, folder: Path) -> None:
    """Write both scenes in both languages and sizes, and what can be opened from them."""
    for words in (ENGLISH, GERMAN):
        for name, size in (("phone", PHONE), ("desk", DESK)):
            stem = f"{words.locale[:2]}-{name}"
            page.open(server.http_url, locale=words.locale, **size)
            page.wait(".example")
            page.screenshot(folder / f"{stem}-empty.png")
            asking(page, server, words, **size)
            page.screenshot(folder / f"{stem}-asking.png")
            page.click("header .plain:last-child")
            page.wait("dialog .field select")
            page.screenshot(folder / f"{stem}-settings.png")
            page.click("dialog summary")
            page.click("dialog details button")
            page.wait("dialog .frame")
            page.click(".frame:nth-child(2) summary")
            page.wait(".frame pre")
            page.screenshot(folder / f"{stem}-events.png")
            page.press("Escape")
            page.click("header .plain:nth-child(2)")
            page.wait("dialog .sentences li")
            page.screenshot(folder / f"{stem}-commands.png")


def main(folder: Path | None) -> None:
    """Write the pictures, and more looks into a folder."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        home = Path(name)
        os.environ["HOME"] = name
        microphone = write_microphone(home / "microphone.wav", "What time is it?")
        server = stack.enter_context(home_server(home))
        for words, path in ((ENGLISH, DOCS / "page-phone.png"), (GERMAN, folder and folder / "de-phone-speaking.png")):
            if path is not None:
                with running_browser(microphone) as page:  # its microphone hears the file once
                    speaking(page, server, words, **PHONE)
                    page.screenshot(path)
        with running_browser() as page:
            asking(page, server, ENGLISH, **DESK)
            page.screenshot(DOCS / "page-desk.png")
            if folder is not None:
                looks(page, server, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
