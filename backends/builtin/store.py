"""Small values in JSON files that several processes may share.

Rules kept here:

* A change reads, decides and writes under a lock between processes, so that two servers on one folder lose nothing.
* A file is replaced as a whole: a reader needs no lock, and after a crash there is the old file or the new one.
* A damaged file is renamed, reported and never deleted.
* The files and their folder are readable for their owner only, under any umask.
* No wait for the lock is longer than ``LOCK_WITHIN_S``.
"""

import errno
import fcntl
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from backends.builtin.wording import told
from backends.private_files import make_private_folder, open_private

log = logging.getLogger("sayso.tools_server")

LOCK_WITHIN_S: Final = 1.0  # a change takes milliseconds; a process that holds the lock for longer is stopped or hangs
LOCK_POLL_S: Final = 0.005  # flock has no timeout of its own
SETTLED_NS: Final = 100_000_000  # clocks of file systems tick every 1 to 10 ms: a younger file may change unseen
NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP})  # some network file systems

Signature = tuple[int, int, int, int]


class StoreBusy(Exception):
    """Another process holds the file's lock; the message can be spoken."""


class JsonFile:
    """One JSON value in one file; the folder is made on the first write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock_path = path.with_name(f".{path.name}.lock")  # its own file: ``path`` itself is replaced
        self._has_lock = False
        self._is_warned = False
        self._seen: Signature | None = None
        self._value: Any = None

    def read(self) -> Any:
        """Return the value, or None if there is none; do not change it in place.

        The file is parsed again only if it is another one than at the last call. A damaged file is renamed and counts
        as none. Raises OSError, and ``StoreBusy`` if the file is damaged and the lock is taken.
        """
        try:
            return self._load()
        except FileNotFoundError:
            return None
        except ValueError:
            if self._has_lock:
                self._set_aside()
                return None
        with self.locked():
            return self.read()  # another process may have repaired it

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from changing the file for the block; raises ``StoreBusy`` or OSError.

        It waits in the caller's thread: the built-in server makes one change at a time anyway.
        """
        make_private_folder(self.path.parent)
        lock = open_private(self._lock_path, os.O_RDWR)
        try:
            self._take_lock(lock)
            self._has_lock = True
            yield
        finally:
            self._has_lock = False
            os.close(lock)  # which gives the lock back, as the end of the process does

    def write(self, value: Any) -> None:
        """Replace the file by ``value``, within ``locked``: after a crash there is the old one or the new one, whole.

        Raises OSError.
        """
        if not self._has_lock:
            raise AssertionError("a file may only be written within locked()")
        draft = self.path.with_suffix(f".{os.getpid()}.tmp")
        with os.fdopen(open_private(draft, os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)

    def _load(self) -> Any:
        with self.path.open("rb") as file:
            found = os.fstat(file.fileno())
            signature = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if signature == self._seen and not self._has_lock:
                return self._value
            self._seen = None
            self._value = json.loads(file.read().decode("utf-8"))
            if time.time_ns() - found.st_mtime_ns > SETTLED_NS:
                self._seen = signature
            return self._value

    def _take_lock(self, lock: int) -> None:
        deadline_s = time.monotonic() + LOCK_WITHIN_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline_s:
                    log.warning("%s was locked by another process for %g s", self.path, LOCK_WITHIN_S)
                    raise StoreBusy(told("That is being changed elsewhere. Please try again.")) from None
                time.sleep(LOCK_POLL_S)
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise
                if not self._is_warned:
                    self._is_warned = True
                    log.warning("%s cannot be locked here (%s): only one server may use it", self.path, error.strerror)
                return
            else:
                return

    def _set_aside(self) -> None:
        aside = self._free_name()
        self.path.rename(aside)
        log.error("%s is damaged; it was set aside as %s", self.path, aside.name)

    def _free_name(self) -> Path:
        number = 1
        while (aside := self.path.with_suffix(f".damaged-{number}")).exists():
            number += 1
        return aside
