"""What a supervisor shows of a child."""

import enum
from collections.abc import Mapping

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
    statistics: Mapping[str, object]
    """The actor's own figures."""
    children: tuple["ChildStatus", ...] = ()
