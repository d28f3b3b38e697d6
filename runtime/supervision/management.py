"""The messages to a supervisor."""

from typing import TYPE_CHECKING, Generic, Never, Self, TypeVar

import attrs

from runtime.messaging.ref import Ref
from runtime.supervision.spec import ChildSpec
from runtime.supervision.status import ChildStatus

Answer_co = TypeVar("Answer_co", covariant=True)


class Management(Generic[Answer_co]):
    """A message to a supervisor that is answered with an ``Answer_co`` (``runtime.messaging.ref.Asked``)."""

    __slots__ = ()
    if TYPE_CHECKING:

        def asks_for(self) -> tuple[Self, Answer_co]:
            """See ``runtime.messaging.ref.Asked``."""


@attrs.frozen
class StartChild(Management[Ref[Never]]):
    """Start ``spec``; answered with its ``Ref``, or ``StartFailed``, ``ChildPresent``, ``MaxChildren``."""

    spec: ChildSpec[Never]
    tenant: str | None = None
    """The tenant that a ``DynamicSupervisor`` counts the child for."""


@attrs.frozen
class TerminateChild(Management[None]):
    """Stop a child for good; a temporary one is forgotten. Answered when it is gone, or ``NoSuchChild``."""

    id: str


@attrs.frozen
class RestartChild(Management[Ref[Never]]):
    """Start a stopped child; answered with its ``Ref``, or ``StartFailed``, ``ChildPresent``, ``NoSuchChild``."""

    id: str
    stops: bool = False
    """Stop a child that is ready first, in order, and keep its mailbox open; if it fails to start, that is a crash.

    Its siblings go on, whatever the strategy.
    """


@attrs.frozen
class DeleteChild(Management[None]):
    """Forget the spec of a stopped child; answered with ``None``, or ``ChildPresent``, ``NoSuchChild``."""

    id: str


@attrs.frozen
class ChildCounts:
    """Numbers of children; one that restarts is not active."""

    specs: int
    active: int
    supervisors: int
    workers: int


@attrs.frozen
class CountChildren(Management[ChildCounts]):
    """Answered with ``ChildCounts``."""


@attrs.frozen
class WhichChildren(Management[tuple[ChildStatus, ...]]):
    """Answered with ``tuple[ChildStatus, ...]``, in the order of the start."""


SupervisorMessage = StartChild | TerminateChild | RestartChild | DeleteChild | CountChildren | WhichChildren
