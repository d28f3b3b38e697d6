"""Gives the announcements of one tool server to sessions, and tells the server what was said.

Rules kept here:

* An announcement for a user goes to a session of that user and to no other.
* What is announced again although a session has it is given to no other, unless that session is gone.
* What was said is confirmed until the server knows.
"""

import contextlib
import logging
from typing import Final

import attrs
import trio

from backends.protocols import ToolConnection, ToolServerLost
from protocol.messages.inboxes import DialogueMessage
from protocol.messages.session import Announce
from protocol.messages.understanding import AnnouncementTold, ToolAnnouncement
from protocol.turns.listeners import Listeners
from runtime import Registry
from runtime.messaging.pace import Pace

log = logging.getLogger("sayso.tools")

TELL_EVERY_S: Final = 0.5  # between looks at which sessions there are; what was said is confirmed at once
GIVEN_S: Final = 600.0  # a session that has not said an announcement by then has lost it
MAX_GIVEN: Final = 1_000  # announcements that wait in sessions
MAX_CONFIRMED: Final = 100  # in one request


@attrs.frozen
class GivenAnnouncement:
    """An announcement that was given to a session."""

    session_id: str
    at_s: float
    is_said: bool = False


class AnnouncementDelivery:
    """The announcements of one server."""

    def __init__(self, server: str, sessions: Registry[DialogueMessage], listeners: Listeners) -> None:
        self._server = server
        self._sessions = sessions
        self._listeners = listeners
        self._said = trio.Event()  # set, and made anew, when an announcement was said
        self._given: dict[int, GivenAnnouncement] = {}
        """By receipt: those of which the server does not know yet that they were said."""

    def give(self, said: ToolAnnouncement) -> None:
        """Hand an announcement to a session."""
        now_s = trio.current_time()
        if said.receipts and all(self._is_given(receipt, now_s) for receipt in said.receipts):
            return
        session_id = said.session_id
        if said.user is not None:
            session_id = self._listeners.session_for(said.user, said.session_id) or ""
        dialogue = self._sessions.lookup(session_id)
        told = AnnouncementTold(self._server, said.receipts) if said.receipts else None
        if dialogue is None or not dialogue.tell_nowait(Announce(said.text, told)):
            log.info("no session for the announcement: %s", said.text, extra={"session_id": said.session_id})
            return
        for receipt in said.receipts:
            self._given.pop(receipt, None)
            self._given[receipt] = GivenAnnouncement(session_id, now_s)
        while len(self._given) > MAX_GIVEN:
            del self._given[next(iter(self._given))]

    def note_said(self, told: AnnouncementTold) -> None:
        """Note that an announcement was said."""
        for receipt in told.receipts:
            if receipt in self._given:
                self._given[receipt] = attrs.evolve(self._given[receipt], is_said=True)
        self._said.set()

    async def keep_told(self, server: ToolConnection, pace: Pace) -> None:
        """Tell a server which sessions there are, and what was said; return when it is gone."""
        version: int | None = None
        with contextlib.suppress(ToolServerLost):
            while True:
                said = tuple(receipt for receipt, given in self._given.items() if given.is_said)[:MAX_CONFIRMED]
                if said and await server.confirm_told(said):
                    for receipt in said:
                        del self._given[receipt]
                if version != self._listeners.version:
                    version = self._listeners.version
                    await server.set_listeners(self._listeners.sessions())
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._wait_said, nursery.cancel_scope)
                    await pace.wait(TELL_EVERY_S)
                    nursery.cancel_scope.cancel()
                self._said = trio.Event()

    async def _wait_said(self, waiting: trio.CancelScope) -> None:
        await self._said.wait()
        waiting.cancel()

    def _is_given(self, receipt: int, now_s: float) -> bool:
        """Return whether an announcement was said, or waits in a session that is still there."""
        given = self._given.get(receipt)
        if given is None:
            return False
        return given.is_said or (self._listeners.has(given.session_id) and now_s - given.at_s < GIVEN_S)
