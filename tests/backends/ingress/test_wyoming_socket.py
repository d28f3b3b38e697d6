import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from backends.ingress.wyoming_socket import WyomingSocket
from protocol.messages.identity import Identity
from protocol.messages.socket import Socket, SocketClosed

CLIENT = Identity("192.0.2.1:5000", "192.0.2.1")


async def swallow(_frame: bytes) -> None:
    """Send to nobody."""


async def test_a_frame_is_handed_over_when_the_session_takes_it(autojump_clock: MockClock) -> None:
    socket: Socket = WyomingSocket(CLIENT, swallow)
    assert isinstance(socket, WyomingSocket)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(socket.take, b"one")
        await wait_all_tasks_blocked()
        assert await socket.receive() == b"one"


async def test_the_end_of_the_peer_is_the_end_of_the_socket(autojump_clock: MockClock) -> None:
    socket = WyomingSocket(CLIENT, swallow)
    socket.end()
    with pytest.raises(SocketClosed) as closed:
        await socket.receive()
    assert (closed.value.code, closed.value.is_from_peer) == (1006, True)
    assert await socket.wait_closed() == 1006
    with pytest.raises(SocketClosed):
        await socket.send(b"late")


async def test_a_close_ends_what_waits_for_the_peer_or_for_the_session(autojump_clock: MockClock) -> None:
    socket = WyomingSocket(CLIENT, swallow)
    ended: list[object] = []

    async def read(_size: int) -> bytes:
        await trio.sleep_forever()
        raise AssertionError

    async def reader() -> None:
        ended.append(await socket.unless_closed(read))

    async def taker() -> None:
        ended.append(await socket.take(b"one"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader)
        nursery.start_soon(taker)
        await wait_all_tasks_blocked()
        socket.start_close(1012, "stopping", timeout_s=1.0)
        socket.start_close(1000, "again")
    assert sorted(map(bool, ended)) == [False, False]
    assert await socket.wait_closed() == 1012
    assert await socket.unless_closed(read) == b""
    assert not await socket.take(b"two")
    with pytest.raises(SocketClosed):
        await socket.receive()


async def test_a_peer_that_takes_nothing_loses_the_socket(autojump_clock: MockClock) -> None:
    async def fail(_frame: bytes) -> None:
        raise trio.TooSlowError

    socket = WyomingSocket(CLIENT, fail)
    with pytest.raises(SocketClosed):
        await socket.send_speech("text")
    assert await socket.wait_closed() == 1006
    assert socket.drop_speech() == 0
    assert socket.identity is CLIENT
