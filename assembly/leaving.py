"""Begins the drain: by a signal, by an operator, or because the server is unhealthy."""

import trio

from protocol.admission.drain import Drain


class Leaving:
    """The state of the drain, and the event that begins it."""

    def __init__(self) -> None:
        self.drain = Drain()
        self.has_begun = trio.Event()

    def begin(self, reason: str, timeout_s: float, *, must_restart: bool = False) -> None:
        """Begin the drain, to end within ``timeout_s``; a second call can only shorten that."""
        self.drain.begin(reason, trio.current_time(), timeout_s, must_restart=must_restart)
        self.has_begun.set()
