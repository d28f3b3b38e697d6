"""Conversations behind chat completions: how long each lives, and who may answer a question."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from backends.ingress.chat_sessions import MAX_WAITING, SEND_TIMEOUT_S, Chat, ChatEnded, ChatSessions, name_of
from backends.protocols import Admitted, Request
from protocol.admission.identity import identity_of
from protocol.dialects.chat.chat_request import ChatTurn
from protocol.dialects.dialect import ClientLink
from protocol.messages import events
from protocol.messages.events import LatencyMs
from protocol.messages.socket import SocketClosed
from tests.backends.ingress.ingress_fixtures import FakeHandlers

HEAD = Request("POST", "/v1/chat/completions", {}, {}, "192.0.2.1:5000")
ADMITTED = Admitted(identity_of(HEAD.peer, {}))


@attrs.define(eq=False)
class Answering(FakeHandlers):
    """Answers each text of each session with its number; what ends with a question mark is asked."""

    links: list[ClientLink] = attrs.field(factory=list)
    ended: list[int] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        super().__init__()

    async def serve_client(self, client: ClientLink, request: Request, admitted: Admitted) -> None:
        self.links.append(client)
        number = 0
        while True:
            try:
                text = str(await client.socket.receive())
            except SocketClosed as closed:
                self.ended.append(closed.code)
                return
            client.dialect.decode(text)
            number += 1
            reply = events.Reply(f"t{number}", f"{number}: {text}")
            asks: list[events.ServerEvent] = [events.Question(f"t{number}", "?", 15.0)] if text.endswith("?") else []
            for event in (reply, *asks, events.TurnCompleted(f"t{number}", "done", LatencyMs())):
                await client.send(event, 1)


@asynccontextmanager
async def running() -> AsyncIterator[tuple[ChatSessions, Answering]]:
    handlers = Answering()
    sessions = ChatSessions(handlers)
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: sessions.serve(task_status=task_status))
        yield sessions, handlers
        await sessions.stop()


def wanted(text: str, last_answer: str = "", name: str | None = "c1") -> ChatTurn:
    return ChatTurn(text=text, turns=(("before", last_answer),) if last_answer else (), conversation=name)


async def say(sessions: ChatSessions, turn: ChatTurn, admitted: Admitted = ADMITTED) -> tuple[Chat, str]:
    chat = sessions.begin(turn, HEAD, admitted)
    await chat.say(turn.text)
    while not (await chat.next_part()).is_last:
        pass
    text = chat.answer
    sessions.end(chat, turn)
    await wait_all_tasks_blocked()
    return chat, text


async def test_a_session_is_made_for_a_request_and_ends_with_it(autojump_clock: MockClock) -> None:
    async with running() as (sessions, handlers):
        first, text = await say(sessions, wanted("hello"))
        assert text == "1: hello"
        assert handlers.ended == [1000]
        second, _ = await say(sessions, wanted("hello", "1: hello"))
        assert second is not first


async def test_what_was_said_before_is_what_the_client_says_it_was(autojump_clock: MockClock) -> None:
    async with running() as (sessions, handlers):
        await say(sessions, ChatTurn(text="bye", turns=(("hi", "Hello!"),), instructions="Be brief."))
    assert handlers.links[0].turns == (("hi", "Hello!"),)
    assert handlers.links[0].dialect.open().instructions == "Be brief."


async def test_a_question_is_answered_in_the_session_that_has_asked(autojump_clock: MockClock) -> None:
    async with running() as (sessions, handlers):
        first, question = await say(sessions, wanted("set a timer?"))
        assert handlers.ended == []
        second, text = await say(sessions, wanted("ten minutes", question))
        assert second is first
        assert text == "2: ten minutes"
        assert handlers.ended == [1000]


@pytest.mark.parametrize(
    ("turn", "admitted"),
    [
        (wanted("yes", "something else"), ADMITTED),
        (wanted("yes", "1: open?", name="c2"), ADMITTED),
        (wanted("yes", "1: open?", name=None), ADMITTED),
        (wanted("yes", "1: open?"), Admitted(identity_of("192.0.2.9:5000", {}))),
        (wanted("yes", "1: open?"), Admitted(attrs.evolve(ADMITTED.identity, user="bob"))),
    ],
)
async def test_a_question_is_answered_by_nobody_else_and_by_nothing_else(
    turn: ChatTurn, admitted: Admitted, autojump_clock: MockClock
) -> None:
    async with running() as (sessions, _):
        first, question = await say(sessions, wanted("open?"))
        assert question == "1: open?"
        second, text = await say(sessions, turn, admitted)
        assert second is not first
        assert text == "1: yes"


async def test_a_question_that_is_not_answered_ends_its_session_in_time(autojump_clock: MockClock) -> None:
    async with running() as (sessions, handlers):
        await say(sessions, wanted("open?"))
        await trio.sleep(14.0)
        assert handlers.ended == []
        await trio.sleep(2.0)
        assert handlers.ended == [1000]


async def test_without_a_name_a_question_is_not_kept(autojump_clock: MockClock) -> None:
    async with running() as (sessions, handlers):
        await say(sessions, wanted("open?", name=None))
        assert handlers.ended == [1000]


async def test_of_too_many_questions_the_oldest_is_dropped(autojump_clock: MockClock) -> None:
    async with running() as (sessions, handlers):
        for number in range(MAX_WAITING + 1):
            await say(sessions, wanted("open?", name=f"c{number}"))
        assert handlers.ended == [1000]
        again, _ = await say(sessions, wanted("yes", "1: open?", name="c0"))
        assert again.answer == "1: yes"


async def test_a_second_question_of_one_conversation_replaces_the_first(autojump_clock: MockClock) -> None:
    async with running() as (sessions, handlers):
        await say(sessions, wanted("open?"))
        await say(sessions, wanted("close?"))
        assert handlers.ended == [1000]
        _, text = await say(sessions, wanted("yes", "1: close?"))
        assert text == "2: yes"


async def test_a_session_that_ends_before_its_answer_is_told(autojump_clock: MockClock) -> None:
    async with running() as (sessions, handlers):
        chat = sessions.begin(wanted("hello"), HEAD, ADMITTED)
        await wait_all_tasks_blocked()
        handlers.links[0].socket.start_close(1011, "")
        with pytest.raises(ChatEnded):
            await chat.say("hello")
    assert await handlers.links[0].socket.wait_closed() == 1011
    with pytest.raises(ChatEnded):
        sessions.begin(wanted("hello"), HEAD, ADMITTED)


async def test_a_client_that_takes_nothing_holds_its_session_up_for_a_time(autojump_clock: MockClock) -> None:
    async with running() as (sessions, handlers):
        sessions.begin(wanted("hello"), HEAD, ADMITTED)
        await wait_all_tasks_blocked()
        socket, began_s = handlers.links[0].socket, trio.current_time()

        async def talk() -> None:
            for _ in range(1_000):
                await socket.send('{"text": "x"}')

        with pytest.raises(SocketClosed):
            await talk()
        assert trio.current_time() - began_s == pytest.approx(SEND_TIMEOUT_S)
        assert socket.drop_speech() == 0
        with pytest.raises(SocketClosed):
            await socket.send_speech('{"text": "x"}')


def test_a_name_belongs_to_a_user() -> None:
    assert name_of(wanted("x", name=None), ADMITTED.identity) is None
    assert name_of(wanted("x"), ADMITTED.identity) != name_of(wanted("x"), attrs.evolve(ADMITTED.identity, user="bob"))
