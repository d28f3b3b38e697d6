"""Ids that stand on each line of the log which a task writes: of what it works on, such as a turn.

A task that is started gets the ids of the one that starts it, and so does a thread; what it adds stays its own
(``contextvars``). The log's formatter reads them (``cli/logs.py``).
"""

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

_IDS: Final[ContextVar[Mapping[str, str]]] = ContextVar("sayso_log_ids", default=MappingProxyType({}))


def log_ids() -> Mapping[str, str]:
    """Return the ids of this task."""
    return _IDS.get()


def add_log_ids(**ids: str) -> None:
    """Put ids on each line that this task, and those it starts from now on, will write; an older one is replaced."""
    _IDS.set({**_IDS.get(), **ids})
