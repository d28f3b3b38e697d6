"""Files and folders that only their owner may open, whatever the umask.

Rules kept here:

* What the server makes below its data folder is 0600, or 0700 for folders.
* Wider permissions of an older version are narrowed. A folder that the operator chose is left as it is, with a warning.
* No link is followed, and nothing of another user is touched.
"""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
OTHERS: Final = 0o077
PROBE_BYTES: Final = 65_536  # what a new history file with its log needs at once
SHOWN: Final = 5


def make_private_folder(folder: Path) -> None:
    """Make ``folder`` and every missing one above it for the owner only; raises OSError."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        make_private_folder(folder.parent)
    try:
        folder.mkdir(FOLDER_MODE)
    except FileExistsError:
        if not folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None
    else:
        folder.chmod(FOLDER_MODE)  # a umask may have taken the owner's rights too


def open_private(path: Path, flags: int) -> int:
    """Open or make a file for the owner only and return its descriptor; raises OSError."""
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != FILE_MODE:
            os.fchmod(descriptor, FILE_MODE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def prepare(data_dir: Path, history_path: Path, *, is_default: bool = False, is_history_kept: bool = True) -> list[str]:
    """Prepare the data folder before a start; return warnings for the operator.

    ``is_default`` says that the folder is the default, so that an older version made it. Raises OSError, in words that
    name the setting, if nothing can be kept there, such as on a full disk.
    """
    _check_writable(data_dir, "supervisor.data_dir")
    if is_history_kept and history_path.parent != data_dir:
        _check_writable(history_path.parent, "history.sqlite.path")
    if is_history_kept and history_path.is_dir():
        raise OSError(f"{history_path} is a folder; history.sqlite.path must be a file")
    tools = data_dir / "tools"
    folders = [data_dir, tools] if is_default else [tools]
    narrowed = [path for path in folders if _narrow(path, stat.S_ISDIR, FOLDER_MODE)]
    narrowed += [path for path in _kept(tools, history_path) if _narrow(path, stat.S_ISREG, FILE_MODE)]
    told = []
    if narrowed:
        more = f" and {len(narrowed) - SHOWN} more" if len(narrowed) > SHOWN else ""
        told.append(f"closed to other users, which could open it: {', '.join(map(str, narrowed[:SHOWN]))}{more}")
    if data_dir.stat().st_mode & OTHERS:
        told.append(f"{data_dir} is open to other users, who see what files are in it: chmod 700 {data_dir}")
    return told


def _check_writable(folder: Path, setting: str) -> None:
    try:
        make_private_folder(folder)
        probe = folder / f".probe.{os.getpid()}"
        descriptor = open_private(probe, os.O_WRONLY)
        try:
            os.write(descriptor, bytes(PROBE_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
            probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"{folder}: {reason}; the server must be able to write there ({setting})") from error


def _kept(tools: Path, history_path: Path) -> list[Path]:
    """Return the files that the server may have made: the history with its side files, and those of the tools."""
    patterns = (history_path.name, *(f"{history_path.name}{end}" for end in ("-wal", "-shm", ".damaged-*")))
    history = [path for pattern in patterns for path in sorted(history_path.parent.glob(pattern))]
    old = [file for pattern in ("*.json", "*.damaged-*", "*.imported-*") for file in sorted(tools.glob(pattern))]
    return [*history, *old]


def _narrow(path: Path, is_kind: Callable[[int], bool], mode: int) -> bool:
    """Remove other users' permissions from a file of ours of that kind; return whether they had any."""
    try:
        found = path.lstat()
    except OSError:
        return False
    if not is_kind(found.st_mode) or found.st_uid != os.geteuid() or not found.st_mode & OTHERS:
        return False
    path.chmod(mode)
    return True
