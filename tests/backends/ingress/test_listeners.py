"""The port, and what accepted sockets inherit from it."""

import socket as stdlib_socket
from contextlib import ExitStack

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from backends.ingress.accepted_connection import IngressRoutes
from backends.ingress.listeners import HELD_BACK, DescriptorReserve, Listener, PortInUse
from backends.ingress.server import TrioIngress
from backends.protocols import Request
from protocol.messages.socket import Socket
from tests.backends.ingress.ingress_fixtures import (
    NATIVE,
    FakeAdmission,
    FakeHandlers,
    gateway_settings,
    read_head,
    serving,
)
from tests.rlimits import no_more_files


async def test_a_port_in_use_is_named_with_what_to_do() -> None:
    async with serving() as server:
        taken = gateway_settings(port=server.port)
        handlers = FakeHandlers()
        admission = FakeAdmission(taken, handlers)
        second = TrioIngress(taken, handlers, admission, IngressRoutes(NATIVE))
        async with trio.open_nursery() as nursery:
            with pytest.raises(PortInUse) as error:
                await nursery.start(lambda task_status: second.serve(task_status=task_status))
        assert f"port {server.port} on 127.0.0.1 is in use" in str(error.value)
        assert "SAYSO_GATEWAY__PORT" in str(error.value)


async def test_accepted_sockets_have_bounded_buffers_and_give_up_on_a_dead_peer() -> None:
    options: list[int] = []

    async def look(socket: Socket, request: Request) -> None:
        raw = server.ingress._state
        (open_socket,) = raw.sockets
        inner = open_socket._stream.socket  # type: ignore[attr-defined]
        if hasattr(stdlib_socket, "TCP_USER_TIMEOUT"):
            assert inner.getsockopt(stdlib_socket.IPPROTO_TCP, stdlib_socket.TCP_USER_TIMEOUT) == 10_000
        options.append(inner.getsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_SNDBUF))

    async with serving(FakeHandlers(session=look)) as server:
        client = await server.upgrade()
        await client.close_code()
    assert options in ([65_536], [2 * 65_536])  # Linux doubles what is asked for


# --- without a descriptor left -------------------------------------------------------------------


async def asked(client: stdlib_socket.socket, port: int) -> bytes:
    """Return the head of the answer to a request on a socket that is there already."""
    client.setblocking(False)
    stream = trio.SocketStream(trio.socket.from_stdlib_socket(client))
    await stream.socket.connect(("127.0.0.1", port))
    await stream.send_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    head, _ = await read_head(stream)
    return head


async def test_reserved_descriptors_serve_connections_when_there_are_no_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving() as server:
        with ExitStack() as stack:
            clients = [stack.enter_context(stdlib_socket.socket()) for _ in range(HELD_BACK)]
            with no_more_files():
                heads = [await asked(client, server.port) for client in clients]
    assert all(head.startswith(b"HTTP/1.1 200") for head in heads)
    assert [record.message for record in caplog.records if record.name == "sayso.ingress"] == [
        "no file descriptor is left: raise the limit (ulimit -n), or admit fewer clients"
    ]


async def test_where_nothing_is_held_back_a_client_waits_for_the_next_descriptor() -> None:
    (inner,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    listener = Listener(inner, DescriptorReserve(0))
    client = stdlib_socket.socket()
    client.connect(inner.socket.getsockname())
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            with no_more_files():
                nursery.start_soon(accept_one, listener)
                await wait_all_tasks_blocked()
                assert nursery.child_tasks
    client.close()
    await listener.aclose()


async def accept_one(listener: Listener) -> None:
    await trio.aclose_forcefully(await listener.accept())


def test_a_reserve_is_what_there_is_up_to_its_size() -> None:
    reserve = DescriptorReserve(3)
    reserve.fill()
    reserve.give_up()
    assert len(reserve) == 2
    with no_more_files():
        reserve.fill()
        assert len(reserve) == 2
    reserve.fill()
    assert len(reserve) == 3
    reserve.give_up(3)
