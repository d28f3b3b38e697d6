"""The performance guide's benchmark: its tests, figures, score and rating, and its targets with ours beside them.

Without --url a server is started with its defaults, but for more places than there are connections here. A server that
is not ours must answer the guide's paths (/health, /api/status, /ws); `voice` needs one that speaks sayso's protocol.
The times of a table row are those that 95 of 100 kept. Exits with 1 where a target was missed.

    sayso bench guide                                        all tests, some two minutes
    sayso bench guide --test health_check                    one of health_check, websocket, load, voice
    sayso bench guide --url http://HOST:8000 --concurrent-users 100
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import psutil
import trio

from bench.guide.figures import rating, score
from bench.guide.http_client import Address, HttpClient, TargetError
from bench.guide.memory import MemoryFigures, read_memory
from bench.guide.targets import COLUMNS, Measured, judgements
from bench.guide.tests import check, health_check, load_test, websocket_test
from bench.guide.voice import EVERY_S, ask, speak
from bench.load.callers import Crowds
from bench.load.clips import clips
from bench.load.company import Company
from bench.load.options import CORPUS, SETTINGS
from bench.load.server import every, running
from bench.part import Flag, Part, Report, at_least_one
from bench.progress import progress
from bench.report import table

TESTS: Final = ("health_check", "websocket", "load", "voice")
SPARE_PLACES: Final = 40  # probes, askers, and the tenth of all places that is kept for other addresses
METRICS: Final = "/metrics"


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Run the tests one after the other, print their figures and the guide's targets."""
    tests = [options.test] if options.test else TESTS
    try:
        with server(options) as address:
            trio.run(check, address)
            found: dict[str, Any] = {}
            before = Company.now()
            for name in tests:
                found |= RUNS[name](address, options)
                yield {"guide": found}
            memory = trio.run(memory_of, address)
            others = before.share_until(Company.now(), psutil.cpu_count() or 1)
    except TargetError as error:
        sys.exit(f"sayso bench guide: {error}")
    print_figures(found)
    rows = judgements(components(found, memory))
    print()
    table("the guide's performance targets", COLUMNS, [row.row() for row in rows])
    print(f"other programs took {others:.0%} of this machine's processors meanwhile")
    missed = [row.target.component for row in rows if row.is_met is False]
    yield {"guide": found, "targets": [row.as_json() for row in rows], "others": others, "missed": missed}


@contextmanager
def server(options: argparse.Namespace) -> Iterator[Address]:
    """Yield the address that was given, or that of a server with the defaults, which ends with the block."""
    if options.url is not None:
        yield options.url
        return
    places = max(options.concurrent_users, options.connections, options.sessions) + SPARE_PLACES
    settings = {"gateway.websocket.max_connections": places, "inference.provider": "auto", **dict(options.set)}
    with running(settings) as own:
        yield Address.parse(own.url)


async def memory_of(address: Address) -> MemoryFigures:
    """Return what the server tells of its memory; nothing where it has no such page, or keeps it to itself."""
    try:
        async with HttpClient(address) as client:
            answer = await client.get(METRICS)
    except TargetError:
        return MemoryFigures()
    return read_memory(answer.body.decode(errors="replace")) if answer.is_ok else MemoryFigures()


# --- the tests -----------------------------------------------------------------------------------


def _health_check(address: Address, options: argparse.Namespace) -> dict[str, Any]:
    with progress("health check", options.requests) as advance:
        found = trio.run(health_check, address, options.requests, advance)
    points = score(found)
    return {"health_check": found, "score": points, "rating": rating(points)}


def _websocket(address: Address, options: argparse.Namespace) -> dict[str, Any]:
    with progress("WebSocket", 1.0) as advance:
        return {"websocket": trio.run(websocket_test, address, options.connections, options.duration, advance)}


def _load(address: Address, options: argparse.Namespace) -> dict[str, Any]:
    with progress("load", options.concurrent_users * 20) as advance:
        return {"load_test": trio.run(load_test, address, options.concurrent_users, advance)}


def _voice(address: Address, options: argparse.Namespace) -> dict[str, Any]:
    url, seconds = address.websocket_url, EVERY_S * (options.commands + 1)
    try:
        spoken = clips(options.corpus)
    except ModuleNotFoundError as error:
        raise TargetError(f"voice needs {error.name} for its speech: install sayso[piper], or give --corpus") from error
    with progress("language model", options.questions) as advance:
        llm = trio.run(ask, url, options.questions, advance)
    with Crowds(1) as crowds, progress("voice", seconds) as advance, every(1.0, partial(advance, 1.0)):
        voice = speak(crowds, url, spoken, options.sessions, options.commands)
    if not voice["done"]:
        raise TargetError(f"no command was understood at {url}: {voice['first_error']}")
    return {"llm": llm, "voice": voice}


RUNS: Final[Mapping[str, Callable[[Address, argparse.Namespace], dict[str, Any]]]] = {
    "health_check": _health_check,
    "websocket": _websocket,
    "load": _load,
    "voice": _voice,
}


# --- the report ----------------------------------------------------------------------------------


def components(found: Mapping[str, Any], memory: MemoryFigures) -> dict[str, Measured]:
    """Return what was measured, by component of the guide's targets."""
    made: dict[str, Measured] = {}
    if load := found.get("load_test"):
        users = load["concurrent_users"]
        held = users * (1 - load["error_rate"]) if not load["not_ok"] else users - load["not_ok"] / 20
        made["Server"] = Measured(load["p95_latency"], round(held, 1), users, memory.server_gb)
    if sockets := found.get("websocket"):
        opened, asked = sockets["successful_connections"], sockets["total_connections"]
        made["WebSocket Connection"] = Measured(sockets["probe_p95"], opened, asked)
    if voice := found.get("voice"):
        made["STT Processing"] = Measured(
            voice["stt_p95"],
            voice["done_per_minute"],
            60 / EVERY_S * voice["sessions"],
            memory.of_pool("transcription"),
        )
        made["Overall System"] = Measured(
            voice["reply_p95"], voice["served_sessions"], voice["sessions"], memory.total_gb
        )
    if (llm := found.get("llm")) and llm["answered"]:
        made["LLM Processing"] = Measured(
            llm["answer_p95"], llm["answered_per_minute"], None, memory.of_pool("inference")
        )
    return made


def print_figures(found: Mapping[str, Any]) -> None:
    """Print each test's figures as the guide does, and the score."""
    for name in ("health_check", "websocket", "load_test", "voice", "llm"):
        if name in found:
            print(f"\n{name.upper().replace('_', ' ')}:")
            for metric, value in found[name].items():
                print(f"  {metric}: {shown(value)}")
    if "score" in found:
        print(f"\nPERFORMANCE SCORE: {found['score']:.1f}/100\nRATING: {found['rating']}")


def shown(value: object) -> str:
    """Return a figure with as many decimals as the guide shows."""
    return f"{value:.3f}" if isinstance(value, float) else "-" if value is None else str(value)


# --- flags ---------------------------------------------------------------------------------------


def target_address(text: str) -> Address:
    """Return an address as a flag gives it."""
    try:
        return Address.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


FLAGS: Final[Sequence[Flag]] = (
    Flag("--test", None, "one test instead of all", more={"choices": TESTS}),
    Flag("--url", None, "a server that runs already, such as http://127.0.0.1:8000", target_address),
    Flag("--concurrent-users", 100, "of the load test", at_least_one),
    Flag("--connections", 100, "WebSockets that are open at once", at_least_one),
    Flag("--requests", 200, "of the health check", at_least_one),
    Flag("--duration", 15.0, "seconds that WebSockets stay open"),
    Flag("--sessions", 50, "that speak in the voice test", at_least_one),
    Flag("--commands", 2, "that each of them says", at_least_one),
    Flag("--questions", 8, "to the language model", at_least_one),
    CORPUS,
    SETTINGS,
)
PART: Final = Part("guide", measure, FLAGS)
