import attrs
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from assembly.factories import no_sessions
from config.load import load
from protocol.admission.checks import CheckKind
from runtime import ChildSpec, DynamicSupervisor, Skip, Supervisor, run_tree
from supervisor import Server
from tests.fake_pool import FakePool, pool_statistics
from tests.fakes import Script, scripted


@pytest.fixture
def settings(tmp_path):
    environ = {"SAYSO_SUPERVISOR__DATA_DIR": str(tmp_path), "SAYSO_SUPERVISOR__MODELS_DIR": str(tmp_path)}
    return load(None, environ, {}).settings


def test_there_is_room_for_all_that_are_connected_that_wait_and_that_have_not_made_their_handshake(settings):
    limit = settings.gateway.websocket.max_connections
    server = Server(settings)
    sessions = server.make.make_sessions()

    assert isinstance(sessions, DynamicSupervisor)
    assert sessions.statistics().max_children == 3 * limit + 64
    assert server.sessions.directory.population.limit == 2 * limit


def test_there_is_one_actor_for_each_tool_server(settings):
    servers = {"time": {"command": "mcp-server-time"}}
    more = attrs.evolve(settings, tools=attrs.evolve(settings.tools, servers=servers))
    tools = Server(more).make.make_tools()

    assert isinstance(tools, Supervisor)
    assert [spec.id for spec in tools._specs] == ["tools.sayso-tools", "tools.time", "tools.router"]


def test_without_a_load_controller_there_is_none(settings):
    off = attrs.evolve(settings, load=attrs.evolve(settings.load, enabled=False))

    assert isinstance(Server(off).make.make_load(), Skip)


SKIPPED = {
    (): set(),
    ("recognise",): {"commands", "tools", "meaning", "inference", "speech", "shared"},
    ("speak",): {"commands", "tools", "meaning", "inference", "transcription", "media", "shared"},
    ("recognise", "speak"): {"commands", "tools", "meaning", "inference", "shared"},
}


@pytest.mark.parametrize("roles", SKIPPED)
async def test_what_a_server_without_sessions_does_not_need_is_not_started(settings, roles):
    chosen = attrs.evolve(settings, supervisor=attrs.evolve(settings.supervisor, roles=roles))
    server = Server(chosen)
    skipped = {name for name in SKIPPED["recognise",] | SKIPPED["speak",] if isinstance(made(server, name), Skip)}
    assert skipped == SKIPPED[roles] | {"shared"}


def made(server: Server, name: str):
    return getattr(server.make, f"make_{name}")()


def test_a_server_without_sessions_keeps_no_history_and_does_not_count_how_often_servers_ask(settings):
    recogniser = attrs.evolve(settings, supervisor=attrs.evolve(settings.supervisor, roles=("recognise",)))
    assert Server(settings).make.make_history()._settings.enabled
    assert not Server(recogniser).make.make_history()._settings.enabled
    kinds = [[check.kind for check in Server(one).make._checks()] for one in (settings, recogniser)]
    assert kinds == [[CheckKind.CREDENTIALS, CheckKind.RATE], [CheckKind.CREDENTIALS]]


def test_why_there_are_no_sessions_is_said_in_words(settings):
    assert no_sessions(settings.supervisor) is None
    both = attrs.evolve(settings.supervisor, roles=("recognise", "speak"))
    assert no_sessions(both) == (
        "this server only recognises and speaks for other servers (supervisor.roles): it has no sessions"
    )


async def test_the_figures_shown_are_those_of_the_transcription_that_runs(settings, autojump_clock, monkeypatch):
    server = Server(settings)
    pool = FakePool(never)
    monkeypatch.setattr(server.make.adapters, "recogniser_pool", lambda _may_recycle: pool)
    metrics = scripted("metrics", Script())
    specs = [attrs.evolve(metrics, ref=server.refs.metrics), transcription_of(server)]

    async with trio.open_nursery() as nursery:
        tree = await nursery.start(run_tree, Supervisor(specs))
        pool.show(pool_statistics(size=2, ready=1))
        assert server.status.workers_missing() == 0.5
        pool.start_failure = RuntimeError("no memory")
        assert server.refs.transcription.tell_nowait("nonsense")  # type: ignore[arg-type] # what no actor takes ends it
        await wait_all_tasks_blocked()
        assert server.status.workers_missing() is None
        assert server.status.stt_models() == ("tiny.en", "base")
        pool.start_failure = None
        pool.shown = pool_statistics()
        await trio.sleep(5.0)
        assert server.status.workers_missing() == 0.0
        await tree.stop("enough")


async def never(_job):
    await trio.sleep_forever()


def transcription_of(server: Server) -> ChildSpec:
    """Return the spec of the tree for the actor."""
    [spec] = [spec for spec in server.root()._specs if spec.ref is server.refs.transcription]
    return spec
