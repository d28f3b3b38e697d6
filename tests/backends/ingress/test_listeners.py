"""The port, and what accepted sockets inherit from it."""

import socket as stdlib_socket

import pytest
import trio
import trio.testing

from backends.ingress.listeners import PortInUse
from backends.ingress.reception import Doors
from backends.ingress.server import Ingress
from backends.protocols import Request, Socket
from tests.backends.ingress.ingress_fixtures import (
    FakeHandlers,
    gateway_settings,
    refusal_event,
    serving,
)


async def test_a_port_in_use_is_named_with_what_to_do() -> None:
    async with serving() as server:
        taken = gateway_settings(port=server.port)
        second = Ingress(taken, FakeHandlers(), Doors(frozenset({"/ws"}), refusal_event))
        async with trio.open_nursery() as nursery:
            with pytest.raises(PortInUse) as error:
                await nursery.start(lambda task_status: second.serve(task_status=task_status))
        assert f"port {server.port} on 127.0.0.1 is in use" in str(error.value)
        assert "SAYSO_GATEWAY__PORT" in str(error.value)


async def test_accepted_sockets_have_bounded_buffers_and_give_up_on_a_dead_peer() -> None:
    options: list[int] = []

    async def look(socket: Socket, request: Request) -> None:
        raw = server.ingress._house
        (open_socket,) = raw.sockets
        inner = open_socket._stream.socket  # type: ignore[attr-defined]
        options.append(inner.getsockopt(stdlib_socket.IPPROTO_TCP, stdlib_socket.TCP_USER_TIMEOUT))
        options.append(inner.getsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_SNDBUF))

    async with serving(FakeHandlers(session=look)) as server:
        client = await server.upgrade()
        await client.close_code()
    assert options == [10_000, 2 * 65_536]  # Linux doubles what is asked for
