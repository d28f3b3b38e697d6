"""Real servers for tests: ``python -m cli serve`` in a process of its own, on a port that the system chooses.

Rules kept here:

* A server gets a clean environment and folders of its own; only the checked models are shared by all of a run.
* Every wait has a limit, and what a server wrote is in the message when one is exceeded.
* Leaving the block stops the server by SIGTERM and checks that it ended well and left no process behind.
"""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import attrs
import psutil
import pytest

from backends.speech import models
from tests.system.model_fixtures import VOICE, models_dir

ROOT: Final = Path(__file__).resolve().parents[2]
PYTHONPATH: Final = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
COMMAND = [sys.executable, "-m", "cli"]
START_S: Final = 180.0  # limits are for a machine that is five times busier than ours
STOP_S: Final = 60.0
GONE_S: Final = 20.0
POLL_S: Final = 0.05
HTTP_TIMEOUT_S: Final = 60.0
SMALL: Final[dict[str, object]] = {
    "transcription.workers": 1,
    "transcription.embedded.spare_workers": 0,
    "inference.provider": "none",
    "speech.provider": "none",
}
"""A server that starts quickly, for tests that need neither speech nor a language model."""


@attrs.frozen
class Answer:
    """What came back over HTTP."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    """By lower-case names."""

    def json(self) -> Any:
        """Return the body as JSON types."""
        return json.loads(self.body)


@attrs.define(eq=False)
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    folder: Path
    url: str = ""

    @property
    def http_url(self) -> str:
        """Where its pages are."""
        return self.url.replace("ws://", "http://").removesuffix("/ws")

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.http_url.rpartition(":")[2])

    def log(self) -> str:
        """Return what it has written so far."""
        return (self.folder / "server.log").read_text(errors="replace")

    def get(self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None) -> Answer:
        """Return the answer to a request, whatever its status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HTTP_TIMEOUT_S)
        with closing(connection):
            connection.request(method, path, headers=dict(headers or {}))
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, response.read(), found)

    def actor(self, name: str) -> Mapping[str, Any]:
        """Return an actor's node in the tree that ``/api/status`` shows."""
        tree = self.get("/api/status").json()["tree"]
        return next(node for node in nodes(tree) if node["id"] == name)

    def worker_pids(self, name: str) -> list[int]:
        """Return the processes of the actor ``name`` that live."""
        workers = self.actor(name)["statistics"]["pool"]["workers"]
        return [worker["pid"] for worker in workers if "pid" in worker]

    def children(self) -> list[psutil.Process]:
        """Return all processes that it has started, and theirs."""
        return psutil.Process(self.process.pid).children(recursive=True)


def nodes(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a node of the status tree and all below it."""
    yield tree
    for child in tree["children"]:
        yield from nodes(child)


def poll(what: str, is_so: Callable[[], object], timeout_s: float = 60.0) -> None:
    """Wait until ``is_so()``, for what no event tells; fails after ``timeout_s``."""
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline_s, f"not within {timeout_s:g} s: {what}"
        time.sleep(POLL_S)


# --- starting and stopping -----------------------------------------------------------------------


def environment(folder: Path, settings: Mapping[str, object]) -> dict[str, str]:
    """Return a clean environment with ``settings``, such as ``{"session.idle_timeout_s": 3}``."""
    defaults: dict[str, object] = {
        "gateway.port": 0,
        "load.enabled": False,  # a test machine may be busy with other things
        "supervisor.data_dir": folder / "data",
        "supervisor.models_dir": models_dir(),
    }
    variables = {
        f"SAYSO_{key.upper().replace('.', '__')}": str(value) for key, value in {**defaults, **settings}.items()
    }
    common = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": PYTHONPATH, "HF_HUB_OFFLINE": "1"}
    return common | variables


def start_command(folder: Path, settings: Mapping[str, object], *arguments: str) -> subprocess.Popen[bytes]:
    """Start ``sayso`` with ``arguments``; it writes to ``server.log`` in ``folder``."""
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=folder,
            env=environment(folder, settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def run_command(folder: Path, settings: Mapping[str, object], *arguments: str, timeout_s: float = 180.0) -> Server:
    """Run ``sayso`` to its end; its exit code is ``process.returncode``."""
    process = start_command(folder, settings, *arguments)
    try:
        process.wait(timeout_s)
    finally:
        process.kill()
        process.wait()
    return Server(process, folder)


@contextmanager
def running_server(
    folder: Path, settings: Mapping[str, object], *options: str, flags: Sequence[str] = ()
) -> Iterator[Server]:
    """Run a server for the block; ``options`` stand before the subcommand, ``flags`` behind it."""
    ready = folder / "ready"
    process = start_command(folder, settings, *options, "serve", "--ready-file", str(ready), *flags)
    server = Server(process, folder)
    try:
        _wait_ready(server, ready)
        yield server
        if process.returncode is None:
            stop(server)
    finally:
        _kill(process)


def _wait_ready(server: Server, ready: Path) -> None:
    deadline_s = time.monotonic() + START_S
    while not ready.exists():
        assert server.process.poll() is None, f"the server ended with {server.process.returncode}:\n{server.log()}"
        if time.monotonic() > deadline_s:
            running = "\n".join(map(str, server.children()))
            pytest.fail(f"the server did not start within {START_S:g} s:\n{server.log()}\nit runs\n{running}")
        time.sleep(POLL_S)
    server.url = ready.read_text().strip()


def stop(server: Server) -> None:
    """Stop by SIGTERM; the server must end well, and no process of its may be left."""
    started = server.children()
    server.process.terminate()
    try:
        code = server.process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        pytest.fail(f"the server did not stop within {STOP_S:g} s:\n{server.log()}")
    assert code == 0, f"the server ended with {code}:\n{server.log()}"
    _, alive = psutil.wait_procs(started, timeout=GONE_S)
    assert not alive, f"still running after the server has ended: {alive}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End what a failed test left behind."""
    if process.poll() is None:
        left = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        for child in left:
            with suppress(psutil.NoSuchProcess):
                child.kill()
    process.wait()


# --- fixtures ------------------------------------------------------------------------------------


def need_models(*, speech: bool = False, llm: bool = False) -> None:
    """Skip the test, with the command that helps, where a model or the project itself is not installed."""
    try:
        version("sayso")
        models.resolve_whisper("tiny.en", models_dir())
        if speech:
            models.resolve_voice(VOICE, models_dir())
        if llm:
            models.resolve_llm("smollm2-135m-instruct", models_dir())
    except PackageNotFoundError:
        pytest.skip("sayso is not installed: run `pip install --no-deps --editable .`")
    except models.ModelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One complete server for all tests that break nothing."""
    need_models(speech=True, llm=True)
    with running_server(tmp_path_factory.mktemp("server"), {"inference.provider": "embedded"}) as running:
        yield running


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without speech and language model, for one file of tests."""
    need_models()
    with running_server(tmp_path_factory.mktemp("small-server"), SMALL) as running:
        yield running
