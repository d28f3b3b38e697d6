"""What wrong, hostile or vanished clients do to a server, and what a wrong start says.

A bystander with a session of its own talks before and after each attack.
"""

import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio
from anyio.abc import SocketAttribute

from backends.speech import models
from sayso_client import LineLost
from tests.system.client_fixtures import QUIET, Client, connected, talking
from tests.system.model_fixtures import models_dir
from tests.system.server_fixtures import (
    SMALL,
    Answer,
    Server,
    need_models,
    poll,
    run_command,
    running_server,
)

pytestmark = pytest.mark.system

PLACES = 5
STORM = 200
LIMIT_S = 120
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture(scope="module")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with few places and little patience."""
    need_models()
    limits = {"gateway.websocket.max_connections": PLACES, "session.handshake_timeout_s": 4}
    limits |= {"session.resume_window_s": 1}  # for a client that vanishes
    with running_server(tmp_path_factory.mktemp("strict"), SMALL | limits) as server:
        yield server


@asynccontextmanager
async def bystander(server: Server) -> AsyncIterator[Client]:
    """Run the block beside a client that must be served before it and after it, on the same socket."""
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET) as client:
            await check(client)
            yield client
            await check(client)
            assert client.close_code is None


async def check(client: Client) -> None:
    await client.tell("text", text="what is 6 times 7")
    reply = await client.next("reply")
    completed = await client.next("turn_completed")
    assert "42" in reply["text"]
    assert completed["outcome"] == "done"


# --- wrong frames --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "bad_json"),
        ("[]", "bad_json"),
        ("null", "bad_json"),
        ('{"type": "nonsense", "data": {}}', "unknown_type"),
        ('{"type": "text", "data": {}}', "bad_field"),
        ('{"type": "text", "data": {"text": 7}}', "bad_field"),
        ('{"type": "connection_request", "data": {"client_id": "again", "capabilities": []}}', "unexpected_event"),
        ('{"type": "text", "data": {"text": "' + "x" * 70_000 + '"}}', "too_large"),
        (b"\0" * 3_201, "bad_audio"),
    ],
    ids=["half an object", "a list", "null", "unknown type", "no text", "no string", "twice", "too long", "odd audio"],
)
async def test_a_wrong_frame_is_answered_with_an_error_and_costs_nothing_else(
    strict_server: Server, frame: str | bytes, code: str
) -> None:
    async with bystander(strict_server), talking(strict_server.url, QUIET) as client:
        await client.raw(frame)
        error = await client.next("error")
        await check(client)

    assert error["code"] == code
    assert error["message"]
    assert not error["fatal"]


async def test_audio_before_the_handshake_is_an_error_and_the_handshake_still_works(strict_server: Server) -> None:
    async with bystander(strict_server), connected(strict_server.url) as client:
        await client.raw(bytes(3_200))
        error = await client.next("error")
        await client.open(QUIET)
        await check(client)

    assert error["code"] == "handshake_expected"


async def test_too_many_wrong_frames_close_the_socket(strict_server: Server) -> None:
    async with bystander(strict_server), talking(strict_server.url, QUIET) as client:
        for _ in range(6):
            await client.raw("{")
        code = await client.closed()

    assert code == 1008
    assert client.all("error")[-1]["fatal"]


async def test_a_frame_of_twenty_megabytes_closes_the_socket_with_1009(strict_server: Server) -> None:
    async with bystander(strict_server), talking(strict_server.url, QUIET) as client:
        with suppress(LineLost):  # the server need not read it to its end
            await client.raw(bytes(20 << 20))
        code = await client.closed()

    assert code == 1009


# --- clients that are silent, vanish, or come in crowds ------------------------------------------


async def test_a_socket_without_a_handshake_is_closed_with_1008(strict_server: Server) -> None:
    async with bystander(strict_server), connected(strict_server.url) as client:
        code = await client.closed()

    assert code == 1008
    assert client.all("error")[0]["code"] == "handshake_expected"


async def test_a_connection_that_sends_nothing_at_all_is_closed(strict_server: Server) -> None:
    async with bystander(strict_server), await trio.open_tcp_stream("127.0.0.1", strict_server.port) as stream:
        with trio.fail_after(60):
            answer = b"".join([chunk async for chunk in stream])

    assert answer == b"" or answer.startswith(b"HTTP/1.1 408")


async def test_a_client_that_vanishes_in_mid_utterance_frees_its_place(
    strict_server: Server, spoken: Callable[[str], bytes]
) -> None:
    pcm = spoken("Set a timer for ten minutes.")
    async with bystander(strict_server):
        async with connected(strict_server.url) as client:
            await client.open(QUIET)
            await client.speak(pcm[: len(pcm) // 2], factor=2)
            await client.next("speech_started")
            await reset(client)
        await trio.to_thread.run_sync(poll, "its place is free", lambda: sessions(strict_server) == 1)


async def reset(client: Client) -> None:
    """End the TCP connection without a goodbye."""
    raw = client.socket._stream.extra(SocketAttribute.raw_socket)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    await client.socket.abort()


def sessions(server: Server) -> int:
    count: int = server.get("/api/status").json()["sessions"]
    return count


async def test_two_hundred_clients_beyond_the_limit_are_refused_and_the_others_go_on(strict_server: Server) -> None:
    answers: list[Answer] = []

    async def knock() -> None:
        answers.append(await trio.to_thread.run_sync(lambda: strict_server.get("/ws", headers=UPGRADE)))

    async with bystander(strict_server), trio.open_nursery() as nursery:
        clients = [await nursery.start(stay, strict_server) for _ in range(PLACES - 1)]
        async with trio.open_nursery() as storm:
            for _ in range(STORM):
                storm.start_soon(knock)
        for client in clients:
            await check(client)
        nursery.cancel_scope.cancel()

    assert [answer.status for answer in answers] == [503] * STORM
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)


async def test_a_refused_browser_is_told_over_the_websocket(strict_server: Server) -> None:
    async with bystander(strict_server), trio.open_nursery() as nursery:
        clients = [await nursery.start(stay, strict_server) for _ in range(PLACES - 1)]
        async with connected(strict_server.url, Origin=strict_server.http_url) as browser:
            refused = await browser.next("connection_refused")
            code = await browser.closed()
        await check(clients[0])
        nursery.cancel_scope.cancel()

    assert code == 1013
    assert refused["retry_after_ms"] >= 1_000
    assert "places" in refused["reason"]


async def stay(server: Server, *, task_status: trio.TaskStatus[Client]) -> None:
    """Hold a place until cancelled; waits for one that an earlier test gives back."""
    await trio.to_thread.run_sync(poll, "a place is free", lambda: sessions(server) < PLACES)
    async with talking(server.url, QUIET) as client:
        task_status.started(client)
        await trio.sleep_forever()


# --- wrong starts --------------------------------------------------------------------------------


def test_a_port_in_use_is_one_clear_line_and_exit_code_1(tmp_path: Path) -> None:
    need_models()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run_command(tmp_path, SMALL | {"gateway.port": port}, "serve")

    assert ended.process.returncode == 1
    assert f"port {port} on 127.0.0.1 is in use" in last_words(ended)


def test_a_broken_configuration_file_is_exit_code_2_with_all_its_problems(tmp_path: Path) -> None:
    (tmp_path / "sayso.toml").write_text(
        '[gateway]\nprot = 1\n\n[transcription]\nworkers = "many"\n\n[audio]\nsilence_ms = 5\n'
    )
    ended = run_command(tmp_path, {}, "serve")

    assert ended.process.returncode == 2
    for problem in (
        ":2: gateway.prot is no setting; did you mean gateway.port?",
        ":5: transcription.workers",
        ":8: audio",
    ):
        assert f"sayso.toml{problem}" in ended.log()


def test_a_missing_model_says_how_to_get_it(tmp_path: Path) -> None:
    ended = run_command(tmp_path, SMALL | {"transcription.model": "large-v3"}, "serve")

    assert ended.process.returncode == 1
    assert "large-v3" in last_words(ended)
    assert "run `" in last_words(ended)


def test_a_damaged_model_says_what_to_do(tmp_path: Path) -> None:
    need_models()
    model = tmp_path / "tiny"
    shutil.copytree(models.resolve_whisper("tiny.en", models_dir()), model)
    os.truncate(model / "model.bin", 100_000)
    ended = run_command(tmp_path, SMALL | {"transcription.model": str(model)}, "serve")

    assert ended.process.returncode == 1
    assert str(model) in last_words(ended)
    assert "install it again" in last_words(ended)


def last_words(ended: Server) -> str:
    """Return the line for the person at the terminal, below the log."""
    *_, line = ended.log().splitlines()
    assert line.startswith("sayso: ")
    return line
