"""PostgreSQL for tests: one server a test run, and servers of their own for tests that hurt them.

Rules kept here:

* The configuration is that of ``deploy/postgres``, with what makes it fast and small on top.
* PostgreSQL refuses to run as root: then it runs as ``postgres``, in a folder that this user can reach.
* Every command has a limit, and everything is stopped and deleted at the end.
"""

import itertools
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
import psutil
import pytest

if TYPE_CHECKING:
    import psycopg

ROOT: Final = Path(__file__).resolve().parents[1]
CONFIGURATION: Final = ROOT / "deploy/postgres/postgresql.conf"
COMMAND_S: Final = 120.0
MISSING: Final = "PostgreSQL is not installed: apt-get install postgresql"
NUMBERS: Final = itertools.count(1)


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL's programs, ``None`` without any."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(re.sub(r"\D", "", path.parts[4]) or 0)
    )
    if found:
        return found[-1].parent
    elsewhere = shutil.which("postgres")
    return None if elsewhere is None else Path(elsewhere).parent


def free_port() -> int:
    """Return a port of loopback that nothing listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@attrs.define(eq=False)
class PostgresServer:
    """One server: a primary, or a replica of one."""

    folder: Path
    port: int
    bin: Path

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of PostgreSQL as a user that may, and return what it printed."""
        command = [str(self.bin / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.folder.parent)}
        log = self.folder.parent / "commands.log"
        with log.open("ab") as output:  # a pipe would be inherited by the server, and never end
            done = subprocess.run(
                command, env=environment, cwd="/", stdout=output, stderr=output, timeout=COMMAND_S, check=False
            )
        assert done.returncode == 0, f"{program} {' '.join(arguments)}:\n{log.read_text(errors='replace')[-4_000:]}"
        return log.read_text(errors="replace")

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        self.run("pg_ctl", "-D", str(self.folder), "-l", f"{self.folder}.log", "-w", "-s", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it; ``immediate`` is as if its power had failed."""
        self.run("pg_ctl", "-D", str(self.folder), "-m", mode, "-w", "-s", "stop")

    def promote(self) -> None:
        """Make a replica a primary."""
        self.run("pg_ctl", "-D", str(self.folder), "-w", "-s", "promote")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it hang: it takes connections, and does nothing."""
        main = psutil.Process(int((self.folder / "postmaster.pid").read_text().split()[0]))
        processes = [main, *main.children()]
        for process in processes:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    def url(self, database: str) -> str:
        """Return the address of one of its databases."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def make_database(self) -> str:
        """Make an empty database, and return its address."""
        name = f"test{next(NUMBERS)}"
        with self.connected("postgres") as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        return self.url(name)

    @contextmanager
    def connected(self, database: str) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
        """Connect to a database as its administrator; every statement is a transaction."""
        import psycopg

        connection = psycopg.connect(self.url(database), autocommit=True, connect_timeout=10)
        try:
            yield connection
        finally:
            connection.close()

    def end_connections(self, database: str) -> int:
        """Reset all connections to a database, and wait until they are gone; return how many there were."""
        ended = "SELECT count(pg_terminate_backend(pid, 30000)) FROM pg_stat_activity WHERE datname = %s"
        with self.connected("postgres") as connection:
            (count,) = connection.execute(ended, (database,)).fetchone() or (0,)
            return int(str(count))


@contextmanager
def new_server(*, parent: Path | None = None, more: str = "") -> Iterator[PostgresServer]:
    """Run a primary of its own; skips where PostgreSQL is missing. ``more`` is added to its configuration."""
    found = programs()
    if found is None:
        pytest.skip(MISSING)
    with folder_for_postgres(parent) as folder:
        server = PostgresServer(folder / "primary", free_port(), found)
        arguments = ("-U", "postgres", "-A", "trust", "--no-sync", "--wal-segsize=1", "-E", "UTF8", "--locale=C.UTF-8")
        server.run("initdb", "-D", str(server.folder), *arguments)
        (server.folder / "sayso.conf").write_text(CONFIGURATION.read_text())
        with (server.folder / "postgresql.conf").open("a") as configuration:
            configuration.write(
                f"include 'sayso.conf'\nlisten_addresses = '127.0.0.1'\nport = {server.port}\n"
                "unix_socket_directories = ''\nfsync = off\nfull_page_writes = off\nwal_keep_size = 16MB\n"
                f"min_wal_size = 2MB\nmax_wal_size = 64MB\nautovacuum = off\n{more}"
            )
        with running(server):
            yield server


@contextmanager
def replica_of(primary: PostgresServer) -> Iterator[PostgresServer]:
    """Run a streaming replica."""
    replica = PostgresServer(primary.folder.with_name("replica"), free_port(), primary.bin)
    at = ("-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres")
    replica.run("pg_basebackup", *at, "-D", str(replica.folder), "-R", "-X", "stream", "-c", "fast", "--no-sync")
    with (replica.folder / "postgresql.conf").open("a") as configuration:
        configuration.write(f"port = {replica.port}\n")
    with running(replica):
        yield replica


@contextmanager
def running(server: PostgresServer) -> Iterator[None]:
    """Run a server until the end of the block, whatever was done to it meanwhile."""
    server.start()
    try:
        yield
    finally:
        if (server.folder / "postmaster.pid").exists():
            server.stop("immediate")


@contextmanager
def folder_for_postgres(parent: Path | None) -> Iterator[Path]:
    """Make a folder that PostgreSQL's user can reach, whatever ``TMPDIR`` is, and delete it in the end."""
    folder = Path(tempfile.mkdtemp(prefix="sayso-postgres-", dir=parent or Path("/tmp")))
    try:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_for(what: str, is_so: Callable[[], object], timeout_s: float = 60.0) -> None:
    """Wait until ``is_so()``, for what no event tells; fails after ``timeout_s``."""
    deadline_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline_s, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Run one server for all tests that do not hurt it."""
    with new_server() as server:
        yield server
