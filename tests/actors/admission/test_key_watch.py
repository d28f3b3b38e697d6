import attrs
import pytest
import trio
from trio.testing import MockClock

from actors.admission.key_watch import LOOK_EVERY_S, KeyWatch
from protocol.messages.identity import Grant, Identity, Scope
from runtime.messaging.pace import Pace
from tests.fakes import FakeSocket

ANN = Grant("ann's", frozenset({Scope.TALK}))
BOB = Grant("bob's", frozenset({Scope.TALK}))


@attrs.define
class FakeKeys:
    """Keys of which some are good."""

    good: set[str]
    looks: int = 0

    async def refresh(self) -> None:
        self.looks += 1
        await trio.lowlevel.checkpoint()

    def holds(self, grant: Grant) -> bool:
        return grant.key_id in self.good


def socket_of(grant: Grant | None) -> FakeSocket:
    socket = FakeSocket()
    socket.identity = Identity("192.0.2.1:5000", "192.0.2.1", grant=grant)
    return socket


async def test_a_socket_closes_within_seconds_of_its_keys_end_and_others_do_not(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    keys = FakeKeys({"ann's", "bob's"})
    watch = KeyWatch(keys)
    ann, bob, local = socket_of(ANN), socket_of(BOB), socket_of(None)
    caplog.set_level("INFO")
    nursery.start_soon(watch.run, Pace.steady())
    with watch.watching(ann), watch.watching(bob), watch.watching(local):
        await trio.sleep(LOOK_EVERY_S + 0.1)
        assert keys.looks == 1
        assert ann.close is bob.close is None
        keys.good.remove("ann's")
        await trio.sleep(LOOK_EVERY_S)
        assert ann.close == (4001, "the key has expired or was revoked")
        assert bob.close is local.close is None
    assert "its key ann's has expired or was revoked" in caplog.text


async def test_a_socket_that_has_gone_is_not_closed() -> None:
    watch = KeyWatch(FakeKeys(set()))
    socket = socket_of(ANN)
    with watch.watching(socket):
        pass
    watch.close_expired()
    assert socket.close is None


async def test_a_socket_is_closed_once() -> None:
    watch = KeyWatch(FakeKeys(set()))
    socket = socket_of(ANN)
    with watch.watching(socket):
        watch.close_expired()
        socket.close = None
        watch.close_expired()
    assert socket.close is None


async def test_the_last_look_is_at_the_end() -> None:
    keys = FakeKeys(set())
    await KeyWatch(keys).finish()
    assert keys.looks == 1
