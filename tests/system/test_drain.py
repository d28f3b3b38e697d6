"""The drain of a whole server: turns finish, new clients are refused, nothing is left."""

import http.client
import json
import signal
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
import trio

from sayso_client import LineLost
from tests.system import server_fixtures
from tests.system.client_fixtures import QUIET, SILENCE, Client, connected, talking
from tests.system.server_fixtures import (
    GONE_S,
    HTTP_TIMEOUT_S,
    SMALL,
    START_S,
    Server,
    need_models,
    poll,
    running_server,
    start_command,
)

pytestmark = pytest.mark.system

Spoken = Callable[[str], bytes]
LIMIT_S = 240
HALF = 2 * 8_000  # bytes: half a second of speech
PATIENT = SMALL | {"audio.stall_ms": 20_000}  # the tests stop in mid-speech to look around


async def speak_on(client: Client, pcm: bytes) -> None:
    """Speak until the server has heard enough and hangs up."""
    with suppress(LineLost):
        await client.speak(pcm)


async def ended(server: Server, timeout_s: float = 120.0) -> int:
    """Return the exit code."""
    return await trio.to_thread.run_sync(server.process.wait, timeout_s)


async def test_100_a_speaker_gets_the_answer_and_a_client_that_does_not_read_delays_none(
    tmp_path: Path, spoken: Spoken
) -> None:
    need_models()
    pcm = spoken("What time is it?")
    with running_server(tmp_path, PATIENT | {"supervisor.drain_timeout_s": 20}) as server:
        started = server.children()
        with trio.fail_after(LIMIT_S):
            async with talking(server.url, QUIET) as speaker, talking(server.url, QUIET) as idle:
                stalled = await trio.open_tcp_stream("127.0.0.1", server.port)  # never says anything
                await speaker.speak(pcm[:HALF])
                await speaker.next("speech_started")
                server.process.terminate()
                going = await idle.next("going_away")
                idle_code = await idle.closed()
                await speak_on(speaker, pcm[HALF:] + SILENCE)
                completed = await speaker.next("turn_completed")
                code = await speaker.closed()
                exit_code = await ended(server)
                await stalled.aclose()
        _, alive = psutil.wait_procs(started, timeout=GONE_S)

    assert (going["reason"], idle_code) == ("SIGTERM", 1012)
    assert 5_000 <= going["retry_after_ms"] <= 30_000
    assert going["resume_token"]
    assert completed["outcome"] == "done"
    assert [call["tool"] for call in speaker.all("tool_call")] == ["get_time"]
    assert (code, exit_code) == (1012, 0)
    assert not alive


async def test_during_a_drain_new_clients_are_refused_and_the_probes_say_so(tmp_path: Path, spoken: Spoken) -> None:
    need_models()
    pcm = spoken("What time is it?")
    with running_server(tmp_path, PATIENT) as server, trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET) as speaker:
            await speaker.speak(pcm[:HALF])
            await speaker.next("speech_started")
            answer = await trio.to_thread.run_sync(lambda: server.get("/api/drain", method="POST"))
            await trio.to_thread.run_sync(poll, "it is not ready", lambda: server.get("/health/ready").status == 503)
            status = (await trio.to_thread.run_sync(server.get, "/api/status")).json()
            live = await trio.to_thread.run_sync(server.get, "/health/live")
            refused = await trio.to_thread.run_sync(upgrade, server.port)
            await speak_on(speaker, pcm[HALF:] + SILENCE)
            completed = await speaker.next("turn_completed")
            code = await speaker.closed()
        exit_code = await ended(server)

    assert (answer.status, live.status) == (202, 200)
    assert answer.json()["phase"] == "draining"
    assert status["drain"]["reason"] == "an operator's request"
    assert refused == (503, "5")
    assert (completed["outcome"], code, exit_code) == ("done", 1012, 0)


def upgrade(port: int) -> tuple[int, str | None]:
    """Ask for a WebSocket and return the status, and when to come back."""
    key = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=HTTP_TIMEOUT_S)) as connection:
        connection.request("GET", "/ws", headers=key | {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
        response = connection.getresponse()
        response.read()
        return response.status, response.getheader("retry-after")


async def test_without_clients_it_is_gone_at_once(tmp_path: Path) -> None:
    need_models()
    with running_server(tmp_path, PATIENT | {"supervisor.drain_timeout_s": 300}) as server:
        server.process.send_signal(signal.SIGINT)
        assert await ended(server) == 0


async def test_told_to_stop_while_it_starts_it_stops_in_order(tmp_path: Path) -> None:
    need_models()
    process = start_command(tmp_path, SMALL, "serve")
    server = Server(process, tmp_path)
    try:
        await trio.to_thread.run_sync(poll, "it starts", lambda: "tool server" in server.log(), START_S)
        process.send_signal(signal.SIGINT)
        code = await ended(server)
    finally:
        process.kill()
        process.wait()
    assert code == 0, server.log()
    assert "Traceback" not in server.log()


async def test_a_second_signal_leaves_five_seconds(tmp_path: Path, spoken: Spoken) -> None:
    """Speech goes on; there is no third signal."""
    need_models()
    pcm = spoken("What time is it?")
    with running_server(tmp_path, PATIENT) as server, trio.fail_after(LIMIT_S):
        async with connected(server.url) as client:
            await client.open(QUIET, mode="push_to_talk")
            await client.tell("audio_start")
            await client.speak(pcm)
            server.process.terminate()
            await client.next("going_away")
            began_s = trio.current_time()
            server.process.terminate()
            code = await client.closed(timeout_s=60)
            took_s = trio.current_time() - began_s
        exit_code = await ended(server)
    assert (code, exit_code) == (1012, 0)
    assert took_s > 3


async def test_a_third_signal_ends_the_process(tmp_path: Path, spoken: Spoken) -> None:
    need_models()
    with running_server(tmp_path, PATIENT) as server, trio.fail_after(LIMIT_S):
        async with connected(server.url) as client:
            await client.open(QUIET, mode="push_to_talk")
            await client.tell("audio_start")
            await client.speak(spoken("What time is it?"))
            for _ in range(2):
                server.process.terminate()
                await trio.sleep(0.3)
            server.process.terminate()
            exit_code = await ended(server)
    assert exit_code == 128 + signal.SIGTERM


def test_a_bad_drain_is_told(tmp_path: Path) -> None:
    need_models()
    with running_server(tmp_path, PATIENT) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=HTTP_TIMEOUT_S)
        connection.request("POST", "/api/drain", body=json.dumps({"deadline_s": -1}))
        response = connection.getresponse()
        assert response.status == 400
        assert "deadline_s must be from 0 to 3600" in response.read().decode()
        connection.close()
        assert server.get("/health/ready").status == 200


async def test_43_a_root_that_gives_up_closes_its_clients_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_models()
    script = str(Path(__file__).parent / "servers" / "failing_server.py")
    monkeypatch.setattr(server_fixtures, "COMMAND", [sys.executable, script])
    with running_server(tmp_path, SMALL | {"supervisor.max_restarts": 1}) as server, trio.fail_after(LIMIT_S):
        started = server.children()
        async with talking(server.url, QUIET) as client:
            code = await client.closed()
        exit_code = await ended(server)
        _, alive = psutil.wait_procs(started, timeout=GONE_S)
    assert (code, exit_code) == (1012, 70)
    assert "broken for good" in server.log()
    assert not alive
