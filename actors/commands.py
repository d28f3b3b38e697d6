"""Keeps the command grammar in step with its files, so that a new sentence needs no restart."""

import logging
from collections.abc import Callable
from typing import Never, Protocol

import attrs
import trio

from runtime import Actor
from runtime.messaging.pace import SELDOM

log = logging.getLogger("sayso.commands")
LOOK_EVERY_S = 1.0  # seconds; about as long as a person takes from the editor to the microphone, while one is there


class CommandFilesChange(Protocol):
    """The result of a change of the files."""

    @property
    def problem(self) -> str | None:
        """The error in the files; ``None`` if they are in force."""

    @property
    def files(self) -> int:
        """How many there are."""


@attrs.frozen(kw_only=True)
class CommandsStatistics:
    """A moment's view of the command files.

    * ``reloads``: how often they were read again
    * ``problem``: why the newest are not used; ``None`` if they are
    """

    reloads: int
    problem: str | None


class Commands(Actor[Never]):
    """Checks the files every second while the server is used; ``check`` blocks, so it runs in a thread."""

    def __init__(self, check: Callable[[], CommandFilesChange | None]) -> None:
        self._check = check
        self._reloads = 0
        self._problem: str | None = None

    async def on_start(self) -> None:
        """Begin to watch."""
        self.context.nursery.start_soon(self._watch)

    def statistics(self) -> CommandsStatistics:
        """Return how often the files were read, and the error in them if any."""
        return CommandsStatistics(reloads=self._reloads, problem=self._problem)

    async def _watch(self) -> None:
        while True:
            await self.context.shared.pace.wait(LOOK_EVERY_S, beats=SELDOM)
            change = await trio.to_thread.run_sync(self._check)
            if change is not None:
                self._take(change)

    def _take(self, change: CommandFilesChange) -> None:
        self._problem = change.problem
        if change.problem is None:
            self._reloads += 1
            log.info("command files read again: %d of the user's own", change.files)
        else:
            log.error("the command files have a mistake, the last good ones stay in force: %s", change.problem)
