import pytest
import trio

from actors.session import Session, SessionFault
from protocol.messages.errors import CloseCode
from protocol.messages.events import ConnectionRequest
from runtime import ChildSpec, Intensity, Ref, Restart, Shared, Supervisor, run_tree
from runtime.supervision.actor import Actor
from tests.fake_sessions import native, session_memory
from tests.fakes import FakeSocket


def limits(max_restarts=3):
    return Intensity(max_restarts, 60.0)


def session_of(memory, *children, max_restarts=3, told=None):
    return Session(memory, children, limits(max_restarts), on_fault=(told if told is not None else []).append)


def memory_of(socket):
    """Return the memory of a session whose client is at ``socket``."""
    memory = session_memory().client
    memory.attach(native(socket))
    return memory


async def with_tree(supervisor, look):
    """Run a tree, look at it, and stop it."""
    async with trio.open_nursery() as nursery:
        tree = await nursery.start(run_tree, supervisor)
        look(tree)
        await tree.stop("enough")


async def test_a_session_that_is_stopped_tells_its_client_to_come_back(autojump_clock):
    socket = FakeSocket()
    await with_tree(session_of(memory_of(socket)), lambda _: None)

    assert socket.close is not None
    assert socket.close[0] == CloseCode.SERVICE_RESTART


async def test_a_session_that_fails_closes_its_socket_as_our_fault(autojump_clock):
    class Broken(Actor):
        async def on_start(self):
            self.context.nursery.start_soon(self.fail)

        async def fail(self):
            raise ValueError("a bug")

    socket, told = FakeSocket(), []
    session = session_of(memory_of(socket), ChildSpec(ref=Ref("s1.broken"), factory=Broken), max_restarts=0, told=told)
    spec = ChildSpec(ref=Ref("session"), factory=lambda: session, restart=Restart.TRANSIENT)
    root = Supervisor((spec,), intensity=limits(max_restarts=0))
    with pytest.raises(Exception, match="more than 0 restarts"):
        await run_tree(root, shared=Shared())

    assert socket.close is not None
    assert socket.close[0] == CloseCode.INTERNAL_ERROR
    assert told[0] == SessionFault("failed", "broken", "ValueError")


async def test_the_statistics_show_the_client_before_and_after_its_handshake(autojump_clock):
    memory = memory_of(FakeSocket())
    session = session_of(memory)
    await trio.sleep(2.0)
    before = session.statistics()
    memory.options = ConnectionRequest("kitchen", ("stt",), language="de", mode="push_to_talk")
    memory.attach(native(FakeSocket("192.0.2.9:1")))
    after = session.statistics()

    assert (before.client_id, before.mode, before.age_s, before.reconnects) == (None, None, 2.0, 0)
    assert (after.client_id, after.mode, after.language) == ("kitchen", "push_to_talk", "de")
    assert (after.peer, after.reconnects, after.user, after.is_lost) == ("192.0.2.9:1", 1, "local", False)


async def test_a_crash_inside_is_told_without_its_words_and_so_is_the_recovery_once_all_parts_are_ready(autojump_clock):
    class Part(Actor):
        async def handle(self, message):
            raise KeyError(message)

    class Slow(Actor):
        async def on_start(self):
            await trio.sleep(5.0)

    told, first = [], Ref("s1.dialogue")
    children = ChildSpec(ref=first, factory=Part), ChildSpec(ref=Ref("s1.last"), factory=Slow)
    async with trio.open_nursery() as nursery:
        tree = await nursery.start(run_tree, session_of(memory_of(FakeSocket()), *children, told=told))
        await first.tell("my password is hunter2")
        await trio.sleep(4.0)
        assert told == [SessionFault("crashed", "dialogue", "KeyError")]
        await trio.sleep(10.0)
        assert told == [SessionFault("crashed", "dialogue", "KeyError"), SessionFault("recovered")]
        await tree.stop("enough")
    assert len(told) == 2
