"""The status as Server-Sent Events: one snapshot a second, for consoles and for curl.

Rules kept here:

* Each stream costs a snapshot a second, so their number is bounded; one more is answered 503.
* Nothing is queued: a slow reader gets fewer snapshots, and a send that takes too long ends the stream (the
  listener's own deadline).
* The stream ends when the server drains, so that it does not delay the exit.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import msgspec
import trio
from quart import Response

INTERVAL_S: Final = 1.0
MAX_LISTENERS: Final = 8
RETRY_MS: Final = 2_000  # after which a browser connects again


class StatusStream:
    """Streams snapshots, each a result of ``look``."""

    def __init__(self, look: Callable[[], Mapping[str, Any]]) -> None:
        self._look = look
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
        response = Response(self._events(), mimetype="text/event-stream", headers={"Cache-Control": "no-store"})
        response.timeout = None
        return response

    async def _events(self) -> AsyncIterator[bytes]:
        self._listeners += 1
        try:
            number = 0
            yield f"retry: {RETRY_MS}\n\n".encode()
            while True:
                page = self._look()
                number += 1
                yield b"id: %d\nevent: status\ndata: %s\n\n" % (number, msgspec.json.encode(page))
                if page.get("stopping"):
                    return
                await trio.sleep(INTERVAL_S)
        finally:
            self._listeners -= 1
