from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from backends.llm.guarded import GuardedModel
from backends.protocols import ProviderError
from protocol.messages.understanding import ChatMessage, CompletionRequest, Generation
from tests.fakes import FakeModel, FakeSink

QUESTION = (ChatMessage("user", "hello"),)
DOWN = ProviderError("status 500")


@attrs.define
class Listener:
    """Asks, and keeps what it was told."""

    guard: GuardedModel
    sink: FakeSink[str] = attrs.field(factory=FakeSink)

    async def ask(self, model: str | None = None) -> Generation:
        return await self.guard.generate(CompletionRequest(QUESTION, self.sink, 9, model=model))


def guarded(model: FakeModel, **wanted: Any) -> Listener:
    return Listener(GuardedModel(model, **{"max_at_once": 4, "timeout_s": 30.0, **wanted}))


async def test_it_passes_on_what_is_asked_and_what_is_answered(autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", [["Hel", "lo."]])
    listener = guarded(model)
    generation = await listener.ask("codellama")
    assert (generation.text, listener.sink.parts) == ("Hello.", ["Hel", "lo."])
    assert (model.models, model.max_tokens, listener.guard.name) == (["codellama"], [9], "ollama")
    assert await listener.guard.is_available()
    await listener.guard.aclose()
    assert model.is_closed


async def test_one_that_keeps_failing_is_refused_at_once(autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", [[DOWN], [DOWN], [DOWN]])
    listener = guarded(model)
    for _ in range(3):
        with pytest.raises(ProviderError, match="status 500"):
            await listener.ask()
    with pytest.raises(ProviderError, match=r"asked again in 1\.0 s"):
        await listener.ask()
    assert len(model.asked) == 3
    assert listener.guard.statistics().breaker == "open"
    model.answers.append(["Hello."])
    await trio.sleep(1.0)
    assert (await listener.ask()).text == "Hello."
    assert listener.guard.statistics().breaker == "closed"


async def test_a_slow_one_is_a_failing_one(autojump_clock: MockClock) -> None:
    listener = guarded(FakeModel("ollama", [["late"]], delay_s=60.0), timeout_s=2.0)
    with pytest.raises(ProviderError, match="no answer within 2 s"):
        await listener.ask()
    assert trio.current_time() == 2.0
    assert listener.guard.statistics().limit == 3


async def test_failures_lower_what_is_asked_at_once_and_answers_raise_it(autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", [[DOWN], [DOWN]])
    listener = guarded(model)
    for _ in range(2):
        with pytest.raises(ProviderError):
            await listener.ask()
    assert listener.guard.statistics().limit == 3
    model.answers += [["a"] for _ in range(9)]
    model.delay_s = 1.0
    async with trio.open_nursery() as nursery:
        for _ in range(9):
            nursery.start_soon(listener.ask)
    assert model.most_at_once == 4
    assert listener.guard.statistics().limit == 4


async def test_a_cancelled_caller_is_no_failure_of_the_model(autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", [["a"] for _ in range(5)], delay_s=10.0)
    listener = guarded(model)
    for _ in range(5):
        with trio.move_on_after(1.0):
            await listener.ask()
    statistics = listener.guard.statistics()
    assert (statistics.breaker, statistics.limit, statistics.in_flight) == ("closed", 4, 0)


async def test_a_waiting_request_can_leave_the_queue(autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", [["a"], ["b"]], delay_s=5.0)
    listener = guarded(model, max_at_once=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listener.ask)
        await wait_all_tasks_blocked()
        with trio.move_on_after(1.0) as scope:
            await listener.ask()
        assert scope.cancelled_caught
        assert listener.guard.statistics().waiting == 0
    assert len(model.asked) == 1
