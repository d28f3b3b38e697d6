"""What ``sayso restart`` has to know of the servers that run: a file in the data folder, written by their keeper.

Rules kept here:

* It is replaced as a whole; a reader finds the old state or the new one.
* A process is known by its number and the time of its start, since numbers are used again.
"""

import os
import signal
from pathlib import Path
from typing import Final, Literal

import attrs
import msgspec
import psutil

from backends.json_faults import JSON_FAULTS
from backends.private_files import make_private_folder, open_private

FILE_NAME: Final = "replicas.json"
RESTART_SIGNAL: Final = signal.SIGHUP
SAME_START_S: Final = 0.5

Phase = Literal["none", "running", "done", "failed"]


class NoReplicas(Exception):
    """There are no replicas that can be restarted; the message says why."""


@attrs.frozen
class ShownReplica:
    """One replica."""

    name: str
    pid: int
    starts: int


@attrs.frozen(kw_only=True)
class ReplicasState:
    """The keeper and its replicas."""

    pid: int
    started_s: float
    """Unix time of the keeper's start."""
    replicas: tuple[ShownReplica, ...] = ()
    restarts: int = 0
    """Restarts of all that have begun, in their number."""
    phase: Phase = "none"
    """How the last of them goes."""
    why: str = ""
    """Why it failed, in words."""


def own_state() -> ReplicasState:
    """Return the state of this process as a keeper that has begun."""
    return ReplicasState(pid=os.getpid(), started_s=psutil.Process().create_time())


def write_state(data_dir: Path, state: ReplicasState) -> None:
    """Replace the file; raises ``OSError``."""
    make_private_folder(data_dir)
    draft = data_dir / f".{FILE_NAME}.{os.getpid()}"
    with os.fdopen(open_private(draft, os.O_WRONLY | os.O_TRUNC), "wb") as file:
        file.write(msgspec.json.encode(state))
    draft.replace(data_dir / FILE_NAME)


def remove_state(data_dir: Path) -> None:
    """Forget the state of a keeper that ends; raises ``OSError``."""
    (data_dir / FILE_NAME).unlink(missing_ok=True)


def read_state(data_dir: Path) -> ReplicasState:
    """Return the state of a keeper that runs; raises ``NoReplicas``."""
    path = data_dir / FILE_NAME
    try:
        state = msgspec.json.decode(path.read_bytes(), type=ReplicasState)
    except FileNotFoundError:
        raise NoReplicas(
            f"no replicas run with the data folder {data_dir}: they are started by `sayso serve` with replicas.count"
            " above 1. A single server is restarted by its service manager"
        ) from None
    except (OSError, *JSON_FAULTS) as error:
        raise NoReplicas(f"{path} cannot be read: {error}") from error
    if not _runs(state):
        raise NoReplicas(f"the server that wrote {path} (process {state.pid}) does not run any more")
    return state


def ask_restart(state: ReplicasState) -> None:
    """Tell the keeper to replace its replicas one after the other; raises ``NoReplicas``."""
    try:
        os.kill(state.pid, RESTART_SIGNAL)
    except OSError as error:
        raise NoReplicas(f"process {state.pid} cannot be told: {error.strerror}") from error


def _runs(state: ReplicasState) -> bool:
    try:
        return abs(psutil.Process(state.pid).create_time() - state.started_s) < SAME_START_S
    except psutil.NoSuchProcess:
        return False
