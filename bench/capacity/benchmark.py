"""How much a server carries: rising loads until the target breaks, with the processors and the memory that each takes.

Callers come by Poisson's law, whether or not earlier ones are served, and speak in real time. After each load that held
comes a larger one; after the first that did not, the way between is halved. A load holds where 95 of 100 are within the
target and 98 of 100 are served. With --peer the design of the performance guide (FastAPI on uvicorn, faster-whisper in
a pool of processes) or Home Assistant's recogniser (wyoming-faster-whisper) runs beside ours with the same speech
model, and all get each load by turns; they transcribe only, while ours also understands and acts. Tables, JSON, and a
picture for each kind (SVG) in bench/results.

    sayso bench capacity                               callers who speak one command
    sayso bench capacity --kind idle,microphones       also silent sessions, microphones that are always on, and spoken
    sayso bench capacity --peer guide,wyoming          both by turns with ours
    sayso bench capacity --peer wyoming --install      makes the environment that they run in before
    sayso bench capacity --url ws://HOST/ws            a server that runs already, without its processes
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

import attrs
import psutil

from bench.capacity.drawing import drawn
from bench.capacity.kinds import KINDS, Kind, Scene
from bench.capacity.ladder import Ladder, Row, climb
from bench.capacity.usage import Roles, family, measuring, roles_of
from bench.load.callers import Crowds
from bench.load.clips import clips
from bench.load.company import Company
from bench.load.options import CORPUS, SEED, SETTINGS, URL
from bench.load.server import running
from bench.open_files import raised
from bench.part import Flag, Part, Report, at_least_one, some_of
from bench.peers.process import PACKAGES, PeerError, install, peer_running
from bench.report import keep, table

OURS: Final = "sayso"
SETTLE_S: Final = 3.0
"""Between two loads, so that the queues of one are not the load of the next."""
MODEL: Final = "tiny.en"


@attrs.frozen
class Subject:
    """A server that is measured."""

    url: str
    roles: Callable[[], Roles]


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Search for the capacity of each kind."""
    if options.peer and options.url:
        sys.exit("sayso bench capacity: --peer and --url do not go together: both sides must be on one machine")
    files = raised()
    found: dict[str, Any] = {}
    with Crowds(options.processes) as crowds:
        scene = Scene(crowds, clips(options.corpus), options.step, options.seed, has_words=options.corpus is None)
        for name in options.kind:
            for figures in searched(KINDS[name], scene, options, files):
                found[name] = figures
                yield {"capacity": found}
            print_kind(KINDS[name], found[name])
            if not options.dry:
                keep(f"capacity-{name}.svg", picture(KINDS[name], found[name]).encode())


def searched(kind: Kind, scene: Scene, options: argparse.Namespace, files: int) -> Iterator[dict[str, Any]]:
    """Yield what was found of one kind, whenever there is more of it."""
    ladder = ladder_of(kind, scene, options, files)
    if next(ladder.loads(), None) is None:
        sys.exit(f"sayso bench capacity: {none_fits(ladder, files)}")
    print(f"\n{kind.title}: {kind.latency}, target {ladder.target_ms:g} ms", file=sys.stderr)
    try:
        if options.install:
            install()
        with ExitStack() as stack:
            subjects = started(stack, kind, options)
            offer = partial(offered, kind, scene, subjects)
            for rows in climb(ladder, list(subjects), offer):
                yield judged(ladder, rows)
    except PeerError as error:
        sys.exit(f"sayso bench capacity: {error}")


def ladder_of(kind: Kind, scene: Scene, options: argparse.Namespace, files: int) -> Ladder:
    """Return the loads of a kind, within the client's limit of open files."""
    return Ladder(
        first=options.first or kind.first,
        growth=kind.growth,
        most=options.most or kind.most,
        halvings=options.halvings,
        target_ms=options.target_ms or kind.target_ms,
        is_whole=kind.is_whole,
        affordable=lambda load: kind.sockets(scene, load) <= files,
    )


def none_fits(ladder: Ladder, files: int) -> str:
    """Return why not even the first load can be offered."""
    if ladder.first > ladder.most:
        return f"--first {ladder.first:g} must be <= {ladder.most:g}, the most that is offered"
    return f"a first load of {ladder.first:g} needs more connections than the {files} that fit: raise ulimit -Hn"


def started(stack: ExitStack, kind: Kind, options: argparse.Namespace) -> dict[str, Subject]:
    """Start what is measured; it ends with the stack."""
    if options.url:
        return {OURS: Subject(options.url, dict)}
    settings = {"transcription.model": MODEL, **kind.settings, **dict(options.set)}
    server = stack.enter_context(running(settings))
    subjects = {OURS: Subject(server.url, partial(roles_of, server))}
    for name in options.peer if kind.has_peer else ():
        peer = stack.enter_context(peer_running(name, str(settings["transcription.model"])))
        subjects[name] = Subject(peer.url, partial(family, peer.pid, {}))
    return subjects


def offered(kind: Kind, scene: Scene, subjects: Mapping[str, Subject], name: str, load: float) -> Row:
    """Offer a load to one server, let its queues run empty, and return the figures."""
    before = Company.now()
    with measuring(subjects[name].roles) as usage:
        found = kind.offer(scene, subjects[name].url, load)
    others = before.share_until(Company.now(), psutil.cpu_count() or 1)
    row = {"load": load, **found, "processes": usage.seen(), "others": others}
    print(f"  {name:<8}{load:>8g} {kind.unit}: p95 {row['p95_ms']} ms, {row['served']} of {row['offered']} served")
    time.sleep(SETTLE_S)
    return row


# --- the report ----------------------------------------------------------------------------------


def judged(ladder: Ladder, rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Return the rows with their verdicts, and the capacity of each server."""
    return {
        "target_ms": ladder.target_ms,
        "servers": {
            name: {
                "capacity": ladder.capacity(own),
                "ended_by": ladder.ended_by(own),
                "rows": [{**row, "verdict": ladder.verdict(row)} for row in sorted(own, key=_load)],
            }
            for name, own in rows.items()
        },
    }


def _load(row: Row) -> float:
    return float(row["load"])


COLUMNS: Final = (
    *("load", "sessions", "served", "refused", "lost", "p50 ms", "p95 ms", "p99 ms", "words wrong", "verdict"),
    *("CPU s", "cores", "memory MB", "others"),
)


def print_kind(kind: Kind, found: Mapping[str, Any]) -> None:
    """Print the table of a kind, and what was carried."""
    servers = found["servers"]
    rows = [[name, *cells(row)] for name, one in servers.items() for row in one["rows"]]
    table(f"{kind.title}: {kind.latency}", COLUMNS, rows)
    for name, one in servers.items():
        print(f"{name}: {one['capacity']:g} {kind.unit} within {found['target_ms']:g} ms; ended by: {one['ended_by']}")


def cells(row: Row) -> list[str]:
    """Return the cells of a load."""
    numbers = [f"{row[name]:g}" for name in ("load", "sessions", "served", "refused", "lost")]
    latencies = ["-" if row[name] is None else f"{row[name]:.0f}" for name in ("p50_ms", "p95_ms", "p99_ms")]
    processes: Mapping[str, Mapping[str, float]] = row["processes"]
    used = [
        "\n".join(f"{role} {one[what]:g}" for role, one in processes.items()) or "-"
        for what in ("cpu_s", "cores", "memory_mb")
    ]
    return [*numbers, *latencies, row.get("words_wrong", "-"), row["verdict"], *used, f"{row['others']:.0%}"]


def picture(kind: Kind, found: Mapping[str, Any]) -> str:
    """Return the latencies of a kind as a picture."""
    rows = {name: one["rows"] for name, one in found["servers"].items()}
    return drawn(f"{kind.title}: {kind.latency}", kind.unit, found["target_ms"], rows)


PART: Final = Part(
    "capacity",
    measure,
    (
        Flag("--kind", ["commands"], f"some of {', '.join(KINDS)}", some_of(list(KINDS))),
        Flag("--peer", [], f"designs to compare with, by turns: {', '.join(PACKAGES)}", some_of(list(PACKAGES))),
        Flag("--install", False, "make the environment of the peers, if there is none"),
        Flag("--first", 0.0, "the first load; 0: the kind's own"),
        Flag("--most", 0.0, "offer no more; 0: the kind's own"),
        Flag("--step", 10.0, "seconds of each load"),
        Flag("--halvings", 2, "of the way between the last load that held and the next"),
        Flag("--target-ms", 0.0, "of 95 in 100; 0: the kind's own"),
        Flag("--processes", 1, "client processes; one carries some 200 callers", at_least_one),
        SEED,
        CORPUS,
        SETTINGS,
        URL,
    ),
    ("fastapi", "uvicorn", "faster-whisper", "ctranslate2"),
)
