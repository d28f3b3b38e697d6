"""The server behind the console in tests and pictures: with keys, a load controller, and people who type to it.

Rules kept here:

* Its keys are made before it starts: one reads and operates, one only reads, two talk as different users.
* The people live in a thread of their own, whose end is waited for.
"""

import secrets
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
import pytest
import trio

from backends.keys.key_file import KeyFile
from protocol.admission.keys import AccessKey, KeyOrder, with_new_key
from protocol.messages.identity import Scope
from tests.system.client_fixtures import QUIET, Client, connected
from tests.system.server_fixtures import SMALL, Server, need_models, nodes, running_server

LIMIT_S: Final = 60.0
SCOPES: Final[Mapping[str, frozenset[Scope]]] = {
    "console": frozenset({Scope.READ, Scope.OPERATE}),
    "reader": frozenset({Scope.READ}),
    "ada": frozenset({Scope.TALK}),
    "ben": frozenset({Scope.TALK}),
}
"""Of the key of each user."""


@attrs.frozen
class ConsoleServer:
    """A running server and its keys, by name."""

    server: Server
    keys: Mapping[str, str]

    @property
    def console_url(self) -> str:
        """Where the console is."""
        return f"{self.server.http_url}/console"

    def script(self, name: str = "console") -> str:
        """Return what puts a key into the browser before the page runs."""
        return f"localStorage.sayso ??= JSON.stringify({{key: '{self.keys[name]}'}})"

    def worker_pid(self) -> int:
        """Return a process that transcribes."""
        headers = {"Authorization": f"Bearer {self.keys['console']}"}
        tree = self.server.get("/api/status", headers=headers).json()["tree"]
        actor = next(node for node in nodes(tree) if node["id"] == "transcription")
        return int(actor["statistics"]["pool"]["workers"][0]["pid"])

    @contextmanager
    def people(self, said: Mapping[str, Sequence[str]]) -> Iterator[None]:
        """Keep a session of each user for the block; it begins when all have been answered."""
        are_done, may_go = threading.Event(), threading.Event()
        failures: list[BaseException] = []

        def run() -> None:
            try:
                trio.run(talk, self, said, are_done, may_go)
            except BaseException as error:  # noqa: BLE001 - it is raised again in the test's thread
                failures.append(error)
            finally:
                are_done.set()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            assert are_done.wait(LIMIT_S)
            assert failures == []
            yield
        finally:
            may_go.set()
            thread.join(LIMIT_S)


async def talk(
    server: ConsoleServer, said: Mapping[str, Sequence[str]], are_done: threading.Event, may_go: threading.Event
) -> None:
    """Open the sessions, type everything, and stay until told to go."""
    leaving = trio.Event()
    async with trio.open_nursery() as nursery:
        for user, texts in said.items():
            await nursery.start(converse, server, user, texts, leaving)
        are_done.set()
        await trio.to_thread.run_sync(may_go.wait)
        leaving.set()


async def converse(
    server: ConsoleServer, user: str, texts: Sequence[str], leaving: trio.Event, *, task_status: trio.TaskStatus[None]
) -> None:
    """Type what one user says, each when the answer before has come; then stay, and end the session."""
    async with connected(server.server.url, Authorization=f"Bearer {server.keys[user]}") as client:
        await client.tell("connection_request", client_id=f"{user}'s tablet", capabilities=QUIET, language="en")
        await client.next("connection_accepted")
        for text in texts:
            await answered(client, text)
        task_status.started()
        await leaving.wait()
        if client.close_code is None:
            await client.tell("bye")
            await client.closed()


async def answered(client: Client, text: str) -> None:
    """Type one text, and wait for the end of its turn."""
    await client.tell("text", text=text)
    await client.next("turn_completed")


def make_keys(data_dir: Path) -> Mapping[str, str]:
    """Write the keys into a server's folder, as ``sayso keys new`` does, and return them by user."""
    data_dir.mkdir()
    kept: tuple[AccessKey, ...] = ()
    made: dict[str, str] = {}
    for user, scopes in SCOPES.items():
        order = KeyOrder(name=user, user=user, scopes=scopes, lasts_s=None)
        kept, made[user] = with_new_key(kept, order, time.time(), secrets.token_bytes)
    KeyFile.in_folder(data_dir).write(kept)
    return made


@contextmanager
def console_server(folder: Path, settings: Mapping[str, object]) -> Iterator[ConsoleServer]:
    """Run a server with keys for the block."""
    need_models()
    keys = make_keys(folder / "data")
    with running_server(folder, {**SMALL, **settings}) as server:
        yield ConsoleServer(server, keys)


@pytest.fixture(scope="session")
def watched_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleServer]:
    """One server for all looks at the console that break nothing but a worker."""
    with console_server(tmp_path_factory.mktemp("console-server"), {}) as running:
        yield running
