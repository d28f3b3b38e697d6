"""Sessions behind ``/v1/chat/completions``: one for each request, kept only while a question can be answered.

Rules kept here:

* A session lives as long as its request. One that has asked something stays until the question is answered or expires,
  if its client names the conversation; of too many, the one that waits longest ends.
* A question is answered by the same user, under the same name, in a request whose last answer is that question.
* What a slow client does not take holds its session up, and for ``SEND_TIMEOUT_S`` at most.
"""

import logging
from collections.abc import Sequence
from typing import Final

import attrs
import trio

from backends.ingress.closable_socket import ABNORMAL, NORMAL, ClosableSocket
from backends.ingress.containment import contained
from backends.protocols import Admitted, IngressHandlers, Request
from protocol.dialects.chat.chat_dialect import AnswerPart, ChatDialect, read_part
from protocol.dialects.chat.chat_request import ChatTurn
from protocol.dialects.dialect import ClientLink
from protocol.messages.identity import Identity

log = logging.getLogger("sayso.http")

MAX_PARTS: Final = 64  # of an answer that wait for the client
MAX_WAITING: Final = 64  # conversations in which something was asked
SEND_TIMEOUT_S: Final = 30.0
STOP_GRACE_S: Final = 2.0

ChatName = tuple[str, str, str]
"""Tenant, user, and the client's name of the conversation."""


class ChatEnded(Exception):
    """The session has ended before its answer."""


class ChatSocket(ClosableSocket):
    """A ``Socket`` within this process."""

    def __init__(self, identity: Identity) -> None:
        super().__init__(identity)
        self._texts, self._received = trio.open_memory_channel[str](1)
        self._sent, self.parts = trio.open_memory_channel[AnswerPart](MAX_PARTS)

    # --- for the session -------------------------------------------------------------------------

    async def receive(self) -> str | bytes:
        """Return the next text; raises ``SocketClosed``."""
        try:
            return await self._received.receive()
        except (trio.EndOfChannel, trio.ClosedResourceError):
            raise self._closed_now() from None

    async def send(self, frame: str | bytes) -> None:
        """Hand a part of an answer on; raises ``SocketClosed``."""
        try:
            with trio.fail_after(SEND_TIMEOUT_S):
                await self._sent.send(read_part(frame))
        except (trio.ClosedResourceError, trio.BrokenResourceError, trio.TooSlowError):
            self._close(ABNORMAL)
            raise self._closed_now() from None

    # --- for the request -------------------------------------------------------------------------

    async def say(self, text: str) -> None:
        """Give the session a text; raises ``ChatEnded``."""
        try:
            await self._texts.send(text)
        except (trio.ClosedResourceError, trio.BrokenResourceError):
            raise ChatEnded from None

    def leave(self) -> None:
        """Close from the client's side."""
        self._close(NORMAL, is_from_peer=True)

    def release(self) -> None:
        """End both directions."""
        self._received.close()
        self._texts.close()
        self._sent.close()


@attrs.define(eq=False)
class Chat:
    """One conversation, while a request or a question needs it."""

    socket: ChatSocket
    answer: str = ""
    """What was answered last."""
    open_for_s: float = 0.0
    """For how long a question that was asked may be answered."""

    async def say(self, text: str) -> None:
        """Begin with a text; raises ``ChatEnded``."""
        self.answer, self.open_for_s = "", 0.0
        await self.socket.say(text)

    async def next_part(self) -> AnswerPart:
        """Return the next part of the answer to the last text; raises ``ChatEnded``."""
        try:
            part = await self.socket.parts.receive()
        except trio.EndOfChannel:
            raise ChatEnded from None
        self.answer += part.text
        self.open_for_s = part.open_for_s
        return part


class ChatSessions:
    """The conversations of all requests; an ``Ingress`` without a port. ``serve`` may be called once."""

    def __init__(self, handlers: IngressHandlers) -> None:
        self._handlers = handlers
        self._waiting: dict[ChatName, Chat] = {}
        self._nursery: trio.Nursery | None = None
        self._ended: trio.Event | None = None

    async def serve(self, *, task_status: trio.TaskStatus[Sequence[tuple[str, int]]]) -> None:
        """Run the sessions until stopped or cancelled."""
        self._ended = trio.Event()
        try:
            async with trio.open_nursery() as self._nursery:
                task_status.started(())
                await trio.sleep_forever()
        finally:
            self._nursery = None
            self._ended.set()

    async def stop(self) -> None:
        """End all of them."""
        if self._nursery is not None and self._ended is not None:
            self._nursery.cancel_scope.cancel()
            with trio.move_on_after(STOP_GRACE_S):
                await self._ended.wait()

    def begin(self, wanted: ChatTurn, request: Request, admitted: Admitted) -> Chat:
        """Return the conversation in which the user was asked, or a new one; raises ``ChatEnded`` if none can be."""
        name = name_of(wanted, admitted.identity)
        chat = self._waiting.get(name) if name is not None else None
        if name is not None and chat is not None and chat.answer.strip() == wanted.last_answer.strip():
            del self._waiting[name]
            return chat
        if self._nursery is None:
            raise ChatEnded
        socket = ChatSocket(admitted.identity)
        link = ClientLink(socket, ChatDialect(wanted.instructions), wanted.turns)
        self._nursery.start_soon(self._run, link, request, admitted)
        return Chat(socket)

    def end(self, chat: Chat, wanted: ChatTurn) -> None:
        """End a conversation, or keep it for the answer to its question."""
        name = name_of(wanted, chat.socket.identity)
        if name is None or not chat.open_for_s or self._nursery is None:
            chat.socket.leave()
            return
        before = self._waiting.pop(name, None)
        if before is not None:
            before.socket.leave()
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.pop(next(iter(self._waiting))).socket.leave()
        self._waiting[name] = chat
        self._nursery.start_soon(self._expire, name, chat, chat.open_for_s)

    async def _expire(self, name: ChatName, chat: Chat, open_for_s: float) -> None:
        with trio.move_on_after(open_for_s):
            await chat.socket.wait_closed()
        if self._waiting.get(name) is chat:
            del self._waiting[name]
            chat.socket.leave()

    async def _run(self, client: ClientLink, request: Request, admitted: Admitted) -> None:
        what = f"a chat of {request.peer}"
        await contained(log, what, self._handlers.serve_client, client, request, admitted)
        client.socket.start_close(NORMAL, "")


def name_of(wanted: ChatTurn, identity: Identity) -> ChatName | None:
    """Return the name by which a conversation is found again; ``None`` if its client has given none."""
    return None if wanted.conversation is None else (identity.tenant, identity.user, wanted.conversation)
