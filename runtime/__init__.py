"""The runtime: actors, mailboxes, supervision. Built on Trio, independent of voice.

An **actor** handles one message at a time. Others hold its **reference** (``Ref``), which owns its bounded mailbox:
``tell`` sends a message, ``ask`` sends one and waits for the answer. A **supervisor** starts its children in order, and
starts a child again that has crashed. A new instance is made then; the reference and what is queued stay::

    from collections import Counter

    import attrs
    import trio

    from protocol.messages.ask import Ask
    from runtime import Actor, ChildSpec, PoisonMessage, Ref, Supervisor, run_tree

    @attrs.frozen
    class Heard:  # to be told
        word: str

    @attrs.frozen
    class HowOften(Ask[int]):  # to be asked, answered with an int
        word: str

    class Words(Actor[Heard | HowOften]):
        def __init__(self) -> None:
            self._counts: Counter[str] = Counter()

        async def handle(self, message: Heard | HowOften) -> int | None:
            match message:
                case Heard(word):
                    self._counts[word] += 1
                    return None
                case HowOften(""):
                    raise ValueError("that is no word")
                case HowOften(word):
                    return self._counts[word]
                case _:
                    self.unhandled(message)

    async def main() -> None:
        words: Ref[Heard | HowOften] = Ref("words")
        root = Supervisor([ChildSpec(words, Words)])
        async with trio.open_nursery() as nursery:
            tree = await nursery.start(run_tree, root)
            await words.tell(Heard("stop"))
            print(await words.ask(HowOften("stop")))
            try:
                await words.ask(HowOften(""))  # crashes the actor
            except PoisonMessage as error:
                print(error)
            print(await words.ask(HowOften("stop")))  # waits for the next incarnation, which begins anew
            await tree.stop("that is all")

    trio.run(main)

This prints::

    1
    words died: ValueError: that is no word
    0

State that must outlive a crash belongs elsewhere: to an actor without logic that can fail (``actors/vault.py``), or to
a store. ``docs/extending.md`` says how an actor becomes a part of the server.

Worker processes, for native code that may crash or hang, are in ``runtime.workers.pool``.
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
from runtime.messaging.ref import Asked, Ref
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
    "Tree",
    "WhichChildren",
    "Zombies",
    "run_tree",
]
