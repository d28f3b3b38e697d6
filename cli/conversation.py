"""One conversation of ``sayso say``: sends input and shows events, until every turn has ended.

Rules kept here:

* Sending and receiving run concurrently; the first ``ClientError`` of either ends both.
* ``TurnProgress`` is pure: it decides from events alone whether anything is still to come.
"""

import math
from collections.abc import Awaitable, Callable

import attrs
import trio

from cli.access import NO_ACCESS, ServerAccess
from sayso_client import (
    ClientError,
    ClientOptions,
    ClientSession,
    ConfirmRequest,
    Event,
    Received,
    SpeechAudioEnd,
    SpeechAudioStart,
    SpeechStarted,
    TurnCompleted,
    connect,
)

Feed = Callable[[ClientSession], Awaitable[None]]


@attrs.define
class TurnProgress:
    """Which turns are open, and how the others ended."""

    outcomes: list[str] = attrs.field(factory=list)
    _open_turns: set[str] = attrs.field(factory=set)
    _is_answering: bool = False

    def take(self, event: Event) -> None:
        """Note what ``event`` changes."""
        match event:
            case SpeechStarted(turn_id=turn_id):
                self._open_turns.add(turn_id)
            case TurnCompleted(turn_id=turn_id, outcome=outcome):
                self._open_turns.discard(turn_id)
                self.outcomes.append(outcome)
            case SpeechAudioStart():
                self._is_answering = True
            case SpeechAudioEnd():
                self._is_answering = False

    @property
    def has_begun(self) -> bool:
        """Whether the server has detected speech or begun a turn."""
        return bool(self.outcomes or self._open_turns)

    @property
    def is_complete(self) -> bool:
        """Whether at least one turn has ended and nothing goes on."""
        return bool(self.outcomes) and not self._open_turns and not self._is_answering


@attrs.frozen
class WaitTimes:
    """Deadlines of a conversation, in seconds."""

    turns_s: float
    """For all turns to end."""
    after_s: float = 0.0
    """For events after that, such as a timer's announcement."""
    speech_s: float = math.inf
    """For the server to detect speech after the last sample was sent; not used for a typed command."""


@attrs.define
class Conversation:
    """Runs a conversation; ``show`` gets every event and every piece of speech as it arrives."""

    url: str
    options: ClientOptions
    feed: Feed
    show: Callable[[Received], None]
    approve: Callable[[ConfirmRequest], Awaitable[bool]]
    patience: WaitTimes
    access: ServerAccess = NO_ACCESS
    is_live: bool = False
    """Whether ``feed`` never ends by itself, so that the first turn's end is the end."""
    _progress: TurnProgress = attrs.field(init=False, factory=TurnProgress)
    _has_sent: bool = attrs.field(init=False, default=False)
    _over: trio.Event = attrs.field(init=False, factory=trio.Event)
    _failed: trio.Event = attrs.field(init=False, factory=trio.Event)
    _failure: ClientError | None = attrs.field(init=False, default=None)

    async def run(self) -> list[str]:
        """Return the outcomes of all turns; raises ``ClientError`` and ``BadAccess``."""
        context = await trio.to_thread.run_sync(self.access.ssl_context, self.url)
        async with connect(
            self.url, self.options, reconnect=None, headers=self.access.headers, ssl_context=context
        ) as session:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._until_failure, self._say, session)
                nursery.start_soon(self._until_failure, self._listen, session)
                await self._ended()
                nursery.cancel_scope.cancel()
            if self._failure is not None:
                raise self._failure
            await session.bye()
        return self._progress.outcomes

    async def _ended(self) -> None:
        """Wait until every turn has ended, and for the further time in ``WaitTimes``."""
        with trio.move_on_after(self.patience.turns_s) as limit:
            await self._over.wait()
        if limit.cancelled_caught:
            self._fail(ClientError(f"the turn did not end within {self.patience.turns_s:g} s (--timeout)"))
        with trio.move_on_after(self.patience.after_s):
            await self._failed.wait()

    async def _until_failure(self, task: Callable[[ClientSession], Awaitable[None]], session: ClientSession) -> None:
        try:
            await task(session)
        except ClientError as error:
            self._fail(error)

    def _fail(self, error: ClientError) -> None:
        self._failure = self._failure or error
        self._failed.set()
        self._over.set()

    async def _say(self, session: ClientSession) -> None:
        await self.feed(session)
        self._has_sent = True
        self._look()
        await trio.sleep(self.patience.speech_s)
        if not self._progress.has_begun:
            missed = f'did not hear "{self.options.wake}"' if self.options.wake else "heard no speech"
            raise ClientError(f"the server {missed} in what was sent")

    async def _listen(self, session: ClientSession) -> None:
        while True:
            received = await session.receive_frame()
            self.show(received)
            self._progress.take(received.event)
            self._look()
            if isinstance(received.event, ConfirmRequest):
                await session.confirm(received.event.call_id, approve=await self.approve(received.event))

    def _look(self) -> None:
        if (self._has_sent or self.is_live) and self._progress.is_complete:
            self._over.set()
