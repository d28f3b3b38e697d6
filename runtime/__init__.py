"""The runtime: actors, mailboxes, supervision. Built on Trio, independent of voice.

Worker processes are in ``runtime.workers.pool``.
"""

from runtime.messaging.deadletters import DeadLetter, DeadLetters
from runtime.messaging.errors import (
    ActorDied,
    ActorUnavailable,
    AskCycle,
    AskError,
    AskTimeout,
    ControlLaneFull,
    DomainError,
    MailboxClosed,
    MailboxDeadlock,
    MailboxError,
    MailboxFull,
    MailboxTimeout,
    MessageTooLarge,
    NoSuchActor,
    PoisonMessage,
)
from runtime.messaging.exits import Exit, ExitKind, Shutdown
from runtime.messaging.lane import MailboxSpec, Overflow
from runtime.messaging.mailbox import Counters, MailboxStatistics
from runtime.messaging.ref import Asked, Ref, Terminated
from runtime.messaging.registry import Registry
from runtime.policies.restart import Backoff, Intensity, Restart
from runtime.policies.strategy import AutoShutdown, Strategy
from runtime.supervision.actor import Actor, Context, Shared, Skip, Zombies
from runtime.supervision.child import Child
from runtime.supervision.dynamic import DynamicSupervisor
from runtime.supervision.errors import (
    AlreadyStarted,
    ChildPresent,
    MaxChildren,
    NoSuchChild,
    RestartIntensityExceeded,
    StartFailed,
)
from runtime.supervision.management import (
    ChildCounts,
    CountChildren,
    DeleteChild,
    RestartChild,
    StartChild,
    SupervisorMessage,
    TerminateChild,
    WhichChildren,
)
from runtime.supervision.spec import ChildSpec
from runtime.supervision.status import ActorStatistics, ChildState, ChildStatus, NoStatistics
from runtime.supervision.supervisor import Supervisor
from runtime.supervision.tree import Tree, run_tree

__all__ = [
    "Actor",
    "ActorDied",
    "ActorStatistics",
    "ActorUnavailable",
    "AlreadyStarted",
    "AskCycle",
    "AskError",
    "AskTimeout",
    "Asked",
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
    "NoStatistics",
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
    "SupervisorMessage",
    "TerminateChild",
    "Terminated",
    "Tree",
    "WhichChildren",
    "Zombies",
    "run_tree",
]
