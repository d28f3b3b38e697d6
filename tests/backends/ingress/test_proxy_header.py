"""Requests behind a trusted proxy, as they come through the port."""

import ipaddress
import struct
from contextlib import suppress
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from protocol.admission.forwarding import HEAD, SIGNATURE
from tests.backends.ingress.ingress_fixtures import ask, gateway_settings, patient_clock, read_all, serving
from tests.backends.ingress.tls_fixtures import made, trusting

CALLER = "203.0.113.9"
TRUSTING: dict[str, Any] = {"trusted_proxies": ("127.0.0.1",)}
ECHO = b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n"


@pytest.fixture
def clock() -> MockClock:
    return patient_clock()


def header(source: str = CALLER, command: int = 0x21) -> bytes:
    packed = ipaddress.ip_address(source).packed
    body = packed + bytes(len(packed)) + struct.pack("!HH", 4711, 443)
    family = 0x11 if len(packed) == 4 else 0x21
    return HEAD.pack(SIGNATURE, command, family, len(body)) + body


async def test_the_header_of_the_proxy_protocol_names_the_caller() -> None:
    async with serving(settings=gateway_settings(**TRUSTING)) as server:
        assert f"'{CALLER}:4711'".encode() in await ask(server.port, header() + ECHO % b"")
        assert b"'2001:db8::9:4711'" in await ask(server.port, header("2001:db8::9") + ECHO % b"")
        forged = ECHO % b"X-Forwarded-For: 192.0.2.66\r\n"
        assert f"'{CALLER}:4711'".encode() in await ask(server.port, header() + forged), "the caller is no proxy"


async def test_forwarding_headers_name_the_caller_for_each_request() -> None:
    async with serving(settings=gateway_settings(**TRUSTING)) as server:
        for named in (b"X-Forwarded-For: 192.0.2.66, 203.0.113.9\r\n", b"Forwarded: for=203.0.113.9\r\n"):
            assert f"'{CALLER}:0'".encode() in await ask(server.port, ECHO % named)
        assert b"'127.0.0.1:" in await ask(server.port, ECHO % b""), "a request of the proxy's own"
        assert b"'127.0.0.1:" in await ask(server.port, header(command=0x20) + ECHO % b"")


async def test_others_are_believed_nothing() -> None:
    async with serving(settings=gateway_settings(trusted_proxies=("192.0.2.0/24",))) as server:
        assert b"'127.0.0.1:" in await ask(server.port, ECHO % b"X-Forwarded-For: 203.0.113.9\r\n")
        assert (await ask(server.port, header() + ECHO % b"")).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "sent", [b"\r", header()[:20], b"\r\n\r\n" + bytes(20), HEAD.pack(SIGNATURE, 0x21, 0x11, 4) + b"abcd" + ECHO % b""]
)
async def test_a_broken_header_ends_that_connection_only(clock: MockClock, sent: bytes) -> None:
    async with serving(settings=gateway_settings(**TRUSTING, head_timeout_s=5)) as server:
        stream = await server.connect()
        began_s = trio.current_time()
        await stream.send_all(sent)
        with suppress(trio.BrokenResourceError):  # a reset, where something was left unread
            assert await read_all(stream) == b""
        assert trio.current_time() - began_s <= 5.5
        assert b"200 " in await ask(server.port, header() + ECHO % b"")


async def test_the_header_stands_before_tls(tmp_path: Any) -> None:
    files = made(tmp_path)
    tls: dict[str, Any] = {"tls_certificate": str(files.certificate), "tls_key": str(files.key)}
    async with serving(settings=gateway_settings(**TRUSTING, **tls)) as server:
        plain = await server.connect()
        await plain.send_all(header())
        stream = trio.SSLStream(plain, trusting(files), server_hostname="localhost", https_compatible=True)
        await stream.send_all(ECHO % b"")
        assert f"'{CALLER}:4711'".encode() in await read_all(stream)


async def test_one_proxy_may_have_all_connections(clock: MockClock) -> None:
    settings = gateway_settings(**TRUSTING, max_http_connections=4, max_share_per_address=0.5, keepalive_s=60)
    async with serving(settings=settings) as server:
        streams = [await server.connect() for _ in range(4)]
        for stream in streams:
            await stream.send_all(header() + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        for stream in streams:
            assert (await stream.receive_some(4_096)).startswith(b"HTTP/1.1 200 ")
