"""Uploaded files on their way to the disk.

Rules kept here:

* A file is readable by this user only, and has no name where the system allows that, so that nothing is left of it
  however this process ends.
* All uploads together are bounded in bytes, not in number: a slow one keeps nobody else out.
* One request brings one file; whatever becomes of the request, ``close_uploads`` frees the disk.
"""

import os
import tempfile
from pathlib import Path
from typing import IO, Any, Final

from quart.formparser import FormDataParser
from quart_trio.wrappers import TrioRequest

from backends.ingress.api_errors import ApiError

MAX_UPLOAD_BYTES: Final = 128 << 20  # an hour as 16 kHz WAV is 110 MiB
MAX_STORED_BYTES: Final = 4 * MAX_UPLOAD_BYTES  # of all uploads together: two in work, and two that are arriving
RETRY_AFTER_S: Final = 10.0
OPEN_FILES: Final = Path("/proc/self/fd")  # where Linux shows them


class Storage:
    """How much of the disk uploads have."""

    def __init__(self, max_bytes: int = MAX_STORED_BYTES) -> None:
        self.stored_bytes = 0
        self._max_bytes = max_bytes

    def take(self, size_bytes: int) -> None:
        """Count bytes before they are written; raises ``ApiError`` if there is no room."""
        if self.stored_bytes + size_bytes > self._max_bytes:
            stored_mb = self.stored_bytes >> 20
            raise ApiError(503, f"uploads hold {stored_mb} MB already, and may hold no more", None, RETRY_AFTER_S)
        self.stored_bytes += size_bytes

    def free(self, size_bytes: int) -> None:
        """Give bytes back."""
        self.stored_bytes -= size_bytes


class UploadFile:
    """A temporary file, with the part of a file's methods that the form parser and ``FileStorage`` use."""

    def __init__(self, storage: Storage) -> None:
        """Make it; raises ``OSError``."""
        self.size_bytes = 0
        self._storage = storage
        make = tempfile.TemporaryFile if OPEN_FILES.is_dir() else tempfile.NamedTemporaryFile
        self._file: IO[bytes] = make(buffering=0)

    @property
    def path(self) -> str:
        """Where another process of this user can open it, until it is closed."""
        name: int | str = self._file.name
        return name if isinstance(name, str) else f"/proc/{os.getpid()}/fd/{self._file.fileno()}"

    def write(self, data: bytes) -> int:
        """Append; raises ``ApiError`` if there is no room, here or on the disk."""
        self._storage.take(len(data))
        self.size_bytes += len(data)
        try:
            written = self._file.write(data)
        except OSError as error:
            raise ApiError(503, f"the recording cannot be stored: {error.strerror}", None, RETRY_AFTER_S) from error
        if written < len(data):
            raise ApiError(503, "the recording cannot be stored: the disk is full", None, RETRY_AFTER_S)
        return written

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Do as a file does."""
        return self._file.seek(offset, whence)

    def close(self) -> None:
        """Delete it."""
        self._file.close()
        self._storage.free(self.size_bytes)
        self.size_bytes = 0


class UploadRequest(TrioRequest):
    """A request whose body may be a large file where ``path`` says so, and only there."""

    upload_path: str
    storage: Storage

    def __init__(self, *arguments: Any, **options: Any) -> None:
        if arguments[2] == self.upload_path:
            options["max_content_length"] = MAX_UPLOAD_BYTES
        super().__init__(*arguments, **options)
        self.max_content_length = options["max_content_length"]
        self._uploads: list[UploadFile] = []

    def make_form_data_parser(self) -> FormDataParser:
        """Return the parser, which writes into files of ours."""
        parser = super().make_form_data_parser()
        parser.stream_factory = self._make_file
        return parser

    def close_uploads(self) -> None:
        """Delete what has been stored."""
        while self._uploads:
            self._uploads.pop().close()

    def _make_file(self, *_: object) -> Any:
        if self._uploads:
            raise ApiError(400, "a request must hold one recording, and no second file", "file")
        try:
            self._uploads.append(UploadFile(self.storage))
        except OSError as error:
            raise ApiError(503, f"the recording cannot be stored: {error.strerror}", None, RETRY_AFTER_S) from error
        return self._uploads[0]


def upload_request(path: str, storage: Storage) -> type[UploadRequest]:
    """Return the class of an app's requests: files are taken at ``path`` and kept in ``storage``."""
    return type("BoundUploadRequest", (UploadRequest,), {"upload_path": path, "storage": storage})
