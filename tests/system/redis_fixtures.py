"""A real Redis for tests, on a port of its own: started, frozen, killed and started again."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import attrs
import pytest

START_S = 20.0


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@attrs.define(eq=False)
class RedisServer:
    """One ``redis-server``; ``options`` are those of its command line."""

    options: tuple[str, ...] = ()
    port: int = attrs.field(factory=free_port)
    _process: subprocess.Popen[bytes] | None = attrs.field(default=None, init=False)

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *self.options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        deadline_s = time.monotonic() + START_S
        while True:
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", self.port), timeout=1.0)):
                return
            assert time.monotonic() < deadline_s, f"no Redis at {self.port} within {START_S:g} s"
            time.sleep(0.02)

    def freeze(self) -> None:
        """Stop it where it is: it takes connections, and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once; what it held is lost."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def running_redis(*options: str) -> Iterator[RedisServer]:
    """Run a Redis for the block; skips where there is none."""
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server: apt-get install redis-server")
    server = RedisServer(options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
