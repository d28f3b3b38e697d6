"""Where a client that lost its socket finds its session again.

Rules kept here:

* A session is found by the digest of a token, and by nothing else.
* At most two tokens of a session are valid: the newest, and the one before it until the newest is used. So a client
  that never got the answer with the newest comes back with the token that it has, and is told the newest again.
* A session's entries are removed at its end, however it ends.
* A session that waits for its client ends when a newcomer needs its place (``protocol/admission/population.py``).
"""

import sys
from collections.abc import Callable
from typing import Literal

import attrs
import trio

from protocol.admission.handshakes import Handshakes
from protocol.admission.population import Population
from protocol.dialects.client_memory import ClientMemory
from protocol.dialects.session import resume_key
from protocol.messages.inboxes import ConnectionMessage
from protocol.messages.session import GiveUp
from protocol.messages.socket import Socket
from runtime import Ref, Registry

GivenUp = Literal["window", "room"]
"""Why a session does not wait for its client any more: the time is over, or a newcomer needs its place."""


@attrs.frozen
class SessionDirectory:
    """The sessions' connections, for each other."""

    resumable: Registry[ConnectionMessage] = attrs.field(factory=Registry)
    """By the keys of the tokens that their client may come back with."""
    awaited: Registry[ConnectionMessage] = attrs.field(factory=Registry)
    """By the session's id: those whose client was cut off."""
    handshakes: Handshakes[Socket] = attrs.field(factory=Handshakes)
    """Which sockets have not sent their ``connection_request`` yet."""
    population: Population = attrs.field(factory=lambda: Population(sys.maxsize))
    """All that have made their handshake, and how many there may be."""


@attrs.define(eq=False)
class Resumption:
    """One session's entries among those that are known; used by its connection."""

    directory: SessionDirectory
    memory: ClientMemory
    connection: Ref[ConnectionMessage]
    new_token: Callable[[], str]
    _is_back: trio.Event = attrs.field(factory=trio.Event, init=False)
    _is_given_up: bool = attrs.field(default=False, init=False)

    async def stay_registered(self) -> None:
        """Keep the session's entries until cancelled."""
        self._register_tokens()
        if self.memory.options is not None:
            self.directory.population.count(self.memory.session_id)
        try:
            await trio.sleep_forever()
        finally:
            self._unregister_tokens()
            self.directory.awaited.unregister(self.memory.session_id, self.connection)
            self.directory.population.forget(self.memory.session_id)

    def enter(self) -> None:
        """Count the session, which is new; end one that waits for its client if there are too many."""
        chosen = self.directory.population.admit(self.memory.session_id)
        connection = None if chosen is None else self.directory.awaited.lookup(chosen)
        if connection is not None:
            connection.signal(GiveUp())

    def lose_client(self) -> None:
        """Note that the socket is gone, and that its client may come back."""
        self.memory.detach()
        self._is_back = trio.Event()
        self.directory.awaited.register(self.memory.session_id, self.connection)
        self.directory.population.lose(self.memory.session_id, self.memory.tenant)

    async def wait_for_client(self, window_s: float) -> GivenUp | None:
        """Wait for the client that was lost; return ``None`` when it is back, else why it is waited for no longer."""
        with trio.move_on_after(window_s) as window:
            await self._is_back.wait()
        if window.cancelled_caught:
            return "window"
        return "room" if self._is_given_up else None

    def give_up(self) -> None:
        """Wait no longer, if the client is still lost."""
        if self.memory.is_lost:
            self._is_given_up = True
            self._is_back.set()

    def take_back(self, token: str) -> bool:
        """Let the client that holds ``token`` have the session; return ``False`` if the token is valid no more."""
        if token not in self.memory.valid_tokens:
            return False
        self._unregister_tokens()
        self.memory.use_token(token, self.new_token)
        self._register_tokens()
        self.directory.awaited.unregister(self.memory.session_id, self.connection)
        self.directory.population.regain(self.memory.session_id)
        self._is_given_up = False
        self._is_back.set()
        return True

    def _register_tokens(self) -> None:
        for token in self.memory.valid_tokens:
            self.directory.resumable.register(resume_key(token), self.connection)

    def _unregister_tokens(self) -> None:
        for token in self.memory.valid_tokens:
            self.directory.resumable.unregister(resume_key(token), self.connection)
