"""The server's end of the page's WebSocket, played by a test: what no real server does on demand.

Rules kept here:

* The page's files and its requests over HTTP are answered by a real server; only the socket is played.
* Everything waits for what the page does; nothing waits for time.
"""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from tests.browser.browser_fixtures import Chromium

ACCEPTED: Final[Mapping[str, Any]] = {
    "session_id": "s1",
    "resume_token": "t1",
    "resume_window_s": 30,
    "server": {"name": "sayso", "version": "9.9.9"},
    "audio": {"format": "pcm_s16le", "sample_rate": 16_000, "channels": 1},
    "limits": {"max_message_bytes": 65_536, "max_utterance_s": 30, "idle_timeout_s": 300},
    "protocol": 1,
    "resumed": False,
    "received_samples": 0,
}


@attrs.define(eq=False)
class FakeSocket:
    """The newest socket of a page."""

    page: Chromium
    _seq: int = attrs.field(default=0, init=False)

    @classmethod
    def opened(cls, page: Chromium, url: str, **options: Any) -> "FakeSocket":
        """Open a page whose socket is played, and wait for its first frame."""
        page.open(url, hasFakeSocket=True, **options)
        socket = cls(page)
        socket.heard("connection_request")
        return socket

    @classmethod
    def ready(
        cls, page: Chromium, url: str, *, accepted: Mapping[str, Any] | None = None, **options: Any
    ) -> "FakeSocket":
        """Open a page whose socket is played, and accept it."""
        socket = cls.opened(page, url, **options)
        socket.accept(**(accepted or {}))
        page.wait_state("ready")
        return socket

    def accept(self, **changes: Any) -> None:
        """Send ``connection_accepted``."""
        self.tell("connection_accepted", **{**ACCEPTED, **changes})

    def tell(self, name: str, **data: Any) -> None:
        """Send one event."""
        self._seq += 1
        self.page.ask_socket("tell", frames=[{"type": name, "seq": self._seq, "data": data}])

    def tone(self, duration_ms: int, rate_hz: int) -> None:
        """Send a tone as an answer's audio."""
        self.page.ask_socket("tone", ms=duration_ms, rate=rate_hz)

    def tell_raw(self, text: str) -> None:
        """Send a text frame as it is."""
        self.page.ask_socket("tell", frames=[text])

    def heard(self, name: str, *, skip: int = 0) -> Any:
        """Wait for an event of the page, and return its data; ``skip`` so many of the same name."""
        return self.page.ask_socket("heard", type=name, skip=skip)

    def close(self, code: int, reason: str = "") -> None:
        """Close the socket."""
        self.page.ask_socket("close", code=code, reason=reason)

    def wait_opened(self, count: int) -> None:
        """Wait until the page has opened so many sockets since it was loaded."""
        self.page.ask_socket("opened", count=count)
