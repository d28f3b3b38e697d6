"""Announces what is due to the users who are there, and keeps it for those who are not.

Rules kept here:

* What is due is moved in one transaction from what is planned to what has to be told: of two servers with one store,
  one does so. A server that has the session which asked comes first.
* It is told to a user who has a session here, and once: it is claimed before, and forgotten when the client confirms
  that it was said. A claim that is not confirmed ends after ``CLAIM_S``, and the user is told again.
* Nothing is lost: not by a restart between any two steps, and not while nobody is there.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final, cast

import trio
from mcp.server.context import ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.session import ServerSession
from mcp_types import EmptyResult, ServerNotification

from backends.builtin import timers
from backends.builtin.owned import OwnedStore, OwnedThing, StoreBusy, StoreFailed
from backends.builtin.planned import ALARM, REMINDER, planned_of
from backends.builtin.schedules import to_json
from backends.builtin.tellings import Message, messages, telling_body
from backends.mcp.announcements import (
    IDENTIFIER,
    LISTENERS_METHOD,
    TOLD_METHOD,
    Announcement,
    AnnouncementNotification,
    ListenersParams,
    ToldParams,
)

RECHECK_S: Final = 30.0  # a sleeping machine or a corrected clock delays a timer by no more than this
SHARED_RECHECK_S: Final = 2.0  # where several servers share the store: what one of them is asked for, another may tell
BUSY_RETRY_S: Final = 1.0  # until the store is looked at again that another server has locked
ELSEWHERE_S: Final = 1.0  # what another server's session asked for is left to that server for so long
CLAIM_S: Final = 120.0  # as long as an announcement may wait for a pause, and be spoken
KINDS: Final = (timers.KIND, ALARM, REMINDER)

log = logging.getLogger("sayso.tools_server")


class Announcer(Extension):
    """The task that announces what is due, and the requests of a client that is told about it."""

    identifier = IDENTIFIER

    def __init__(
        self,
        store: OwnedStore,
        now: Callable[[], float],
        owner: str,
        zone: tzinfo | None = None,
        *,
        recheck_s: float = RECHECK_S,
    ) -> None:
        """``owner`` is this server's name in claims; ``zone`` None is the machine's.

        What another server changes in the store is seen after ``recheck_s``, in seconds.
        """
        self._store = store
        self._now = now
        self._owner = owner
        self._zone = zone
        self._recheck_s = recheck_s
        self._changed = trio.Event()
        self._listeners: Mapping[str, str] = {}
        self._session: ServerSession | None = None

    def wake(self) -> None:
        """Look again at what is due: something has changed."""
        self._changed.set()

    def methods(self) -> Sequence[MethodBinding]:
        """Return the requests that the client makes."""
        return (
            MethodBinding(LISTENERS_METHOD, ListenersParams, self._note_listeners),
            MethodBinding(TOLD_METHOD, ToldParams, self._note_told),
        )

    async def remember_session(
        self, ctx: ServerRequestContext[Any, Any], call_next: Callable[[ServerRequestContext[Any, Any]], Awaitable[Any]]
    ) -> Any:
        """Keep the connection that the last request came from: announcements go there (MCP middleware)."""
        self._session = ctx.session
        return await call_next(ctx)

    async def run(self) -> None:
        """Announce each thing when it is due; what was due before a restart counts from its own time."""
        is_released = False
        try:
            while True:
                wait_s = BUSY_RETRY_S
                try:
                    if not is_released:  # an earlier process of this server may have died before it was confirmed
                        self._store.release(self._owner)
                        is_released = True
                    next_s = self._collect()
                    for message in self._claim():
                        await self._send(message)
                    wait_s = min(self._recheck_s, max(0.0, self._until(next_s) - self._now()))
                except (StoreBusy, StoreFailed) as error:
                    log.debug("what is due is looked at again in %g s: %s", BUSY_RETRY_S, error)
                with trio.move_on_after(wait_s):
                    await self._changed.wait()
                self._changed = trio.Event()
        finally:
            self._give_up()

    async def _note_listeners(self, _: ServerRequestContext[Any, Any], params: ListenersParams) -> EmptyResult:
        self._listeners = params.sessions
        self.wake()
        return EmptyResult()

    async def _note_told(self, _: ServerRequestContext[Any, Any], params: ToldParams) -> EmptyResult:
        self._store.told(params.receipts)
        return EmptyResult()

    def _collect(self) -> float:
        """Move what is due to what has to be told; return the Unix time of the next look at the latest."""
        now_s = self._now()
        next_s = now_s + RECHECK_S
        for thing in self._store.all_things(KINDS):
            at_s = self._collected_at_s(thing, now_s)
            if at_s is None:
                continue
            if at_s > now_s:
                next_s = min(next_s, at_s)
                continue
            with self._store.changing(thing.user, can_be_undone=False) as change:
                if thing not in change.things(thing.kind):  # another server was faster, or it was changed just now
                    continue
                due_s = self._due_s(thing, now_s)
                if due_s is None:
                    continue
                change.tell(due_s, telling_body(thing))
                schedule = None if thing.kind == timers.KIND else planned_of(thing).schedule.after(max(due_s, now_s))
                if schedule is None:
                    change.remove([thing])
                else:
                    change.replace(thing, {**thing.body, "schedule": to_json(schedule)})
                    next_s = min(next_s, now_s)
            log.info("%s %d is due", thing.kind, thing.id)
        return next_s

    def _collected_at_s(self, thing: OwnedThing, now_s: float) -> float | None:
        due_s = self._due_s(thing, now_s)
        is_here = str(thing.body["session"]) in self._listeners
        return due_s if due_s is None or is_here else due_s + ELSEWHERE_S

    def _due_s(self, thing: OwnedThing, now_s: float) -> float | None:
        if thing.kind == timers.KIND:
            return timers.due_s(thing)
        return planned_of(thing).schedule.due_s(now_s, self._zone)

    def _claim(self) -> Sequence[Message]:
        """Return what is told now to the users who have a session here."""
        users = set(self._listeners.values())
        if self._session is None or not users:
            return ()
        now_s = self._now()
        claimed = self._store.claim(sorted(users), self._owner, now_s=now_s, until_s=now_s + CLAIM_S)
        return messages(claimed, now_s, self._zone)

    def _until(self, next_s: float) -> float:
        """Return when to look again: when something is due, or a claim ends."""
        users = set(self._listeners.values())
        claimed_s = self._store.waiting_until_s(sorted(users)) if users else None
        return next_s if claimed_s is None else min(next_s, max(claimed_s, self._now() + BUSY_RETRY_S))

    async def _send(self, message: Message) -> None:
        if self._session is None:
            return
        said = Announcement(
            session=message.session_id, text=message.text, user=message.user, receipts=list(message.ids)
        )
        # the SDK types its own notifications only; it sends any model that has a method and params
        notification = cast("ServerNotification", AnnouncementNotification(params=said))
        await self._session.send_notification(notification)

    def _give_up(self) -> None:
        """Let another server, or the next process, tell what was claimed and not confirmed."""
        try:
            self._store.release(self._owner)
        except (StoreBusy, StoreFailed) as error:
            log.warning("what is not confirmed is told in %g s again: %s", CLAIM_S, error)
