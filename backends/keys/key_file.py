"""The file of the access keys in the data folder, which the command line changes while the server runs.

Rules kept here:

* It is 0600, and replaced as a whole: a reader finds the old keys or the new ones. A lock keeps two changes apart.
* A change is on the disk before it is told to be done: no loss of power brings a revoked key back.
* It holds digests, never a key.
* A file that cannot be understood, or that other users may write, is an error: it never counts as "no keys", which
  could open a server.
"""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs
import msgspec

from backends.json_faults import JSON_FAULTS
from backends.keys.file_lock import FileInUse, take_lock
from backends.private_files import make_private_folder, open_private
from protocol.admission.keys import AccessKey

FILE_NAME: Final = "keys.json"
FILE_MAX_BYTES: Final = 1 << 20  # a thousand keys take 300 kB
FORMAT_VERSION: Final = 1
DIGEST: Final = re.compile(r"[0-9a-f]{64}")

Signature = tuple[int, int, int, int]


class KeyFileError(Exception):
    """The file of the keys cannot be read or changed; the message names it."""


class KeyFileUnfit(KeyFileError):
    """What is in the file is not good, and stays so until it is changed; every other error may pass."""


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
                mode = os.fstat(file.fileno()).st_mode
                data = file.read(FILE_MAX_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            raise self._error(error) from error
        if mode & stat.S_IWOTH:
            raise KeyFileUnfit(f"{self.path} may be written by every user: chmod 600, and look who has a key")
        if len(data) > FILE_MAX_BYTES:
            raise KeyFileUnfit(f"{self.path} must have at most {FILE_MAX_BYTES} bytes")
        try:
            page = msgspec.json.decode(data, type=_KeyPage)
        except JSON_FAULTS as error:
            raise KeyFileUnfit(f"{self.path} is no file of keys: {error}") from error
        if page.version != FORMAT_VERSION:
            raise KeyFileUnfit(f"{self.path} was written by another version of sayso: version {page.version}")
        bad = next((key.name for key in page.keys if not DIGEST.fullmatch(key.digest)), None)
        if bad is not None:
            raise KeyFileUnfit(f"{self.path} is no file of keys: the digest of {bad!r} is not 64 hexadecimal digits")
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
            _sync_folder(self.path.parent)
        except OSError as error:
            draft.unlink(missing_ok=True)
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
            try:
                take_lock(lock, self.path)
            except FileInUse as error:
                raise KeyFileError(str(error)) from None
            except OSError as error:
                raise self._error(error) from error
            yield
        finally:
            os.close(lock)  # which gives the lock back, as the end of the process does

    def _error(self, error: OSError) -> KeyFileError:
        return KeyFileError(f"{self.path}: {error.strerror or error}")


def _sync_folder(folder: Path) -> None:
    """Write a folder's entries to the disk, where that is possible; raises ``OSError``."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
