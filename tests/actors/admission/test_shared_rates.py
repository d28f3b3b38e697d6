import trio
from trio.testing import MockClock

from actors.admission.shared_rates import SharedRates
from protocol.admission.sender_rates import SenderRates, guide_limits
from protocol.messages.identity import Identity
from tests.fake_shared import FakeShared, SharedMemory

SENDER = Identity("192.0.2.1:5000", "192.0.2.1")
HERE = Identity("127.0.0.1:5000", "127.0.0.1")


def two_replicas() -> tuple[SharedMemory, list[SharedRates]]:
    memory = SharedMemory()
    return memory, [SharedRates(SenderRates(guide_limits(100, 1_000, 10)), FakeShared(memory)) for _ in range(2)]


async def test_two_replicas_let_through_what_one_would(autojump_clock: MockClock) -> None:
    _, replicas = two_replicas()
    waits = [await replicas[number % 2].take(SENDER) for number in range(20)]
    assert [wait_s == 0 for wait_s in waits] == [True] * 10 + [False] * 10
    await trio.sleep(max(waits))
    assert await replicas[0].take(SENDER) == 0


async def test_a_store_that_fails_leaves_each_replica_with_what_it_knows(autojump_clock: MockClock) -> None:
    memory, (first, second) = two_replicas()
    assert [await first.take(SENDER) for _ in range(10)] == [0.0] * 10
    memory.trouble = "dead"
    assert await first.take(SENDER) > 0, "the first has let it through ten times"
    assert [await second.take(SENDER) for _ in range(10)] == [0.0] * 10
    await first.give_back(SENDER)
    assert await first.take(SENDER) == 0


async def test_what_is_given_back_may_be_taken_at_another_replica(autojump_clock: MockClock) -> None:
    _, (first, second) = two_replicas()
    for _ in range(10):
        await first.take(SENDER)
    await first.give_back(SENDER)
    assert await second.take(SENDER) == 0
    assert await second.take(SENDER) > 0


async def test_the_store_is_not_asked_about_a_sender_without_limits(autojump_clock: MockClock) -> None:
    _, (first, _) = two_replicas()
    assert [await first.take(HERE) for _ in range(50)] == [0.0] * 50
    await first.give_back(HERE)
    assert isinstance(first.store, FakeShared)
    assert not first.store.asked


async def test_nothing_is_shared_by_default(autojump_clock: MockClock) -> None:
    rates = SharedRates(SenderRates(guide_limits(100, 1_000, 1)))
    assert await rates.take(SENDER) == 0
    assert await rates.take(SENDER) > 0
    await rates.give_back(SENDER)
    assert await rates.take(SENDER) == 0
