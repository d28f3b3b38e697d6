"""Settings by their keys, findings by their names, and a server that answers one page."""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from assembly.providers.provider import Finding
from config.load import load
from config.settings import Settings


def settings(**flags: str) -> Settings:
    """Return the defaults with some changes; ``__`` is the dot of a key."""
    named = {name.replace("__", "."): value for name, value in flags.items()}
    return load(None, {"HOME": "/home/ada"}, named).settings


def states(findings: Iterable[Finding]) -> dict[str, str]:
    """Return the state of each finding by its name."""
    return {finding.name: finding.state for finding in findings}


@contextmanager
def answering(path: str, page: object, *, missing: int = 404, key: str = "") -> Iterator[str]:
    """Serve ``page`` as JSON at one path, to requests with the key, and ``missing`` as the status of all others."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_allowed = not key or self.headers.get("authorization") == f"Bearer {key}"
            self.send_response(200 if self.path == path and is_allowed else missing)
            self.send_header("Content-Type", "text/html" if isinstance(page, str) else "application/json")
            if self.command == "POST":
                self.rfile.read(int(self.headers["content-length"]))
                self.send_header("Mcp-Session-Id", "1")
            self.end_headers()
            self.wfile.write(json.dumps(page).encode())

        do_POST = do_DELETE = do_GET  # noqa: N815 - the library's names

        def log_message(self, *_arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
