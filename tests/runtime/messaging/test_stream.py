import pytest
import trio
from trio.testing import MockClock

from runtime import AskError, AskTimeout, MailboxClosed
from runtime.messaging.stream import PartSender, ask_streaming


async def test_parts_are_taken_in_order_and_all_of_them_before_the_answer_is_returned(
    autojump_clock: MockClock,
) -> None:
    taken: list[str] = []

    async def ask(text: PartSender[str]) -> str:
        for part in ("a", "b", "c"):
            await text.send(part)
        return "abc"

    async def take(part: str) -> None:
        await trio.sleep(1.0)
        taken.append(part)

    assert await ask_streaming(ask, take) == "abc"
    assert taken == ["a", "b", "c"]
    assert trio.current_time() == pytest.approx(3.0, abs=0.01)


async def test_a_slow_reader_slows_the_maker_down(autojump_clock: MockClock) -> None:
    sent_s: list[float] = []

    async def ask(text: PartSender[str]) -> None:
        for _ in range(4):
            await text.send("x")
            sent_s.append(round(trio.current_time()))

    async def take(_: str) -> None:
        await trio.sleep(10.0)

    start_s = trio.current_time()
    await ask_streaming(ask, take)
    assert [at_s - start_s for at_s in sent_s] == [0.0, 10.0, 20.0, 30.0], "one part at a time, and none ahead"


@pytest.mark.parametrize("error", [AskTimeout("too slow"), MailboxClosed("gone")])
async def test_a_failure_is_raised_as_it_is_after_what_came_before_it(
    error: Exception, autojump_clock: MockClock
) -> None:
    taken: list[str] = []

    async def ask(text: PartSender[str]) -> str:
        await text.send("a")
        raise error

    async def take(part: str) -> None:
        await trio.sleep(1.0)
        taken.append(part)

    with pytest.raises(type(error)) as raised:
        await ask_streaming(ask, take)
    assert raised.value is error
    assert taken == ["a"]


async def test_an_ask_is_given_up_when_its_parts_cannot_be_taken(autojump_clock: MockClock) -> None:
    has_ended = trio.Event()

    async def ask(text: PartSender[str]) -> str:
        try:
            await text.send("a")
            await trio.sleep_forever()
        finally:
            has_ended.set()
        raise AskError

    async def take(_: str) -> None:
        raise ZeroDivisionError("as told")

    with pytest.raises(ExceptionGroup) as raised:
        await ask_streaming(ask, take)
    assert raised.group_contains(ZeroDivisionError)
    assert has_ended.is_set()


async def test_what_is_sent_after_the_asker_has_left_is_dropped(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    senders: list[PartSender[str]] = []
    has_ended = trio.Event()

    async def send_on() -> None:
        for _ in range(3):
            await senders[0].send("x")
        has_ended.set()

    async def ask(text: PartSender[str]) -> None:
        senders.append(text)
        nursery.start_soon(send_on)  # as an actor does whose asker is not linked
        await trio.sleep_forever()

    async def take(_: str) -> None:
        await trio.sleep(2.0)

    with trio.move_on_after(1.0):
        await ask_streaming(ask, take)
    await has_ended.wait()
    assert trio.current_time() == pytest.approx(1.0, abs=0.01)
