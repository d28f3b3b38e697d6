"""A real Chromium for tests: driven by playwright-core in a process of Node.js, one request and one answer at a time.

Rules kept here:

* Every answer has a limit, and the driver and its browser end with the block.
* A page has nothing of the page before: each is opened in a context of its own.
* What a test cannot have here is skipped with the command that brings it.
"""

import json
import shutil
import subprocess
import threading
import wave
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import psutil
import pytest

from tests.node import need_node
from tests.source_tree import ROOT
from tests.system.speech_fixtures import silence_pcm, spoken_pcm

FOLDER: Final = ROOT / "tests" / "browser"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
LIMIT_S: Final = 120.0
STOP_S: Final = 20.0
RATE_HZ: Final = 16_000
WAIT_BEFORE_S: Final = 2.5  # until the page has opened its microphone, on a busy machine


@attrs.frozen
class Seen:
    """What a page has asked for, and what went wrong in it."""

    requested: Sequence[str]
    """The addresses, WebSockets included."""
    troubles: Sequence[str]
    """Errors of scripts and of the console."""


@attrs.frozen
class Audit:
    """What axe-core says of a page, and how many pixels it is wider than the window."""

    faults: Sequence[str]
    passed: int
    overflow: int


class BrowserFailure(AssertionError):
    """The browser could not do what the test asked for; the message is Playwright's."""


@attrs.define(eq=False)
class Chromium:
    """A running browser with one page."""

    _process: subprocess.Popen[str]

    def open(self, url: str, **options: Any) -> None:
        """Open a page afresh; options are those of ``open`` in driver.mjs."""
        self._ask("open", url=url, **options)

    def click(self, selector: str) -> None:
        """Click the one element that a selector of Playwright finds."""
        self._ask("click", selector=selector)

    def say(self, text: str) -> None:
        """Type a command and send it."""
        self._ask("fill", selector="#text", text=text)
        self._ask("press", key="Enter")

    def fill(self, selector: str, text: str) -> None:
        """Write into the one field that a selector finds, in place of what is there."""
        self._ask("fill", selector=selector, text=text)

    def choose(self, label: str, value: str) -> None:
        """Choose an option of the list with a label."""
        self._ask("choose", label=label, value=value)

    def press(self, key: str) -> None:
        """Press and release a key."""
        self._ask("press", key=key)

    def hold(self, key: str) -> None:
        """Press a key."""
        self._ask("down", key=key)

    def release(self, key: str) -> None:
        """Release a key."""
        self._ask("up", key=key)

    def wait(self, selector: str, state: str = "visible") -> None:
        """Wait until an element is ``visible``, ``hidden``, ``attached`` or ``detached``."""
        self._ask("wait", selector=selector, state=state)

    def wait_state(self, state: str) -> None:
        """Wait until the page shows that it is ``ready``, ``listening``, ``offline`` and so on."""
        self.wait(f"#state[data-state={state}]")

    def text(self, selector: str) -> str:
        """Return the text that an element shows."""
        return str(self._ask("text", selector=selector))

    def count(self, selector: str) -> int:
        """Return how many elements a selector finds."""
        return int(self._ask("count", selector=selector))

    def evaluate(self, script: str) -> Any:
        """Return the value of an expression in the page, as JSON types."""
        return self._ask("evaluate", script=script)

    def screenshot(self, path: Path) -> None:
        """Write a picture of the window, as PNG."""
        self._ask("screenshot", path=str(path))

    def audit(self, rules: Sequence[str] = ()) -> Audit:
        """Return what axe-core finds in the page as it is now, by all its rules or by these only."""
        return Audit(**self._ask("audit", rules=list(rules)))

    def colour_scheme(self, scheme: str) -> None:
        """Let the user want the page ``light`` or ``dark`` from now on."""
        self._ask("scheme", scheme=scheme)

    def cookies(self) -> Sequence[Mapping[str, Any]]:
        """Return the cookies that the browser keeps, with their attributes."""
        return tuple(self._ask("cookies"))

    def forward(self, duration_s: float) -> None:
        """Let time pass for a page that was opened with ``hasFakeClock``, as if it had slept."""
        self._ask("forward", ms=round(1_000 * duration_s))

    def tab(self, number: int, url: str | None = None) -> None:
        """Go to a tab of the same browser window, or open the next one with a page."""
        self._ask("tab", number=number, **({} if url is None else {"url": url}))

    def ask_socket(self, action: str, **given: Any) -> Any:
        """Do something at the other end of the page's socket; actions are those of driver.mjs."""
        return self._ask(action, **given)

    def seen(self) -> Seen:
        """Return what the page has asked for so far."""
        return Seen(**self._ask("seen"))

    def _ask(self, action: str, **given: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with limited(self._process):
            self._process.stdin.write(json.dumps({"do": action, "with": given}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            raise BrowserFailure(f"the browser's driver ended, or did not answer {action} within {LIMIT_S:g} s")
        answer = json.loads(line)
        if "failed" in answer:
            raise BrowserFailure(answer["failed"])
        return answer["done"]


@contextmanager
def limited(process: subprocess.Popen[str]) -> Iterator[None]:
    """Kill the process if the block takes longer than ``LIMIT_S``."""
    timer = threading.Timer(LIMIT_S, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def need_browser() -> str:
    """Return the path of Chromium; skips the test where a part is missing."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("needs a browser: apt-get install chromium")
    need_node()
    if not (FOLDER / "node_modules" / "playwright-core").is_dir():
        pytest.skip("needs playwright-core: run `npm ci` in tests/browser")
    return found


@contextmanager
def running_browser(microphone: Path | None = None) -> Iterator[Chromium]:
    """Run a browser for the block; ``microphone`` is a WAV file that its microphone hears, once."""
    executable = need_browser()
    command = ["node", str(FOLDER / "driver.mjs")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        chromium = Chromium(process)
        chromium._ask("launch", executable=executable, **({} if microphone is None else {"wav": str(microphone)}))
        yield chromium
    finally:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """End the driver, which ends its browser; kill both if they do not."""
    started = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
    _, alive = psutil.wait_procs(started, timeout=STOP_S)
    for left in alive:
        left.kill()
    assert not alive, f"still running after the browser was closed: {alive}"


def write_microphone(path: Path, *sentences: str, pause_s: float = 4.0) -> Path:
    """Write what a fake microphone hears: silence, and each of the recorded sentences with a pause behind it."""
    pcm = silence_pcm(WAIT_BEFORE_S) + b"".join(spoken_pcm(text) + silence_pcm(pause_s) for text in sentences)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(pcm)
    return path


@pytest.fixture(scope="session")
def listening_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One browser for all pages whose microphone may hear silence."""
    need_browser()
    with running_browser(write_microphone(tmp_path_factory.mktemp("microphone") / "silence.wav")) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Chromium]:
    """One browser for all pages that need no microphone."""
    with running_browser() as running:
        yield running
