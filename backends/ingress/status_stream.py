"""The status as Server-Sent Events: one snapshot a second, and each notice and turn; for consoles and for curl.

Rules kept here:

* Each stream costs a snapshot a second, so their number is bounded; one more is answered 503.
* Nothing is queued: a slow reader gets fewer snapshots, and a send that takes too long ends the stream (the
  listener's own deadline).
* The stream ends when the server drains, so that it does not delay the exit.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
import trio
from quart import Response

from backends.ingress.http_answers import admitted
from protocol.messages.identity import Identity

INTERVAL_S: Final = 1.0
MAX_LISTENERS: Final = 8
RETRY_MS: Final = 2_000  # after which a browser connects again


class News(Protocol):
    """Events besides the snapshots, for one listener."""

    def take(self) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Return the names and pages of the events since the last call."""


class StatusStream:
    """Streams snapshots, each a result of ``look``, and what ``open_news`` has for a listener, if anything."""

    def __init__(
        self, look: Callable[[], Mapping[str, Any]], open_news: Callable[[Identity], News] | None = None
    ) -> None:
        self._look = look
        self._open_news = open_news
        self._listeners = 0

    async def open(self) -> Response:
        """Return a stream, or 503 if as many as may be are open."""
        if self._listeners >= MAX_LISTENERS:
            return Response(
                f'{{"error": "{MAX_LISTENERS} listeners are enough"}}',
                status=503,
                mimetype="application/json",
                headers={"Retry-After": "10"},
            )
        news = None if self._open_news is None else self._open_news(admitted().identity)
        response = Response(self._events(news), mimetype="text/event-stream", headers={"Cache-Control": "no-store"})
        response.timeout = None
        return response

    async def _events(self, news: News | None) -> AsyncIterator[bytes]:
        self._listeners += 1
        try:
            number = 0
            yield f"retry: {RETRY_MS}\n\n".encode()
            while True:
                page = self._look()
                number += 1
                yield b"id: %d\nevent: status\ndata: %s\n\n" % (number, msgspec.json.encode(page))
                for name, told in () if news is None else news.take():
                    yield b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(told))
                if page.get("stopping"):
                    return
                await trio.sleep(INTERVAL_S)
        finally:
            self._listeners -= 1
