from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.history import CHECK_S, PRUNE_EVERY_S, PRUNE_RECORDS, History, HistoryStatistics, HistoryUnavailable
from backends.protocols import StoreError, StoreFigures
from config.settings import HistorySettings
from protocol.messages.history import (
    ConversationQuery,
    Deleted,
    DeleteRecords,
    Deletion,
    FindTurns,
    KeptTurn,
    ListConversations,
    Position,
    TurnQuery,
)
from protocol.messages.records import Count, Gauge, Observe, SessionRecord, ToolRecord, TurnRecord
from runtime import ChildSpec, Ref, StartFailed, TerminateChild, Tree
from tests.fake_store import FakeStore
from tests.fakes import Grow, Script, default_settings, scripted, shown_by

NOW_S = 1_795_435_200.0  # 2026-11-23 12:00 UTC
KEY = "sk-" + "abcdefghijklmnop1234"
CALL = ToolRecord(
    session_id="s",
    turn_id="t1",
    call_id="c1",
    timestamp=1.0,
    server="house",
    tool="login",
    arguments={"token": "x", "note": KEY},
    ok=True,
    result=KEY,
    duration_ms=1.0,
    transcript=f"the key is {KEY}",
    confidence=0.9,
)


def turn(number: int) -> TurnRecord:
    """Return a turn's record."""
    return TurnRecord("s", f"t{number}", "tester", 1.0, "hello", "hi", "done", "model", {})


@attrs.define(eq=False)
class Archive:
    """A history with a store in memory."""

    store: FakeStore = attrs.field(factory=FakeStore)
    settings: HistorySettings = attrs.field(factory=lambda: default_settings().history)
    metrics: Script = attrs.field(factory=Script)
    ref: Ref = attrs.field(factory=lambda: Ref("history"))
    tree: Tree = attrs.field(init=False)

    async def open(self, grow: Grow) -> None:
        """Start it."""
        metrics = scripted("metrics", self.metrics)
        actor = ChildSpec(self.ref, lambda: History(self.settings, self.store, metrics.ref, unix_time=lambda: NOW_S))
        self.tree = await grow(metrics, actor)

    async def tell(self, *records: Any) -> None:
        """Let it have records."""
        for record in records:
            await self.ref.tell(record)
        await wait_all_tasks_blocked()

    def statistics(self) -> HistoryStatistics:
        """Return what the actor shows of itself."""
        return shown_by(self.tree.status().children[-1], HistoryStatistics)


async def test_records_wait_for_company_and_are_written_together(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive()
    await archive.open(grow)
    assert archive.store.is_open
    records = (SessionRecord("s", "tester", 1.0), turn(1), turn(2))
    await archive.tell(*records)
    assert archive.store.batches == []
    await trio.sleep(0.06)
    assert archive.store.batches == [records]
    await wait_all_tasks_blocked()
    assert archive.metrics.of(Count) == [Count("history_rows_total", ("written",), 3)]
    assert [message.name for message in archive.metrics.of(Observe)] == ["db_write_seconds"]
    assert archive.statistics() == HistoryStatistics(pending=0, written=3, dropped=0, lost=0, pruned=0, trouble=None)


async def test_no_batch_is_larger_than_its_limit(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive()
    await archive.open(grow)
    await archive.tell(*(turn(number) for number in range(150)))
    await trio.sleep(0.1)
    assert [len(batch) for batch in archive.store.batches] == [64, 64, 22]
    assert archive.store.rows == [turn(number) for number in range(150)]


async def test_while_the_store_is_down_records_wait_in_order(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive()
    await archive.open(grow)
    archive.store.trouble = StoreError("history.db: disk full")
    await archive.tell(turn(1), turn(2))
    await trio.sleep(3.0)
    assert archive.statistics() == HistoryStatistics(
        pending=2,
        written=0,
        dropped=0,
        lost=0,
        pruned=0,
        trouble="history.db: disk full",
    )
    await archive.tell(turn(3))
    archive.store.trouble = None
    await trio.sleep(1.1)
    assert archive.store.rows == [turn(1), turn(2), turn(3)]
    assert archive.statistics().trouble is None
    assert archive.tree.status().children[-1].incarnation == 1


async def test_beyond_its_limit_the_oldest_records_are_dropped_and_counted(
    grow: Grow, autojump_clock: MockClock
) -> None:
    archive = Archive(settings=attrs.evolve(default_settings().history, max_pending=3))
    await archive.open(grow)
    archive.store.trouble = StoreError("disk full")
    await archive.tell(*(turn(number) for number in range(5)))
    assert archive.statistics().dropped == 2
    dropped, lost = Count("dropped_total", ("history", "store_down")), Count("history_rows_total", ("lost",))
    assert archive.metrics.of(Count) == [dropped, lost] * 2
    archive.store.trouble = None
    await trio.sleep(2.0)
    assert archive.store.rows == [turn(2), turn(3), turn(4)]


async def test_what_was_accepted_is_written_before_the_end(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive()
    await archive.open(grow)
    for number in range(200):  # more than the actor takes at a time, so the stop finds some of them queued
        assert archive.ref.tell_nowait(turn(number))
    await archive.tree.ref.ask(TerminateChild("history"))
    assert archive.store.rows == [turn(number) for number in range(200)]
    assert not archive.store.is_open


async def test_the_end_waits_for_what_is_being_written(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive(FakeStore(write_s=1.0))
    await archive.open(grow)
    await archive.tell(turn(1))
    await trio.sleep(0.1)  # by now it is with the store
    await archive.tree.ref.ask(TerminateChild("history"))
    assert archive.store.batches == [(turn(1),)]


async def test_the_time_that_a_write_takes_is_measured(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive(FakeStore(write_s=1.0))
    await archive.open(grow)
    await archive.tell(turn(1))
    await trio.sleep(2.0)
    (observed,) = archive.metrics.of(Observe)
    assert observed.name == "db_write_seconds"
    assert observed.value == pytest.approx(1.0)


async def test_what_cannot_be_written_at_the_end_is_logged(
    grow: Grow, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    archive = Archive()
    await archive.open(grow)
    archive.store.trouble = StoreError("disk full")
    await archive.tell(turn(1), turn(2))
    await archive.tree.ref.ask(TerminateChild("history"))
    assert "2 records lost at stop: disk full" in caplog.text
    assert not archive.store.is_open


async def test_a_file_that_is_deleted_is_trouble_until_there_is_something_in_the_new_one(
    grow: Grow, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    archive = Archive()
    await archive.open(grow)
    archive.store.lost = 12
    await trio.sleep(CHECK_S + 1)
    told = "the history file was deleted or replaced, and 12 records with it; a new one was begun"
    assert archive.statistics() == HistoryStatistics(pending=0, written=0, dropped=0, lost=12, pruned=0, trouble=told)
    lost = Count("history_rows_total", ("lost",), 12)
    assert archive.metrics.of(Count) == [Count("dropped_total", ("history", "file_deleted"), 12), lost]
    await trio.sleep(3 * CHECK_S)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [told]
    await archive.tell(turn(1))
    await trio.sleep(0.1)
    assert archive.store.rows == [turn(1)]
    assert archive.statistics() == HistoryStatistics(pending=0, written=1, dropped=0, lost=12, pruned=0, trouble=None)


async def test_the_file_is_looked_for_before_each_write(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive()
    await archive.open(grow)
    archive.store.lost = 3
    await archive.tell(turn(1))
    await trio.sleep(0.1)
    assert (archive.store.rows, archive.statistics().lost) == ([turn(1)], 3)


async def test_a_file_that_cannot_be_opened_anew_is_tried_again(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive()
    await archive.open(grow)
    archive.store.trouble = StoreError("history.db: disk full")
    await trio.sleep(CHECK_S + 1)
    assert archive.statistics().trouble == "history.db: disk full"
    archive.store.trouble = None
    await archive.tell(turn(1))
    await trio.sleep(CHECK_S)
    assert (archive.store.rows, archive.statistics().trouble) == ([turn(1)], None)


async def test_secrets_are_taken_out_before_anything_is_kept(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive()
    await archive.open(grow)
    await archive.tell(attrs.evolve(turn(1), heard=f"note {KEY}", replied=f"Noted: {KEY}"), CALL)
    await trio.sleep(0.1)
    spoken, called = archive.store.rows
    assert isinstance(spoken, TurnRecord)
    assert isinstance(called, ToolRecord)
    assert (spoken.heard, spoken.replied) == ("note [redacted]", "Noted: [redacted]")
    assert called.arguments == {"token": "[redacted]", "note": "[redacted]"}
    assert (called.result, called.transcript) == ("[redacted]", "the key is [redacted]")


async def test_without_transcripts_no_words_are_kept(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive(settings=attrs.evolve(default_settings().history, transcripts=False))
    await archive.open(grow)
    await archive.tell(turn(1), CALL)
    await trio.sleep(0.1)
    assert archive.store.rows == [
        attrs.evolve(turn(1), heard="", replied=""),
        attrs.evolve(CALL, arguments={}, result="", transcript=""),
    ]


async def test_history_that_is_off_writes_nothing_and_is_well(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive(settings=attrs.evolve(default_settings().history, enabled=False))
    await archive.open(grow)
    await archive.tell(turn(1), CALL)
    await trio.sleep(2 * PRUNE_EVERY_S)
    assert (archive.store.is_open, archive.store.rows, archive.store.deletions) == (False, [], [])
    assert await archive.ref.ask(FindTurns(TurnQuery())) == ()
    assert await archive.ref.ask(ListConversations(ConversationQuery())) == ()
    with pytest.raises(HistoryUnavailable, match="sayso history delete"):
        await archive.ref.ask(DeleteRecords(Deletion(session_id="s")))
    assert archive.statistics().trouble is None
    await archive.tree.ref.ask(TerminateChild("history"))


async def test_what_is_too_old_is_deleted_at_the_start_and_once_a_day(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive(FakeStore(old=PRUNE_RECORDS + 1))
    await archive.open(grow)
    await trio.sleep(1.0)
    old = Deletion(before_s=NOW_S - 90 * 86_400)
    assert archive.store.deletions == [(old, PRUNE_RECORDS)] * 3
    assert archive.statistics().pruned == PRUNE_RECORDS + 1
    archive.store.trouble = StoreError("locked")
    await trio.sleep(PRUNE_EVERY_S)
    archive.store.trouble = None
    assert archive.store.old == 0
    archive.store.old = 1
    await trio.sleep(PRUNE_EVERY_S)
    assert archive.statistics().pruned == PRUNE_RECORDS + 2


async def test_what_is_kept_for_ever_is_not_deleted(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive(settings=attrs.evolve(default_settings().history, keep_days=0.0))
    await archive.open(grow)
    await trio.sleep(2 * PRUNE_EVERY_S)
    assert archive.store.deletions == []


async def test_what_waits_and_how_the_database_is_used_is_told(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive()
    await archive.open(grow)
    archive.store.trouble = StoreError("the server is gone")
    await archive.tell(turn(1), turn(2))
    archive.store.shown = StoreFigures(connections=3, used=1, retries=2, fallbacks=5)
    await trio.sleep(CHECK_S + 0.5)
    gauges = {(gauge.name, *gauge.labels): gauge.value for gauge in archive.metrics.of(Gauge)}
    assert gauges == {
        ("history_waiting_rows",): 2,
        ("history_connections", "open"): 3,
        ("history_connections", "used"): 1,
    }
    again = [Count("history_retries_total", (), 2), Count("history_fallbacks_total", (), 5)]
    assert archive.metrics.of(Count) == again
    await trio.sleep(2 * CHECK_S)
    assert archive.metrics.of(Count) == again, "what was told is not told again"
    assert (archive.statistics().retries, archive.statistics().connections) == (2, 3)


# --- readers -------------------------------------------------------------------------------------


async def test_turns_and_conversations_are_found_for_those_who_ask(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive()
    await archive.open(grow)
    await archive.tell(SessionRecord("s", "tester", 1.0), turn(1), turn(2), turn(3))
    await trio.sleep(0.1)
    kept = [KeptTurn(turn(number), (), Position(1.0, "1")) for number in (3, 2)]
    assert await archive.ref.ask(FindTurns(TurnQuery(limit=2))) == tuple(kept)
    (conversation,) = await archive.ref.ask(ListConversations(ConversationQuery()))
    assert conversation.session_id == "s"
    archive.store.trouble = StoreError("locked")
    with pytest.raises(HistoryUnavailable, match="locked"):
        await archive.ref.ask(FindTurns(TurnQuery()))
    with pytest.raises(HistoryUnavailable, match="locked"):
        await archive.ref.ask(ListConversations(ConversationQuery()))


async def test_what_is_deleted_is_not_written_later_and_new_records_are(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive(settings=attrs.evolve(default_settings().history, keep_days=0.0))
    archive.store.old = PRUNE_RECORDS + 1
    await archive.open(grow)
    archive.store.trouble = StoreError("disk full")
    other = attrs.evolve(turn(2), session_id="s2")
    await archive.tell(turn(1), other, CALL, SessionRecord("s", "tester", 1.0))
    await trio.sleep(1.5)
    archive.store.trouble = None
    what = Deletion(session_id="s")
    assert await archive.ref.ask(DeleteRecords(what)) == Deleted(3 + PRUNE_RECORDS + 1, is_all=True)
    assert {deleted for deleted, _ in archive.store.deletions} >= {what}
    await trio.sleep(2.0)
    await archive.tell(turn(3))
    await trio.sleep(0.1)
    assert archive.store.rows == [other, turn(3)]


async def test_a_deletion_waits_for_the_batch_that_is_being_written(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive()
    archive.store.write_s = 1.0
    await archive.open(grow)
    await archive.tell(turn(1))
    await trio.sleep(0.1)
    await archive.ref.ask(DeleteRecords(Deletion(session_id="s")))
    assert archive.store.rows == [turn(1)], "what is in the store is deleted there"


async def test_a_long_deletion_says_that_there_is_more(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive(FakeStore(old=100 * PRUNE_RECORDS), attrs.evolve(default_settings().history, keep_days=0.0))
    await archive.open(grow)
    answer = await archive.ref.ask(DeleteRecords(Deletion(user_id="tester")))
    assert not answer.is_all
    assert answer.count == len(archive.store.deletions) * PRUNE_RECORDS
    archive.store.trouble = StoreError("locked")
    with pytest.raises(HistoryUnavailable, match="locked"):
        await archive.ref.ask(DeleteRecords(Deletion(user_id="tester")))


async def test_a_store_that_cannot_be_opened_is_told_without_a_traceback(
    grow: Grow, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    archive = Archive(FakeStore(trouble=StoreError("history.db: disk full")))
    with pytest.RaisesGroup(StartFailed, flatten_subgroups=True, allow_unwrapped=True):
        await archive.open(grow)
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    assert any("history.db: disk full" in record.getMessage() for record in errors)
    assert [record.exc_info for record in errors if record.exc_info] == []


async def test_anything_else_is_a_bug(grow: Grow, autojump_clock: MockClock) -> None:
    archive = Archive()
    await archive.open(grow)
    await archive.tell("nonsense")
    last = archive.tree.status().children[-1].last_exit
    assert last is not None
    assert last.reason == "TypeError: History handles no str"
