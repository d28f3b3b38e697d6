"""A database of the history in memory."""

from collections.abc import Sequence

import attrs
import trio

from backends.protocols import StoreError, StoreFigures
from protocol.messages.history import (
    ConversationQuery,
    Deletion,
    KeptConversation,
    KeptTurn,
    Position,
    Record,
    TurnQuery,
)
from protocol.messages.records import SessionRecord, TurnRecord
from tests.fakes import Notes


@attrs.define(eq=False)
class FakeStore:
    """Keeps batches in memory; raises ``trouble`` while there is any."""

    batches: Notes[tuple[Record, ...]] = attrs.field(factory=Notes)
    trouble: StoreError | None = None
    write_s: float = 0.0
    is_open: bool = False
    old: int = 0
    """How many records are older than any limit."""
    deletions: Notes[tuple[Deletion, int]] = attrs.field(factory=Notes)
    """What each call of ``delete`` asked for."""
    shown: StoreFigures = attrs.field(factory=StoreFigures)
    lost: int | None = None
    """How many records went with a file that was deleted since the last check."""

    @property
    def rows(self) -> list[Record]:
        """What has been written, in order."""
        return [row for batch in self.batches for row in batch]

    async def open(self) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.is_open = True

    async def check(self) -> int | None:
        if self.trouble is not None:
            raise self.trouble
        lost, self.lost = self.lost, None
        return lost

    async def delete(self, what: Deletion, limit: int) -> int:
        if self.trouble is not None:
            raise self.trouble
        self.deletions.add((what, limit))
        count = min(limit, self.old)
        self.old -= count
        await trio.lowlevel.checkpoint()
        return count

    async def write(self, records: Sequence[Record]) -> None:
        await trio.sleep(self.write_s)
        assert self.is_open, "closed while it is being written"
        if self.trouble is not None:
            raise self.trouble
        self.batches.add(tuple(records))

    async def turns(self, wanted: TurnQuery) -> tuple[KeptTurn, ...]:
        if self.trouble is not None:
            raise self.trouble
        turns = [row for row in self.rows if isinstance(row, TurnRecord) and wanted.user_id in {None, row.user_id}]
        return tuple(KeptTurn(turn, (), Position(turn.timestamp, "1")) for turn in reversed(turns))[: wanted.limit]

    async def conversations(self, wanted: ConversationQuery) -> tuple[KeptConversation, ...]:
        if self.trouble is not None:
            raise self.trouble
        sessions = [row for row in self.rows if isinstance(row, SessionRecord)]
        return tuple(
            KeptConversation(
                session_id=row.session_id,
                user_id=row.user_id,
                client_id=row.client_id,
                started_at=row.started_at,
                last_at=row.started_at,
                turns=1,
                first_heard="hello",
            )
            for row in reversed(sessions)
        )[: wanted.limit]

    def figures(self) -> StoreFigures:
        return self.shown

    async def close(self) -> None:
        self.is_open = False
