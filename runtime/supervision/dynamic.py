"""A supervisor whose children are started on request, each independent, up to a limit."""

from collections import Counter
from contextlib import AbstractAsyncContextManager, nullcontext

import attrs
import trio

from runtime.policies.restart import Backoff, Intensity
from runtime.supervision.child import Child
from runtime.supervision.errors import MaxChildren
from runtime.supervision.management import StartChild
from runtime.supervision.status import DynamicSupervisorStatistics
from runtime.supervision.supervisor import Supervisor

RETRY_AFTER_S = 5.0  # sessions last minutes, so a place is seldom free sooner


class DynamicSupervisor(Supervisor):
    """Starts children on request; a place is taken before the factory is called, and freed when the child is gone.

    Children that restart, stop or do not let themselves be stopped keep their places. ``max_per_tenant`` bounds the
    places of each ``StartChild.tenant``, ``max_concurrent_starts`` how many start at the same time.
    """

    def __init__(
        self,
        max_children: int,
        *,
        max_per_tenant: int | None = None,
        max_concurrent_starts: int | None = None,
        intensity: Intensity | None = None,
        backoff: Backoff | None = None,
        retry_after_s: float = RETRY_AFTER_S,
    ) -> None:
        if max_children < 0:
            raise ValueError(f"max_children must be >= 0, not {max_children}")
        if max_per_tenant is not None and max_per_tenant < 1:
            raise ValueError(f"max_per_tenant must be >= 1, not {max_per_tenant}")
        super().__init__((), intensity=intensity, backoff=backoff)
        self._max_children = max_children
        self._max_per_tenant = max_per_tenant
        self._retry_after_s = retry_after_s
        self._tenants: dict[str, str] = {}
        """Child to tenant; entries of ended children are dropped when the next one is admitted."""
        self._starting: AbstractAsyncContextManager[object] = (
            nullcontext() if max_concurrent_starts is None else trio.Semaphore(max_concurrent_starts)
        )

    def statistics(self) -> DynamicSupervisorStatistics:
        """Return the limits, too."""
        return DynamicSupervisorStatistics(
            **attrs.asdict(super().statistics()),
            max_children=self._max_children,
            max_per_tenant=self._max_per_tenant,
        )

    def _admit(self, request: StartChild) -> None:
        super()._admit(request)
        if len(self._children) >= self._max_children:
            raise MaxChildren(self._max_children, self._retry_after_s)
        if request.tenant is None or self._max_per_tenant is None:
            return
        present = {child.id for child in self._children}
        self._tenants = {child_id: tenant for child_id, tenant in self._tenants.items() if child_id in present}
        if Counter(self._tenants.values())[request.tenant] >= self._max_per_tenant:
            raise MaxChildren(self._max_per_tenant, self._retry_after_s, request.tenant)

    async def _start_new(self, child: Child, tenant: str | None) -> None:
        if tenant is not None:
            self._tenants[child.id] = tenant
        async with self._starting:
            await super()._start_new(child, tenant)

    def _leave_or_forget(self, child: Child) -> None:
        self._children.forget(child)

    async def _stop_children(self, reason: str) -> None:
        await self._children.stop_at_once(reason)
