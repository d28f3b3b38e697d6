"""Streams parts of an answer: a channel in the message, and a task of the asker that receives them.

Rules kept here:

* The parts are received in order, one at a time, in the asker's own task: none of its code runs in the other actor.
* There is no buffer: the sender of a part waits until it is received, so a slow reader slows the sender down.
* The call ends when the answer is there and all parts were received. Later parts are dropped, as a late answer
  is.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar

import attrs
import trio

from runtime.messaging.errors import AskError, MailboxError

Part = TypeVar("Part")
Answer = TypeVar("Answer")


@attrs.frozen(eq=False)
class PartSender(Generic[Part]):
    """The end of the channel that travels in a message."""

    _channel: trio.MemorySendChannel[Part]

    async def send(self, part: Part, /) -> None:
        """Wait until the asker receives ``part``; drop it if the asker has gone."""
        with suppress(trio.ClosedResourceError, trio.BrokenResourceError):
            await self._channel.send(part)


async def ask_streaming(
    ask: Callable[[PartSender[Part]], Awaitable[Answer]], take: Callable[[Part], Awaitable[None]]
) -> Answer:
    """Return the result of ``ask(sender)``, and pass the parts sent to ``sender`` to ``take`` meanwhile.

    Raises the ``AskError`` or ``MailboxError`` of ``ask``, after all that came before it has been taken; another
    exception of ``ask`` or ``take`` comes in an ``ExceptionGroup``.

    Example::

        async def ask(text: PartSender[str]) -> Generation:
            return await inference.ask(Generate(session_id, messages, text), linked=True)

        generation = await ask_streaming(ask, show)
    """
    send, receive = trio.open_memory_channel[Part](0)

    async def take_all() -> None:
        async for part in receive:
            await take(part)

    failure: AskError | MailboxError
    async with receive, trio.open_nursery() as nursery:
        nursery.start_soon(take_all)
        async with send:  # its end is what ``take_all`` waits for
            try:
                return await ask(PartSender(send))
            except (AskError, MailboxError) as error:
                failure = error
    raise failure
