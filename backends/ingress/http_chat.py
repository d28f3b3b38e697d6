"""OpenAI's chat completions, ``POST /v1/chat/completions``: a text turn of a session by one request.

Rules kept here:

* The request's place is a session's, taken by its admission. A turn counts against the user's limits as any other.
* The first part is waited for before the answer begins, so that what cannot be done is an error with a status.
* A client that goes in mid-answer ends its session, and with it the turn.
"""

import secrets
import time
from collections.abc import AsyncGenerator
from typing import Final

import attrs
import trio
from quart import Response, jsonify, request

from backends.ingress.api_errors import ApiError, error_fields, error_response
from backends.ingress.chat_sessions import Chat, ChatEnded, ChatSessions
from backends.ingress.http_answers import admitted, held_for_answer
from backends.ingress.http_speech import event, stream_of
from backends.ingress.json_body import BadBody, read_json
from backends.protocols import Request
from protocol.dialects.chat.chat_answer import ChatWriter, usage
from protocol.dialects.chat.chat_dialect import AnswerPart
from protocol.dialects.chat.chat_request import BadChatRequest, ChatBody, ChatTurn, read_chat

CHAT: Final = "/v1/chat/completions"
CONVERSATION_HEADERS: Final = ("X-Conversation-Id", "X-OpenWebUI-Chat-Id")
"""The client's name of the conversation; the second is Open WebUI's, if it passes on who asks."""
ANSWER_TIMEOUT_S: Final = 120.0  # longer than any turn: a lost session must not hold a request
RETRY_AFTER_S: Final = 1.0
ENDED: Final = "the session ended before its answer"
DONE: Final = b"data: [DONE]\n\n"


@attrs.frozen
class ChatApi:
    """The route."""

    sessions: ChatSessions

    async def complete(self) -> Response:
        """Answer the last message."""
        try:
            return await self._answered()
        except ApiError as error:
            return error_response(error)

    async def _answered(self) -> Response:
        named = next((request.headers[name] for name in CONVERSATION_HEADERS if request.headers.get(name)), None)
        wanted = chat_turn(await request.get_data(as_text=False), named)
        verdict = admitted()
        if verdict.returning_only is not None:  # there is no place for a new session
            told = verdict.returning_only
            raise ApiError(503, told.reason, None, told.retry_after_ms / 1000)
        head = Request(request.method, CHAT, {}, {}, verdict.identity.peer)
        try:
            exchange = ChatExchange(self.sessions, self.sessions.begin(wanted, head, verdict), wanted)
        except ChatEnded:
            raise ApiError(503, "no session can be opened now", None, RETRY_AFTER_S) from None
        held_for_answer().callback(exchange.end)
        writer = ChatWriter(f"chatcmpl-{secrets.token_hex(12)}", int(time.time()))
        await exchange.begin()
        first = await exchange.next_part()
        if wanted.is_streamed:
            return stream_of(_events(writer, exchange, first), "text/event-stream")
        text = first.text
        while not exchange.is_over:
            text += (await exchange.next_part()).text
        return jsonify(writer.completion(text, usage(wanted.prompt_chars, len(text))))


@attrs.define
class ChatExchange:
    """One text and its answer."""

    sessions: ChatSessions
    chat: Chat
    wanted: ChatTurn
    is_over: bool = attrs.field(default=False, init=False)
    """Whether the last part has come, or the client has gone."""
    _deadline_s: float = attrs.field(default=0.0, init=False)

    def end(self) -> None:
        """End the session, or keep it for the answer to its question; once."""
        if not self.is_over:
            self.is_over = True
            self.sessions.end(self.chat, self.wanted)

    async def begin(self) -> None:
        """Say the text; raises ``ApiError``."""
        self._deadline_s = trio.current_time() + ANSWER_TIMEOUT_S
        try:
            await self.chat.say(self.wanted.text)
        except ChatEnded:
            raise ApiError(503, ENDED, None, RETRY_AFTER_S) from None

    async def next_part(self) -> AnswerPart:
        """Return the next part of the answer; raises ``ApiError``. With the last one the exchange is over."""
        try:
            with trio.fail_at(self._deadline_s):
                part = await self.chat.next_part()
        except ChatEnded:
            raise ApiError(503, ENDED, None, RETRY_AFTER_S) from None
        except trio.TooSlowError:
            raise ApiError(503, f"no answer within {ANSWER_TIMEOUT_S:g} s", None, RETRY_AFTER_S) from None
        if part.is_last:
            self.end()
        if part.error is not None:
            raise ApiError(part.error.status, part.error.message, None, part.error.retry_after_s)
        return part


def chat_turn(data: str | bytes, named: str | None) -> ChatTurn:
    """Return what a request asks for, in the conversation that a header has ``named``; raises ``ApiError``."""
    try:
        body = read_json(data, ChatBody)
    except BadBody as error:
        raise ApiError(400, f"the body must be JSON with model and messages: {error}", "messages") from error
    try:
        return read_chat(body, named)
    except BadChatRequest as error:
        raise ApiError(error.status, str(error), error.param, code=error.code) from error


async def _events(writer: ChatWriter, exchange: ChatExchange, first: AnswerPart) -> AsyncGenerator[bytes]:
    """Yield OpenAI's events of an answer."""
    wanted, answer_chars = exchange.wanted, len(first.text)
    yield event(writer.chunk({"role": "assistant", "content": first.text}))
    try:
        while not exchange.is_over:
            part = await exchange.next_part()
            answer_chars += len(part.text)
            if part.text:
                yield event(writer.chunk({"content": part.text}))
    except ApiError as error:
        yield event({"error": error_fields(error)})
        return
    yield event(writer.chunk({}, is_last=True))
    if wanted.wants_usage:
        yield event(writer.usage_chunk(usage(wanted.prompt_chars, answer_chars)))
    yield DONE
