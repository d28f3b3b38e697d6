"""Resumption: how a client that lost its socket finds its session again.

Rules kept here:

* A session is found by the digest of a token, and by nothing else. It goes back to its own user only.
* At most two tokens of a session are valid: the newest, and the one before it until the newest is used. So a client
  that never got the answer with the newest comes back with the token that it has, and is told the newest again.
* A session's entries are removed at its end, however it ends.
* A session that waits for its client ends when a newcomer needs its place (``protocol/admission/population.py``).
* A client whose dialect has no way to come back is not waited for, and its session is not found.
"""

import logging
from collections.abc import Callable
from typing import Literal

import attrs
import trio

from actors.connection.context import ConnectionContext
from protocol.admission.keys import may_resume
from protocol.dialects.attach import Attach, ConnectionMessage
from protocol.dialects.client_memory import ClientMemory
from protocol.dialects.session import resume_key
from protocol.messages.errors import CloseCode
from protocol.messages.events import ConnectionRequest
from protocol.messages.session import Configured, GiveUp
from runtime import ActorDied, ActorUnavailable, AskError, MailboxClosed, MailboxError, Ref

HAND_OVER_S = 10.0  # the session may be in the middle of a send, which gives up after 5 s

log = logging.getLogger("sayso.connection")

GivenUp = Literal["window", "room"]
"""Why a session stops waiting for its client: the window is over, or a new session needs its place."""


@attrs.define(eq=False)
class Resumption:
    """One session's entries in the directory, and how its client finds another session by them."""

    context: ConnectionContext
    connection: Ref[ConnectionMessage]
    new_token: Callable[[], str]
    _is_back: trio.Event = attrs.field(factory=trio.Event, init=False)
    _is_given_up: bool = attrs.field(default=False, init=False)

    @property
    def _memory(self) -> ClientMemory:
        return self.context.memory

    @property
    def _owner(self) -> str | None:
        checkpoint = self.context.moves.checkpoint
        return None if checkpoint is None else checkpoint.owner

    async def stay_registered(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep the session's entries until cancelled."""
        self._register_tokens()
        if self._owner is not None:
            self.context.directory.owned.register(self._owner, self.connection)
        if self._memory.options is not None:
            self.context.directory.population.count(self._memory.session_id)
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            self._unregister_tokens()
            if self._owner is not None:
                self.context.directory.owned.unregister(self._owner, self.connection)
            self.context.directory.awaited.unregister(self._memory.session_id, self.connection)
            self.context.directory.population.forget(self._memory.session_id)

    def enter(self) -> None:
        """Count the session, which is new; end one that waits for its client if there are too many."""
        chosen = self.context.directory.population.admit(self._memory.session_id)
        connection = None if chosen is None else self.context.directory.awaited.lookup(chosen)
        if connection is not None:
            connection.signal(GiveUp())

    def lose_client(self) -> None:
        """Note that the socket is gone, and that its client may come back."""
        self._memory.detach()
        self._is_back = trio.Event()
        self.context.directory.awaited.register(self._memory.session_id, self.connection)
        self.context.directory.population.lose(self._memory.session_id, self._memory.tenant)

    async def wait_for_client(self, window_s: float) -> GivenUp | None:
        """Wait for the lost client; return ``None`` when it is back, else why the wait was given up."""
        with trio.move_on_after(window_s) as window:
            await self._is_back.wait()
        if window.cancelled_caught:
            return "window"
        return "room" if self._is_given_up else None

    def give_up(self) -> None:
        """Stop waiting, if the client is still lost."""
        if self._memory.is_lost:
            self._is_given_up = True
            self._is_back.set()

    def take_back(self, token: str, user: str) -> bool:
        """Give the session to the client of ``user`` with ``token``; return ``False`` if it is not to have it."""
        if token not in self._memory.valid_tokens:
            return False
        if not may_resume(self._memory.user, user):
            log.warning("another user came with the token of a session", extra={"session_id": self._memory.session_id})
            return False
        self._unregister_tokens()
        self._memory.use_token(token, self.new_token)
        self._register_tokens()
        self.context.directory.awaited.unregister(self._memory.session_id, self.connection)
        self.context.directory.population.regain(self._memory.session_id)
        self._is_given_up = False
        self._is_back.set()
        return True

    async def hand_over(self, request: ConnectionRequest) -> bool:
        """Give the client to the session that it resumes; return ``False`` if that has ended.

        A client that was handed over is at this session no more, whose ``memory.link`` is ``None`` then.
        """
        session = self._find(request)
        if session is None and request.resume is not None:
            await self.context.moves.revive(request)
            session = self._find(request)
        link = self._memory.link
        if session is None or link is None:
            return False
        try:
            await self.context.peers.dialogue.ask(Configured(request))  # all have started
            if not await session.ask(Attach(link, request), timeout_s=HAND_OVER_S):
                return False
        except (ActorDied, ActorUnavailable, MailboxClosed):
            return False
        except (AskError, MailboxError) as error:
            log.warning("a client could not be handed over: %s", error)
            link.socket.start_close(CloseCode.TRY_AGAIN_LATER, "the session does not answer")
        else:
            self._memory.link = None
        return True

    def _find(self, request: ConnectionRequest) -> Ref[ConnectionMessage] | None:
        key = "" if request.resume is None else resume_key(request.resume.token)
        return self.context.directory.resumable.lookup(key)

    def _register_tokens(self) -> None:
        if not self._memory.may_resume:
            return
        for token in self._memory.valid_tokens:
            self.context.directory.resumable.register(resume_key(token), self.connection)

    def _unregister_tokens(self) -> None:
        for token in self._memory.valid_tokens:
            self.context.directory.resumable.unregister(resume_key(token), self.connection)
