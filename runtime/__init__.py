"""How things run: actors, mailboxes, supervision. Knows Trio, knows nothing of voice.

Worker processes are in ``runtime.pool``.
"""

from runtime.actor import Actor, Context, Shared, Skip, Zombies
from runtime.child import Child
from runtime.deadletters import DeadLetter, DeadLetters
from runtime.dynamic import DynamicSupervisor
from runtime.errors import (
    ActorDied,
    ActorUnavailable,
    AlreadyStarted,
    AskCycle,
    AskError,
    AskTimeout,
    ChildPresent,
    ControlLaneFull,
    DomainError,
    MailboxClosed,
    MailboxDeadlock,
    MailboxError,
    MailboxFull,
    MailboxTimeout,
    MaxChildren,
    MessageTooLarge,
    NoSuchActor,
    NoSuchChild,
    PoisonMessage,
    RestartIntensityExceeded,
    Shutdown,
    StartFailed,
)
from runtime.exits import Exit, ExitKind
from runtime.lane import MailboxSpec, Overflow
from runtime.mailbox import Counters, MailboxStatistics
from runtime.management import (
    ChildCounts,
    CountChildren,
    DeleteChild,
    RestartChild,
    StartChild,
    TerminateChild,
    WhichChildren,
)
from runtime.ref import Ref, Terminated
from runtime.registry import Registry
from runtime.restart import Backoff, Intensity, Restart
from runtime.spec import ChildSpec
from runtime.status import ChildState, ChildStatus
from runtime.strategy import AutoShutdown, Strategy
from runtime.supervisor import Supervisor
from runtime.tree import Tree, run_tree

__all__ = [
    "Actor",
    "ActorDied",
    "ActorUnavailable",
    "AlreadyStarted",
    "AskCycle",
    "AskError",
    "AskTimeout",
    "AutoShutdown",
    "Backoff",
    "Child",
    "ChildCounts",
    "ChildPresent",
    "ChildSpec",
    "ChildState",
    "ChildStatus",
    "Context",
    "ControlLaneFull",
    "CountChildren",
    "Counters",
    "DeadLetter",
    "DeadLetters",
    "DeleteChild",
    "DomainError",
    "DynamicSupervisor",
    "Exit",
    "ExitKind",
    "Intensity",
    "MailboxClosed",
    "MailboxDeadlock",
    "MailboxError",
    "MailboxFull",
    "MailboxSpec",
    "MailboxStatistics",
    "MailboxTimeout",
    "MaxChildren",
    "MessageTooLarge",
    "NoSuchActor",
    "NoSuchChild",
    "Overflow",
    "PoisonMessage",
    "Ref",
    "Registry",
    "Restart",
    "RestartChild",
    "RestartIntensityExceeded",
    "Shared",
    "Shutdown",
    "Skip",
    "StartChild",
    "StartFailed",
    "Strategy",
    "Supervisor",
    "TerminateChild",
    "Terminated",
    "Tree",
    "WhichChildren",
    "Zombies",
    "run_tree",
]
