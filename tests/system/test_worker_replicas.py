"""The guide's WORKERS: two real replicas behind HAProxy; replaced one after the other, killed, and stopped."""

import shutil
import signal
from pathlib import Path

import psutil
import pytest
import trio

from backends.replicas.state_file import read_state
from sayso_client import ClientOptions, ConnectionAccepted, TurnCompleted, connect
from tests.system.redis_fixtures import running_redis
from tests.system.server_fixtures import Server, poll, run_command, running_server

pytestmark = pytest.mark.system
LIMIT_S = 240.0
SEEN_S = 3.0  # HAProxy looks every second
TWO = {
    "replicas.count": 2,
    "replicas.first_port": 0,
    "gateway.rate.enabled": False,
    "transcription.provider": "openai",  # nobody speaks: no model is loaded, five times
    "transcription.openai.url": "http://127.0.0.1:9/v1",
    "transcription.fallback": False,
    "understanding.meaning": False,
    "inference.provider": "none",
    "speech.provider": "none",
}


def pids(server: Server) -> list[int]:
    """Return the processes of the replicas, as ``sayso restart`` sees them."""
    return [replica.pid for replica in read_state(server.folder / "data").replicas]


def restart(server: Server) -> None:
    """Replace all replicas by the command."""
    folder = server.folder / "restart"
    folder.mkdir()
    ended = run_command(folder, {"supervisor.data_dir": server.folder / "data"}, "restart", "--rolling")
    assert ended.process.returncode == 0, ended.log()
    assert "all replicas are new" in ended.log()


def kill(pid: int) -> None:
    """End a replica at once, and what it has started."""
    replica = psutil.Process(pid)
    children = replica.children(recursive=True)
    replica.send_signal(signal.SIGKILL)
    for child in children:
        child.kill()


async def test_a_conversation_goes_on_while_all_replicas_are_replaced_and_one_is_killed(tmp_path: Path) -> None:
    if shutil.which("haproxy") is None:
        pytest.skip("there is no haproxy: apt-get install haproxy")
    pytest.importorskip("coredis", reason="pip install 'sayso[redis]'")
    with running_redis() as redis, running_server(tmp_path, TWO | {"shared.url": redis.url}) as server:
        poll("both are told", lambda: len(set(pids(server)) - {0}) == 2)
        first = pids(server)
        await trio.sleep(SEEN_S)
        with trio.fail_after(LIMIT_S):
            async with connect(server.url, ClientOptions(capabilities=("llm", "tools"))) as session:
                accepted: list[ConnectionAccepted] = []
                outcomes: list[str] = []

                async def ask() -> None:
                    await session.send_text("what time is it")
                    async for event in session:
                        if isinstance(event, ConnectionAccepted):
                            accepted.append(event)
                        if isinstance(event, TurnCompleted):
                            outcomes.append(event.outcome)
                            return

                async def listen() -> None:
                    async for event in session:  # the replica that it is at leaves at some time
                        if isinstance(event, ConnectionAccepted):
                            accepted.append(event)  # noqa: PERF401 - as they come

                await ask()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(listen)
                    await trio.to_thread.run_sync(restart, server)
                    nursery.cancel_scope.cancel()
                await ask()
        assert set(pids(server)) & set(first) == set()
        assert len(accepted) >= 2
        assert {event.session_id for event in accepted} == {accepted[0].session_id}
        assert all(event.resumed for event in accepted[1:])
        assert outcomes == ["done", "done"]
        second = pids(server)
        kill(second[0])
        poll("it is started again", lambda: pids(server)[0] not in (0, second[0]))
        assert pids(server)[1] == second[1]
        assert server.get("/health/live").status == 200
        assert server.get("/api/drain", method="POST").status == 403  # an operator needs a key behind a proxy
        proxies = [child for child in server.children() if child.name() == "haproxy"]
        assert len(proxies) == 1
    assert not (server.folder / "data/replicas.json").exists()
    log = server.log()
    assert "2 replicas share one SQLite file" in log
    assert "Traceback" not in log.partition("has ended with exit code -9")[0]
