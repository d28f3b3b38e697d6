"""Rows a second into the history: PostgreSQL and SQLite through sayso, beside psycopg alone.

All write the same batches one after the other, by turns in one run. Read the ratio. PostgreSQL is one that you run:

    sayso bench history --url postgresql://postgres@127.0.0.1:5432/bench
    sayso bench history                       SQLite alone
"""

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import attrs
import trio

from backends.protocols import Store
from backends.storage import queries
from backends.storage.rows import by_table
from backends.storage.sqlite import SqliteStore
from bench.part import Flag, Part, Report
from bench.report import Case, by_turns, compared, show
from cli.history import opened
from config.load import load
from protocol.messages.history import Deletion
from protocol.messages.records import TurnRecord

FOREVER: Final = Deletion(before_s=1e12)
STEP: Final = 10_000


def batches(rows: int, size: int) -> list[list[TurnRecord]]:
    """Return as many turns of ordinary length."""
    record = TurnRecord(
        session_id="bench",
        turn_id="",
        user_id="anna",
        timestamp=1_000_000_000.0,
        heard="turn on the light in the kitchen and set a timer for ten minutes",
        replied="The kitchen light is on. A timer is set for ten minutes.",
        outcome="done",
        source="command",
        latency_ms={"endpoint": 320.0, "stt": 310.5, "understand": 2.1, "tool": 12.5, "total": 661.0},
        language="en",
        confidence=0.93,
    )
    made = [attrs.evolve(record, turn_id=f"t{number}", timestamp=1e9 + number) for number in range(rows)]
    return [made[start : start + size] for start in range(0, rows, size)]


def case_of(store: Store, work: Sequence[Sequence[TurnRecord]]) -> Case:
    """Return what measures rows a second into a store, which is empty again afterwards."""

    async def rows_per_s() -> float:
        start_s = time.perf_counter()
        for batch in work:
            await store.write(batch)
        took_s = time.perf_counter() - start_s
        while await store.delete(FOREVER, STEP):
            pass
        return sum(map(len, work)) / took_s

    return rows_per_s


def raw_case(url: str, work: Sequence[Sequence[TurnRecord]]) -> Case:
    """Return what measures the same by psycopg alone, in this thread."""
    import psycopg  # noqa: PLC0415 - an extra

    async def rows_per_s() -> float:
        await trio.lowlevel.checkpoint()
        with psycopg.connect(url, autocommit=True) as connection:
            start_s = time.perf_counter()
            for batch in work:
                rows = by_table(batch)["conversations"]
                sql = queries.insertion("conversations", rows[0]).replace("?", "%s").encode()
                with connection.transaction(), connection.cursor() as cursor:
                    cursor.executemany(sql, [tuple(row.values()) for row in rows])
            took_s = time.perf_counter() - start_s
            connection.execute("DELETE FROM conversations")
        return sum(map(len, work)) / took_s

    return rows_per_s


async def cases(
    stack: AsyncExitStack, url: str | None, folder: Path, work: Sequence[Sequence[TurnRecord]]
) -> Mapping[str, Case]:
    """Return what is compared; everything is closed with the stack."""
    history = load(None, {"HOME": str(folder)}, {}).settings.history
    sqlite = SqliteStore(attrs.evolve(history.sqlite, path=folder / "history.db"))
    found = {"SQLite": case_of(await stack.enter_async_context(opened(sqlite)), work)}
    if url:
        from backends.storage.postgres import PostgresStore  # noqa: PLC0415 - an extra

        postgres = PostgresStore(attrs.evolve(history, url=url))
        found["PostgreSQL"] = case_of(await stack.enter_async_context(opened(postgres)), work)
        found["psycopg alone"] = raw_case(url, work)
    return found


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Write the same rows everywhere, by turns."""
    work = batches(options.rows, options.batch)

    async def run() -> dict[str, list[float]]:
        with tempfile.TemporaryDirectory() as folder:
            async with AsyncExitStack() as stack:
                return await by_turns(await cases(stack, options.url, Path(folder), work), options.rounds)

    samples = trio.run(run)
    base = "psycopg alone" if "psycopg alone" in samples else "SQLite"
    rows = compared(samples, base)
    show(f"batches of {options.batch}", "rows a second", rows, base)
    yield {"rows": options.rows, "batch": options.batch, "rows_per_s": rows}


PART: Final = Part(
    "history",
    measure,
    (
        Flag("--url", None, "an empty database of PostgreSQL, whose table of turns is emptied"),
        Flag("--rows", 6_400),
        Flag("--batch", 64, "rows a transaction, as history.batch_rows"),
        Flag("--rounds", 5),
    ),
    ("trio",),
)
