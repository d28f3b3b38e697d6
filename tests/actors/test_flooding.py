"""A client that sends without end and reads nothing: its socket is closed, and no actor of its session fails."""

import json
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from assembly.refs import OUTBOUND
from protocol.messages import events
from protocol.messages.records import Count
from tests.actors.session_fixtures import TalkingSession
from tests.fake_sessions import native
from tests.fakes import FakeSocket, Grow

FRAMES = 2_000  # more than all the mailboxes on the way hold
UNKNOWN_CALL = events.Error("unexpected_event", "no confirmation is open for call 'x'")
REQUEST = {"client_id": "tester", "capabilities": ["llm", "tools"]}


class UnreadSocket(FakeSocket):
    """A socket whose client stops reading after the handshake."""

    async def send(self, frame: str | bytes) -> None:
        if self.sent:
            await self.wait_closed()
        await super().send(frame)


def frame(name: str, **data: Any) -> str:
    return json.dumps({"type": name, "data": data})


async def flooded_session(grow: Grow) -> tuple[TalkingSession, UnreadSocket]:
    """Start a session whose client has made its handshake, and then reads nothing."""
    socket = UnreadSocket()
    session = TalkingSession(native(socket))
    await session.open(grow)
    socket.client_sends(frame("connection_request", **REQUEST))
    await wait_all_tasks_blocked()
    return session, socket


@pytest.mark.parametrize(
    "flood",
    [
        frame("confirm", call_id="x", approve=True),
        frame("text", text="what time is it"),
        frame("session_update", mode="push_to_talk"),
    ],
)
async def test_a_client_that_sends_without_reading_is_closed_for_it(
    flood: str, grow: Grow, autojump_clock: MockClock
) -> None:
    flooded, socket = await flooded_session(grow)
    for _ in range(FRAMES):
        socket.client_sends(frame("confirm", call_id="x", approve=True))
        socket.client_sends(flood)
    code = await socket.wait_closed()
    assert trio.current_time() < 10.0
    await trio.sleep(60.0)
    assert flooded.crashed() == []
    assert (code, socket.close) == (
        1008,
        (1008, "events came faster than they could be taken; read what is sent to you"),
    )
    assert Count("sockets_closed_total", ("1008",)) in flooded.room.metrics.seen


async def test_a_client_that_interrupts_without_reading_is_closed_for_it(grow: Grow, autojump_clock: MockClock) -> None:
    flooded, socket = await flooded_session(grow)
    for _ in range(OUTBOUND.capacity + 10):  # the dialogue waits for the connection, which waits for the client
        socket.client_sends(frame("confirm", call_id="x", approve=True))
    for _ in range(FRAMES):
        socket.client_sends(frame("interrupt"))
    assert await socket.wait_closed() == 1008
    await trio.sleep(60.0)
    assert flooded.crashed() == []


async def test_a_client_that_only_does_not_read_keeps_its_session(grow: Grow, autojump_clock: MockClock) -> None:
    flooded, socket = await flooded_session(grow)
    for _ in range(OUTBOUND.capacity + 10):
        socket.client_sends(frame("confirm", call_id="x", approve=True))
    assert await socket.wait_closed() == 4100
    await trio.sleep(1.0)
    assert flooded.crashed() == []
    assert flooded.room.memory.client.is_lost
    assert flooded.room.memory.client.sent.after(0)[-1][1] == UNKNOWN_CALL
