"""Errors between actors: flat families; each error says what to do next.

An asker sees an ``AskError``, a sender a ``MailboxError``; both are expected and worth catching.
Errors of a supervisor's children are in ``runtime/supervision/errors.py``.
"""

from runtime.messaging.exits import Exit

# --- raised to an asker --------------------------------------------------------------------------


class AskError(Exception):
    """An ask that did not end with a value."""


class DomainError(AskError):
    """A refusal that an actor declares (subclass it): it goes to the asker and the actor lives on."""


class AskTimeout(AskError):
    """No answer before the deadline; the message may still be handled if that had begun."""


class AskCycle(AskError):
    """The asked actor is itself waiting for this answer: to wait for it would be a deadlock."""


class ActorDied(AskError):
    """The incarnation that had the message ended without an answer."""

    def __init__(self, name: str, ended: Exit) -> None:
        super().__init__(f"{name} died: {ended.reason}")
        self.exit = ended


class PoisonMessage(ActorDied):
    """The message itself crashed its handler, and is not tried again."""


class ActorUnavailable(AskError):
    """The actor is down until after the deadline; ``retry_after_s`` is ``None`` if it is not coming back."""

    def __init__(self, name: str, retry_after_s: float | None) -> None:
        when = "is stopped" if retry_after_s is None else f"starts again in {retry_after_s:.1f} s"
        super().__init__(f"{name} is unavailable: it {when}")
        self.retry_after_s = retry_after_s


class NoSuchActor(ActorUnavailable):
    """The actor has ended and is not restarted."""

    def __init__(self, name: str) -> None:
        super().__init__(name, None)


# --- raised to a sender --------------------------------------------------------------------------


class MailboxError(Exception):
    """A message that was not accepted."""


class MailboxFull(MailboxError):
    """Refused at once; ``retry_after_s`` is about the time that a message takes there at present."""

    def __init__(self, name: str, depth: int, retry_after_s: float) -> None:
        super().__init__(f"the mailbox of {name} is full: {depth} messages, again in {retry_after_s:.1f} s")
        self.depth = depth
        self.retry_after_s = retry_after_s


class MailboxTimeout(MailboxError):
    """There was no room before the deadline; the message was not enqueued."""


class MailboxClosed(MailboxError):
    """The actor is stopping or gone."""


class MailboxDeadlock(MailboxError):
    """An actor would wait for room in its own full mailbox, which only it can empty."""


class MessageTooLarge(MailboxError):
    """The message alone exceeds ``max_bytes``: no waiting would make it fit."""


class ControlLaneFull(MailboxError):
    """More control messages than any working actor leaves unread: a bug, so the sender crashes."""
