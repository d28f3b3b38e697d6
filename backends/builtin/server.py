"""The built-in tools as an MCP server over stdio: ``python -m backends.builtin.server --data-dir DIR --database FILE``.

Rules kept here:

* Tools that keep something are coroutines and run one after the other; only what waits for the machine has a thread.
* Every answer is a short sentence that a voice can say, errors included.
* What is kept belongs to the user that the request names. A change says how it is taken back.
"""

import argparse
import contextlib
import functools
import inspect
import json
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, cast

import anyio
import attrs
import trio
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field

from backends.builtin.alarms import Alarms
from backends.builtin.announcer import RECHECK_S, SHARED_RECHECK_S, Announcer
from backends.builtin.asker import ASKER, Asker, asker
from backends.builtin.calculator import CalculationError, evaluate
from backends.builtin.clock import PlaceError, date_text, find_zone, time_text
from backends.builtin.dates import DateError, Dates
from backends.builtin.notes import Lists, Notes, NotesError
from backends.builtin.old_files import import_old_files
from backends.builtin.owned import NoSuchChange, OwnedStore, StoreBusy, StoreFailed
from backends.builtin.owned_sqlite import SqliteOwnedStore
from backends.builtin.planned import PlanError
from backends.builtin.reminders import Reminders
from backends.builtin.stopwatch import StopwatchTools
from backends.builtin.system import ProgramError, Programs, Topic, system_text
from backends.builtin.things import SeveralMeant
from backends.builtin.timer_tools import TimerTools
from backends.builtin.timers import TimerError, Timers
from backends.builtin.units import UnitError, convert, find_unit, fitted
from backends.builtin.wording import LANGUAGE, as_sentence, number_text, told
from backends.mcp.announcements import (
    CHOICES_META_KEY,
    DATABASE_URL_VARIABLE,
    LANGUAGE_META_KEY,
    REVERSIBLE_META_KEY,
    SESSION_META_KEY,
    UNDO_META_KEY,
    USER_META_KEY,
)
from protocol.messages.identity import LOCAL_USER

SERVER_NAME = "sayso-tools"

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
CHANGES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
DELETES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
ACTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True)

UNDO_TOOL = "undo_change"

FORESEEN = (
    *(TimerError, PlanError, NotesError, DateError, NoSuchChange, StoreBusy, StoreFailed),
    *(CalculationError, UnitError, PlaceError, ProgramError),
)

log = logging.getLogger("sayso.tools_server")

Place = Annotated[str, Field(description="A city, a country or an IANA time zone; empty for here.", max_length=100)]
ListName = Annotated[
    str, Field(description='Which list, such as "shopping" or "to do"; empty for the only one.', max_length=60)
]
NoteWhich = Annotated[str | int, Field(description='"last", "all", a number counted from 1, or words of the note.')]


class Clock:
    """Time, date, sums and units."""

    def __init__(self, now: Callable[[], float], zone: tzinfo | None = None) -> None:
        """``zone`` None is the machine's."""
        self._now = now
        self._zone = zone

    def _at(self, place: str) -> datetime:
        moment = datetime.fromtimestamp(self._now(), UTC)
        return moment.astimezone(find_zone(place) if place.strip() else self._zone)

    async def get_time(self, place: Place = "") -> str:
        """Tell the time, here or somewhere else."""
        return time_text(self._at(place), place)

    async def get_date(self, place: Place = "") -> str:
        """Tell the date and the day of the week."""
        return date_text(self._at(place), place)

    async def calculate(
        self, expression: Annotated[str, Field(description='Such as "12 * (3 + 4)", "15% of 80", "sqrt 2".')]
    ) -> str:
        """Calculate with plus, minus, times, divided by, percent, powers, square and cube roots and brackets."""
        text, is_exact = number_text(evaluate(expression))
        return told("That is {number}." if is_exact else "That is about {number}.", number=text)

    async def convert_units(
        self,
        value: float,
        from_unit: Annotated[str, Field(description='Such as "miles" or "degrees celsius".', max_length=60)],
        to_unit: Annotated[str, Field(max_length=60)],
    ) -> str:
        """Convert a measure: lengths, masses, volumes, temperatures, speeds, times, areas, amounts of data."""
        source, target = fitted(find_unit(from_unit), find_unit(to_unit))
        given = Decimal(str(value))
        result, is_exact = number_text(convert(given, source, target))
        verb = "is" if value == 1 else "are"
        sentence = f"{{given}} {{unit}} {verb} {'' if is_exact else 'about '}{{number}} {{target}}."
        return told(
            sentence,
            given=number_text(given)[0],
            unit=source.called(many=value != 1),
            number=result,
            target=target.called(many=result != "1"),
        )


class Keeping:
    """Notes and lists."""

    def __init__(self, notes: Notes, lists: Lists) -> None:
        self._notes = notes
        self._lists = lists

    async def add_note(self, text: Annotated[str, Field(description="The note, word by word.")]) -> str:
        """Keep a note."""
        return self._notes.add(text)

    async def list_notes(self, which: NoteWhich = "all") -> str:
        """Read the notes aloud, or one of them."""
        return self._notes.text(str(which))

    async def delete_note(self, which: NoteWhich) -> str:
        """Delete a note, or all of them."""
        return self._notes.delete(str(which))

    async def add_to_list(
        self,
        item: Annotated[str, Field(description='One thing or several: "milk and eggs".')],
        list_name: ListName = "",
    ) -> str:
        """Put things on a list."""
        return self._lists.add(list_name, item)

    async def remove_from_list(
        self, item: Annotated[str, Field(description='What to take off, or "all".')], list_name: ListName = ""
    ) -> str:
        """Take things off a list, or empty it."""
        return self._lists.remove(list_name, item)

    async def read_list(self, list_name: ListName = "") -> str:
        """Read a list aloud."""
        return self._lists.text(list_name)


class Undoing:
    """Takes changes back."""

    def __init__(self, store: OwnedStore, on_change: Callable[[], None]) -> None:
        """``on_change`` is called after each change."""
        self._store = store
        self._on_change = on_change

    async def undo_change(
        self, change: Annotated[int, Field(description="Its number, as the call's result has it.", ge=1)]
    ) -> str:
        """Take back exactly what an earlier call has changed: timers, alarms, reminders, lists and notes."""
        self._store.undo(asker().user, change)
        self._on_change()
        return told("That is undone.")


class MachineTools:
    """The machine's figures and its allowed programs; both wait, so both run in a thread."""

    def __init__(self, data_dir: Path, programs: Programs) -> None:
        self._data_dir = data_dir
        self._programs = programs

    def system_info(self, topic: Topic = "all") -> str:
        """Tell how busy the machine is and how much memory, disk and battery are left."""
        return system_text(topic, self._data_dir)

    def run_program(
        self, name: Annotated[str, Field(description="The program's spoken name, as the allow-list has it.")]
    ) -> str:
        """Start one of the programs that the user has allowed."""
        return self._programs.start(name)


async def note_the_asker(
    ctx: ServerRequestContext[Any, Any], call_next: Callable[[ServerRequestContext[Any, Any]], Awaitable[Any]]
) -> Any:
    """Answer in the language of the request, and for its user (MCP middleware)."""
    meta = cast("Mapping[str, Any]", ctx.meta or {})
    LANGUAGE.set(str(meta.get(LANGUAGE_META_KEY, "en")))  # each request is handled in a task of its own
    ASKER.set(Asker(str(meta.get(USER_META_KEY, LOCAL_USER)), str(meta.get(SESSION_META_KEY, ""))))
    return await call_next(ctx)


def make_server(
    data_dir: Path,
    programs: Mapping[str, Sequence[str]],
    *,
    database: Path | None = None,
    url: str = "",
    now: Callable[[], float] = time.time,
    zone: tzinfo | None = None,
    owner: str = "",
) -> MCPServer[None]:
    """Return the server, not yet running. Raises ValueError for a bad allow-list.

    ``database`` is the SQLite file that users' things are kept in, unless ``url`` names a database of PostgreSQL;
    ``data_dir`` has those of older versions. ``now`` is
    Unix time in seconds, ``zone`` None the machine's; ``owner`` names the server that it belongs to, where several
    share the database.
    """
    store = make_store(database or data_dir / "tools.db", url)
    announcer = Announcer(store, now, owner, zone, recheck_s=SHARED_RECHECK_S if url else RECHECK_S)
    timers = TimerTools(Timers(store), now, announcer.wake)
    alarms = Alarms(store, now, announcer.wake, zone)
    reminders = Reminders(store, now, announcer.wake, zone)
    keeping, undoing = Keeping(Notes(store), Lists(store)), Undoing(store, announcer.wake)
    clock, dates, watch = Clock(now, zone), Dates(now, zone), StopwatchTools(store, now)
    machine = MachineTools(data_dir, Programs(programs))

    @contextlib.asynccontextmanager
    async def lifespan(_: MCPServer[None]) -> AsyncIterator[None]:
        _import(data_dir, store)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(announcer.run)
            yield
            nursery.cancel_scope.cancel()
        store.close()

    server: MCPServer[None] = MCPServer(
        SERVER_NAME,
        log_level="WARNING",
        lifespan=lifespan,
        extensions=[announcer],
        middleware=[announcer.remember_session, note_the_asker],
    )
    table: Sequence[tuple[ToolAnnotations, Sequence[Callable[..., Any]]]] = (
        (READS, (clock.get_time, clock.get_date, clock.calculate, clock.convert_units)),
        (READS, (dates.find_date, dates.count_days, dates.time_until)),
        (READS, (timers.list_timers, keeping.list_notes, keeping.read_list, machine.system_info)),
        (READS, (alarms.list_alarms, reminders.list_reminders, watch.read_stopwatch)),
        (ADDS, (timers.set_timer, keeping.add_note, keeping.add_to_list)),
        (ADDS, (alarms.set_alarm, reminders.set_reminder)),
        (CHANGES, (timers.pause_timer, timers.resume_timer, timers.rename_timer)),
        (CHANGES, (watch.start_stopwatch, watch.stop_stopwatch, watch.reset_stopwatch)),
        (ADDS, (timers.extend_timer, timers.shorten_timer, watch.lap_stopwatch, undoing.undo_change)),
        (DELETES, (timers.cancel_timer, keeping.delete_note, keeping.remove_from_list)),
        (DELETES, (alarms.cancel_alarm, reminders.cancel_reminder)),
        (ACTS, (machine.run_program,)),
    )
    for annotations, tools in table:
        for tool in tools:
            meta = {REVERSIBLE_META_KEY: annotations in (ADDS, CHANGES)}
            server.add_tool(_speakable(tool), annotations=annotations, structured_output=False, meta=meta)
    return server


def make_store(database: Path, url: str) -> OwnedStore:
    """Return the store of users' things."""
    if not url:
        return SqliteOwnedStore(database)
    from backends.builtin.owned_postgres import PostgresOwnedStore  # noqa: PLC0415 - an extra

    return PostgresOwnedStore(url)


def _import(data_dir: Path, store: OwnedStore) -> None:
    """Bring the files of older versions into the store; what fails is tried again at the next start."""
    try:
        import_old_files(data_dir, store)
    except (StoreBusy, StoreFailed, OSError) as error:
        log.error("the notes, lists and timers of an older version are not there yet: %s", error)  # noqa: TRY400


def _speakable(tool: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``tool`` with its foreseen errors as failed results: the SDK would put its own words before theirs."""

    @functools.wraps(tool)
    async def answer(*args: Any, **kwargs: Any) -> CallToolResult:
        try:
            return _result(await tool(*args, **kwargs))
        except SeveralMeant as several:
            return _question(several)
        except FORESEEN as error:
            return _result(as_sentence(str(error)), is_error=True)

    @functools.wraps(tool)
    def answer_in_thread(*args: Any, **kwargs: Any) -> CallToolResult:
        try:
            return _result(tool(*args, **kwargs))
        except SeveralMeant as several:
            return _question(several)
        except FORESEEN as error:
            return _result(as_sentence(str(error)), is_error=True)

    return answer if inspect.iscoroutinefunction(tool) else answer_in_thread


def _result(text: str, *, is_error: bool = False) -> CallToolResult:
    """Return a result, with the call that takes it back if it has changed something."""
    changes = asker().changes
    undo = {UNDO_META_KEY: {"tool": UNDO_TOOL, "arguments": {"change": changes[-1]}}} if changes else None
    return CallToolResult(content=[TextContent(text=text)], is_error=is_error, _meta=undo)


def _question(several: SeveralMeant) -> CallToolResult:
    """Return a result that asks which one is meant, and says what may be answered."""
    choices = [attrs.asdict(thing) for thing in several.things]
    return CallToolResult(content=[TextContent(text=str(several))], _meta={CHOICES_META_KEY: choices})


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until the client closes stdin."""
    parser = argparse.ArgumentParser(prog="backends.builtin.server", description="sayso's built-in tools over MCP")
    parser.add_argument(
        "--data-dir", type=Path, required=True, help="where older versions kept what is in the database"
    )
    parser.add_argument("--database", type=Path, help="the SQLite file, with the history; tools.db in --data-dir")
    parser.add_argument("--programs", default="{}", help='JSON: {"spoken name": ["command", "argument"]}')
    parser.add_argument("--owner", default="", help="this server's name, where several share the database")
    options = parser.parse_args(argv)
    logging.basicConfig(level="WARNING", stream=sys.stderr, format="%(levelname)s %(message)s")
    try:
        programs = parse_programs(options.programs)
        url = os.environ.pop(DATABASE_URL_VARIABLE, "")  # programs that it starts do not get it
        server = make_server(options.data_dir, programs, database=options.database, url=url, owner=options.owner)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    anyio.run(server.run_stdio_async, backend="trio")


def parse_programs(text: str) -> dict[str, tuple[str, ...]]:
    """Return the allow-list from its JSON; raises ValueError that says what was expected."""
    programs = json.loads(text)
    if not isinstance(programs, dict) or not all(
        isinstance(vector, list) and all(isinstance(word, str) for word in vector) for vector in programs.values()
    ):
        raise ValueError('programs must be {"spoken name": ["command", "argument"]}')
    return {name: tuple(vector) for name, vector in programs.items()}


if __name__ == "__main__":
    main()
