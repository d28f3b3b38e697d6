"""The spec of a child: data, checked before anything starts."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Generic, Never, TypeVar

import attrs
from attrs.validators import ge, gt, instance_of, is_callable, optional

from runtime.messaging.ref import Ref
from runtime.policies.restart import Restart
from runtime.policies.strategy import AutoShutdown
from runtime.supervision.actor import Actor, Skip

Message_contra = TypeVar("Message_contra", contravariant=True)


@attrs.frozen
class ChildSpec(Generic[Message_contra]):
    """A child's address, its factory, and when it is restarted.

    Example::

        words: Ref[Heard | HowOften] = Ref("words")
        spec = ChildSpec(words, Words, restart=Restart.TRANSIENT, shutdown_s=2.0)
    """

    ref: Ref[Message_contra] = attrs.field(validator=instance_of(Ref))
    factory: Callable[[], Actor[Message_contra] | Skip] = attrs.field(validator=is_callable())
    """Makes one incarnation, or returns ``Skip``; called for each start."""
    restart: Restart = attrs.field(default=Restart.PERMANENT, validator=instance_of(Restart))
    significant: bool = attrs.field(default=False, validator=instance_of(bool))
    """Whether its end, without a restart, may end its supervisor (``AutoShutdown``)."""
    start_timeout_s: float = attrs.field(default=10.0, validator=gt(0))
    """Bound on ``on_start``; a supervisor is bounded by its children instead."""
    shutdown_s: float = attrs.field(default=5.0, validator=ge(0))
    """Bound on an orderly stop, after which it is cancelled; a supervisor is bounded by its children instead."""
    max_handler_s: float | None = attrs.field(default=None, validator=optional(gt(0)))
    """Bound on the handling of one message: half of it is warned about, all of it ends the actor as stuck."""

    def __attrs_post_init__(self) -> None:
        if self.significant and self.restart is Restart.PERMANENT:
            raise ValueError(f"{self.id}: a permanent child is always restarted, so it cannot be significant")

    @property
    def id(self) -> str:
        """The name of its reference, unique under one supervisor."""
        return self.ref.name


def check(specs: Sequence[ChildSpec[Never]], auto_shutdown: AutoShutdown) -> None:
    """Raise ``ValueError`` for children that cannot live under one supervisor."""
    twice = [child_id for child_id, count in Counter(spec.id for spec in specs).items() if count > 1]
    if twice:
        raise ValueError(f"ids of children must be unique, these are not: {', '.join(twice)}")
    for spec in specs:
        if spec.significant and auto_shutdown is AutoShutdown.NEVER:
            raise ValueError(f"{spec.id}: significant means nothing with auto_shutdown=never")
