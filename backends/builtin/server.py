"""The built-in tools as an MCP server over stdio: ``python -m backends.builtin.server --data-dir DIR --programs JSON``.

Rules kept here:

* Tools that keep something are coroutines and run one after the other; only what waits for the machine has a thread.
* Every answer is a short sentence that a voice can say, errors included.
* A timer is announced first and forgotten then: a crash between the two says it twice, never not at all.
"""

import argparse
import contextlib
import functools
import inspect
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, cast

import anyio
import attrs
import trio
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.session import ServerSession
from mcp_types import CallToolResult, ServerNotification, TextContent, ToolAnnotations
from pydantic import Field

from backends.builtin.calculator import CalculationError, evaluate
from backends.builtin.clock import PlaceError, date_text, find_zone, time_text
from backends.builtin.notes import Lists, Notes, NotesError
from backends.builtin.store import JsonFile, StoreBusy
from backends.builtin.system import ProgramError, Programs, Topic, system_text
from backends.builtin.things import SeveralMeant
from backends.builtin.timers import Timer, TimerError, Timers, announcement
from backends.builtin.units import UnitError, convert, find_unit, fitted
from backends.builtin.wording import LANGUAGE, as_sentence, duration_words, number_text, told, upper_first
from backends.mcp.announcements import (
    CHOICES_META_KEY,
    LANGUAGE_META_KEY,
    SESSION_META_KEY,
    Announcement,
    AnnouncementNotification,
)

SERVER_NAME = "sayso-tools"
RECHECK_S = 30.0  # a sleeping machine or a corrected clock delays a timer by no more than this
BUSY_RETRY_S = 1.0  # until the timers are looked at again that another server has locked

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
ADDS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
CHANGES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
DELETES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
ACTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True)

FORESEEN = (TimerError, NotesError, StoreBusy, CalculationError, UnitError, PlaceError, ProgramError)

log = logging.getLogger("sayso.tools_server")

Place = Annotated[str, Field(description="A city, a country or an IANA time zone; empty for here.", max_length=100)]
ListName = Annotated[
    str, Field(description='Which list, such as "shopping" or "to do"; empty for the only one.', max_length=60)
]
NoteWhich = Annotated[str | int, Field(description='"last", "all", a number counted from 1, or words of the note.')]

TimerName = Annotated[str, Field(description="Which timer, by its name; empty for the only one.", max_length=200)]
TimerSeconds = Annotated[float, Field(description="Or by the time it was set for; 0 for any.")]


class Clock:
    """Time, date, sums and units."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def _at(self, place: str) -> datetime:
        moment = datetime.fromtimestamp(self._now(), UTC)
        return moment.astimezone(find_zone(place) if place.strip() else None)

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


class TimerTools:
    """Timers, and the task that announces them."""

    def __init__(self, timers: Timers, now: Callable[[], float]) -> None:
        self._timers = timers
        self._now = now
        self._changed = trio.Event()
        self._session: ServerSession | None = None
        self._has_session = trio.Event()

    async def set_timer(
        self,
        ctx: Context,
        seconds: Annotated[float | None, Field(description="How long from now, in seconds.")] = None,
        name: Annotated[str, Field(description='What it is for, such as "pasta".', max_length=200)] = "",
    ) -> str:
        """Set a timer that says so when it is over; without a duration it is asked for."""
        if seconds is None:
            return told("For how long? Say: set a timer for ten minutes.")
        meta = cast("Mapping[str, Any]", ctx.request_context.meta or {})
        session_id = str(meta.get(SESSION_META_KEY, ""))
        timer = self._timers.set(seconds, name, now_s=self._now(), session_id=session_id)
        self._wake()
        duration = duration_words(timer.seconds)
        if not timer.name:
            return told("Timer set for {duration}.", duration=duration)
        return told("{name} timer set for {duration}.", name=upper_first(timer.name), duration=duration)

    async def list_timers(self, name: TimerName = "", seconds: TimerSeconds = 0) -> str:
        """Tell which timers are running and how much time they have left."""
        return self._timers.text(self._now(), name, seconds)

    async def cancel_timer(
        self,
        name: TimerName = "",
        seconds: TimerSeconds = 0,
        every: Annotated[bool, Field(description="All of them.")] = False,
    ) -> str:
        """Cancel a timer."""
        return self._changed_to(self._timers.cancel(name, seconds, every=every))

    async def pause_timer(self, name: TimerName = "", seconds: TimerSeconds = 0) -> str:
        """Pause a timer; it goes on when it is resumed."""
        return self._changed_to(self._timers.pause(name, seconds, now_s=self._now()))

    async def resume_timer(self, name: TimerName = "", seconds: TimerSeconds = 0) -> str:
        """Let a paused timer go on."""
        return self._changed_to(self._timers.resume(name, seconds, now_s=self._now()))

    async def extend_timer(
        self,
        by_seconds: Annotated[float, Field(description="How much longer, in seconds.", ge=1)],
        name: TimerName = "",
        seconds: TimerSeconds = 0,
    ) -> str:
        """Give a timer more time."""
        return self._changed_to(self._timers.adjust(by_seconds, name, seconds, now_s=self._now()))

    async def shorten_timer(
        self,
        by_seconds: Annotated[float, Field(description="How much shorter, in seconds.", ge=1)],
        name: TimerName = "",
        seconds: TimerSeconds = 0,
    ) -> str:
        """Take time off a timer."""
        return self._changed_to(self._timers.adjust(-by_seconds, name, seconds, now_s=self._now()))

    async def rename_timer(
        self,
        new_name: Annotated[str, Field(description='What it is for, such as "pasta".', max_length=200)],
        name: TimerName = "",
        seconds: TimerSeconds = 0,
    ) -> str:
        """Give a timer another name."""
        return self._changed_to(self._timers.rename(new_name, name, seconds))

    def _changed_to(self, text: str) -> str:
        self._wake()
        return text

    async def remember_session(
        self, ctx: ServerRequestContext[Any, Any], call_next: Callable[[ServerRequestContext[Any, Any]], Awaitable[Any]]
    ) -> Any:
        """Keep the connection that the last request came from: announcements go there (MCP middleware)."""
        self._session = ctx.session
        self._has_session.set()
        return await call_next(ctx)

    async def run(self) -> None:
        """Announce each timer when it is over; timers from before a restart count from their own time."""
        while True:
            await self._has_session.wait()
            try:
                for timer in self._timers.due(self._now()):
                    await self._announce(timer)
                next_s = self._timers.next_s()
            except StoreBusy:
                next_s = self._now() + BUSY_RETRY_S
            wait_s = RECHECK_S if next_s is None else min(RECHECK_S, max(0.0, next_s - self._now()))
            with trio.move_on_after(wait_s):
                await self._changed.wait()
            self._changed = trio.Event()

    async def _announce(self, timer: Timer) -> None:
        if self._session is None:
            return
        text = announcement(timer, self._now())
        log.info("timer %d is over", timer.number)
        said = AnnouncementNotification(params=Announcement(session=timer.session_id, text=text))
        # the SDK types its own notifications only; it sends any model that has a method and params
        await self._session.send_notification(cast("ServerNotification", said))
        self._timers.forget([timer])

    def _wake(self) -> None:
        self._changed.set()


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


async def speak_the_language(
    ctx: ServerRequestContext[Any, Any], call_next: Callable[[ServerRequestContext[Any, Any]], Awaitable[Any]]
) -> Any:
    """Answer in the language of the request (MCP middleware)."""
    meta = cast("Mapping[str, Any]", ctx.meta or {})
    LANGUAGE.set(str(meta.get(LANGUAGE_META_KEY, "en")))  # each request is handled in a task of its own
    return await call_next(ctx)


def make_server(
    data_dir: Path,
    programs: Mapping[str, Sequence[str]],
    *,
    now: Callable[[], float] = time.time,
    owner: str = "",
) -> MCPServer[None]:
    """Return the server, not yet running; ``now`` is Unix time in seconds. Raises ValueError for a bad allow-list.

    ``owner`` names the server that it belongs to, where several share ``data_dir``.
    """
    timers = TimerTools(Timers(JsonFile(data_dir / "timers.json"), owner), now)
    keeping = Keeping(Notes(JsonFile(data_dir / "notes.json")), Lists(JsonFile(data_dir / "lists.json")))
    clock, machine = Clock(now), MachineTools(data_dir, Programs(programs))

    @contextlib.asynccontextmanager
    async def lifespan(_: MCPServer[None]) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(timers.run)
            yield
            nursery.cancel_scope.cancel()

    server: MCPServer[None] = MCPServer(
        SERVER_NAME, log_level="WARNING", lifespan=lifespan, middleware=[timers.remember_session, speak_the_language]
    )
    table: Sequence[tuple[ToolAnnotations, Sequence[Callable[..., Any]]]] = (
        (READS, (clock.get_time, clock.get_date, clock.calculate, clock.convert_units)),
        (READS, (timers.list_timers, keeping.list_notes, keeping.read_list, machine.system_info)),
        (ADDS, (timers.set_timer, keeping.add_note, keeping.add_to_list)),
        (CHANGES, (timers.pause_timer, timers.resume_timer, timers.rename_timer)),
        (ADDS, (timers.extend_timer, timers.shorten_timer)),
        (DELETES, (timers.cancel_timer, keeping.delete_note, keeping.remove_from_list)),
        (ACTS, (machine.run_program,)),
    )
    for annotations, tools in table:
        for tool in tools:
            server.add_tool(_speakable(tool), annotations=annotations, structured_output=False)
    return server


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
    return CallToolResult(content=[TextContent(text=text)], is_error=is_error)


def _question(several: SeveralMeant) -> CallToolResult:
    """Return a result that asks which one is meant, and says what may be answered."""
    choices = [attrs.asdict(thing) for thing in several.things]
    return CallToolResult(content=[TextContent(text=str(several))], _meta={CHOICES_META_KEY: choices})


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until the client closes stdin."""
    parser = argparse.ArgumentParser(prog="backends.builtin.server", description="sayso's built-in tools over MCP")
    parser.add_argument("--data-dir", type=Path, required=True, help="where notes, lists and timers are kept")
    parser.add_argument("--programs", default="{}", help='JSON: {"spoken name": ["command", "argument"]}')
    parser.add_argument("--owner", default="", help="which server has the sessions of the timers that are set here")
    options = parser.parse_args(argv)
    logging.basicConfig(level="WARNING", stream=sys.stderr, format="%(levelname)s %(message)s")
    try:
        server = make_server(options.data_dir, parse_programs(options.programs), owner=options.owner)
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
