"""Uploaded files on their way to the disk.

Rules kept here:

* A file is readable by this user only, and has no name where the system allows that, so that nothing is left of it
  however this process ends.
* All uploads together are bounded in bytes, not in number: a slow upload does not keep others out.
* Only the file goes to the disk, so what the parser holds in memory beside it is bounded too.
* A request has one file; ``close_uploads`` frees the disk however the request ends.
"""

import os
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO, Any, Final, cast

from quart.formparser import FormDataParser
from quart_trio.formparser import TrioFormDataParser
from quart_trio.wrappers import TrioRequest
from werkzeug.datastructures import MultiDict

from backends.ingress.api_errors import ApiError

MAX_UPLOAD_BYTES: Final = 128 << 20  # an hour as 16 kHz WAV is 110 MiB
MAX_FIELDS_BYTES: Final = 256 << 10  # of a form beside its file: OpenAI's fields have less than 1 kB
FORM: Final = "multipart/form-data"
JSON: Final = "application/json"
MAX_STORED_BYTES: Final = 4 * MAX_UPLOAD_BYTES  # of all uploads together: two in work, and two that are arriving
RETRY_AFTER_S: Final = 10.0
OPEN_FILES: Final = Path("/proc/self/fd")  # where Linux shows them


class Storage:
    """Counts the bytes on the disk of all uploads, against a limit."""

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
        """Return bytes that were taken."""
        self.stored_bytes -= size_bytes


class UploadFile:
    """A temporary file, with the part of a file's methods that the form parser and ``FileStorage`` use."""

    def __init__(self, storage: Storage) -> None:
        """Create the file; raises ``OSError``."""
        self.size_bytes = 0
        self._storage = storage
        make = tempfile.TemporaryFile if OPEN_FILES.is_dir() else tempfile.NamedTemporaryFile
        self._file: IO[bytes] = make(buffering=0)

    @property
    def path(self) -> str:
        """The path by which another process of this user can open the file until it is closed."""
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
        """As a file's ``seek``."""
        return self._file.seek(offset, whence)

    def read_all(self) -> bytes:
        """Return the content; for files that were found to be small."""
        self._file.seek(0)
        return self._file.read()

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
        self._storage.free(self.size_bytes)
        self.size_bytes = 0


class BoundedBody:
    """The parts of a body as they arrive, as long as those that the parser has not stored yet are few."""

    def __init__(self, body: AsyncIterator[bytes], stored_bytes: Callable[[], int]) -> None:
        self._body = body
        self._stored_bytes = stored_bytes
        self._given_bytes = 0

    def __aiter__(self) -> "BoundedBody":
        """Return the iterator: this object."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next part; raises ``ApiError`` if the parser holds too much."""
        if self._given_bytes - self._stored_bytes() > MAX_FIELDS_BYTES:
            raise ApiError(400, f"a form must have at most {MAX_FIELDS_BYTES:,} bytes beside its recording")
        data = await anext(self._body)
        self._given_bytes += len(data)
        return data


class UploadParser(TrioFormDataParser):
    """Parses forms with bounded memory: files go to the disk."""

    stored_bytes: Callable[[], int] = int

    async def parse(
        self, body: Any, mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> tuple[MultiDict[str, Any], MultiDict[str, Any]]:
        """Return the fields and the files; raises ``ApiError``."""
        bounded: Any = BoundedBody(body, self.stored_bytes) if mimetype == FORM else body
        return await super().parse(bounded, mimetype, content_length, options)


class UploadRequest(TrioRequest):
    """A request whose body may be a form with a large file where ``upload_paths`` say so, and only there."""

    form_data_parser_class = UploadParser

    upload_paths: frozenset[str]
    body_paths: frozenset[str]
    """Paths to which a recording is sent as the whole body."""
    storage: Storage

    def __init__(self, *arguments: Any, **options: Any) -> None:
        _method, _scheme, path, _query, headers = arguments[:5]
        content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
        is_body = path in self.body_paths and content_type != JSON
        if is_body or (path in self.upload_paths and content_type == FORM):
            options["max_content_length"] = MAX_UPLOAD_BYTES
        super().__init__(*arguments, **options)
        self.max_content_length = options["max_content_length"]
        self._uploads: list[UploadFile] = []

    def make_form_data_parser(self) -> FormDataParser:
        """Return the parser, which writes into files of ours."""
        parser = super().make_form_data_parser()
        parser.stream_factory = self._make_file
        cast("UploadParser", parser).stored_bytes = lambda: sum(file.size_bytes for file in self._uploads)
        return parser

    async def store_body(self, begins: bytes, note: Callable[[bytes], object]) -> UploadFile:
        """Store the body as a recording behind the bytes with which it ``begins``; ``note`` sees each part.

        Raises ``ApiError`` and what the framework does for a body that is too large or too slow.
        """
        file = cast("UploadFile", self._make_file())
        file.write(begins)
        async for part in self.body:
            if file.size_bytes + len(part) > MAX_UPLOAD_BYTES + len(begins):
                raise ApiError(413, f"a recording must have at most {MAX_UPLOAD_BYTES >> 20} MB")
            note(part)
            file.write(part)
        return file

    async def close(self) -> None:
        """Keep the stored files: an answer that is streamed needs them after its handler (``close_uploads``)."""

    def close_uploads(self) -> None:
        """Delete the request's stored files."""
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


def upload_request(
    paths: frozenset[str], storage: Storage, body_paths: frozenset[str] = frozenset()
) -> type[UploadRequest]:
    """Return the class of an app's requests: files are taken at ``paths``, whole bodies at ``body_paths``."""
    bound = {"upload_paths": paths, "body_paths": body_paths, "storage": storage}
    return type("BoundUploadRequest", (UploadRequest,), bound)
