from collections.abc import Mapping

import attrs
import trio
from trio.testing import MockClock

from actors.monitor import Monitor, skipped_rows_s
from protocol.admission.notices import ActorLook, ServerLook
from protocol.admission.recent_past import RecentPast
from protocol.messages.events import Degraded, Recovered
from protocol.messages.records import Count, ToolRecord, TurnRecord
from runtime import ChildSpec, Ref
from runtime.messaging.pace import IDLE_S, Pace
from tests.fakes import Grow

TURN = TurnRecord("s1", "t1", "ada", 1_000.0, "my password is hunter2", "Done.", "done", None, {"total": 900.0})
CALL = ToolRecord("s1", "t1", "c1", 1.0, "home", "turn_on", {"name": "light"}, True, "on", 12.0, "light on", 0.9)


@attrs.define(eq=False)
class Watched:
    """A server with one actor, and what the monitor remembers of it."""

    actor: ActorLook = attrs.field(factory=lambda: ActorLook(state="ready"))
    figures: Mapping[str, float] = attrs.field(factory=lambda: {"sessions": 3})
    past: RecentPast = attrs.field(factory=RecentPast)
    name: str = "speech"
    told_clients: list[Degraded | Recovered] = attrs.field(factory=list)
    ref: Ref = attrs.field(factory=lambda: Ref("monitor"))

    def look(self) -> tuple[ServerLook, Mapping[str, float]]:
        return ServerLook(actors={self.name: self.actor}), self.figures

    async def open(self, grow: Grow, *, keeps_words: bool = True, pace: Pace | None = None) -> None:
        def make() -> Monitor:
            return Monitor(
                self.past,
                self.look,
                tell_clients=self.told_clients.append,
                keeps_words=keeps_words,
                version="1.2.3",
                unix_time=lambda: 5_000.0,
            )

        await grow(ChildSpec(self.ref, make), pace=pace)
        await trio.sleep(0.75)

    @property
    def told(self) -> list[tuple[str, str, int]]:
        return [(one.told.kind, one.told.subject, one.told.count) for one in self.past.notices.after(0)]

    def newest(self, name: str) -> float | None:
        return self.past.figures.part(trio.current_time(), "5m", [name]).values[name][-1]


async def test_the_first_notice_is_the_servers_start_and_a_crash_of_the_monitor_is_no_other(
    grow: Grow, autojump_clock: MockClock
) -> None:
    watched = Watched()
    await watched.open(grow)
    assert [notice.shown() for notice in watched.past.notices.after(0)] == [
        {"number": 1, "at": 5_000.0, "kind": "started", "subject": "", "detail": "1.2.3", "count": 1}
    ]
    await watched.ref.tell("nonsense")
    await trio.sleep(60.0)
    await watched.ref.tell(TURN)
    await trio.sleep(1.0)
    assert watched.told == [("started", "", 1)]
    assert watched.past.turns.last == 1


async def test_what_changes_between_two_looks_is_told_once(grow: Grow, autojump_clock: MockClock) -> None:
    watched = Watched()
    await watched.open(grow)
    watched.actor = ActorLook(state="ready", incarnation=2, exit="lost", crashes=1)
    await trio.sleep(5.0)
    assert watched.told[1:] == [("worker_ended", "speech", 1), ("restarted", "speech", 1)]
    assert watched.past.figures.part(trio.current_time(), "1h", ["restarts"]).values["restarts"][-1] == 1.0


async def test_clients_are_told_of_a_tool_server_that_goes_and_comes_back(
    grow: Grow, autojump_clock: MockClock
) -> None:
    watched = Watched(name="tools.home")
    await watched.open(grow)
    watched.actor = ActorLook(state="ready", trouble="connection refused")
    await trio.sleep(3.0)
    watched.actor = ActorLook(state="ready")
    await trio.sleep(3.0)
    gone, back = Degraded("tools.home", "connection refused"), Recovered("tools.home", "it works again")
    assert watched.told_clients == [gone, back]


async def test_refusals_are_told_in_bulk(grow: Grow, autojump_clock: MockClock) -> None:
    watched = Watched()
    await watched.open(grow)
    for _ in range(3):
        await watched.ref.tell(Count("refusals_total", ("rate",)))
    await trio.sleep(1.0)
    assert watched.told[1:] == [("refused", "rate", 3)]
    assert watched.newest("refused") == 3.0


async def test_crashes_inside_sessions_are_told_in_bulk_and_are_no_refusals(
    grow: Grow, autojump_clock: MockClock
) -> None:
    watched = Watched()
    await watched.open(grow)
    for _ in range(3):
        await watched.ref.tell(Count("session_faults_total", ("crashed", "dialogue", "KeyError")))
    await watched.ref.tell(Count("session_faults_total", ("recovered", "", "")))
    await trio.sleep(1.0)
    assert watched.told[1:] == [("session_crashed", "dialogue", 3), ("session_recovered", "", 1)]
    assert watched.newest("refused") == 0.0


async def test_turns_are_kept_with_their_calls_and_without_secrets(grow: Grow, autojump_clock: MockClock) -> None:
    watched = Watched()
    await watched.open(grow)
    await watched.ref.tell(CALL)
    await watched.ref.tell(TURN)
    await trio.sleep(1.0)
    [turn] = watched.past.turns.after(0)
    assert turn.record.heard == "my password is [redacted]"
    assert [call.tool for call in turn.calls] == ["turn_on"]
    assert (watched.newest("turns"), watched.newest("slowest_turn")) == (1.0, 900.0)
    await trio.sleep(1.0)
    assert (watched.newest("turns"), watched.newest("slowest_turn")) == (0.0, None)
    assert watched.newest("sessions") == 3.0


async def test_where_history_keeps_no_words_none_are_kept_here(grow: Grow, autojump_clock: MockClock) -> None:
    watched = Watched()
    await watched.open(grow, keeps_words=False)
    await watched.ref.tell(CALL)
    await watched.ref.tell(TURN)
    await trio.sleep(1.0)
    [turn] = watched.past.turns.after(0)
    assert (turn.record.heard, turn.record.replied, turn.calls[0].result) == ("", "", "")
    assert turn.record.latency_ms == {"total": 900.0}


async def test_the_statistics_count_what_was_kept(grow: Grow, autojump_clock: MockClock) -> None:
    watched = Watched()
    await watched.open(grow)
    await watched.ref.tell(TURN)
    await watched.ref.tell(Count("refusals_total", ("rate",), 2))
    await trio.sleep(1.0)
    past = watched.past
    assert (past.notices.last, past.turns.last, past.tally.totals["refused"]) == (2, 1, 2)


async def test_each_second_has_its_figures_however_long_a_look_takes(grow: Grow, autojump_clock: MockClock) -> None:
    watched = Watched()
    await watched.open(grow)
    await trio.sleep(100.0)
    values = watched.past.figures.part(trio.current_time(), "5m", ["sessions"]).values["sessions"]
    assert values[-101:] == (3.0,) * 101


async def test_while_nobody_uses_the_server_a_look_stands_for_the_seconds_after_it(
    grow: Grow, autojump_clock: MockClock
) -> None:
    watched = Watched()
    await watched.open(grow, pace=Pace())
    await trio.sleep(2 * IDLE_S)
    watched.figures = {"sessions": 5}
    await trio.sleep(IDLE_S)
    figures = watched.past.figures.part(trio.current_time(), "5m", ["sessions", "turns"]).values
    assert figures["sessions"][-31:] == (*[3.0] * 30, 5.0)
    assert figures["turns"][-11:] == (0.0, *[None] * 9, 0.0)


def test_no_rows_are_made_up_for_a_time_in_which_the_machine_slept() -> None:
    assert list(skipped_rows_s(20.5, 24.25)) == [21.5, 22.5, 23.5]
    assert list(skipped_rows_s(20.5, 21.5)) == []
    assert list(skipped_rows_s(20.5, 3_600.0)) == []
