import json
import logging
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from assembly.session import new_memory
from config.load import load
from config.settings import Settings
from protocol.dialects.session import resume_key
from protocol.messages.errors import CloseCode
from protocol.messages.events import ConnectionRequest, Degraded, Resume
from protocol.messages.records import Count
from protocol.messages.shared import SavedSession
from protocol.turns.moving import packed, recorded
from protocol.turns.session_memory import SessionMemory
from runtime import ChildSpec, CountChildren, DynamicSupervisor, StartChild, Supervisor, run_tree
from supervisor import Server
from tests.fake_sessions import native
from tests.fake_shared import FakeShared, SharedMemory
from tests.fakes import FakeSocket, Script, scripted

OPTIONS = ConnectionRequest("ada", ("llm",))
SETTINGS = {"SAYSO_SHARED__REPLICA": "one"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    environ = {"SAYSO_SUPERVISOR__DATA_DIR": str(tmp_path), "SAYSO_SUPERVISOR__MODELS_DIR": str(tmp_path)}
    return load(None, environ | SETTINGS, {}).settings


def test_a_new_memory_keeps_more_than_the_longest_utterance(settings: Settings) -> None:
    memory = new_memory("abc", settings)

    assert memory.audio.pcm.capacity >= settings.audio.max_utterance_s * 16_000
    assert len(memory.client.resume_token) >= 43  # 256 bits
    assert memory.client.resume_token != new_memory("abc", settings).client.resume_token


# --- crashes ------


def news(socket: FakeSocket) -> list[tuple[str, str]]:
    """Return what a client was told of parts that do not work, and work again."""
    events = [json.loads(frame) for frame in socket.sent if isinstance(frame, str)]
    return [(event["type"], event["data"]["what"]) for event in events if "what" in event["data"]]


async def test_a_crash_inside_a_session_is_counted_and_told_to_its_client_with_its_end(
    settings: Settings, autojump_clock: MockClock
) -> None:
    replica, socket, other = Replica(Server(settings)), FakeSocket(), FakeSocket()
    async with trio.open_nursery() as nursery:
        await replica.open(nursery)
        await replica.greet(socket)
        [name] = replica.server.sessions.live.names()
        await replica.greet(other)
        dialogue = replica.server.sessions.live.lookup(name)
        assert dialogue is not None
        await dialogue.tell("nonsense")  # type: ignore[arg-type] # a bug of ours
        await trio.sleep(2.0)
        assert news(socket) == [("degraded", "session"), ("recovered", "session")]
        assert news(other) == []
        counted = [count.labels for count in replica.metrics.of(Count) if count.name == "session_faults_total"]
        assert counted == [("crashed", "dialogue", "TypeError"), ("recovered", "", "")]
        nursery.cancel_scope.cancel()


async def test_news_of_the_server_are_kept_from_a_client_that_has_no_session_yet(
    settings: Settings, autojump_clock: MockClock
) -> None:
    replica, socket = Replica(Server(settings)), FakeSocket()
    async with trio.open_nursery() as nursery:
        await replica.open(nursery)
        await replica.server.refs.sessions.ask(StartChild(replica.server.sessions.open(native(socket))))
        replica.server.sessions.news.tell(Degraded("speech", "no worker"))
        await wait_all_tasks_blocked()
        assert (socket.sent, socket.close) == ([], None)
        assert "session_faults_total" not in {count.name for count in replica.metrics.of(Count)}
        nursery.cancel_scope.cancel()


# --- sessions that move ----------------------------------------------------------------------------


@attrs.define(eq=False)
class Replica:
    """The sessions of one replica, with a shared store and scripted actors around them."""

    server: Server
    shared: SharedMemory = attrs.field(factory=SharedMemory)
    metrics: Script = attrs.field(factory=Script)
    places: int = 4

    async def open(self, nursery: trio.Nursery) -> None:
        """Start the supervisor of the sessions."""
        refs = self.server.refs
        self.server.make.adapters.shared = FakeShared(self.shared)  # type: ignore[assignment] # without a guard
        metrics = attrs.evolve(scripted("metrics", self.metrics), ref=refs.metrics)
        history = attrs.evolve(scripted("history", Script()), ref=refs.history)
        sessions: ChildSpec = ChildSpec(refs.sessions, lambda: DynamicSupervisor(self.places))
        await nursery.start(run_tree, Supervisor([metrics, history, sessions]))

    async def count(self) -> int:
        """Return how many sessions run, once nothing more happens."""
        await wait_all_tasks_blocked()
        return (await self.server.refs.sessions.ask(CountChildren())).active

    def moves(self) -> list[str]:
        """Return what was counted of moves."""
        return [count.labels[0] for count in self.metrics.of(Count) if count.name == "moves_total"]

    async def greet(self, socket: FakeSocket, **more: object) -> None:
        """Let a client come."""
        await self.server.refs.sessions.ask(StartChild(self.server.sessions.open(native(socket))))
        data = {"client_id": "ada", "capabilities": ["llm"], **more}
        socket.client_sends(json.dumps({"type": "connection_request", "data": data}))
        await wait_all_tasks_blocked()

    def told(self, socket: FakeSocket) -> list[tuple[str, dict]]:
        """Return the events that a client has got."""
        events = [json.loads(frame) for frame in socket.sent if isinstance(frame, str)]
        return [(event["type"], event["data"]) for event in events]


@pytest.fixture
async def replica(settings: Settings, nursery: trio.Nursery) -> Replica:
    one = Replica(Server(settings))
    await one.open(nursery)
    return one


def elsewhere(settings: Settings, token: str = "token") -> SessionMemory:
    """Return the memory of a session as another replica has it."""
    memory = new_memory("their-session", settings)
    memory.client.resume_token, memory.client.options, memory.client.may_resume = token, OPTIONS, True
    return memory


async def save(shared: SharedMemory, memory: SessionMemory, record: bytes | None = None) -> None:
    """Let another replica write a session."""
    recording = recorded(memory, trio.current_time())
    assert recording is not None
    saved = SavedSession("theirs", 1, recording.tokens, record or packed(recording), (), 60.0)
    await FakeShared(shared, "two").save_session(saved)


def coming_back(token: str = "token") -> ConnectionRequest:
    return attrs.evolve(OPTIONS, resume=Resume(token, 7))


async def test_a_session_of_another_replica_waits_here_for_its_client(
    replica: Replica, settings: Settings, autojump_clock: MockClock
) -> None:
    await save(replica.shared, elsewhere(settings))
    await replica.server.sessions.revive(coming_back())
    await wait_all_tasks_blocked()
    directory = replica.server.sessions.directory
    assert directory.resumable.lookup(resume_key("token")) is not None
    assert directory.awaited.names() == ("their-session",)
    assert (await replica.count(), replica.moves()) == (1, ["taken"])
    await replica.server.sessions.revive(coming_back())
    assert (await replica.count(), replica.moves()) == (1, ["taken"]), "a record is taken once"


async def test_its_client_goes_on_here_and_is_told_the_name_of_the_replica(
    replica: Replica, settings: Settings, autojump_clock: MockClock
) -> None:
    await save(replica.shared, elsewhere(settings))
    socket = FakeSocket()
    await replica.greet(socket, resume={"token": "token", "last_seq": 7})
    accepted = dict(replica.told(socket))["connection_accepted"]
    assert (accepted["session_id"], accepted["resumed"]) == ("their-session", True)
    assert accepted["server"]["replica"] == "one"
    assert await replica.count() == 1, "the session that met the client has ended"


@pytest.mark.parametrize("resume", [None, Resume("unknown", 7)])
async def test_a_new_client_and_an_unknown_token_open_nothing(
    resume: Resume | None, replica: Replica, autojump_clock: MockClock
) -> None:
    await replica.server.sessions.revive(attrs.evolve(OPTIONS, resume=resume))
    assert (await replica.count(), replica.moves()) == (0, [])


async def test_a_record_that_cannot_be_read_is_refused_in_words(
    replica: Replica, settings: Settings, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    await save(replica.shared, elsewhere(settings), record=b"of a later version")
    await replica.server.sessions.revive(coming_back())
    assert (await replica.count(), replica.moves()) == (0, ["refused"])
    assert "a session of another replica cannot go on here: the record of a session cannot be read" in caplog.text


async def test_a_session_for_which_there_is_no_place_is_refused(
    settings: Settings, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    full = Replica(Server(settings), places=1)
    await full.open(nursery)
    await full.greet(FakeSocket())
    await save(full.shared, elsewhere(settings))
    await full.server.sessions.revive(coming_back())
    assert (await full.count(), full.moves()) == (1, ["refused"])


async def test_a_store_that_does_not_answer_opens_nothing(replica: Replica, autojump_clock: MockClock) -> None:
    replica.shared.trouble = "dead"
    await replica.server.sessions.revive(coming_back())
    assert (await replica.count(), replica.moves()) == (0, ["unknown"])


async def test_a_session_that_another_replica_has_taken_ends_here_and_only_that(
    replica: Replica, autojump_clock: MockClock
) -> None:
    sockets = [FakeSocket(), FakeSocket()]
    for socket in sockets:
        await replica.greet(socket)
    sessions = replica.server.sessions
    first, _ = sessions.directory.owned.names()
    assert not sessions.let_go("another's")
    assert sessions.let_go(first)
    await wait_all_tasks_blocked()
    closes = [socket.close for socket in sockets]
    assert closes == [(CloseCode.SUPERSEDED, "the session goes on at another replica"), None]
    assert await replica.count() == 1
    assert not sessions.let_go(first), "it is gone"


async def test_a_session_that_waits_for_its_client_is_let_go_and_written_no_more(
    replica: Replica, autojump_clock: MockClock
) -> None:
    socket = FakeSocket()
    await replica.greet(socket)
    token = dict(replica.told(socket))["connection_accepted"]["resume_token"]
    socket.client_vanishes()
    await wait_all_tasks_blocked()
    assert await FakeShared(replica.shared, "two").take_session(token) is not None
    (owner,) = replica.shared.lost
    assert replica.server.sessions.let_go(owner)
    await trio.sleep(60.0)
    assert await replica.count() == 0
    assert replica.shared.sessions == {}


async def test_a_session_that_could_not_be_written_is_written_when_the_store_is_back(
    replica: Replica, autojump_clock: MockClock
) -> None:
    replica.shared.trouble = "dead"
    socket = FakeSocket()
    await replica.greet(socket)
    replica.shared.trouble = ""
    assert replica.shared.sessions == {}
    replica.server.sessions.write_again()
    await wait_all_tasks_blocked()
    token = dict(replica.told(socket))["connection_accepted"]["resume_token"]
    assert list(replica.shared.sessions) == [token]


async def test_every_client_is_told_once_of_a_part_of_the_service(replica: Replica, autojump_clock: MockClock) -> None:
    sockets = [FakeSocket(), FakeSocket()]
    for socket in sockets:
        await replica.greet(socket)
    replica.server.sessions.news.tell(Degraded("shared store", "it is dead"))
    await wait_all_tasks_blocked()
    for socket in sockets:
        told = [data for kind, data in replica.told(socket) if kind == "degraded"]
        assert told == [{"what": "shared store", "reason": "it is dead"}]
