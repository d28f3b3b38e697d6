import itertools
import math
import random
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.tool_server import (
    NOT_LISTED_S,
    REFUSED_S,
    RELIST_PAUSE_S,
    ToolServer,
    ToolServerStatistics,
    ToolUnavailable,
)
from backends.protocols import CallNotSent, ToolServerLost, ToolServerRefused, ToolsNotListed
from protocol.messages.session import Announce
from protocol.messages.understanding import (
    OUTCOME_WITHIN_S,
    AwaitFirstTry,
    CallProgress,
    CallTool,
    ListTools,
    McpOffer,
    ToolAnnouncement,
    ToolList,
    ToolOutcome,
    ToolSpec,
)
from protocol.turns.listeners import Listeners
from runtime import Backoff, ChildSpec, MailboxSpec, Overflow, Ref, Registry, TerminateChild, Tree
from tests.fake_tool_servers import FakeConnector, FakeToolServer
from tests.fakes import FakeSink, Grow, Script, default_settings, scripted, shown_by

CLOCK = ToolSpec("house", "clock", "Tells the time.", {})
CALL = CallTool("session", "c1", "house", "clock", {"zone": "UTC"})
CALL_S = 3.0  # that it may take


class Steady(random.Random):
    """Jitter without randomness: always the whole pause."""

    def uniform(self, a: float, b: float) -> float:
        return b


@attrs.define(eq=False)
class Bench:
    """The actor of one tool server and what it connects to."""

    connector: FakeConnector
    sessions: Registry = attrs.field(factory=Registry)
    listeners: Listeners = attrs.field(factory=Listeners)
    ref: Ref = attrs.field(factory=lambda: Ref("tools.house"))
    tree: Tree = attrs.field(init=False)

    async def open(self, grow: Grow, *more: ChildSpec) -> None:
        """Start it, and wait for its first attempt to connect."""
        await self.begin(grow, *more)
        await self.ref.ask(AwaitFirstTry())

    async def begin(self, grow: Grow, *more: ChildSpec) -> None:
        """Start it."""

        def make() -> ToolServer:
            backoff = Backoff(base_s=0.2, cap_s=1.0)
            settings = default_settings().tools
            return ToolServer(
                "house", settings, self.connector, self.sessions, self.listeners, backoff=backoff, rng=Steady()
            )

        self.tree = await grow(*more, ChildSpec(self.ref, make))

    async def call(self, message: CallTool = CALL) -> ToolOutcome:
        """Make a call that may take ``CALL_S``."""
        return await self.ref.ask(message, timeout_s=CALL_S + OUTCOME_WITHIN_S, linked=True)

    async def tools(self) -> Any:
        """Return what it lists now."""
        return (await self.ref.ask(ListTools())).tools

    async def assert_hidden(self) -> None:
        """Fail unless it says that it is down instead of listing anything."""
        with pytest.raises(ToolUnavailable, match="house is down"):
            await self.tools()

    def statistics(self) -> ToolServerStatistics:
        """Return what the actor shows of itself."""
        return shown_by(self.tree.status().children[-1], ToolServerStatistics)


async def test_a_server_that_is_up_lists_and_calls(grow: Grow, autojump_clock: MockClock) -> None:
    server = FakeToolServer("house", (CLOCK,), answer=ToolOutcome(True, "noon", 0.1))
    bench = Bench(FakeConnector([server]))
    await bench.open(grow)
    assert await bench.tools() == (CLOCK,)
    assert await bench.call() == ToolOutcome(True, "noon", 0.1)
    assert server.calls == [CALL]
    assert bench.statistics() == ToolServerStatistics(is_up=True, tools=1, notes=(), trouble=None)


async def test_what_a_server_has_besides_tools_is_listed_with_them(grow: Grow, autojump_clock: MockClock) -> None:
    manual = McpOffer("house", "resource", "manual", "", "file:///manual")
    bench = Bench(FakeConnector([FakeToolServer("house", (CLOCK,), offers=(manual,))]))
    await bench.open(grow)
    assert await bench.ref.ask(ListTools()) == ToolList((CLOCK,), offers=(manual,))


async def test_a_server_that_is_not_there_hides_its_tools_and_says_why(grow: Grow, autojump_clock: MockClock) -> None:
    bench = Bench(FakeConnector([ToolServerLost("no such file: uvx")]))
    await bench.open(grow)
    await bench.assert_hidden()
    with pytest.raises(ToolUnavailable, match="house is down: no such file: uvx"):
        await bench.call()
    assert bench.statistics() == ToolServerStatistics(is_up=False, tools=0, notes=(), trouble="no such file: uvx")


async def test_a_server_that_takes_long_to_connect_delays_no_start(grow: Grow, autojump_clock: MockClock) -> None:
    bench = Bench(FakeConnector([FakeToolServer("house", (CLOCK,))], opening_s=10.0))
    started_s = trio.current_time()
    await bench.begin(grow)
    assert trio.current_time() == started_s
    await bench.assert_hidden()
    told = "house: it is being connected for the first time"
    assert bench.statistics() == ToolServerStatistics(is_up=False, tools=0, notes=(), trouble=told)
    await bench.ref.ask(AwaitFirstTry(), timeout_s=11.0)
    assert trio.current_time() == pytest.approx(started_s + 10.0)
    assert await bench.tools() == (CLOCK,)


async def test_a_server_that_is_still_being_connected_does_not_delay_the_stop(
    grow: Grow, autojump_clock: MockClock
) -> None:
    bench = Bench(FakeConnector([], opening_s=math.inf))
    await bench.begin(grow)
    await wait_all_tasks_blocked()
    started_s = trio.current_time()
    await bench.tree.ref.ask(TerminateChild("tools.house"))
    assert trio.current_time() == started_s


async def test_it_is_tried_again_with_growing_pauses_up_to_the_cap(grow: Grow, autojump_clock: MockClock) -> None:
    bench = Bench(FakeConnector([]))
    await bench.open(grow)
    await trio.sleep(4.0)
    times_s = bench.connector.times_s
    pauses_s = [round(later - earlier, 3) for earlier, later in itertools.pairwise(times_s)]
    assert pauses_s == [0.2, 0.4, 0.8, 1.0, 1.0]
    assert bench.tree.status().children[-1].incarnation == 1, "somebody else's program is no crash of ours"


async def test_a_server_that_starts_later_is_found(grow: Grow, autojump_clock: MockClock) -> None:
    server = FakeToolServer("house", (CLOCK,), answer=ToolOutcome(True, "noon", 0.1))
    bench = Bench(FakeConnector([ToolServerLost("not yet"), ToolServerLost("not yet"), server]))
    await bench.open(grow)
    await bench.assert_hidden()
    await trio.sleep(1.0)
    assert await bench.tools() == (CLOCK,)
    assert (await bench.call()).content == "noon"


async def test_a_server_that_dies_is_hidden_closed_and_connected_again(grow: Grow, autojump_clock: MockClock) -> None:
    first, second = FakeToolServer("first", (CLOCK,)), FakeToolServer("second", (CLOCK, CLOCK))
    bench = Bench(FakeConnector([first, second]))
    await bench.open(grow)
    first.lose("exit code 1")
    await wait_all_tasks_blocked()
    await bench.assert_hidden()
    assert bench.connector.closed == ["first"]
    assert bench.statistics().trouble == "exit code 1"
    await trio.sleep(0.5)
    assert await bench.tools() == (CLOCK, CLOCK)


async def test_a_server_that_takes_its_time_to_end_is_hidden_at_once(grow: Grow, autojump_clock: MockClock) -> None:
    first = FakeToolServer("first", (CLOCK,))
    connector = FakeConnector([first], closing_s=4.0)
    bench = Bench(connector)
    await bench.open(grow)
    first.lose("exit code 1")
    await wait_all_tasks_blocked()
    assert connector.closed == []
    await bench.assert_hidden()
    assert bench.statistics() == ToolServerStatistics(is_up=False, tools=0, notes=(), trouble="exit code 1")
    with pytest.raises(ToolUnavailable, match="house is down: exit code 1"):
        await bench.call()


async def test_a_server_whose_loss_a_call_sees_first_is_hidden_at_once(grow: Grow, autojump_clock: MockClock) -> None:
    server = FakeToolServer("first", (CLOCK,), answer=ToolServerLost("the connection was closed"))
    bench = Bench(FakeConnector([server]))
    await bench.open(grow)
    assert not (await bench.call()).ok
    assert bench.statistics() == ToolServerStatistics(
        is_up=False, tools=0, notes=(), trouble="the connection was closed"
    )
    await bench.assert_hidden()


async def test_the_pauses_begin_anew_after_a_connection(grow: Grow, autojump_clock: MockClock) -> None:
    server = FakeToolServer("house", (CLOCK,))
    lost = [ToolServerLost("not yet")] * 4
    bench = Bench(FakeConnector([*lost, server]))
    await bench.open(grow)
    await trio.sleep(3.0)
    server.lose("exit code 1")
    lost_s = trio.current_time()
    await trio.sleep(0.3)
    assert bench.connector.times_s[-1] == pytest.approx(lost_s + 0.2)


async def test_a_call_that_was_under_way_is_lost_and_not_repeated(grow: Grow, autojump_clock: MockClock) -> None:
    first, second = FakeToolServer("first", (CLOCK,)), FakeToolServer("second", (CLOCK,))
    bench = Bench(FakeConnector([first, second]))
    await bench.open(grow)

    async def die() -> None:
        await trio.sleep(2.0)
        first.lose("killed")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(die)
        outcome = await bench.call()
    assert outcome == ToolOutcome(False, "", 2.0, "house was lost during the call: killed")
    await trio.sleep(5.0)
    assert (len(first.calls), second.calls) == (1, [])


async def test_a_call_waits_for_a_server_that_is_being_connected_again(grow: Grow, autojump_clock: MockClock) -> None:
    noon = ToolOutcome(True, "noon", 0.1)
    first, second = FakeToolServer("first", (CLOCK,)), FakeToolServer("second", (CLOCK,), answer=noon)
    bench = Bench(FakeConnector([first, ToolServerLost("not yet"), second]))
    await bench.open(grow)
    first.lose("killed")
    await wait_all_tasks_blocked()
    await bench.assert_hidden()
    assert await bench.call() == noon
    assert (first.calls, len(second.calls)) == ([], 1)


async def test_a_call_that_finds_the_server_gone_before_it_is_sent_waits_too(
    grow: Grow, autojump_clock: MockClock
) -> None:
    noon = ToolOutcome(True, "noon", 0.1)
    first = FakeToolServer("first", (CLOCK,), answer=CallNotSent("the connection was closed"))
    second = FakeToolServer("second", (CLOCK,), answer=noon)
    bench = Bench(FakeConnector([first, second]))
    await bench.open(grow)

    async def end() -> None:
        await trio.sleep(0.5)
        first.lose("the connection was closed")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(end)
        assert await bench.call() == noon
    assert len(second.calls) == 1


async def test_a_call_waits_for_the_first_connection(grow: Grow, autojump_clock: MockClock) -> None:
    server = FakeToolServer("house", (CLOCK,), answer=ToolOutcome(True, "noon", 0.1))
    bench = Bench(FakeConnector([server], opening_s=2.0))
    await bench.begin(grow)
    assert (await bench.call()).content == "noon"


async def test_a_call_waits_no_longer_than_its_own_time(grow: Grow, autojump_clock: MockClock) -> None:
    first = FakeToolServer("first", (CLOCK,))
    bench = Bench(FakeConnector([first]))
    await bench.open(grow)
    first.lose("killed")
    await wait_all_tasks_blocked()
    started_s = trio.current_time()
    with pytest.raises(ToolUnavailable, match="house is down: nothing there"):
        await bench.call()
    assert 2.0 < trio.current_time() - started_s <= 3.0, "it gives up when the next attempt would come too late"


async def test_a_call_that_takes_too_long_is_cancelled_and_its_outcome_comes_before_the_asker_gives_up(
    grow: Grow, autojump_clock: MockClock
) -> None:
    bench = Bench(FakeConnector([FakeToolServer("house", (CLOCK,))]))
    await bench.open(grow)
    assert await bench.call() == ToolOutcome(False, "", CALL_S, "clock took longer than 3 s and was cancelled")
    assert (await bench.tools()) == (CLOCK,), "the server is still there"


async def test_the_time_that_a_call_waits_for_its_server_counts(grow: Grow, autojump_clock: MockClock) -> None:
    first, second = FakeToolServer("first", (CLOCK,)), FakeToolServer("second", (CLOCK,))
    bench = Bench(FakeConnector([first, ToolServerLost("not yet"), second]))
    await bench.open(grow)
    first.lose("killed")
    await wait_all_tasks_blocked()
    started_s = trio.current_time()
    outcome = await bench.call()
    assert outcome.duration_s == trio.current_time() - started_s == pytest.approx(CALL_S)
    assert len(second.calls) == 1


async def test_tools_that_change_are_listed_again(grow: Grow, autojump_clock: MockClock) -> None:
    server = FakeToolServer("house", (CLOCK,))
    bench = Bench(FakeConnector([server]))
    await bench.open(grow)
    server.change(CLOCK, CLOCK)
    await wait_all_tasks_blocked()
    assert await bench.tools() == (CLOCK, CLOCK)
    server.change()
    await wait_all_tasks_blocked()
    assert await bench.tools() == (CLOCK, CLOCK), "a server that changes all the time is not listed all the time"
    await trio.sleep(RELIST_PAUSE_S)
    assert await bench.tools() == ()


async def test_what_is_not_taken_of_a_list_is_shown(grow: Grow, autojump_clock: MockClock) -> None:
    notes = ("house: not taken is all from tool 513 on",)
    bench = Bench(FakeConnector([FakeToolServer("house", (CLOCK,), notes=notes)]))
    await bench.open(grow)
    assert await bench.ref.ask(ListTools()) == ToolList((CLOCK,), notes=notes)
    assert bench.statistics() == ToolServerStatistics(is_up=True, tools=1, notes=notes, trouble=None)


async def test_after_a_list_that_did_not_come_the_pause_is_long(grow: Grow, autojump_clock: MockClock) -> None:
    bench = Bench(FakeConnector([ToolsNotListed("house: it did not list its tools within 10 s")]))
    await bench.open(grow)
    await trio.sleep(NOT_LISTED_S + 0.1)
    first_s, second_s = bench.connector.times_s
    assert second_s - first_s == pytest.approx(NOT_LISTED_S)


async def test_after_credentials_were_refused_the_pause_is_long(grow: Grow, autojump_clock: MockClock) -> None:
    bench = Bench(FakeConnector([ToolServerRefused("house: it does not accept the credentials (status 401)")]))
    await bench.open(grow)
    await trio.sleep(REFUSED_S + 0.1)
    first_s, second_s = bench.connector.times_s
    assert second_s - first_s == pytest.approx(REFUSED_S)


async def test_progress_goes_to_the_asker(grow: Grow, autojump_clock: MockClock) -> None:
    server = FakeToolServer("house", (CLOCK,), answer=ToolOutcome(True, "noon", 0.1))
    bench, sink = Bench(FakeConnector([server])), FakeSink[CallProgress]()
    await bench.open(grow)
    await bench.call(attrs.evolve(CALL, progress_sink=sink))
    assert server.calls[0].progress_sink is sink


async def test_a_slow_call_delays_no_other(grow: Grow, autojump_clock: MockClock) -> None:
    server = FakeToolServer("house", (CLOCK,))
    bench = Bench(FakeConnector([server]))
    await bench.open(grow)
    await bench.ref.tell(CALL)
    await wait_all_tasks_blocked()
    assert len(server.calls) == 1
    assert await bench.tools() == (CLOCK,)


async def test_an_announcement_reaches_its_session(grow: Grow, autojump_clock: MockClock) -> None:
    bench = Bench(FakeConnector([FakeToolServer("house")]))
    mine, other = Script(), Script()
    specs = scripted("mine", mine), scripted("other", other)
    await bench.open(grow, *specs)
    bench.sessions.register("session1", specs[0].ref)
    bench.sessions.register("session2", specs[1].ref)
    assert bench.connector.on_announcement is not None
    bench.connector.on_announcement(ToolAnnouncement("session1", "Your tea is ready."))
    await wait_all_tasks_blocked()
    assert (mine.seen, other.seen) == ([Announce("Your tea is ready.")], [])


async def test_an_announcement_without_a_session_is_logged(
    grow: Grow, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(FakeConnector([FakeToolServer("house")]))
    full = Ref("full", MailboxSpec(capacity=1, overflow=Overflow.REJECT))
    full.tell_nowait("already there")
    await bench.open(grow)
    bench.sessions.register("busy", full)
    assert bench.connector.on_announcement is not None
    with caplog.at_level("INFO", logger="sayso.tools"):
        bench.connector.on_announcement(ToolAnnouncement("gone", "One."))
        bench.connector.on_announcement(ToolAnnouncement("busy", "Two."))
    assert [record.getMessage() for record in caplog.records] == [
        "no session for the announcement: One.",
        "no session for the announcement: Two.",
    ]


async def test_the_server_is_closed_with_the_actor(grow: Grow, autojump_clock: MockClock) -> None:
    bench = Bench(FakeConnector([FakeToolServer("house")]))
    await bench.open(grow)
    await bench.tree.ref.ask(TerminateChild("tools.house"))
    assert bench.connector.closed == ["house"]
