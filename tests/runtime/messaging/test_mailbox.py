import random
from typing import Any

import pytest
import trio
from attrs import frozen

from runtime.messaging.envelope import Envelope
from runtime.messaging.errors import ControlLaneFull, MailboxClosed, MessageTooLarge
from runtime.messaging.lane import MailboxSpec, Overflow
from runtime.messaging.mailbox import CONTROL_CAPACITY, Mailbox, OfferResult


def mailbox(*, dropped: list[Any] | None = None, **spec: Any) -> Mailbox:
    kept: list[Any] = [] if dropped is None else dropped
    return Mailbox("test", MailboxSpec(**spec), lambda envelope, reason: kept.append((envelope.message, reason)))


def put(box: Mailbox, *messages: Any) -> list[OfferResult]:
    return [box.offer(Envelope(message, 0.0)) for message in messages]


def taken(box: Mailbox) -> list[Any]:
    found = []
    while (envelope := box.take_nowait()) is not None:
        found.append(envelope.message)
    return found


def take(box: Mailbox) -> Envelope:
    envelope = box.take_nowait()
    assert envelope is not None
    return envelope


def is_balanced(box: Mailbox) -> bool:
    c = box.counters
    return c.accepted == c.processed + len(box) + c.in_flight + c.expired + c.quarantined + sum(c.dropped.values())


def test_76_each_lane_is_first_in_first_out() -> None:
    box = mailbox()
    assert put(box, 1, 2, 3) == [OfferResult.TAKEN] * 3
    assert taken(box) == [1, 2, 3]


def test_75_control_overtakes_data() -> None:
    box = mailbox(capacity=1_000)
    put(box, *range(1_000))
    box.put_control(Envelope("stop", 0.0))
    envelope = box.take_nowait()
    assert envelope is not None
    assert envelope.message == "stop"


def test_71_drop_newest_keeps_the_first_and_drop_oldest_the_last() -> None:
    dropped: list[Any] = []
    newest = mailbox(capacity=3, overflow=Overflow.DROP_NEWEST, dropped=dropped)
    assert put(newest, *range(5)) == [OfferResult.TAKEN] * 3 + [OfferResult.DROPPED] * 2
    assert is_balanced(newest)
    assert taken(newest) == [0, 1, 2]
    oldest = mailbox(capacity=3, overflow=Overflow.DROP_OLDEST, dropped=dropped)
    assert put(oldest, *range(5)) == [OfferResult.TAKEN] * 5
    assert is_balanced(oldest)
    assert taken(oldest) == [2, 3, 4]
    assert dropped == [(3, "overflow"), (4, "overflow"), (0, "overflow"), (1, "overflow")]


def test_72_reject_refuses_at_once() -> None:
    box = mailbox(capacity=1, overflow=Overflow.REJECT)
    assert put(box, 1, 2) == [OfferResult.TAKEN, OfferResult.FULL]
    assert taken(box) == [1]


@frozen
class Position:
    key: str
    value: int


def test_73_coalesce_keeps_the_newest_of_a_key_in_the_place_of_the_first() -> None:
    box = mailbox(capacity=2, overflow=Overflow.COALESCE, key=lambda m: m.key)
    a1, b1, a2, a3 = Position("a", 1), Position("b", 1), Position("a", 2), Position("a", 3)
    assert put(box, a1, b1, a2, Position("c", 1)) == [OfferResult.TAKEN] * 3 + [OfferResult.FULL]
    assert box.counters.dropped == {"coalesced": 1}
    assert is_balanced(box)
    assert taken(box) == [a2, b1]
    put(box, a3)
    assert taken(box) == [a3]


def test_what_comes_back_is_outdated_by_a_newer_one_of_its_key() -> None:
    box = mailbox(overflow=Overflow.COALESCE, key=lambda m: m.key)
    put(box, Position("a", 1))
    old = take(box)
    put(box, Position("a", 2))
    box.put_back([old])
    assert taken(box) == [Position("a", 2)]


def test_69_the_byte_bound_holds_too() -> None:
    box = mailbox(max_bytes=10, size_of=len, overflow=Overflow.REJECT)
    assert put(box, b"1234", b"123456", b"1") == [OfferResult.TAKEN, OfferResult.TAKEN, OfferResult.FULL]
    assert box.statistics(0.0).queued_bytes == 10
    box.take_nowait()
    assert put(box, b"12345", b"1234") == [OfferResult.FULL, OfferResult.TAKEN]
    taken(box)
    assert box.statistics(0.0).queued_bytes == 0


def test_a_message_that_never_fits_is_refused_with_its_size() -> None:
    with pytest.raises(MessageTooLarge, match="11 bytes for test, at most 10"):
        put(mailbox(max_bytes=10, size_of=len), b"x" * 11)


@pytest.mark.parametrize(
    "spec",
    [
        {"capacity": 0},
        {"max_bytes": 10},
        {"overflow": Overflow.COALESCE},
        {"key": str},
        {"max_in_flight": 0},
    ],
)
def test_bounds_that_make_no_sense_are_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be|needs|goes with"):
        MailboxSpec(**spec)


def test_an_overflow_of_the_control_lane_is_an_error() -> None:
    box = mailbox()
    for _ in range(CONTROL_CAPACITY):
        box.put_control(Envelope("x", 0.0))
    with pytest.raises(ControlLaneFull):
        box.put_control(Envelope("x", 0.0))


def test_data_waits_while_too_many_are_in_flight_but_control_does_not() -> None:
    box = mailbox(max_in_flight=1)
    put(box, 1)
    box.counters.in_flight = 1
    assert box.take_nowait() is None
    box.put_control(Envelope("stop", 0.0))
    assert box.take_nowait() is not None


def test_what_was_in_flight_comes_back_to_the_head_in_order() -> None:
    box = mailbox()
    put(box, 1, 2, 3)
    first, second = take(box), take(box)
    box.put_back([first, second])
    assert taken(box) == [1, 2, 3]


async def test_70_blocked_senders_are_served_in_order_and_a_cancelled_one_leaves_nothing(nursery: trio.Nursery) -> None:
    box = mailbox(capacity=1)
    put(box, 0)
    scopes = []

    async def send(message: int) -> None:
        envelope = Envelope(message, 0.0)
        assert box.offer(envelope) is OfferResult.FULL
        with trio.CancelScope() as scope:
            scopes.append(scope)
            await box.wait_for_room(envelope)

    for message in (1, 2, 3):
        nursery.start_soon(send, message)
        await trio.testing.wait_all_tasks_blocked()
    scopes[1].cancel()
    await trio.testing.wait_all_tasks_blocked()
    assert box.statistics(0.0).waiting_senders == 2
    assert taken(box) == [0, 1, 3]
    assert box.counters.accepted == 3


async def test_a_new_message_does_not_overtake_a_sender_that_waits_for_bytes(nursery: trio.Nursery) -> None:
    box = mailbox(max_bytes=10, size_of=len)
    put(box, b"12345678")

    async def send(message: bytes) -> None:
        await box.wait_for_room(Envelope(message, 0.0, size_bytes=len(message)))

    nursery.start_soon(send, b"12345")
    await trio.testing.wait_all_tasks_blocked()
    assert put(box, b"1") == [OfferResult.FULL]
    assert taken(box) == [b"12345678", b"12345"]


async def test_closing_refuses_the_senders_that_wait_and_those_that_come(nursery: trio.Nursery) -> None:
    box = mailbox(capacity=1)
    put(box, 0)
    refused = []

    async def send() -> None:
        try:
            await box.wait_for_room(Envelope(1, 0.0))
        except MailboxClosed:
            refused.append(1)

    nursery.start_soon(send)
    await trio.testing.wait_all_tasks_blocked()
    box.close()
    await trio.testing.wait_all_tasks_blocked()
    assert refused == [1]
    with pytest.raises(MailboxClosed):
        put(box, 2)
    box.discard()
    assert box.counters.dropped == {"closed": 1}
    box.is_closed = False
    assert put(box, 3) == [OfferResult.TAKEN]


@pytest.mark.parametrize("overflow", [Overflow.BLOCK, Overflow.REJECT, Overflow.DROP_OLDEST, Overflow.DROP_NEWEST])
@pytest.mark.parametrize("seed", range(5))
def test_69_74_any_order_of_events_keeps_the_bound_and_the_balance(overflow: Overflow, seed: int) -> None:
    rng = random.Random(seed)
    box = mailbox(capacity=4, overflow=overflow, max_bytes=20, size_of=len)
    for _ in range(500):
        if rng.random() < 0.6:
            put(box, b"x" * rng.randint(1, 9))
        elif box.take_nowait() is not None:
            box.counters.in_flight += 1
            box.counters.finish(1.0)
        assert box.statistics(0.0).queued <= 4
        assert box.statistics(0.0).queued_bytes <= 20
        assert is_balanced(box)


async def test_77_a_cancelled_reader_has_taken_nothing(nursery: trio.Nursery) -> None:
    box = mailbox()
    with trio.move_on_after(0) as scope:
        await box.wait()
    assert scope.cancelled_caught
    put(box, 1)
    assert taken(box) == [1]


def test_statistics_show_the_age_of_the_head_and_how_long_a_message_takes() -> None:
    box = mailbox()
    box.offer(Envelope(1, 10.0))
    assert box.statistics(12.5).head_age_s == 2.5
    box.take_nowait()
    box.counters.in_flight += 1
    box.counters.finish(20.0)
    assert box.statistics(30.0).counters.latency_s == pytest.approx(2.0)
    assert box.counters.retry_after_s == pytest.approx(2.0)
