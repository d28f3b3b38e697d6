import pytest
import trio

from runtime.messaging.exits import ExitKind, Shutdown, StartTimeout, Stuck, classify, describe, leaves
from runtime.workers.errors import WorkerLost
from tests.runtime.probes import an_exit


async def cancelled() -> BaseException:
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.lowlevel.checkpoint()
        except trio.Cancelled as error:
            return error
    raise AssertionError("not cancelled")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (None, ExitKind.NORMAL),
        (Shutdown("done"), ExitKind.SHUTDOWN),
        (ValueError("x"), ExitKind.ABNORMAL),
        (StartTimeout("x"), ExitKind.START_TIMEOUT),
        (Stuck("x"), ExitKind.STUCK),
        (ExceptionGroup("a", [WorkerLost("SIGKILL")]), ExitKind.LOST),
        (KeyboardInterrupt(), ExitKind.FATAL),
        (SystemExit(1), ExitKind.FATAL),
        (ExceptionGroup("a", [ExceptionGroup("b", [ValueError("deep")])]), ExitKind.ABNORMAL),
        (BaseExceptionGroup("a", [ValueError("x"), KeyboardInterrupt()]), ExitKind.FATAL),
        (ExceptionGroup("a", [Shutdown("x"), Shutdown("y")]), ExitKind.SHUTDOWN),
    ],
)
def test_the_worst_leaf_decides(error: BaseException | None, kind: ExitKind) -> None:
    assert classify(error) is kind


async def test_a_group_of_only_cancelled_is_a_shutdown_but_not_with_anything_else() -> None:
    error = await cancelled()
    assert classify(BaseExceptionGroup("a", [error, BaseExceptionGroup("b", [error])])) is ExitKind.SHUTDOWN
    assert classify(BaseExceptionGroup("a", [error, ValueError("x")])) is ExitKind.ABNORMAL
    assert describe(error) == "cancelled"
    assert describe(BaseExceptionGroup("a", [error, ValueError("x")])) == "ValueError: x"


def test_a_description_names_the_type_even_without_words() -> None:
    assert describe(ValueError()) == "ValueError"


def test_leaves_of_a_plain_exception_are_itself() -> None:
    error = ValueError("x")
    assert list(leaves(error)) == [error]


def test_an_incarnation_that_was_never_ready_was_ready_for_no_time() -> None:
    assert an_exit(ended_s=9.0).ready_for_s == 0.0
    assert an_exit(ready_s=2.0, ended_s=9.0).ready_for_s == 7.0
