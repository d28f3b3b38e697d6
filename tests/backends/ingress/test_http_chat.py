"""Chat completions, asked through the whole port."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import httpx2
import pytest
import trio
import trio.lowlevel

from backends.ingress.chat_sessions import ChatSessions
from backends.ingress.http_app import HttpServices, make_app
from backends.ingress.http_chat import CHAT
from backends.ingress.http_commands import CommandRoute
from backends.ingress.http_history import HistoryRoutes
from backends.protocols import Admitted, Request
from protocol.dialects.dialect import ClientLink
from protocol.messages import events
from protocol.messages.events import LatencyMs
from protocol.messages.socket import SocketClosed
from tests.backends.ingress.ingress_fixtures import FakeHandlers, serving
from tests.backends.ingress.test_http_audio import NO_MODELS, Server, nothing
from tests.fakes import Notes

HELLO = {"model": "sayso", "messages": [{"role": "user", "content": "hello"}]}


@attrs.define(eq=False)
class Talking(FakeHandlers):
    """Tells each text the same events, and then that its turn is over; an empty list is a session that ends."""

    told: tuple[events.ServerEvent, ...] = (events.ReplyDelta("t1", "Good "), events.Reply("t1", "Good day."))
    holds: bool = False
    """Whether the turn goes on until its client is gone."""
    identities: list[str] = attrs.field(factory=list)
    ended: Notes[int] = attrs.field(factory=Notes)

    def __attrs_post_init__(self) -> None:
        super().__init__()

    async def serve_client(self, client: ClientLink, request: Request, admitted: Admitted) -> None:
        self.identities.append(admitted.identity.address)
        try:
            while True:
                client.dialect.decode(await client.socket.receive())
                if not self.told:
                    return
                for event in self.told:
                    await client.send(event, 1)
                if self.holds:
                    await client.socket.receive()
                await client.send(events.TurnCompleted("t1", "done", LatencyMs()), 1)
        except SocketClosed as closed:
            self.ended.add(closed.code)


@asynccontextmanager
async def running(handlers: Talking) -> AsyncIterator[httpx2.AsyncClient]:
    services = HttpServices(
        HistoryRoutes(nothing, nothing, nothing), nothing, "1", lambda _: {}, dict, NO_MODELS, CommandRoute(tuple)
    )
    chats = ChatSessions(handlers)
    app = make_app(services, Server().services(), chats)
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: chats.serve(task_status=task_status))
        listening = serving(handlers, app=app, turns=frozenset({CHAT}))
        async with listening as listener, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{listener.port}") as client:
            yield client
        await chats.stop()


def deltas(answer: httpx2.Response) -> list[Any]:
    """Return the events of a stream; the last one is no JSON."""
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


async def test_the_last_message_is_answered_in_a_place_of_its_own() -> None:
    handlers = Talking()
    async with running(handlers) as client:
        answer = await client.post(CHAT, json=HELLO)
        await handlers.wait_given_back(1)
    page = answer.json()
    assert (answer.status_code, page["object"], page["model"]) == (200, "chat.completion", "sayso")
    assert page["choices"][0]["message"]["content"] == "Good day."
    assert page["usage"] == {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}
    assert handlers.identities == ["127.0.0.1"]
    assert handlers.ended == [1000]
    assert ("POST", CHAT, 200) in handlers.observed


async def test_an_answer_is_streamed_as_it_comes() -> None:
    options = {"stream": True, "stream_options": {"include_usage": True}}
    async with running(Talking()) as client:
        answer = await client.post(CHAT, json=HELLO | options)
    assert answer.headers["content-type"].startswith("text/event-stream")
    *parts, used, last = deltas(answer)
    assert [part["choices"][0]["delta"] for part in parts] == [
        {"role": "assistant", "content": "Good "},
        {"content": "day."},
        {},
    ]
    assert [part["choices"][0]["finish_reason"] for part in parts] == [None, None, "stop"]
    assert (used["choices"], used["usage"]["completion_tokens"], last) == ([], 3, "[DONE]")


@pytest.mark.parametrize("is_streamed", [True, False])
async def test_a_client_that_goes_in_mid_answer_ends_its_session(is_streamed: bool) -> None:
    handlers = Talking(holds=True)
    async with running(handlers) as client:
        body = json.dumps(HELLO | {"stream": is_streamed}).encode()
        stream = await trio.open_tcp_stream(str(client.base_url.host), client.base_url.port or 80)
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
        await stream.send_all(head + body)
        if is_streamed:
            while b"Good " not in await stream.receive_some(65_536):
                pass
        else:
            while not handlers.identities:
                await trio.lowlevel.checkpoint()
        await stream.aclose()
        await handlers.ended.wait_until(len)
        await handlers.wait_given_back(1)
    assert handlers.ended == [1000]


@pytest.mark.parametrize("header", ["X-Conversation-Id", "X-OpenWebUI-Chat-Id"])
async def test_a_question_is_answered_by_the_next_message_of_the_conversation(header: str) -> None:
    question = (events.Reply("t1", "For how long?"), events.Question("t1", "For how long?", 15.0))
    handlers = Talking(told=question)
    said: list[dict[str, str]] = []
    async with running(handlers) as client:
        for text in ("set a timer", "ten minutes"):
            said.append({"role": "user", "content": text})
            answer = await client.post(CHAT, json={"model": "sayso", "messages": said}, headers={header: "c1"})
            said.append({"role": "assistant", "content": answer.json()["choices"][0]["message"]["content"]})
    assert len(handlers.identities) == 1


@pytest.mark.parametrize(
    ("told", "status", "retry"),
    [
        ((), 503, "1"),
        ((events.Error("turn_failed", "no model", turn_id="t1"),), 503, None),
        ((events.Error("rate_limited", "wait", turn_id="t1", retry_after_ms=2_500),), 429, "2"),
        ((events.ConnectionRefused("no session", 4_000),), 503, "4"),
    ],
)
@pytest.mark.parametrize("is_streamed", [True, False])
async def test_what_cannot_be_answered_is_an_error_with_a_status(
    told: tuple[events.ServerEvent, ...], status: int, retry: str | None, is_streamed: bool
) -> None:
    async with running(Talking(told=told)) as client:
        answer = await client.post(CHAT, json=HELLO | {"stream": is_streamed})
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, retry)
    assert answer.json()["error"]["message"]


async def test_what_fails_in_mid_answer_is_an_event_of_the_stream() -> None:
    told = (events.ReplyDelta("t1", "Good "), events.ConnectionRefused("no session", 4_000))
    async with running(Talking(told=told)) as client:
        answer = await client.post(CHAT, json=HELLO | {"stream": True})
    assert answer.status_code == 200
    assert deltas(answer)[-1]["error"]["message"] == "no session"


async def test_without_a_place_there_is_no_session() -> None:
    handlers = Talking()
    handlers.places = 0
    async with running(handlers) as client:
        answer = await client.post(CHAT, json=HELLO)
    assert answer.status_code == 503
    assert handlers.identities == []


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        (b"", 400, "messages"),
        (b'{"model": "sayso"}', 400, "messages"),
        (b'{"model": "sayso", "messages": [{"role": "king", "content": "x"}]}', 400, "messages"),
        (json.dumps(HELLO | {"tools": [{}]}).encode(), 400, "tools"),
        (json.dumps(HELLO | {"model": "gpt-5"}).encode(), 404, "model"),
    ],
)
async def test_a_wrong_request_is_told_with_the_parameters_name(body: bytes, status: int, param: str) -> None:
    handlers = Talking()
    async with running(handlers) as client:
        answer = await client.post(CHAT, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)
    assert handlers.identities == []


async def test_a_long_conversation_is_taken_and_a_longer_one_is_not() -> None:
    async with running(Talking()) as client:
        long = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y" * 500_000}]
        answer = await client.post(CHAT, json=HELLO | {"messages": [*long, *HELLO["messages"]]})
        assert answer.status_code == 200
        answer = await client.post(CHAT, json=HELLO | {"x": "y" * (3 << 20)})
        assert answer.status_code == 413
