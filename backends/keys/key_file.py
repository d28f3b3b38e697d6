"""The file of the access keys in the data folder, which the command line changes while the server runs.

Rules kept here:

* It is 0600, and replaced as a whole: a reader finds the old keys or the new ones. A lock keeps two changes apart.
* It holds digests, never a key.
* A file that cannot be understood is an error: it never counts as "no keys", which could open a server.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
import msgspec

from backends.private_files import make_private_folder, open_private
from protocol.admission.keys import AccessKey

FILE_NAME: Final = "keys.json"
FILE_MAX_BYTES: Final = 1 << 20  # a thousand keys take 300 kB
FORMAT_VERSION: Final = 1
LOCK_WITHIN_S: Final = 5.0
LOCK_POLL_S: Final = 0.05

Signature = tuple[int, int, int, int]


class KeyFileError(Exception):
    """The file of the keys cannot be read or changed; the message names it."""


@attrs.frozen
class _KeyPage:
    """The contents of the file."""

    version: int
    keys: tuple[AccessKey, ...]


@attrs.define
class KeyFile:
    """One file of keys; every method blocks."""

    path: Path

    @classmethod
    def in_folder(cls, data_dir: Path) -> "KeyFile":
        """Return the file of a server with that data folder."""
        return cls(data_dir / FILE_NAME)

    def signature(self) -> Signature | None:
        """Return what changes with the file's contents; ``None`` if there is no file. Raises ``KeyFileError``."""
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._error(error) from error
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    def read(self) -> tuple[AccessKey, ...]:
        """Return the keys, none if there is no file; raises ``KeyFileError``."""
        try:
            with self.path.open("rb") as file:
                data = file.read(FILE_MAX_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            raise self._error(error) from error
        if len(data) > FILE_MAX_BYTES:
            raise KeyFileError(f"{self.path} must have at most {FILE_MAX_BYTES} bytes")
        try:
            page = msgspec.json.decode(data, type=_KeyPage)
        except msgspec.DecodeError as error:
            raise KeyFileError(f"{self.path} is no file of keys: {error}") from error
        if page.version != FORMAT_VERSION:
            raise KeyFileError(f"{self.path} was written by another version of sayso: version {page.version}")
        return page.keys

    def write(self, keys: Sequence[AccessKey]) -> None:
        """Replace the keys, within ``locked``; raises ``KeyFileError``."""
        draft = self.path.with_suffix(f".{os.getpid()}.tmp")
        try:
            with os.fdopen(open_private(draft, os.O_WRONLY | os.O_TRUNC), "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(_KeyPage(FORMAT_VERSION, tuple(keys))), indent=1))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
        except OSError as error:
            raise self._error(error) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from changing the keys for the block; raises ``KeyFileError``."""
        try:
            make_private_folder(self.path.parent)
            lock = open_private(self.path.with_suffix(".lock"), os.O_RDWR)
        except OSError as error:
            raise self._error(error) from error
        try:
            self._take_lock(lock)
            yield
        finally:
            os.close(lock)  # which gives the lock back, as the end of the process does

    def _take_lock(self, lock: int) -> None:
        deadline_s = time.monotonic() + LOCK_WITHIN_S
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline_s:
                    raise KeyFileError(f"{self.path} is being changed by another process") from None
                time.sleep(LOCK_POLL_S)
            except OSError as error:
                raise self._error(error) from error
            else:
                return

    def _error(self, error: OSError) -> KeyFileError:
        return KeyFileError(f"{self.path}: {error.strerror or error}")
