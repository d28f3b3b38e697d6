"""The status as Server-Sent Events: one picture a second, for consoles and for people with curl.

Rules kept here:

* A listener costs a picture a second, so there are few of them; one more is told to come back.
* Nothing is queued: whoever reads slowly gets fewer pictures, and a send that takes too long ends the stream (the
  listener's own deadline).
* The stream ends when the server leaves, so that it holds up nobody.
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
    """Streams what ``look`` returns."""

    def __init__(self, look: Callable[[], Mapping[str, Any]]) -> None:
        self._look = look
        self._listeners = 0

    async def open(self) -> Response:
        """Return the stream, or 503 if there are enough."""
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
