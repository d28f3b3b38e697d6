"""A supervisor whose children come and go, each for itself, up to a limit."""

from collections.abc import Mapping

from runtime.child import Child
from runtime.errors import MaxChildren
from runtime.restart import Backoff, Intensity
from runtime.spec import ChildSpec
from runtime.supervisor import Supervisor

RETRY_AFTER_S = 5.0  # sessions last minutes, so a place is seldom free sooner


class DynamicSupervisor(Supervisor):
    """Starts children on request; a place is taken before the factory is called, and freed when the child is gone.

    Children that restart, stop or do not let themselves be stopped keep their places.
    """

    def __init__(
        self,
        max_children: int,
        *,
        intensity: Intensity | None = None,
        backoff: Backoff | None = None,
        retry_after_s: float = RETRY_AFTER_S,
    ) -> None:
        if max_children < 0:
            raise ValueError(f"max_children must be >= 0, not {max_children}")
        super().__init__((), intensity=intensity, backoff=backoff)
        self._max_children = max_children
        self._retry_after_s = retry_after_s

    def statistics(self) -> Mapping[str, object]:
        """Show the limit too."""
        return {**super().statistics(), "max_children": self._max_children}

    def _admit(self, spec: ChildSpec) -> None:
        super()._admit(spec)
        if len(self._children) >= self._max_children:
            raise MaxChildren(self._max_children, self._retry_after_s)

    def _leave_or_forget(self, child: Child) -> None:
        self._children.forget(child)

    async def _stop_children(self, reason: str) -> None:
        await self._children.stop_at_once(reason)
