import pytest
import trio

from backends.ingress.closable_socket import ABNORMAL, NORMAL, ClosableSocket
from protocol.messages.identity import Identity


class Held(ClosableSocket):
    """Counts how often it was released, and what it was to send."""

    def __init__(self) -> None:
        super().__init__(Identity("127.0.0.1:1", "127.0.0.1"))
        self.released = 0
        self.sent: list[str | bytes] = []

    async def send(self, frame: str | bytes) -> None:
        self.sent.append(frame)

    def release(self) -> None:
        self.released += 1


async def test_it_closes_once_and_the_first_code_stays() -> None:
    socket = Held()
    socket.start_close(NORMAL, "done")
    socket.start_close(ABNORMAL, "again")
    with trio.fail_after(1.0):
        assert await socket.wait_closed() == NORMAL
    assert socket.released == 1


async def test_speech_is_sent_as_anything_else_and_nothing_is_dropped() -> None:
    socket = Held()
    await socket.send_speech(b"speech")
    assert (socket.sent, socket.drop_speech()) == ([b"speech"], 0)


async def test_what_a_kind_must_have_of_its_own_is_demanded() -> None:
    socket = ClosableSocket(Identity("127.0.0.1:1", "127.0.0.1"))
    with pytest.raises(NotImplementedError):
        await socket.send("text")
    with pytest.raises(NotImplementedError):
        socket.start_close(NORMAL, "done")
