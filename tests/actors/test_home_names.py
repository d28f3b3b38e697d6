import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
from trio.testing import MockClock

from actors.home_names import HomeNamesKeeper, HomeNamesStatistics
from backends.protocols import HomeLinkLost, HomeLinkRefused
from protocol.messages.home import HomeEntity, HomeNames, HomePlace
from protocol.messages.records import Gauge
from runtime import Backoff, ChildSpec, Ref
from tests.fakes import Grow, Script, scripted, shown_by


def named(*names: str, **more: tuple) -> HomeNames:
    return HomeNames(tuple(HomeEntity(f"light.{name}", (name,)) for name in names), **more)


@attrs.define(eq=False)
class Link:
    """A home that is up or down."""

    names: HomeNames = attrs.field(factory=lambda: named("lamp"))
    trouble: HomeLinkLost | None = None
    tries: list[float] = attrs.field(factory=list)
    reads: list[float] = attrs.field(factory=list)
    _changed: trio.Event = attrs.field(factory=trio.Event)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Link"]:
        await trio.lowlevel.checkpoint()
        self.tries.append(trio.current_time())
        self._raise()
        yield self

    async def read_names(self) -> HomeNames:
        await trio.lowlevel.checkpoint()
        self.reads.append(trio.current_time())
        return self.names

    async def wait_changed(self) -> None:
        await self._changed.wait()
        self._changed = trio.Event()
        self._raise()

    def change(self, names: HomeNames | None = None, trouble: HomeLinkLost | None = None) -> None:
        self.names = self.names if names is None else names
        self.trouble = trouble
        self._changed.set()

    def _raise(self) -> None:
        if self.trouble is not None:
            raise self.trouble


@attrs.define(eq=False)
class Kept:
    link: Link
    taken: list[HomeNames]
    metrics: Script
    statistics: object = None


@pytest.fixture
def keep(grow: Grow, monkeypatch: pytest.MonkeyPatch):
    async def run_sync(function, *arguments):  # a thread would stop the clock from jumping
        await trio.lowlevel.checkpoint()
        return function(*arguments)

    monkeypatch.setattr(trio.to_thread, "run_sync", run_sync)

    async def start(trouble: HomeLinkLost | None = None) -> Kept:
        kept = Kept(Link(trouble=trouble), [], Script())
        metrics = scripted("metrics", kept.metrics)
        backoff = Backoff(base_s=1.0, cap_s=8.0)

        def make() -> HomeNamesKeeper:
            return HomeNamesKeeper(
                kept.link.open, kept.taken.append, metrics.ref, backoff=backoff, rng=random.Random(1)
            )

        tree = await grow(metrics, ChildSpec(Ref("names"), make))
        kept.statistics = lambda: shown_by(tree.status().children[-1], HomeNamesStatistics)
        return kept

    return start


async def test_names_are_read_at_once_and_given_on(keep, autojump_clock: MockClock) -> None:
    kept = await keep()
    await trio.sleep(0.1)
    assert kept.taken == [named("lamp")]
    assert kept.statistics() == HomeNamesStatistics(
        is_up=True, entities=1, areas=0, floors=0, reads=1, notes=(), trouble=None
    )
    assert {Gauge("home_up", (), 1), Gauge("home_entities", (), 1)} <= set(kept.metrics.seen)


async def test_a_renamed_lamp_is_known_within_five_seconds(keep, autojump_clock: MockClock) -> None:
    kept = await keep()
    await trio.sleep(0.1)
    kept.link.change(named("moon"))
    await trio.sleep(2.5)
    assert kept.taken == [named("lamp"), named("moon")]


async def test_a_burst_of_changes_is_read_once(keep, autojump_clock: MockClock) -> None:
    kept = await keep()
    await trio.sleep(10.0)
    for number in range(20):
        kept.link.change(named(f"lamp{number}"))
        await trio.sleep(0.01)
    await trio.sleep(1.0)
    assert len(kept.link.reads) == 2
    assert kept.taken[-1] == named("lamp19")


async def test_what_changes_without_an_event_is_read_after_a_minute(keep, autojump_clock: MockClock) -> None:
    kept = await keep()
    await trio.sleep(1.0)
    kept.link.names = named("quiet")
    await trio.sleep(62.0)
    assert kept.taken[-1] == named("quiet")


async def test_the_same_names_are_not_given_on_again(keep, autojump_clock: MockClock) -> None:
    kept = await keep()
    await trio.sleep(1.0)
    kept.link.change()
    await trio.sleep(5.0)
    assert (kept.statistics().reads, len(kept.taken)) == (2, 1)


async def test_a_home_that_is_down_is_tried_with_backoff(
    keep, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    kept = await keep(HomeLinkLost("http://home cannot be reached"))
    await trio.sleep(100.0)
    gaps = [after - before for before, after in zip(kept.link.tries, kept.link.tries[1:], strict=False)]
    assert 10 < len(gaps) < 60
    assert max(gaps) <= 8.0
    assert kept.statistics().trouble == "http://home cannot be reached"
    assert not kept.statistics().is_up
    kept.link.trouble = None
    await trio.sleep(10.0)
    assert kept.statistics().is_up
    assert kept.taken == [named("lamp")]
    assert "http://home cannot be reached" in caplog.text


async def test_names_stay_while_the_home_is_down(keep, autojump_clock: MockClock) -> None:
    kept = await keep()
    await trio.sleep(1.0)
    kept.link.change(trouble=HomeLinkLost("it closed the connection"))
    await trio.sleep(5.0)
    assert (kept.taken, kept.statistics().entities, kept.statistics().is_up) == ([named("lamp")], 1, False)
    assert kept.metrics.seen[-1] == Gauge("home_up", (), 0)


async def test_a_refused_token_is_tried_again_only_after_minutes(keep, autojump_clock: MockClock) -> None:
    kept = await keep(HomeLinkRefused("Home Assistant does not accept the token"))
    await trio.sleep(299.0)
    assert len(kept.link.tries) == 1
    await trio.sleep(20.0)
    assert len(kept.link.tries) == 2


async def test_what_was_left_out_is_told_once(
    keep, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sayso.home_assistant")
    kept = await keep()
    await trio.sleep(1.0)
    for name in ("a", "b"):
        kept.link.change(named(name, notes=("3 entities have no name",), areas=(HomePlace(("X",)),)))
        await trio.sleep(5.0)
    assert caplog.text.count("3 entities have no name") == 1
    assert kept.statistics().notes == ("3 entities have no name",)
    assert kept.statistics().areas == 1
