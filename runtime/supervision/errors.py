"""Errors of a supervisor's children: each says which child, and why."""

from typing import Never

from runtime.messaging.errors import DomainError
from runtime.messaging.exits import Exit
from runtime.messaging.ref import Ref


class StartFailed(DomainError):
    """A child did not become ready; ``exit`` holds the original exception."""

    def __init__(self, child_id: str, ended: Exit) -> None:
        super().__init__(f"{child_id} did not start: {ended.kind.value}: {ended.reason}")
        self.child_id = child_id
        self.exit = ended


class RestartIntensityExceeded(Exception):
    """A supervisor gives up; its parent decides what happens."""

    def __init__(self, child_id: str, why: str, history: tuple[float, ...], last: Exit) -> None:
        super().__init__(f"{child_id}: {why}; last: {last.reason}")
        self.child_id = child_id
        self.history = history
        self.last_exit = last


# --- answers of a supervisor ---------------------------------------------------------------------


class NoSuchChild(DomainError):
    """There is no child of that id."""


class ChildPresent(DomainError):
    """The id is taken: by a child in the state that the message tells."""


class AlreadyStarted(ChildPresent):
    """A child of that id runs at ``ref``."""

    def __init__(self, child_id: str, ref: Ref[Never]) -> None:
        super().__init__(f"{child_id} is already started")
        self.ref = ref


class MaxChildren(DomainError):
    """All places are taken; the factory was not called."""

    def __init__(self, limit: int, retry_after_s: float, tenant: str | None = None) -> None:
        whose = "" if tenant is None else f" of {tenant}"
        super().__init__(f"all {limit} places{whose} are taken, again in {retry_after_s:.1f} s")
        self.retry_after_s = retry_after_s
