"""What the actors of a session tell the client, and what becomes of a client that does not read."""

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.connection.telling import ToClient
from protocol.messages import events
from protocol.messages.session import DropAudio, Send
from runtime import ChildSpec, MailboxSpec, Overflow, Ref, TerminateChild, Tree
from runtime.supervision.actor import Actor
from tests.fake_sessions import native, session_memory
from tests.fakes import FakeSocket, Grow, Notes


class Reader(Actor):
    """A connection whose sends last until its socket is closed; ``pace_s`` is how long each takes before."""

    def __init__(self, socket: FakeSocket, seen: Notes[object], pace_s: float) -> None:
        self._socket = socket
        self._seen = seen
        self._pace_s = pace_s

    async def handle(self, message: object) -> None:
        self._seen.add(message)
        with trio.move_on_after(self._pace_s):
            await self._socket.wait_closed()


@attrs.define(eq=False)
class Stage:
    """A connection with room for one message, and the way to it."""

    pace_s: float
    socket: FakeSocket = attrs.field(factory=FakeSocket)
    seen: Notes[object] = attrs.field(factory=Notes)
    tree: Tree = attrs.field(init=False)

    async def open(self, grow: Grow) -> ToClient:
        """Start the connection."""
        memory = session_memory().client
        memory.attach(native(self.socket))
        ref = Ref("connection", MailboxSpec(capacity=1, overflow=Overflow.BLOCK))
        self.tree = await grow(ChildSpec(ref, lambda: Reader(self.socket, self.seen, self.pace_s)))
        return ToClient(ref, memory)


def pong(number: int) -> Send:
    return Send(events.Pong(number))


async def test_a_client_that_reads_is_told_in_order(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage(pace_s=0.0)
    client = await stage.open(grow)
    for number in range(5):
        await client.tell(pong(number))
    await wait_all_tasks_blocked()
    assert stage.seen == [pong(number) for number in range(5)]


async def test_a_client_that_reads_slowly_is_waited_for(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage(pace_s=4.9)
    client = await stage.open(grow)
    for number in range(5):
        await client.tell(pong(number))
    assert stage.socket.close is None


async def test_a_client_that_does_not_read_loses_its_socket_and_nothing_that_it_was_told(
    grow: Grow, autojump_clock: MockClock
) -> None:
    stage = Stage(pace_s=1_000.0)
    client = await stage.open(grow)
    for number in range(5):
        await client.tell(pong(number))
    await wait_all_tasks_blocked()
    assert stage.socket.close == (4100, "what was sent was not read in time")
    assert trio.current_time() == pytest.approx(5.0)
    assert stage.seen == [pong(number) for number in range(5)]


async def test_a_caller_whose_own_time_is_over_cuts_no_client_off(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage(pace_s=1_000.0)
    client = await stage.open(grow)
    with trio.move_on_after(1.0) as scope:
        for number in range(5):
            await client.tell(pong(number))
    assert scope.cancelled_caught
    assert stage.socket.close is None


async def test_a_client_that_has_gone_misses_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    stage = Stage(pace_s=0.0)
    client = await stage.open(grow)
    await stage.tree.ref.ask(TerminateChild("connection"))
    await client.tell(pong(1))
    client.signal(DropAudio())
    await wait_all_tasks_blocked()
    assert stage.seen == []
