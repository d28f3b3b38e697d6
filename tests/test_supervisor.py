import gc
import json
import math
from collections import Counter
from pathlib import Path

import attrs
import pytest
import trio

from actors.session import Session
from config.load import load
from runtime import (
    Actor,
    ChildSpec,
    CountChildren,
    Intensity,
    Ref,
    Restart,
    StartChild,
    Supervisor,
    run_tree,
)
from supervisor import Server
from tests.fake_sessions import native
from tests.fakes import FakeSocket


def limits(max_restarts=3):
    return Intensity(max_restarts, 60.0)


async def with_tree(supervisor, look):
    """Run a tree, look at it, and stop it."""
    async with trio.open_nursery() as nursery:
        tree = await nursery.start(run_tree, supervisor)
        look(tree)
        await tree.stop("enough")


@pytest.fixture
def settings(tmp_path):
    environ = {"SAYSO_SUPERVISOR__DATA_DIR": str(tmp_path), "SAYSO_SUPERVISOR__MODELS_DIR": str(tmp_path)}
    return load(None, environ, {}).settings


def test_the_gateway_starts_last_and_everything_that_it_needs_before(settings):
    names = [spec.id for spec in Server(settings).root()._specs]

    assert names[0] == "metrics"
    assert names[-3:] == ["sessions", "load", "gateway"]
    assert {"history", "commands", "tools", "inference", "transcription", "speech", "media"} < set(names)


async def test_a_session_is_four_actors_and_ends_with_its_connection(settings):
    spec = Server(settings).sessions.open(native(FakeSocket()))
    session = spec.factory()

    assert isinstance(session, Session)
    assert spec.restart is Restart.TEMPORARY
    assert [child.id.partition(".")[2] for child in session._specs] == ["vault", "connection", "audio", "dialogue"]
    assert [child.significant for child in session._specs] == [False, True, False, False]


async def test_no_two_sessions_share_a_name(settings):
    server = Server(settings)

    assert len({server.sessions.open(native(FakeSocket())).id for _ in range(50)}) == 50


def test_the_server_shows_no_children_before_it_runs(settings):
    server = Server(settings)

    assert server.status.tree() == {"id": "root", "state": "ready", "children": []}
    assert server.status.server()["sessions"] == 0
    assert server.status.status_event().sessions == 0
    assert Path(settings.history.sqlite.path).is_relative_to(settings.supervisor.data_dir)


async def test_the_server_asks_each_session_once_to_leave(settings, autojump_clock):
    server = Server(settings)
    refs = {name: Ref(name) for name in ("anna", "ben")}
    told: set[str] = set()
    server.leaving.begin("deploy", 60.0)
    server.sessions.live.register("anna", refs["anna"])
    server.sessions.announce_drain(told, server.leaving.drain)
    server.sessions.live.register("ben", refs["ben"])
    server.sessions.announce_drain(told, server.leaving.drain)

    for ref in refs.values():
        envelope = ref.mailbox.take_nowait()
        assert envelope.message.reason == "deploy"
        assert envelope.message.deadline_s == 60.0
        assert 5.0 <= envelope.message.retry_after_s <= 30.0
        assert ref.mailbox.take_nowait() is None


async def test_sessions_are_asked_to_leave_a_few_at_a_time_the_silent_ones_first(settings, autojump_clock):
    server = Server(settings)
    refs = [Ref(f"s{number}") for number in range(45)]
    for number, ref in enumerate(refs):
        server.sessions.live.register(ref.name, ref)
        server.sessions.activity.note(ref.name, trio.current_time() - (60.0 if number == 7 else 0.0))
    server.sessions.evict()

    asked = [ref.name for ref in refs if ref.mailbox.take_nowait() is not None]
    assert asked == ["s7", "s44"]
    server.sessions.evict()
    asked = [ref.name for ref in refs if ref.mailbox.take_nowait() is not None]
    assert asked == ["s42", "s43"], "who was asked already is asked no more"
    Server(settings).sessions.evict()  # without sessions


OURS = {"actors", "protocol", "runtime", "tests"}


class Sink(Actor):
    """Receives messages of sessions to actors that are not started."""

    async def handle(self, message):
        """Do nothing with it."""


async def test_of_sessions_that_have_come_and_gone_nothing_is_left(settings, autojump_clock):
    server = Server(settings)
    sinks = [ChildSpec(ref, Sink) for ref in (server.refs.history, server.refs.metrics)]
    specs: list[ChildSpec] = [*sinks, ChildSpec(server.refs.sessions, server.make.make_sessions)]

    async def come_and_go(count):
        sockets = [FakeSocket() for _ in range(count)]
        for socket in sockets:
            socket.client_sends(request_with(None))
            await server.refs.sessions.ask(StartChild(server.sessions.open(native(socket))))
        await trio.testing.wait_all_tasks_blocked()
        assert len(server.sessions.live) == len(server.sessions.directory.resumable) == count
        for number, socket in enumerate(sockets):  # some have left, some are waited for in vain
            socket.client_vanishes(1000 if number % 2 else 1006)
        await trio.testing.wait_all_tasks_blocked()
        returning = [socket for number, socket in enumerate(sockets) if number % 4 == 0]
        for token in map(token_of, returning):  # some come back, before the answer is lost too
            again = FakeSocket()
            again.client_sends(request_with(token))
            await server.refs.sessions.ask(StartChild(server.sessions.open(native(again))))
            await trio.testing.wait_all_tasks_blocked()
            again.client_vanishes()
        assert len(server.sessions.directory.resumable) == len(server.sessions.live) + len(returning)
        del socket, again, sockets, returning  # from Python 3.12 on this frame may be kept
        await trio.sleep(2 * settings.session.resume_window_s)

    async with trio.open_nursery() as nursery:
        tree = await nursery.start(run_tree, Supervisor(specs))
        await come_and_go(2)  # what is made once is made now
        before = objects_of_ours()
        await come_and_go(40)

        assert objects_of_ours() - before == Counter()
        assert (await server.refs.sessions.ask(CountChildren())).specs == 0
        assert len(server.sessions.live) == len(server.sessions.directory.resumable) == 0
        assert len(server.sessions.speaking) == len(server.sessions.directory.awaited) == 0
        assert server.sessions.activity.next_leavers(math.inf) == []
        assert len(tree.shared.dead_letters) == 0
        await tree.stop("enough")


async def test_sessions_that_wait_for_their_clients_keep_no_newcomer_out(settings, autojump_clock):
    websocket = attrs.evolve(settings.gateway.websocket, max_connections=3)
    few = attrs.evolve(settings, gateway=attrs.evolve(settings.gateway, websocket=websocket))
    server = Server(few)
    sinks = [ChildSpec(ref, Sink) for ref in (server.refs.history, server.refs.metrics)]
    specs: list[ChildSpec] = [*sinks, ChildSpec(server.refs.sessions, server.make.make_sessions)]

    async def come(peer, token=None):
        socket = FakeSocket(peer)
        socket.client_sends(request_with(token))
        await server.refs.sessions.ask(StartChild(server.sessions.open(native(socket))))
        await trio.testing.wait_all_tasks_blocked()
        return socket

    async with trio.open_nursery() as nursery:
        tree = await nursery.start(run_tree, Supervisor(specs))
        polite = await come("192.0.2.2:1")
        polite.client_vanishes()
        for number in range(50):  # a phone that loses its network again and again, and has forgotten its token
            (await come(f"192.0.2.1:{number}")).client_vanishes()
            await trio.testing.wait_all_tasks_blocked()
            assert len(server.sessions.live) <= 6
        back = await come("192.0.2.2:2", token_of(polite))
        assert json.loads(back.sent[0])["data"]["resumed"] is True
        await tree.stop("enough")


def request_with(token):
    """Return the first frame of a client, which may have been there before."""
    resume = {} if token is None else {"resume": {"token": token, "last_seq": 0}}
    return json.dumps({"type": "connection_request", "data": {"client_id": "a", "capabilities": ["stt"], **resume}})


def token_of(socket):
    """Return the token that a client was told first."""
    return json.loads(socket.sent[0])["data"]["resume_token"]


def objects_of_ours():
    """Count what there is of each class that a session is made of; Trio keeps up to 1,000 deadlines for later."""
    gc.collect()
    classes = (type(found) for found in gc.get_objects())
    return Counter(found.__name__ for found in classes if str(found.__module__).partition(".")[0] in OURS)
