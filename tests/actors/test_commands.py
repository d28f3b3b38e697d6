import logging

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.commands import Commands, CommandsStatistics
from runtime import ChildSpec, Ref
from runtime.messaging.pace import IDLE_S, SELDOM, Pace
from tests.fakes import Grow, shown_by


@attrs.frozen
class Change:
    problem: str | None
    files: int = 2


@attrs.define(eq=False)
class Files:
    """Changes to come, one a look."""

    changes: list[Change | None]
    looks: int = 0

    def check(self) -> Change | None:
        self.looks += 1
        return self.changes.pop(0) if self.changes else None


@pytest.fixture
def watching(grow: Grow, monkeypatch: pytest.MonkeyPatch):
    async def run_sync(function):  # a thread would stop the clock from jumping
        await trio.lowlevel.checkpoint()
        return function()

    monkeypatch.setattr(trio.to_thread, "run_sync", run_sync)

    async def start(*changes: Change | None, pace: Pace | None = None):
        files = Files(list(changes))
        tree = await grow(ChildSpec(Ref("commands"), lambda: Commands(files.check)), pace=pace)
        return files, lambda: shown_by(tree.status().children[-1], CommandsStatistics)

    return start


async def test_files_are_looked_at_every_second(watching, autojump_clock: MockClock) -> None:
    files, statistics = await watching(None, Change(None))
    await trio.sleep(1.5)
    assert (files.looks, statistics().reloads) == (1, 0)
    await trio.sleep(1.0)
    assert (files.looks, statistics().reloads) == (2, 1)


async def test_a_mistake_is_told_once_and_shown_until_it_is_mended(
    watching, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sayso.commands")
    _, statistics = await watching(Change("lights.yaml:3: no such slot"), None, None, Change(None))
    await trio.sleep(3.5)
    assert statistics() == CommandsStatistics(reloads=0, problem="lights.yaml:3: no such slot")
    assert caplog.text.count("lights.yaml:3") == 1
    await trio.sleep(1.0)
    assert statistics() == CommandsStatistics(reloads=1, problem=None)


async def test_while_nobody_uses_the_server_files_are_looked_at_seldom_and_at_once_for_the_first_client(
    watching, autojump_clock: MockClock
) -> None:
    pace = Pace()
    files, statistics = await watching(None, Change(None), pace=pace)
    await trio.sleep(SELDOM * IDLE_S + 0.5)
    assert (files.looks, statistics().reloads) == (1, 0)
    with pace.use():
        await wait_all_tasks_blocked()
    assert (files.looks, statistics().reloads) == (2, 1)
