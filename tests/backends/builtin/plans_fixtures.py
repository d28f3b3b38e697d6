"""A store, a clock in Berlin, and what tools answer without a server around them."""

from collections.abc import Awaitable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import attrs

from backends.builtin.owned_sqlite import SqliteOwnedStore
from backends.builtin.schedules import unix_s

BERLIN = ZoneInfo("Europe/Berlin")
Result = TypeVar("Result")


@attrs.define
class Desk:
    """A store, and a clock that stands until it is set."""

    store: SqliteOwnedStore
    now_s: float = 0.0
    changes: int = 0

    def __call__(self) -> float:
        return self.now_s

    def set(self, local: str) -> None:
        """Set the clock to a local time such as "2026-11-28 10:00"."""
        self.now_s = unix_s(datetime.fromisoformat(local), BERLIN)

    def changed(self) -> None:
        """Count a change."""
        self.changes += 1


def desk_in(folder: Path) -> Desk:
    """Return a new one on Saturday morning, the 28th of November 2026."""
    desk = Desk(SqliteOwnedStore(folder / "tools.db"))
    desk.set("2026-11-28 10:00")
    return desk


def answer(tool: Awaitable[Any]) -> Any:
    """Return what a tool answers that waits for nothing."""
    try:
        tool.__await__().send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the tool waits for something")
