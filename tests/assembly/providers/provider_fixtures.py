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
            self.end_headers()
            self.wfile.write(json.dumps(page).encode())

        def do_POST(self) -> None:
            self.do_GET()

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
