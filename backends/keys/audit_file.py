"""The record of who did what: lines of JSON in the data folder, written by the server and the command line.

Rules kept here:

* The file is 0600. A lock keeps two writers apart: their lines do not mix, and one of them moves a full file away.
* It is bounded: beyond its size it becomes the older one of two, and what was older is deleted.
* A line that cannot be read is left out.
"""

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import attrs
import msgspec

from backends.json_faults import JSON_FAULTS
from backends.keys.file_lock import take_lock
from backends.private_files import make_private_folder, open_private
from protocol.admission.audit import AuditEntry

FILE_NAME: Final = "audit.jsonl"
FILE_MAX_BYTES: Final = 1 << 20  # some 8,000 entries


@attrs.frozen
class AuditFile:
    """One record; every method blocks, and raises OSError."""

    path: Path
    max_bytes: int = FILE_MAX_BYTES

    @classmethod
    def in_folder(cls, data_dir: Path) -> "AuditFile":
        """Return the record of a server with that data folder."""
        return cls(data_dir / FILE_NAME)

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """Write entries behind the others: all of them, or none where an error is raised."""
        if not entries:
            return
        make_private_folder(self.path.parent)
        data = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
        with self._locked(), os.fdopen(open_private(self.path, os.O_WRONLY | os.O_APPEND), "ab", buffering=0) as file:
            size_bytes = os.fstat(file.fileno()).st_size
            if file.write(data) < len(data):
                file.truncate(size_bytes)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            if size_bytes + len(data) > self.max_bytes:
                self.path.replace(self._older)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other writers out for the block."""
        descriptor = open_private(self.path.with_suffix(".lock"), os.O_RDWR)
        try:
            take_lock(descriptor, self.path)
            yield
        finally:
            os.close(descriptor)

    def newest(self, limit: int) -> list[AuditEntry]:
        """Return the last entries, newest first."""
        lines: list[bytes] = []
        for path in (self._older, self.path):
            with contextlib.suppress(FileNotFoundError):
                lines += path.read_bytes().splitlines()
        found: list[AuditEntry] = []
        for line in reversed(lines):
            if len(found) == limit:
                break
            with contextlib.suppress(*JSON_FAULTS):
                found.append(msgspec.json.decode(line, type=AuditEntry))
        return found

    @property
    def _older(self) -> Path:
        return self.path.with_suffix(".1.jsonl")
