"""What several replicas need around them: HAProxy, Redis and PostgreSQL, started here and ended with the block.

Redis, PostgreSQL and HAProxy run as in the tests, with the configurations of ``deploy/``.
"""

import http.client
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from bench.load.server import ROOT, Server, kill, poll, start, stop, wait_ready
from bench.moves.orders import write_config

if TYPE_CHECKING:
    from tests.postgres_fixtures import PostgresServer
    from tests.system.redis_fixtures import RedisServer

NAMES: Final = ("one", "two")  # as deploy/haproxy/haproxy.cfg has them
SEEN_S: Final = 3.0  # HAProxy looks every second, and replicas tell each other as often
EACH: Final[Mapping[str, object]] = {
    "gateway.trusted_proxies": "127.0.0.1",
    "load.enabled": False,
    "understanding.meaning": False,
    "transcription.workers": 1,
    "transcription.embedded.spare_workers": 0,
}
"""Settings of each replica: all of them share a small machine."""


@attrs.define(eq=False)
class Replica:
    """One of the two servers, which is started again and again."""

    name: str
    port: int
    folder: Path
    settings: Mapping[str, object]
    config: Path
    server: Server | None = None
    lives: int = 0

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.lives += 1
        scratch = self.folder / f"{self.name}{self.lives}"
        scratch.mkdir()
        self.server = start(scratch, self.settings, port=self.port, config=self.config)
        wait_ready(self.server)

    def stop(self) -> int | None:
        """Let it drain; return its exit code, ``None`` where force was needed."""
        return None if self.server is None else stop(self.server)

    def kill(self) -> None:
        """End it at once."""
        if self.server is not None:
            kill(self.server)


@attrs.frozen
class Surroundings:
    """All that runs."""

    folder: Path
    url: str
    """The WebSocket's address at HAProxy."""
    front_port: int
    redis: "RedisServer"
    database: "PostgresServer"
    database_url: str
    replicas: tuple[Replica, Replica]


def missing(is_there: Callable[[str], bool] | None = None) -> list[str]:
    """Return what must be installed first, each with the command; ``is_there`` finds a module or a program."""
    found = is_there or (lambda name: shutil.which(name) is not None or importlib.util.find_spec(name) is not None)
    needed = {
        "haproxy": "apt-get install haproxy",
        "redis-server": "apt-get install redis-server",
        "coredis": "pip install 'sayso[redis]'",
        "psycopg": "pip install 'sayso[postgres]'",
        "pytest": "pip install --require-hashes -r requirements/dev.txt",
    }
    return [f"{name} is missing: {fix}" for name, fix in needed.items() if not found(name)]


@attrs.frozen
class Group:
    """One command with several replicas of its own."""

    folder: Path
    server: Server
    database: "PostgresServer"
    database_url: str

    def restart(self) -> None:
        """Replace all replicas, one after the other; exits where that ends badly."""
        command = [sys.executable, "-m", "cli", "restart", "--rolling"]
        command += ["--set", f"supervisor.data_dir={self.server.log.with_name('data')}"]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if ended.returncode:
            sys.exit(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")


@contextmanager
def surroundings(settings: Mapping[str, object]) -> Iterator[Surroundings]:
    """Run all for the block, with both replicas; exits in words where a program is missing."""
    with ExitStack() as stack:
        services = stack.enter_context(_services())
        from tests.postgres_fixtures import free_port  # noqa: PLC0415 - needs pytest
        from tests.system.haproxy_fixtures import running_haproxy  # noqa: PLC0415

        folder, config, common = services.folder, services.config, {**services.settings, **settings}
        ports = {name: free_port() for name in ("front", *NAMES)}
        one, two = (Replica(name, ports[name], folder, {**common, "shared.replica": name}, config) for name in NAMES)
        for replica in (one, two):
            stack.callback(replica.stop)
            replica.start()
        url = stack.enter_context(running_haproxy(folder, ports))
        made = Surroundings(
            folder, url, ports["front"], services.redis, services.database, services.database_url, (one, two)
        )
        poll(lambda: is_open(made.front_port), SEEN_S)
        yield made


@contextmanager
def group(count: int, settings: Mapping[str, object]) -> Iterator[Group]:
    """Run one command with ``count`` replicas for the block; exits in words where a program is missing."""
    with _services() as services:
        scratch = services.folder / "group"
        scratch.mkdir()
        many = {"replicas.count": count, "replicas.first_port": 0}
        server = start(scratch, {**services.settings, **many, **settings}, config=services.config)
        try:
            wait_ready(server)
            yield Group(services.folder, server, services.database, services.database_url)
        finally:
            stop(server)


@attrs.frozen
class _Services:
    folder: Path
    config: Path
    redis: "RedisServer"
    database: "PostgresServer"
    database_url: str

    @property
    def settings(self) -> dict[str, object]:
        """What each replica is told of them."""
        return {**EACH, "shared.url": self.redis.url, "history.url": self.database_url}


@contextmanager
def _services() -> Iterator[_Services]:
    """Run Redis and PostgreSQL for the block."""
    if lacking := missing():
        sys.exit("\n".join(lacking))
    from tests.postgres_fixtures import MISSING, new_server, programs  # noqa: PLC0415 - needs pytest
    from tests.system.redis_fixtures import running_redis  # noqa: PLC0415

    if programs() is None:
        sys.exit(MISSING)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        redis = stack.enter_context(running_redis())
        database = stack.enter_context(new_server())
        yield _Services(folder, write_config(folder), redis, database, database.make_database())


def is_open(port: int) -> bool:
    """Return whether a replica answers at HAProxy's port; raises ``OSError`` where HAProxy does not listen."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=1.0)) as connection:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
