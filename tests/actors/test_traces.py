import random
from collections.abc import Sequence

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.traces import BATCH_TURNS, LAST_S, Traces, TracesStatistics, is_chosen
from backends.protocols import ProviderError
from config.settings import TracesSettings
from protocol.messages.records import Count
from protocol.messages.traces import TracesRefused, TurnTrace
from runtime import Backoff, ChildSpec, Ref, Tree
from tests.fakes import Grow, Script, default_settings, scripted, shown_by

BACKOFF = Backoff(base_s=1.0, cap_s=60.0)


def trace(number: int) -> TurnTrace:
    """Return a turn's trace."""
    return TurnTrace(
        session_id="s",
        turn_id=f"{number:012x}",
        outcome="done",
        source=None,
        language=None,
        start_s=0.0,
        end_s=1.0,
        unix_offset_s=0.0,
        spans=(),
    )


@attrs.define(eq=False)
class FakeExporter:
    """Notes what it is given; ``trouble`` is raised instead."""

    batches: list[list[str]] = attrs.field(factory=list)
    trouble: Exception | None = None
    tries: int = 0
    hangs: bool = False
    is_closed: bool = False

    async def export(self, traces: Sequence[TurnTrace]) -> None:
        self.tries += 1
        if self.hangs:
            await trio.sleep_forever()
        if self.trouble is not None:
            raise self.trouble
        self.batches.append([trace.turn_id for trace in traces])

    async def aclose(self) -> None:
        self.is_closed = True


@attrs.define(eq=False)
class Sending:
    """The actor, and what is around it."""

    exporter: FakeExporter = attrs.field(factory=FakeExporter)
    settings: TracesSettings = attrs.field(factory=lambda: default_settings().traces)
    metrics: Script = attrs.field(factory=Script)
    ref: Ref = attrs.field(factory=lambda: Ref("traces"))
    tree: Tree = attrs.field(init=False)

    async def open(self, grow: Grow) -> None:
        """Start it."""
        metrics = scripted("metrics", self.metrics)
        make = lambda: Traces(self.settings, self.exporter, metrics.ref, backoff=BACKOFF, rng=random.Random(1))  # noqa: E731
        self.tree = await grow(metrics, ChildSpec(self.ref, make))

    async def tell(self, *numbers: int) -> None:
        """Let it have traces."""
        for number in numbers:
            await self.ref.tell(trace(number))
        await wait_all_tasks_blocked()

    def statistics(self) -> TracesStatistics:
        """Return what the actor shows of itself."""
        return shown_by(self.tree.status().children[-1], TracesStatistics)


def ids(*numbers: int) -> list[str]:
    return [f"{number:012x}" for number in numbers]


async def test_traces_wait_for_company_and_are_sent_together(grow: Grow, autojump_clock: MockClock) -> None:
    sending = Sending()
    await sending.open(grow)
    await sending.tell(1, 2)
    assert sending.exporter.batches == []
    await trio.sleep(1.1)
    await sending.tell(3)
    await trio.sleep(1.1)
    assert sending.exporter.batches == [ids(1, 2), ids(3)]
    assert sending.metrics.of(Count) == [Count("traces_total", ("sent",), 2), Count("traces_total", ("sent",), 1)]
    assert sending.statistics() == TracesStatistics(waiting=0, sent=3, refused=0, dropped=0, trouble=None)


async def test_no_request_has_more_turns_than_its_limit(grow: Grow, autojump_clock: MockClock) -> None:
    sending = Sending()
    await sending.open(grow)
    await sending.tell(*range(BATCH_TURNS + 1))
    await trio.sleep(1.1)
    assert [len(batch) for batch in sending.exporter.batches] == [BATCH_TURNS, 1]


async def test_while_the_collector_is_away_traces_wait_in_order_and_it_is_told_once(
    grow: Grow, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "sayso.traces")
    sending = Sending()
    await sending.open(grow)
    sending.exporter.trouble = ProviderError("nothing answers at http://c")
    await sending.tell(1, 2)
    await trio.sleep(60.0)
    assert sending.exporter.tries > 3
    assert sending.statistics() == TracesStatistics(
        waiting=2, sent=0, refused=0, dropped=0, trouble="nothing answers at http://c"
    )
    sending.exporter.trouble = None
    await sending.tell(3)
    await trio.sleep(120.0)
    assert sending.exporter.batches == [ids(1, 2, 3)]
    assert sending.statistics().trouble is None
    told = [record.getMessage() for record in caplog.records if record.name == "sayso.traces"]
    assert told == [
        "traces are not taken; they wait, and the oldest are dropped: nothing answers at http://c",
        "traces are taken again",
    ]


async def test_a_collector_that_stays_away_is_asked_ever_more_seldom(grow: Grow, autojump_clock: MockClock) -> None:
    sending = Sending()
    await sending.open(grow)
    sending.exporter.trouble = ProviderError("away")
    await sending.tell(1)
    await trio.sleep(3_600.0)
    assert 60 <= sending.exporter.tries <= 130, "once a minute, in the long run"


async def test_beyond_what_may_wait_the_oldest_are_dropped_and_counted(grow: Grow, autojump_clock: MockClock) -> None:
    sending = Sending(settings=attrs.evolve(default_settings().traces, max_waiting=3))
    await sending.open(grow)
    sending.exporter.trouble = ProviderError("away")
    await sending.tell(1, 2)
    await trio.sleep(1.2)
    await sending.tell(3, 4, 5)
    assert (sending.statistics().waiting, sending.statistics().dropped) == (3, 2)
    sending.exporter.trouble = None
    await trio.sleep(120.0)
    assert sending.exporter.batches == [ids(3, 4, 5)]
    assert sum(count.amount for count in sending.metrics.of(Count) if count.labels == ("dropped",)) == 2


async def test_what_is_refused_for_good_is_not_sent_again(grow: Grow, autojump_clock: MockClock) -> None:
    sending = Sending()
    await sending.open(grow)
    sending.exporter.trouble = TracesRefused("refused our API key (401)")
    await sending.tell(1)
    await trio.sleep(1.1)
    sending.exporter.trouble = None
    await sending.tell(2)
    await trio.sleep(1.1)
    assert sending.exporter.batches == [ids(2)]
    assert sending.metrics.of(Count)[0] == Count("traces_total", ("refused",), 1)
    assert sending.statistics() == TracesStatistics(waiting=0, sent=1, refused=1, dropped=0, trouble=None)


async def test_what_waits_is_sent_when_the_server_stops(grow: Grow, autojump_clock: MockClock) -> None:
    sending = Sending()
    await sending.open(grow)
    await sending.tell(1)
    await sending.tree.stop("done")
    assert sending.exporter.batches == [ids(1)]
    assert sending.exporter.is_closed


async def test_a_collector_that_hangs_does_not_hold_up_the_stop(grow: Grow, autojump_clock: MockClock) -> None:
    sending = Sending(FakeExporter(hangs=True))
    await sending.open(grow)
    await sending.tell(1)
    before_s = trio.current_time()
    await sending.tree.stop("done")
    assert trio.current_time() - before_s <= LAST_S + 0.1


def test_a_share_of_the_turns_is_chosen_by_their_ids() -> None:
    names = [f"{number:012x}" for number in range(10_000)]
    chosen = {name for name in names if is_chosen(name, 0.1)}
    assert 900 < len(chosen) < 1_100
    assert chosen <= {name for name in names if is_chosen(name, 0.2)}
    assert [sum(is_chosen(name, share) for name in names) for share in (0.0, 1.0)] == [0, 10_000]


async def test_turns_that_are_not_chosen_do_not_wait(grow: Grow, autojump_clock: MockClock) -> None:
    sending = Sending(settings=attrs.evolve(default_settings().traces, share=0.0))
    await sending.open(grow)
    await sending.tell(1)
    await trio.sleep(1.1)
    assert sending.statistics() == TracesStatistics(waiting=0, sent=0, refused=0, dropped=0, trouble=None)
