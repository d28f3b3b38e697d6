"""The web page at ``/``: the files of the folder ``web/``, kept in memory.

Rules kept here:

* Only what was read at the start is served, by its exact path: no request reaches the disk.
* The page may run its own scripts and styles, and speak with this server; nothing inline, and no other host.
* A browser asks each time whether a file has changed, and is told so by its ``ETag`` without getting it again.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import attrs

from backends.ingress.answer_cache import NOT_MODIFIED, etag_of, has_etag
from backends.protocols import HttpAnswer, Page, Request

WEB_FOLDER: Final = Path(__file__).resolve().parents[2] / "web"
PAGES: Final[Mapping[str, str]] = {"index.html": "/", "console.html": "/console"}
"""The path of each file that is a page by itself."""
FILES_PATH: Final = "/web/"
CONTENT_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
"""By the end of a file's name; other files are not served."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SAFETY_HEADERS: Final = (
    ("content-security-policy", POLICY),
    ("permissions-policy", "microphone=(self), camera=(), geolocation=()"),
    ("cross-origin-opener-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
)


@attrs.frozen
class WebFile:
    """One file of the page."""

    content_type: str
    body: bytes
    etag: str = attrs.field(init=False)

    @etag.default
    def _digest(self) -> str:
        return etag_of(self.body)

    def page(self, request: Request) -> HttpAnswer:
        """Return the file, or 304 without a body if the client has it."""
        headers = (("cache-control", "no-cache"), ("etag", self.etag), *SAFETY_HEADERS)
        if has_etag(request.headers.get("if-none-match", ""), self.etag):
            return HttpAnswer(NOT_MODIFIED, self.content_type, b"", headers)
        return HttpAnswer(200, self.content_type, self.body, headers)


@cache
def web_routes(folder: Path = WEB_FOLDER) -> Mapping[str, Page]:
    """Return the page of each file in ``folder`` by its path, those of ``PAGES`` at theirs; read once.

    Raises ``OSError`` if a file cannot be read. Without the folder there are no pages.
    """
    routes: dict[str, Page] = {}
    for path in sorted(folder.rglob("*")):
        content_type = CONTENT_TYPES.get(path.suffix)
        if content_type is None or not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        routes[PAGES.get(name, FILES_PATH + name)] = WebFile(content_type, path.read_bytes()).page
    return routes
