"""What a supervisor shows of a child, and what an actor shows of itself."""

import enum
from typing import Protocol

import attrs

from runtime.messaging.exits import Exit
from runtime.messaging.mailbox import MailboxStatistics


class ChildState(enum.Enum):
    """Where a child is in its life."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    BACKOFF = "backoff"  # crashed, starts again
    SKIPPED = "skipped"  # its factory said that it is not wanted
    ZOMBIE = "zombie"  # did not let itself be stopped; nobody waits for it any more


class ActorStatistics(attrs.AttrsInstance, Protocol):
    """What ``Actor.statistics`` returns: a frozen attrs class with a field for each figure, its unit in the name.

    Its docstring lists the fields. The status page shows them by name, ``None`` as null; a field whose default is
    ``None`` is left out while it is ``None``.
    """


@attrs.frozen
class NoStatistics:
    """Of an actor that shows nothing, or does not run."""


@attrs.frozen
class UnreadableStatistics:
    """Of an actor whose ``statistics`` raised.

    * ``error``: type and message of the exception
    """

    error: str


@attrs.frozen(kw_only=True)
class SupervisorStatistics:
    """A moment's view of a supervisor.

    * ``strategy``: whom it restarts together with a child that has crashed
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
    """A moment's view of a supervisor whose children come and go.

    * ``max_children``: how many it may have
    * ``max_per_tenant``: how many one tenant may have; ``None`` for no limit but the other
    """

    max_children: int
    max_per_tenant: int | None


@attrs.frozen(kw_only=True)
class ChildStatus:
    """A moment's view of one child, and of its children if it is a supervisor."""

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
