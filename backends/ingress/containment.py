"""Contains errors in one connection: an exception ends that connection and is logged, nothing more.

The listener serves all clients from one nursery, where any exception would end every session. So an exception is taken
as a value here, in one place, and cancellation goes through untouched.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs
import outcome
import trio

T = TypeVar("T")


@attrs.frozen
class Failure:
    """An exception that was contained, and logged."""

    error: Exception


async def contained(
    log: logging.Logger, what: str, function: Callable[..., Awaitable[T]], *args: object
) -> T | Failure:
    """Return what ``function(*args)`` returns, or a ``Failure``; raises only cancellation and ``BaseException``s."""
    result = await outcome.acapture(function, *args)
    if isinstance(result, outcome.Value):
        return result.value
    rest, cancelled = split_cancelled(result.error)
    if not isinstance(rest, Exception):
        raise result.error
    log.error("%s failed: %r", what, rest, exc_info=rest)
    if cancelled is not None:
        raise cancelled
    return Failure(rest)


def split_cancelled(error: BaseException) -> tuple[BaseException | None, BaseException | None]:
    """Split an exception group into the errors and the cancellation, each ``None`` if it has none."""
    if isinstance(error, trio.Cancelled):
        return None, error
    if isinstance(error, BaseExceptionGroup):
        cancelled, rest = error.split(trio.Cancelled)
        return rest, cancelled
    return error, None
