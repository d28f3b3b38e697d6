"""Ten speakers at two replicas that are restarted and killed: turns, words, calls, waits, and what is kept.

HAProxy, Redis and PostgreSQL are started here, and both replicas. Each speaker's microphone is always on. First one
session alone says every order: what it is understood to say is right. Then all speak; both replicas are drained and
started again, one after the other, and then one of them by turns is killed every ten seconds for a minute.

A turn that had called a tool when its replica was killed ends as failed and is not done again, as docs/replicas.md
says: it is counted by itself, and is no lost turn. A row of a turn may be missing where the replica was killed before
it was written, which takes some 50 ms.

    sayso bench replicas                                     two to three minutes
    sayso bench replicas --speakers 4 --kills 2 --restarts 0   shorter
"""

import argparse
import itertools
import time
from collections.abc import Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final

import attrs
import trio

from bench.load.chaos import plain
from bench.load.figures import percentile, rounded
from bench.load.options import SEED
from bench.load.records import Clip
from bench.moves.orders import Entry, by_session, entries, made_twice, orders, wanted
from bench.moves.speakers import History, Saying, Speaker
from bench.moves.surroundings import SEEN_S, Replica, Surroundings, surroundings
from bench.part import Flag, Part, Report, at_least_one
from bench.report import table
from sayso_client import Capability

if TYPE_CHECKING:
    from tests.postgres_fixtures import PostgresServer

CAPABILITIES: Final[tuple[Capability, ...]] = ("stt", "llm", "tools")
KILL_EVERY_S: Final = 10.0
BEFORE_S: Final = 5.0
AFTER_S: Final = 5.0
LONGEST_WAIT_S: Final = 2.0
WRITTEN_S: Final = 3.0  # until the last rows are in the database


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Run all, and print what was lost, wrong or done twice."""
    clips = orders()
    with surroundings({"gateway.rate.enabled": False}) as around:
        alone = trio.run(heard_alone, around.url, clips)
        speakers = [
            Speaker(around.url, CAPABILITIES, Random(f"{options.seed} {number}")) for number in range(options.speakers)
        ]
        trio.run(speak_while_replicas_fall, around, speakers, clips, options.restarts, options.kills)
        time.sleep(WRITTEN_S)
        kept = kept_turns(around.database, around.database_url)
        report = figures([one.history for one in speakers], alone, entries(around.folder), kept)
    show("two replicas", report)
    yield report


def show(title: str, report: Report) -> None:
    """Print the figures, and what was missed."""
    table(title, ("figure",), [[name, str(value)] for name, value in report.items() if name not in HIDDEN])
    for line in report["missed"]:
        print(f"  {line}")


async def heard_alone(url: str, clips: Sequence[Clip]) -> dict[str, str]:
    """Return what one session alone is understood to say; exits where a clip is not answered."""
    speaker = Speaker(url, CAPABILITIES, Random(0))
    await speaker.talk(clips)
    deaf = [said.name for said in speaker.history.said if not said.is_answered]
    if deaf or len(speaker.history.said) < len(clips):
        raise SystemExit(f"one session alone was not answered: {deaf}, {speaker.history.trouble}")
    return {said.name: said.texts[0] for said in speaker.history.said}


async def speak_while_replicas_fall(
    around: Surroundings, speakers: Sequence[Speaker], clips: Sequence[Clip], restarts: int, kills: int
) -> None:
    """Let all speak until the replicas were restarted and killed so often, and all were answered."""
    is_over = trio.Event()
    async with trio.open_nursery() as nursery:
        for number, speaker in enumerate(speakers):
            nursery.start_soon(speaker.talk, endless(clips, number, is_over))
        await trio.sleep(BEFORE_S)
        for replica in itertools.islice(itertools.cycle(around.replicas), restarts):
            await trio.to_thread.run_sync(restarted, replica)
            await trio.sleep(SEEN_S)
        for replica in itertools.islice(itertools.cycle(around.replicas), kills):
            due_s = trio.current_time() + KILL_EVERY_S
            await trio.to_thread.run_sync(killed, replica)
            await trio.sleep(SEEN_S)
            await trio.sleep_until(due_s)
        await trio.sleep(AFTER_S)
        is_over.set()


def endless(clips: Sequence[Clip], first: int, is_over: trio.Event) -> Iterator[Clip]:
    """Yield one clip after the other, from the given one on, until it is over."""
    for clip in itertools.islice(itertools.cycle(clips), first, None):
        if is_over.is_set():
            return
        yield clip


def restarted(replica: Replica) -> None:
    """Drain a replica, and start it again."""
    begun_s = time.monotonic()
    code = replica.stop()
    gone_s = time.monotonic()
    replica.start()
    print(f"  {replica.name} drained in {gone_s - begun_s:.1f} s with {code}, started in {_since(gone_s)}", flush=True)


def killed(replica: Replica) -> None:
    """Kill a replica, and start it again."""
    begun_s = time.monotonic()
    replica.kill()
    replica.start()
    print(f"  {replica.name} killed, started in {_since(begun_s)}", flush=True)


def _since(begun_s: float) -> str:
    return f"{time.monotonic() - begun_s:.1f} s"


def kept_turns(database: "PostgresServer", url: str) -> set[tuple[str, str]]:
    """Return session and turn of each row in PostgreSQL."""
    with database.connected(url.rpartition("/")[2]) as connection:
        rows = connection.execute("SELECT session_id, turn_id FROM conversations").fetchall()
    return {(str(session), str(turn)) for session, turn in rows}


# --- judging -------------------------------------------------------------------------------------

HIDDEN: Final = frozenset({"missed", "wrong", "lost", "failed"})


def figures(
    histories: Sequence[History], alone: dict[str, str], ledger: Sequence[Entry], rows: set[tuple[str, str]]
) -> dict[str, Any]:
    """Return what was lost, wrong, or done twice."""
    said = [saying for history in histories for saying in history.said]
    waits_s = [wait_s for history in histories for wait_s in history.waits_s]
    wrong = [saying for saying in said if is_wrong(saying, alone)]
    lost = [saying for saying in said if not saying.is_answered and not saying.has_failed]
    failed = [saying for saying in said if saying.has_failed]
    twice = [entry for history in histories for entry in twice_of(history, ledger)]
    missing = sum(is_undone(saying, ledger) for saying in said)
    told = {turn for saying in said for turn, outcome in saying.outcomes.items() if outcome == "done"}
    kept = {turn for _, turn in rows}
    forgotten = sum(history.forgotten for history in histories)
    troubles = [history.trouble for history in histories if history.trouble]
    found = {
        "turns": len(said),
        "turns answered": sum(saying.is_answered for saying in said),
        "turns that had acted and failed": len(failed),
        "turns lost": len(lost),
        "words wrong": len(wrong),
        "calls twice": len(twice),
        "calls missing": missing,
        "returns": sum(history.resumed for history in histories),
        "taken for somebody new": forgotten,
        "median wait ms": rounded(percentile(waits_s, 50) * 1_000),
        "longest wait ms": rounded(percentile(waits_s, 100) * 1_000),
        "turns told as done": len(told),
        "of these in PostgreSQL": len(told & kept),
    }
    missed = [f"{saying.name!r} was heard as {saying.texts}" for saying in wrong]
    missed += [f"{saying.name!r} was lost: {saying.outcomes}, {saying.texts}" for saying in lost]
    missed += [f"{entry.what!r} was written down once more, by {entry.call_id}" for entry in twice]
    missed += [f"{missing} calls were told as done and not made"] * bool(missing)
    missed += [f"{forgotten} times a client was taken for somebody new"] * bool(forgotten)
    missed += [f"a session ended: {trouble}" for trouble in troubles]
    missed += [f"a client waited {wait_s:.1f} s" for wait_s in sorted(waits_s)[-1:] if wait_s >= LONGEST_WAIT_S]
    groups = {"wrong": wrong, "lost": lost, "failed": failed}
    shown = {name: [written(one) for one in some] for name, some in groups.items()}
    return {**found, **shown, "missed": missed}


def written(saying: Saying) -> dict[str, Any]:
    """Return it as JSON has it."""
    return {**attrs.asdict(saying), "open_turns": sorted(saying.open_turns)}


def is_wrong(saying: Saying, alone: dict[str, str]) -> bool:
    """Whether other words were heard than of one session alone, or the same ones twice."""
    return bool(saying.texts) and [plain(text) for text in saying.texts] != [plain(alone[saying.name])]


def twice_of(history: History, ledger: Sequence[Entry]) -> list[Entry]:
    """Return the calls of a speaker that were made once too often."""
    sessions = by_session(ledger)
    own = sorted((entry for one in history.sessions for entry in sessions.get(one, ())), key=lambda entry: entry.at_s)
    return made_twice([(saying.name, saying.begun_s) for saying in history.said], own)


def is_undone(saying: Saying, ledger: Sequence[Entry]) -> bool:
    """Whether a call was told as done that the ledger does not know."""
    is_due = wanted(saying.name) is not None and saying.is_answered
    return is_due and not {entry.call_id for entry in ledger} & set(saying.call_ids)


PART: Final = Part(
    "replicas",
    measure,
    (
        SEED,
        Flag("--speakers", 10, "clients", at_least_one),
        Flag("--restarts", 2, "how often a replica is drained and started again, by turns"),
        Flag("--kills", 6, "how often a replica is killed, by turns, every ten seconds"),
    ),
    ("coredis", "psycopg", "trio"),
)
