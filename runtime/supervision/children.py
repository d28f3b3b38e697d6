"""The children of one supervisor, in the order of their start."""

from collections.abc import Iterator, Sequence

import trio

from runtime.policies.restart import Restart
from runtime.policies.strategy import Strategy, affected
from runtime.supervision.child import Child
from runtime.supervision.errors import AlreadyStarted, ChildPresent, NoSuchChild
from runtime.supervision.management import ChildCounts
from runtime.supervision.status import ChildState

RUNNING = (ChildState.STARTING, ChildState.READY, ChildState.STOPPING)  # as in OTP, without restarting ones


class Children:
    """The children of a supervisor; each has its place here in every state."""

    def __init__(self) -> None:
        self._by_id: dict[str, Child] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Child]:
        return iter(tuple(self._by_id.values()))

    def add(self, child: Child) -> None:
        """Give ``child`` the last place."""
        self._by_id[child.id] = child

    def find(self, child_id: str) -> Child:
        """Return a child; raises ``NoSuchChild``."""
        if child_id not in self._by_id:
            raise NoSuchChild(f"no child {child_id!r} among {len(self._by_id)}")
        return self._by_id[child_id]

    def find_stopped(self, child_id: str, *, or_ready: bool = False) -> Child:
        """Return a child that does not run, or is ready if that will do; raises ``NoSuchChild`` or ``ChildPresent``."""
        child = self.find(child_id)
        if child.is_active and not (or_ready and child.state is ChildState.READY):
            raise ChildPresent(f"{child_id} is {child.state.value}")
        return child

    def check_free(self, child_id: str) -> None:
        """Raise ``ChildPresent``, or ``AlreadyStarted``, if the id is taken."""
        present = self._by_id.get(child_id)
        if present is None:
            return
        if present.state is ChildState.READY:
            raise AlreadyStarted(child_id, present.spec.ref)
        raise ChildPresent(f"{child_id} is {present.state.value}")

    def forget(self, child: Child) -> None:
        """Free its place, unless it is a zombie, which still occupies it."""
        if self._by_id.get(child.id) is child and not child.zombies:
            del self._by_id[child.id]

    def forget_skipped(self, child: Child) -> None:
        """Free the place of a skipped child, if it cannot be restarted."""
        if not child.is_active and child.spec.restart is Restart.TEMPORARY:
            self.forget(child)

    def delete(self, child_id: str) -> None:
        """Forget the spec of a stopped child; raises ``NoSuchChild`` or ``ChildPresent``."""
        child = self.find_stopped(child_id)
        child.retire()
        self.forget(child)

    def count(self) -> ChildCounts:
        """Return the number of children."""
        parents = sum(child.is_parent for child in self)
        active = sum(child.state in RUNNING for child in self)
        return ChildCounts(specs=len(self), active=active, supervisors=parents, workers=len(self) - parents)

    def affected(self, strategy: Strategy, crashed: Child) -> list[Child]:
        """Return the children that a crash of ``crashed`` takes along, itself included, in order."""
        return [self._by_id[child_id] for child_id in affected(strategy, tuple(self._by_id), crashed.id)]

    async def take_down(self, group: Sequence[Child]) -> list[Child]:
        """Stop ``group`` for a restart, last one first; return those to start again, in order.

        Temporary ones are stopped for good, and what did not run stays as it is.
        """
        again: list[Child] = []
        for child in reversed(group):
            if not child.is_active:
                continue
            is_final = child.spec.restart is Restart.TEMPORARY
            if child.state is not ChildState.BACKOFF:
                await child.stop("a sibling restarts", is_final=is_final)
            if is_final:
                self.forget(child)
            elif child.is_wanted:
                again.insert(0, child)
        return again

    async def stop_in_reverse(self, reason: str) -> None:
        """Stop all, last one first, each before the next is asked."""
        for child in reversed(tuple(self)):
            await child.stop(reason)

    async def stop_at_once(self, reason: str) -> None:
        """Stop all at the same time."""
        async with trio.open_nursery() as nursery:
            for child in self:
                nursery.start_soon(child.stop, reason)
