"""The exits of incarnations: one record, one kind, decided in one place.

A group of exceptions is one exit: it counts once, by the worst of what is in it.
"""

import enum
from collections.abc import Iterator

import attrs
import trio


class Shutdown(Exception):
    """Raised by an actor that ends itself in order, and counted as stopped by its supervisor."""


class StartTimeout(Exception):
    """``on_start`` did not return within ``start_timeout_s``."""


class Stuck(Exception):
    """A task that was to end did not."""


class Lost(Exception):
    """A resource that the actor depends on is gone, such as a worker process."""


class ExitKind(enum.Enum):
    """Why an incarnation ended."""

    NORMAL = "normal"  # it said that it was done
    SHUTDOWN = "shutdown"  # stopped by its supervisor, or raised Shutdown
    ABNORMAL = "abnormal"
    STUCK = "stuck"  # did not end in time
    LOST = "lost"  # a worker process that it depends on is gone
    START_FAILED = "start_failed"
    START_TIMEOUT = "start_timeout"
    FATAL = "fatal"  # KeyboardInterrupt, SystemExit: never restarted, stops the tree


ORDERLY = frozenset({ExitKind.NORMAL, ExitKind.SHUTDOWN})


@attrs.frozen(kw_only=True)
class Exit:
    """The end of one incarnation; times are of Trio's clock, in seconds."""

    kind: ExitKind
    reason: str
    incarnation: int
    started_s: float
    ended_s: float
    ready_s: float | None = None
    """When it became ready; ``None`` if it never did."""
    handled: int = 0
    """How many messages it handled."""
    last_message_id: int | None = None
    has_quarantined: bool = False
    """Whether a poison message was the cause: such a crash does not count towards the restart intensity."""
    error: BaseException | None = attrs.field(default=None, eq=False, repr=False)

    @property
    def ready_for_s(self) -> float:
        """How long it had been ready; 0 if it never was."""
        return 0.0 if self.ready_s is None else self.ended_s - self.ready_s


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions of a group, however deep; a plain exception is its own leaf."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def classify(error: BaseException | None) -> ExitKind:
    """Return the kind of an end by ``error``; the worst leaf of a group decides."""
    if error is None:
        return ExitKind.NORMAL
    found = tuple(leaves(error))
    if any(isinstance(leaf, KeyboardInterrupt | SystemExit) for leaf in found):
        return ExitKind.FATAL
    if all(isinstance(leaf, trio.Cancelled | Shutdown) for leaf in found):
        return ExitKind.SHUTDOWN
    if any(isinstance(leaf, StartTimeout) for leaf in found):
        return ExitKind.START_TIMEOUT
    if any(isinstance(leaf, Lost) for leaf in found):
        return ExitKind.LOST
    return ExitKind.STUCK if any(isinstance(leaf, Stuck) for leaf in found) else ExitKind.ABNORMAL


def blamed(error: BaseException) -> BaseException:
    """Return the only leaf that is no cancellation, or ``error`` itself if there is not exactly one."""
    found = [leaf for leaf in leaves(error) if not isinstance(leaf, trio.Cancelled)]
    return found[0] if len(found) == 1 else error


def describe(error: BaseException) -> str:
    """Return one line about the first leaf that is no cancellation."""
    first = next((leaf for leaf in leaves(error) if not isinstance(leaf, trio.Cancelled)), None)
    if first is None:
        return "cancelled"
    return f"{type(first).__name__}: {first}" if str(first) else type(first).__name__
