"""What one asks of a supervisor."""

import attrs

from runtime.supervision.spec import ChildSpec


@attrs.frozen
class StartChild:
    """Start ``spec``; answered with its ``Ref``, or ``StartFailed``, ``ChildPresent``, ``MaxChildren``."""

    spec: ChildSpec
    tenant: str | None = None
    """On whose account, where a ``DynamicSupervisor`` limits each tenant."""


@attrs.frozen
class TerminateChild:
    """Stop a child for good; a temporary one is forgotten. Answered when it is gone, or ``NoSuchChild``."""

    id: str


@attrs.frozen
class RestartChild:
    """Start a stopped child; answered with its ``Ref``, or ``StartFailed``, ``ChildPresent``, ``NoSuchChild``."""

    id: str


@attrs.frozen
class DeleteChild:
    """Forget the spec of a stopped child; answered with ``None``, or ``ChildPresent``, ``NoSuchChild``."""

    id: str


@attrs.frozen
class CountChildren:
    """Answered with ``ChildCounts``."""


@attrs.frozen
class ChildCounts:
    """How many there are; one that restarts is no active one."""

    specs: int
    active: int
    supervisors: int
    workers: int


@attrs.frozen
class WhichChildren:
    """Answered with ``tuple[ChildStatus, ...]``, in the order of the start."""
