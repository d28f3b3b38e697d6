"""One server or proxy as a process of its own: started, asked whether it is ready, told to leave.

Rules kept here:

* It is started from the thread that runs Trio, and ends when that thread does (``with_parent``).
* Its log goes where ours goes; what it says to a person on a terminal is left out.
* Nothing is left behind: ``end`` kills what has not gone.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import attrs
import trio

ROOT: Final = Path(__file__).resolve().parents[2]
LOOK_S: Final = 0.05  # between looks for the file that says that a server listens
PATIENT: Final = trio.CapacityLimiter(1_000)  # a thread waits for each process as long as it lives


@attrs.define(eq=False)
class ServerProcess:
    """A running program; raises ``OSError`` if it cannot be started."""

    command: Sequence[str]
    ready_file: Path | None = None
    """Written by the program once it listens; ``None`` for one that is ready when it runs."""
    environ: Mapping[str, str] = attrs.field(factory=lambda: dict(os.environ))
    leaves_on: signal.Signals = signal.SIGTERM
    _process: subprocess.Popen[bytes] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        if self.ready_file is not None:
            self.ready_file.unlink(missing_ok=True)
        path = os.pathsep.join(filter(None, [str(ROOT), self.environ.get("PYTHONPATH", "")]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "backends.replicas.with_parent", *self.command],
            env={**self.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C reaches us, and we tell it
        )

    @property
    def pid(self) -> int:
        """Of the operating system."""
        return self._process.pid

    async def wait_ready(self) -> bool:
        """Wait until it has written its file, or has ended."""
        while self._process.poll() is None:
            if self.ready_file is None or self.ready_file.exists():
                return True
            await trio.sleep(LOOK_S)
        return False

    async def wait_ended(self) -> int:
        """Wait for its end."""
        return await trio.to_thread.run_sync(self._process.wait, abandon_on_cancel=True, limiter=PATIENT)

    def leave(self) -> None:
        """Send the signal that makes it leave in order."""
        self._process.send_signal(self.leaves_on)

    def end(self) -> None:
        """Kill it; its workers end with it."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
