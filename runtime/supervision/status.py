"""Snapshots of children and of actors for the status page."""

import enum
from typing import Protocol, runtime_checkable

import attrs

from runtime.messaging.exits import Exit
from runtime.messaging.mailbox import MailboxStatistics


class ChildState(enum.Enum):
    """The state of a child."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    BACKOFF = "backoff"  # crashed, starts again
    SKIPPED = "skipped"  # its factory returned ``Skip``
    ZOMBIE = "zombie"  # could not be stopped; it is not waited for


class ActorStatistics(attrs.AttrsInstance, Protocol):
    """What ``Actor.statistics`` returns: a frozen attrs class with a field for each figure, its unit in the name.

    Its docstring lists the fields. The status page shows them by name, ``None`` as null; a field whose default is
    ``None`` is left out while it is ``None``.
    """


@runtime_checkable
class TroubleStatistics(Protocol):
    """Statistics of an actor that may be ready and yet not able to do its work."""

    @property
    def trouble(self) -> str | None:
        """Why it cannot, in words; ``None`` if it can."""


@attrs.frozen
class NoStatistics:
    """Of an actor that has no figures, or does not run."""


@attrs.frozen
class UnreadableStatistics:
    """Of an actor whose ``statistics`` raised.

    * ``error``: type and message of the exception
    """

    error: str


@attrs.frozen(kw_only=True)
class SupervisorStatistics:
    """A snapshot of a supervisor.

    * ``strategy``: which children it restarts together with a crashed one
    * ``children``: how many it has
    * ``active``: how many of them run, or wait for their next start
    * ``recent_restarts``: how many restarts count towards giving up
    """

    strategy: str
    children: int
    active: int
    recent_restarts: int


@attrs.frozen(kw_only=True)
class DynamicSupervisorStatistics(SupervisorStatistics):
    """A snapshot of a supervisor whose children come and go.

    * ``max_children``: how many it may have
    * ``max_per_tenant``: how many one tenant may have; ``None`` for no limit but the other
    """

    max_children: int
    max_per_tenant: int | None


@attrs.frozen(kw_only=True)
class ChildStatus:
    """A snapshot of one child, and of its children if it is a supervisor."""

    id: str
    state: ChildState
    incarnation: int
    restarts: int
    zombies: int
    last_exit: Exit | None
    mailbox: MailboxStatistics
    statistics: ActorStatistics
    """The actor's own figures."""
    children: tuple["ChildStatus", ...] = ()

    def find_trouble(self) -> str | None:
        """Return the first trouble of this child and those below it; ``None`` if there is none."""
        own = self.statistics.trouble if isinstance(self.statistics, TroubleStatistics) else None
        return own or next(filter(None, (child.find_trouble() for child in self.children)), None)
