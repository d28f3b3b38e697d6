"""``sayso history``: the conversations that were kept, read and deleted in the database itself.

Rules kept here:

* The database is that of the settings; a server may run meanwhile, or not.
* What people said is printed as text: what a terminal would obey is shown as escapes.
* Nothing is deleted without saying what, and not before the question is answered, unless ``--yes`` was given.
"""

import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import attrs
import click
import trio
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assembly.providers import stores
from assembly.providers.shared_stores import MissingExtra
from backends.private_files import open_private
from backends.protocols import Store, StoreError
from backends.storage.json_lines import lines_of
from cli import config_option
from cli.keys import set_option
from cli.settings import parse_assignments, settings_or_exit
from config.settings import Settings
from protocol.admission.keys import KeyRefused, duration_s
from protocol.messages.history import ConversationQuery, Deletion, KeptConversation, KeptTurn, TurnQuery

PAGE: Final = 500  # records read or deleted at a time
DELETE_PAUSE_S: Final = 0.1  # in which a server writes
SHOWN_CHARS: Final = 60
Result = TypeVar("Result")

user_option = click.option("--user", help="Of this user only; '' is what no user is known of.")
limit_option = click.option("--limit", type=click.IntRange(1, PAGE), default=20, show_default=True, help="How many.")


@click.group()
def history() -> None:
    """List, search, show, export and delete the conversations that were kept."""


@history.command("list")
@config_option
@set_option
@user_option
@limit_option
@click.pass_obj
def list_conversations(config_path: Path | None, assignments: tuple[str, ...], user: str | None, limit: int) -> None:
    """List conversations, the newest first."""
    settings = settings_or_exit(config_path, parse_assignments(assignments)).settings
    wanted = ConversationQuery(user_id=user, limit=limit)
    found = asked(settings, lambda store: store.conversations(wanted))
    Console().print(table_of(found))


@history.command()
@config_option
@set_option
@user_option
@limit_option
@click.argument("words", nargs=-1, required=True)
@click.pass_obj
def search(
    config_path: Path | None, assignments: tuple[str, ...], user: str | None, limit: int, words: tuple[str, ...]
) -> None:
    """Show the turns in which all WORDS were heard or replied, the newest first."""
    settings = settings_or_exit(config_path, parse_assignments(assignments)).settings
    wanted = TurnQuery(user_id=user, words=" ".join(words), limit=limit)
    for turn in asked(settings, lambda store: store.turns(wanted)):
        click.echo(f"{printable(turn.record.session_id)}  ", nl=False)
        show_turn(turn)


@history.command()
@config_option
@set_option
@click.argument("session")
@click.pass_obj
def show(config_path: Path | None, assignments: tuple[str, ...], session: str) -> None:
    """Show a conversation from its beginning: what was heard, done and replied."""
    settings = settings_or_exit(config_path, parse_assignments(assignments)).settings
    found = asked(settings, partial(all_turns, wanted=TurnQuery(session_id=session, limit=PAGE)))
    if not found:
        raise click.ClickException(f"there is no conversation {printable(session)!r}")
    for turn in reversed(found):
        show_turn(turn)


@history.command()
@config_option
@set_option
@user_option
@click.option("--session", help="Of this conversation only.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.pass_obj
def export(
    config_path: Path | None, assignments: tuple[str, ...], user: str | None, session: str | None, file: Path
) -> None:
    """Write turns to a new FILE as JSON Lines, the newest first; - is standard output."""
    settings = settings_or_exit(config_path, parse_assignments(assignments)).settings
    wanted = TurnQuery(user_id=user, session_id=session, limit=PAGE)
    with output(file) as lines:
        count = asked(settings, partial(write_all, wanted=wanted, lines=lines))
    click.echo(f"{count} turns", err=True)


@history.command()
@config_option
@set_option
@user_option
@click.option("--session", help="This conversation.")
@click.option("--older-than", metavar="TIME", help="What is older than TIME, such as 30d or 12h.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(  # noqa: PLR0917 - click calls it by name
    config_path: Path | None,
    assignments: tuple[str, ...],
    user: str | None,
    session: str | None,
    older_than: str | None,
    yes: bool,
) -> None:
    """Delete what fits all of the options, of which there must be one. What a server has yet to write is not seen."""
    settings = settings_or_exit(config_path, parse_assignments(assignments)).settings
    try:
        before_s = None if older_than is None else time.time() - duration_s(older_than)
    except KeyRefused as error:
        raise click.BadParameter(str(error), param_hint="--older-than") from error
    what = Deletion(user_id=user, session_id=session, before_s=before_s)
    if what.is_of_everything:
        raise click.UsageError("say what to delete: --session, --user or --older-than")
    if not yes:
        click.confirm(f"Delete {' and '.join(described(what))} for ever?", abort=True)
    click.echo(f"{asked(settings, partial(delete_all, what=what))} records were deleted")


# --- the database --------------------------------------------------------------------------------


def asked(settings: Settings, work: Callable[[Store], Awaitable[Result]]) -> Result:
    """Return what ``work`` does with the open database; ends the command with a sentence if it cannot."""

    async def run() -> Result:
        async with opened(stores.store(settings)) as store:
            return await work(store)

    try:
        return trio.run(run)
    except (StoreError, MissingExtra) as error:
        raise click.ClickException(str(error)) from error


@asynccontextmanager
async def opened(store: Store) -> AsyncIterator[Store]:
    """Open a database, and close it in any case; raises ``StoreError``."""
    await store.open()
    try:
        yield store
    finally:
        with trio.CancelScope(shield=True):
            await store.close()


async def pages(store: Store, wanted: TurnQuery) -> AsyncIterator[tuple[KeptTurn, ...]]:
    """Yield page by page all turns that fit, the newest first."""
    while page := await store.turns(wanted):
        yield page
        wanted = attrs.evolve(wanted, after=page[-1].position)


async def all_turns(store: Store, wanted: TurnQuery) -> list[KeptTurn]:
    """Return all turns that fit, the newest first."""
    return [turn async for page in pages(store, wanted) for turn in page]


async def write_all(store: Store, wanted: TurnQuery, lines: BinaryIO) -> int:
    """Write all turns that fit; return how many."""
    count = 0
    async for page in pages(store, wanted):
        lines.write(lines_of(page))
        count += len(page)
    return count


async def delete_all(store: Store, what: Deletion) -> int:
    """Delete all records that fit, step by step; return how many."""
    deleted = 0
    while count := await store.delete(what, PAGE):
        deleted += count
        await trio.sleep(DELETE_PAUSE_S)
    return deleted


# --- what is shown -------------------------------------------------------------------------------


@contextmanager
def output(file: Path) -> Iterator[BinaryIO]:
    """Open a new file for its owner only; ends the command with a sentence if it cannot be written."""
    if str(file) == "-":
        yield sys.stdout.buffer
        return
    try:
        with os.fdopen(open_private(file, os.O_WRONLY | os.O_EXCL), "wb") as lines:
            yield lines
    except FileExistsError:
        raise click.ClickException(f"{file} exists already, and is not overwritten") from None
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror or error}") from error


def described(what: Deletion) -> Iterator[str]:
    """Yield what is to be deleted, in words."""
    yield "the conversation " + printable(what.session_id) if what.session_id is not None else "the conversations"
    if what.user_id is not None:
        yield f"of {printable(what.user_id)!r} only"
    if what.before_s is not None:
        yield f"from before {when(what.before_s)} only"


def table_of(found: Iterable[KeptConversation]) -> Table:
    """Return conversations as a table."""
    table = Table("session", "user", "client", "began", "turns", "first words", box=None, pad_edge=False)
    for kept in found:
        names = (escape(printable(name)) for name in (kept.session_id, kept.user_id, kept.client_id))
        heard = printable(kept.first_heard)
        words = heard if len(heard) <= SHOWN_CHARS else f"{heard[: SHOWN_CHARS - 1]}…"
        table.add_row(*names, when(kept.started_at), str(kept.turns), escape(words))
    return table


def show_turn(turn: KeptTurn) -> None:
    """Print a turn: when and whose it was, what was heard, what was done, what was replied."""
    record = turn.record
    known = [record.language, None if record.confidence is None else f"{record.confidence:.2f}", record.outcome]
    click.echo(f"{when(record.timestamp)}  {printable(record.user_id)}  {' '.join(filter(None, known))}")
    if record.heard:
        click.echo(f"  heard    {printable(record.heard)}")
    for call in turn.calls:
        outcome = "" if call.ok else "failed: "
        click.echo(f"  called   {printable(f'{call.server}/{call.tool} {dict(call.arguments)}')}")
        click.echo(f"           {outcome}{printable(call.result)} ({call.duration_ms:.0f} ms)")
    if record.replied:
        click.echo(f"  replied  {printable(record.replied)}")


def when(at_s: float) -> str:
    """Return a Unix time as local date and time."""
    try:
        return datetime.fromtimestamp(at_s, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{at_s:g} s"


def printable(text: str) -> str:
    """Return a text in one line, with characters that a terminal would obey as escapes."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
