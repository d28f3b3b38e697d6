"""What one asks of a supervisor."""

import attrs

from runtime.spec import ChildSpec


@attrs.frozen
class StartChild:
    """Start ``spec``; answered with its ``Ref``, or ``StartFailed``, ``ChildPresent``, ``MaxChildren``."""

    spec: ChildSpec


@attrs.frozen
class TerminateChild:
    """Stop a child for good; a temporary one is forgotten. Answered when it is gone, or ``NoSuchChild``."""

    id: str


@attrs.frozen
class RestartChild:
    """Start a stopped child; answered with its ``Ref``, or ``StartFailed``, ``ChildPresent``, ``NoSuchChild``."""

    id: str


@attrs.frozen
class WhichChildren:
    """Answered with ``tuple[ChildStatus, ...]``, in the order of the start."""
