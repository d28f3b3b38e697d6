"""The files of the page, as the listener serves them."""

from pathlib import Path

import pytest

from backends.ingress.web_page import CONTENT_TYPES, POLICY, WEB_FOLDER, WebFile, web_routes
from backends.protocols import HttpAnswer, Request
from tests.backends.ingress.ingress_fixtures import FakeHandlers, ask, serving


def asked(path: str, **headers: str) -> Request:
    return Request("GET", path, {}, headers, "127.0.0.1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "talk").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "console.html").write_text("<!doctype html>")
    (tmp_path / "talk" / "main.js").write_text("start();")
    (tmp_path / "talk" / "notes.bin").write_text("not for browsers")
    return tmp_path


def test_the_two_pages_are_at_their_addresses_and_the_other_files_at_their_own_paths(folder: Path) -> None:
    routes = web_routes(folder)
    assert set(routes) == {"/", "/console", "/web/talk/main.js"}
    answer = routes["/web/talk/main.js"](asked("/web/talk/main.js"))
    assert (answer.status, answer.body) == (200, b"start();")
    assert answer.content_type == "text/javascript; charset=utf-8"


def test_a_server_without_the_folder_has_no_page(tmp_path: Path) -> None:
    assert web_routes(tmp_path / "nothing") == {}


def test_every_file_of_the_page_is_served() -> None:
    files = [path for path in WEB_FOLDER.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} <= set(CONTENT_TYPES)
    assert len(web_routes()) == len(files) > 10


def test_a_file_that_the_browser_has_is_not_sent_again() -> None:
    file = WebFile("text/css", b"body {}")
    first = file.page(asked("/"))
    tag = dict(first.headers)["etag"]
    again = file.page(asked("/", **{"if-none-match": tag}))
    assert (again.status, again.body, dict(again.headers)["etag"]) == (304, b"", tag)
    assert file.page(asked("/", **{"if-none-match": 'W/"older"'})).status == 200
    assert WebFile("text/css", b"body { }").etag != tag


def test_the_page_may_run_nothing_inline_and_reach_no_other_host() -> None:
    headers = dict(WebFile("text/html", b"").page(asked("/")).headers)
    assert headers["content-security-policy"] == POLICY
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert headers["x-content-type-options"] == "nosniff"


class PageHandlers(FakeHandlers):
    """The page of one folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.routes = web_routes(folder)

    def has_page(self, path: str) -> bool:
        return path in self.routes

    async def answer(self, request: Request) -> HttpAnswer | None:
        page = self.routes.get(request.path)
        return None if page is None else page(request)


async def test_over_the_port_an_unchanged_file_is_304_without_a_body_or_a_length(folder: Path) -> None:
    tag = WebFile("text/html", b"<!doctype html>").etag.encode()
    async with serving(PageHandlers(folder)) as server:
        head = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        fresh = await ask(server.port, head + b"\r\n")
        unchanged = await ask(server.port, head + b"If-None-Match: " + tag + b"\r\n\r\n")
    assert fresh.startswith(b"HTTP/1.1 200 ")
    assert fresh.endswith(b"\r\n\r\n<!doctype html>")
    assert unchanged.startswith(b"HTTP/1.1 304 ")
    assert b"content-length" not in unchanged.lower()
    assert unchanged.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("path", [b"/web/../pyproject.toml", b"/web/%2e%2e/pyproject.toml", b"/web/", b"/web/talk"])
async def test_nothing_beside_the_files_can_be_asked_for(folder: Path, path: bytes) -> None:
    async with serving(PageHandlers(folder)) as server:
        answer = await ask(server.port, b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 "))
