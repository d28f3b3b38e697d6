"""What passes the border around a connection."""

import logging
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from backends.ingress.containment import Failure, contained

log = logging.getLogger("sayso.test")


async def test_a_value_passes() -> None:
    async def add(left: int, right: int) -> int:
        return left + right

    assert await contained(log, "an addition", add, 2, 3) == 5


async def test_an_exception_is_logged_and_returned(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("a bug")

    failure = await contained(log, "a task", fail)
    assert isinstance(failure, Failure)
    assert repr(failure.error) == "ValueError('a bug')"
    assert caplog.messages == ["a task failed: ValueError('a bug')"]
    assert caplog.records[0].exc_info is not None


async def test_a_group_of_exceptions_is_contained_too() -> None:
    async def fail() -> None:
        async with trio.open_nursery():
            raise ValueError("a bug")

    assert isinstance(await contained(log, "a task", fail), Failure)


async def test_cancellation_passes() -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await contained(log, "a task", trio.sleep_forever)
    assert scope.cancelled_caught


async def test_a_failure_while_being_cancelled_is_logged_and_the_cancellation_passes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail_at_the_end() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("a bug in cleaning up")

    async def both() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail_at_the_end)
            nursery.start_soon(trio.sleep_forever)

    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(contained, log, "a task", both)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    assert scope.cancel_called
    assert "a bug in cleaning up" in caplog.text


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
async def test_what_ends_the_process_passes(error: BaseException) -> None:
    def fail_with() -> Callable[[], Awaitable[None]]:
        async def fail() -> None:
            raise error

        return fail

    with pytest.raises(type(error)):
        await contained(log, "a task", fail_with())
