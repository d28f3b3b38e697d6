"""The message that the current task handles: the source of inherited deadlines and of the chain of askers.

Only tasks that the handler itself waits for belong to it. A background task of the actor, though started from a
handler, delays no asker: it inherits neither the deadline nor the chain.
"""

from contextvars import ContextVar

import attrs
import trio

from runtime.messaging.envelope import Envelope


@attrs.frozen(eq=False)
class Handling:
    """One message being handled."""

    ref: object
    """The address of the actor that handles it; compared, never called."""
    envelope: Envelope
    task: trio.lowlevel.Task
    nursery: trio.Nursery
    """The actor's background nursery: what runs in it does not belong to the handler."""
    is_blocking: bool
    """Whether the actor handles nothing else meanwhile; not so for an answer from a task of its own."""

    @property
    def chain(self) -> tuple[object, ...]:
        """Return the actors that wait for an ask of this handler."""
        waiting = () if self.envelope.ask is None else self.envelope.ask.chain
        return (*waiting, self.ref) if self.is_blocking else waiting


_current: ContextVar[Handling | None] = ContextVar("handling", default=None)


def current() -> Handling | None:
    """Return the message that the running task handles, or ``None`` for a background task."""
    handling = _current.get()
    return handling if handling is not None and _belongs(trio.lowlevel.current_task(), handling) else None


def _belongs(task: trio.lowlevel.Task | None, handling: Handling) -> bool:
    while task is not None:
        if task is handling.task:
            return True
        nursery = task.parent_nursery
        if nursery is None or nursery is handling.nursery:
            return False
        task = nursery.parent_task
    return False


class WorkingOn:
    """In a ``with``, once: what the running task works on; ``None`` lets tasks started meanwhile inherit nothing.

    A class, because a generator would cost an eighth of a tell.
    """

    __slots__ = ("_handling", "_token")

    def __init__(self, handling: Handling | None) -> None:
        self._handling = handling

    def __enter__(self) -> None:
        self._token = _current.set(self._handling)

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)
