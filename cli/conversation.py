"""One conversation of ``sayso say``: what is said goes out, what comes back is shown, until every turn has ended.

Rules kept here:

* Sending and receiving go on side by side; the first ``ClientError`` of either ends both.
* ``TurnProgress`` is pure: it decides from events alone whether anything is still to come.
"""

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs
import trio

from cli.client import Event, Opening, Talk, connect
from sayso_client import ClientError

Feed = Callable[[Talk], Awaitable[None]]


@attrs.define
class TurnProgress:
    """Which turns are open, and how the others ended."""

    outcomes: list[str] = attrs.field(factory=list)
    _open_turns: set[str] = attrs.field(factory=set)
    _is_answering: bool = False

    def take(self, event: Event) -> None:
        """Note what ``event`` changes."""
        match event.type:
            case "speech_started":
                self._open_turns.add(event.data["turn_id"])
            case "turn_completed":
                self._open_turns.discard(event.data["turn_id"])
                self.outcomes.append(event.data["outcome"])
            case "speech_audio_start":
                self._is_answering = True
            case "speech_audio_end":
                self._is_answering = False

    @property
    def has_begun(self) -> bool:
        """Whether the server has heard anything."""
        return bool(self.outcomes or self._open_turns)

    @property
    def is_complete(self) -> bool:
        """Whether at least one turn has ended and nothing goes on."""
        return bool(self.outcomes) and not self._open_turns and not self._is_answering


@attrs.frozen
class WaitTimes:
    """How long to wait for what, in seconds."""

    turns_s: float
    """For all turns to end."""
    after_s: float = 0.0
    """For what may come after that, such as a timer that speaks up."""
    speech_s: float = math.inf
    """For speech to begin after the last sample was sent; a typed command waits for none."""


@attrs.define
class Conversation:
    """Runs one; ``show`` gets every event and every piece of speech as it comes."""

    url: str
    opening: Opening
    feed: Feed
    show: Callable[[Event | bytes], None]
    approve: Callable[[Mapping[str, Any]], Awaitable[bool]]
    patience: WaitTimes
    is_live: bool = False
    """Whether ``feed`` never ends by itself, so that the first turn's end is the end."""
    _progress: TurnProgress = attrs.field(init=False, factory=TurnProgress)
    _has_sent: bool = attrs.field(init=False, default=False)
    _over: trio.Event = attrs.field(init=False, factory=trio.Event)
    _failed: trio.Event = attrs.field(init=False, factory=trio.Event)
    _failure: ClientError | None = attrs.field(init=False, default=None)

    async def run(self) -> list[str]:
        """Return the outcomes of all turns; raises ``ClientError``."""
        async with connect(self.url, self.opening) as (talk, first):
            self.show(first)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._until_failure, self._say, talk)
                nursery.start_soon(self._until_failure, self._listen, talk)
                await self._ended()
                nursery.cancel_scope.cancel()
            if self._failure is not None:
                raise self._failure
            await talk.send("bye")
        return self._progress.outcomes

    async def _ended(self) -> None:
        """Wait until all that was said is answered, and as much longer as was asked for."""
        with trio.move_on_after(self.patience.turns_s) as limit:
            await self._over.wait()
        if limit.cancelled_caught:
            self._fail(ClientError(f"the turn did not end within {self.patience.turns_s:g} s (--timeout)"))
        with trio.move_on_after(self.patience.after_s):
            await self._failed.wait()

    async def _until_failure(self, task: Callable[[Talk], Awaitable[None]], talk: Talk) -> None:
        try:
            await task(talk)
        except ClientError as error:
            self._fail(error)

    def _fail(self, error: ClientError) -> None:
        self._failure = self._failure or error
        self._failed.set()
        self._over.set()

    async def _say(self, talk: Talk) -> None:
        await self.feed(talk)
        self._has_sent = True
        self._look()
        await trio.sleep(self.patience.speech_s)
        if not self._progress.has_begun:
            raise ClientError("the server heard no speech in what was sent")

    async def _listen(self, talk: Talk) -> None:
        while True:
            event = await talk.receive()
            self.show(event)
            if isinstance(event, Event):
                self._progress.take(event)
                self._look()
                await self._answer(talk, event)

    def _look(self) -> None:
        if (self._has_sent or self.is_live) and self._progress.is_complete:
            self._over.set()

    async def _answer(self, talk: Talk, event: Event) -> None:
        if event.type == "confirm_request":
            await talk.send("confirm", call_id=event.data["call_id"], approve=await self.approve(event.data))
