"""Two real replicas behind HAProxy with a Redis: one drains, the other is killed, and the conversation goes on."""

import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
import trio

from sayso_client import ClientOptions, ConnectionAccepted, TurnCompleted, connect
from tests.system.haproxy_fixtures import running_haproxy
from tests.system.redis_fixtures import RedisServer, free_port, running_redis
from tests.system.server_fixtures import SMALL, Server, need_models, poll, running_server

pytestmark = pytest.mark.system
LIMIT_S = 150.0
SEEN_S = 3.0  # HAProxy looks every second, and replicas tell each other as often


def replica(name: str, port: int, folder: Path, redis: RedisServer):
    """Return the block in which a replica runs."""
    (folder / name).mkdir(parents=True)
    shared = {"shared.url": redis.url, "shared.replica": name, "gateway.trusted_proxies": "127.0.0.1"}
    return running_server(folder / name, SMALL | shared | {"gateway.port": port, "gateway.rate.enabled": False})


async def ended(server: Server) -> None:
    """Wait until a replica that drains has ended."""
    assert await trio.to_thread.run_sync(server.process.wait, LIMIT_S) == 0


def kill(server: Server) -> None:
    """End a replica at once, and what it has started."""
    children = server.children()
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    for child in children:
        child.kill()


async def test_a_conversation_goes_on_while_one_replica_drains_and_the_other_is_killed(tmp_path: Path) -> None:
    need_models()
    pytest.importorskip("coredis", reason="pip install 'sayso[redis]'")
    ports = {"front": free_port(), "one": free_port(), "two": free_port()}
    with ExitStack() as stack:
        redis = stack.enter_context(running_redis())
        one = stack.enter_context(replica("one", ports["one"], tmp_path / "first", redis))
        url = stack.enter_context(running_haproxy(tmp_path, ports))
        poll("HAProxy sees the first", lambda: one.get("/health/ready").status == 200)
        await trio.sleep(SEEN_S)
        with trio.fail_after(LIMIT_S):
            async with connect(url, ClientOptions(capabilities=("llm", "tools"))) as session:
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

                async def come_back() -> None:
                    """Wait for the session elsewhere: typed words on their way to a replica that leaves may be lost."""
                    async for event in session:
                        if isinstance(event, ConnectionAccepted):
                            accepted.append(event)
                            return

                await ask()
                two = stack.enter_context(replica("two", ports["two"], tmp_path / "second", redis))
                await trio.sleep(SEEN_S)
                one.process.terminate()
                await come_back()
                await ask()
                await ended(one)
                stack.enter_context(replica("one", ports["one"], tmp_path / "third", redis))
                await trio.sleep(SEEN_S)
                kill(two)
                await come_back()
                await ask()
            assert {event.session_id for event in accepted} == {accepted[0].session_id}
            assert [event.resumed for event in accepted] == [False, True, True]
            assert outcomes == ["done", "done", "done"]
    assert "abnormal" not in one.log()
