"""A whole server under load: refusals, service, and recovery."""

import resource
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

import pytest
import trio

from tests.system.client_fixtures import QUIET, talking
from tests.system.server_fixtures import SMALL, Server, need_models, nodes, poll, running_server
from tests.system.test_drain import upgrade

pytestmark = pytest.mark.system
T = TypeVar("T")

FULL = {"load.enabled": True, "load.max_memory_mb": 1}  # whatever a server uses is more than that


def load(server: Server) -> int:
    level: int = server.get("/api/status").json()["load"].get("level", 0)
    return level


def squeeze(server: Server, share: float) -> None:
    """Let the files that the server has open be that share of those it may open."""
    pid = server.process.pid
    count = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (round(count / share), hard))


async def in_thread(function: Callable[..., T], *arguments: object) -> T:
    return await trio.to_thread.run_sync(lambda: function(*arguments))


async def test_99_new_sessions_are_refused_and_open_ones_are_served_until_it_is_over(tmp_path: Path) -> None:
    need_models()
    with running_server(tmp_path, SMALL | {"load.enabled": True}) as server, trio.fail_after(300):
        async with talking(server.url, QUIET) as client:
            squeeze(server, 0.87)
            await in_thread(poll, "it is noticed", lambda: load(server) >= 3, 60.0)
            status, retry_after_s = await in_thread(upgrade, server.port)
            live = await in_thread(server.get, "/health/live")
            ready = await in_thread(server.get, "/health/ready")
            page = (await in_thread(server.get, "/api/status")).json()
            speech = await trio.to_thread.run_sync(lambda: server.get("/v1/audio/speech", method="POST"))
            await client.tell("text", text="what time is it")
            completed = await client.next("turn_completed")
            squeeze(server, 0.01)
            await in_thread(poll, "it is over", lambda: load(server) < 3, 180.0)
            await client.tell("text", text="what time is it")
            again = await client.next("turn_completed")
        ready_again = server.get("/health/ready")
        metrics = server.get("/metrics").body.decode()

    assert status == 503
    assert 15 <= int(retry_after_s or 0) <= 30
    assert (live.status, ready.status, ready_again.status, speech.status) == (200, 503, 200, 503)
    assert ready.json()["missing"] == ["load level 3"]
    assert (page["load"]["driver"], page["load"]["name"]) == ("open_files", "no_new")
    assert page["load"]["signals"]["memory"]["marks"]["3"] == [0.88, 0.82]
    assert (completed["outcome"], again["outcome"]) == ("done", "done")
    assert "voice_control_load_level" in metrics
    assert 'voice_control_shed_total{level="3",what="session"} 1.0' in metrics


async def test_without_file_descriptors_open_sessions_are_served_and_new_ones_refused(tmp_path: Path) -> None:
    need_models()
    with running_server(tmp_path, SMALL | {"load.enabled": True}) as server, trio.fail_after(300):
        async with talking(server.url, QUIET) as client, AsyncExitStack() as newer:
            for _ in range(10):  # the newest are asked to leave first, one every 5 s: this takes much less than 50 s
                await newer.enter_async_context(talking(server.url, QUIET))
            squeeze(server, 1.25)
            await in_thread(poll, "it is noticed", lambda: load(server) >= 3, 60.0)
            for _ in range(4):  # longer than it takes to restart an actor too often
                await client.tell("text", text="what time is it")
                during = await client.next("turn_completed")
                status, _ = await in_thread(upgrade, server.port)
                await trio.sleep(1.0)
            squeeze(server, 0.01)
            await in_thread(poll, "it is over", lambda: load(server) < 3, 180.0)
            async with talking(server.url, QUIET) as late:
                await late.tell("text", text="what time is it")
                after = await late.next("turn_completed")
        page = server.get("/api/status").json()

    assert (during["outcome"], status, after["outcome"]) == ("done", 503, "done")
    assert all(node["restarts"] == 0 for node in nodes(page["tree"]) if "restarts" in node)


async def test_at_level_4_sessions_are_asked_to_leave_when_they_are_done(tmp_path: Path) -> None:
    need_models()
    settings = SMALL | FULL | {"load.sample_interval_s": 2.0}  # time to get in before it is noticed
    with running_server(tmp_path, settings) as server, trio.fail_after(240):
        async with talking(server.url, QUIET) as client:
            going = await client.next("going_away")
            code = await client.closed()
    assert (going["reason"], code) == ("the server is under load", 1012)
    assert going["retry_after_ms"] >= 5_000


async def test_an_unsafe_server_leaves_to_be_started_again(tmp_path: Path) -> None:
    need_models()
    with running_server(tmp_path, SMALL | FULL | {"load.exit_when_unsafe": True}) as server:
        code = await trio.to_thread.run_sync(server.process.wait, 120)
    assert code == 75
    assert "not safe: memory" in server.log()
