"""TLS on the port, with Trio's own TLS as the client."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from backends.ingress.certificates import LOOK_EVERY_S as CERTIFICATE_EVERY_S
from backends.ingress.certificates import CertificateError, CertificateFiles
from tests.backends.ingress.ingress_fixtures import (
    UPGRADE,
    FrameClient,
    Server,
    gateway_settings,
    patient_clock,
    read_all,
    read_head,
    serving,
)
from tests.backends.ingress.tls_fixtures import made, secure_stream, trusting

GET = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
def clock() -> MockClock:
    return patient_clock()


@pytest.fixture
def files(tmp_path: Path) -> CertificateFiles:
    return made(tmp_path / "tls")


@asynccontextmanager
async def secured(files: CertificateFiles, **changes: Any) -> AsyncIterator[Server]:
    settings = gateway_settings(tls_certificate=str(files.certificate), tls_key=str(files.key), **changes)
    async with serving(settings=settings, app=scheme_app) as server:
        yield server


async def scheme_app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["scheme"].encode() * 50_000})


async def test_a_page_is_answered_and_the_connection_ends_in_order(files: CertificateFiles) -> None:
    async with secured(files) as server, await secure_stream(server.port, trusting(files)) as stream:
        await stream.send_all(GET)
        answer = await read_all(stream)
        assert answer.endswith(b'{"status":"healthy"}')


async def test_the_app_behind_is_told_of_tls_and_a_long_answer_arrives_whole(files: CertificateFiles) -> None:
    async with secured(files) as server, await secure_stream(server.port, trusting(files)) as stream:
        await stream.send_all(b"GET /app HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await read_all(stream)
        assert answer.count(b"https") == 50_000


async def test_a_websocket_speaks_both_ways_and_closes_at_once(files: CertificateFiles, clock: MockClock) -> None:
    async with secured(files) as server:
        stream = await secure_stream(server.port, trusting(files))
        await stream.send_all(UPGRADE + b"\r\n")
        head, rest = await read_head(stream)
        assert head.startswith(b"HTTP/1.1 101 ")
        client = FrameClient(stream)
        if rest:
            await client.take_in(rest)
        await client.send("x" * 200_000)
        assert await client.payload() == b"x" * 200_000
        began_s = trio.current_time()
        client.protocol.send_close(1000)
        await client.flush()
        assert await client.close_code() == 1000
        assert trio.current_time() - began_s < 1.0, "the end of the stream does not wait for a timeout"
        await trio.aclose_forcefully(stream)


async def test_a_client_that_speaks_in_clear_is_told_what_is_spoken_here(files: CertificateFiles) -> None:
    async with secured(files) as server:
        stream = await server.connect()
        await stream.send_all(GET)
        answer = await read_all(stream)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"error": "TLS is spoken here: use https:// or wss://"}
        assert server.handlers.observed == [("OTHER", "no_tls", 400)]


@pytest.mark.parametrize("sent", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"])
async def test_a_handshake_that_is_not_completed_ends_after_the_deadline(
    files: CertificateFiles, clock: MockClock, sent: bytes
) -> None:
    async with secured(files, head_timeout_s=5) as server:
        stream = await server.connect()
        began_s = trio.current_time()
        await stream.send_all(sent)
        assert await read_all(stream) == b""
        assert trio.current_time() - began_s == pytest.approx(5.0, abs=0.5)


@pytest.mark.parametrize("sent", [b"\x00" * 100, b"\xff" * 5_000, b"SSH-2.0-x\r\n"])
async def test_garbage_ends_the_connection_and_nothing_else(files: CertificateFiles, sent: bytes) -> None:
    async with secured(files) as server:
        stream = await server.connect()
        await stream.send_all(sent)
        await read_all(stream)
        async with await secure_stream(server.port, trusting(files)) as good:
            await good.send_all(GET)
            assert (await read_all(good)).startswith(b"HTTP/1.1 200 ")


async def test_a_half_open_handshake_gives_its_place_to_another(files: CertificateFiles, clock: MockClock) -> None:
    async with secured(files, max_http_connections=1, head_timeout_s=60, max_share_per_address=1.0) as server:
        mute = await server.connect()
        await trio.sleep(2.0)  # past the grace of a connection that waits
        async with await secure_stream(server.port, trusting(files)) as other:
            await other.send_all(GET)
            assert (await read_all(other)).startswith(b"HTTP/1.1 200 ")
        assert await mute.receive_some(1) == b"", "it was closed for the other"


async def test_a_certificate_that_does_not_fit_is_an_error_of_the_start(
    files: CertificateFiles, tmp_path: Path
) -> None:
    other = made(tmp_path / "other")
    with pytest.RaisesGroup(CertificateError):
        async with secured(attrs.evolve(files, key=other.key)):
            pass


async def test_a_renewed_certificate_is_shown_to_the_next_client_and_open_connections_stay(
    files: CertificateFiles, tmp_path: Path, clock: MockClock
) -> None:
    before, other = trusting(files), made(tmp_path / "other")
    async with secured(files, keepalive_s=60) as server:
        old = await secure_stream(server.port, before)
        shutil.copy(other.key, files.key)
        shutil.copy(other.certificate, files.certificate)
        with trio.fail_after(20 * CERTIFICATE_EVERY_S):
            while True:  # the files are read in a thread
                await trio.sleep(CERTIFICATE_EVERY_S)
                try:
                    new = await secure_stream(server.port, trusting(other))
                except trio.BrokenResourceError:
                    continue
                break
        await new.send_all(GET)
        assert (await read_all(new)).startswith(b"HTTP/1.1 200 ")
        await trio.aclose_forcefully(new)
        await trio.aclose_forcefully(old)
