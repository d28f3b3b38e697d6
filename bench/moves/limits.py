"""Two replicas and one address: how many of 200 requests a minute pass, and what a frozen Redis costs.

For a minute HAProxy is asked 200 times, evenly, from one address that may ask 100 times a minute and ten times at once;
and again while Redis is frozen (SIGSTOP), when each replica counts by itself. Then a replica's /health is asked again
and again, with Redis answering and frozen, in rounds by turns.

    sayso bench limits                    three minutes
    sayso bench limits --minutes 0        the times of /health only
"""

import argparse
import http.client
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

from bench.load.figures import percentile, rounded
from bench.moves.surroundings import Surroundings, surroundings
from bench.part import Flag, Part, Report, at_least_one
from bench.report import table

if TYPE_CHECKING:
    from tests.system.redis_fixtures import RedisServer

OFFERED: Final = 200  # a minute
ALLOWED: Final = 100  # gateway.rate.per_minute
BURST: Final = 10  # gateway.rate.burst
MINUTE_S: Final = 60.0
ROUNDS: Final = 4
HEALTH_P99_MS: Final = 10.0
SETTINGS: Final = {"gateway.rate.loopback": True, "gateway.rate.per_minute": ALLOWED, "gateway.rate.burst": BURST}
PAGE: Final = "/api/commands"  # of those that HAProxy passes on, the cheapest that counts


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Ask, and print what passed and how long it took."""
    with surroundings(SETTINGS) as around:
        passed: dict[str, dict[int, int]] = {}
        if options.minutes:
            passed["Redis answers"] = asked(around.front_port, MINUTE_S * options.minutes)
            with frozen(around.redis):
                passed["Redis is frozen"] = asked(around.front_port, MINUTE_S * options.minutes)
        healthy_ms, frozen_ms = health_times(around, options.count)
    report = figures(passed, healthy_ms, frozen_ms, options.minutes)
    rows = [[name, *map(str, row.values())] for name, row in report["passed"].items()]
    table(f"{OFFERED} requests a minute from one address", ("asked", "passed", "refused (429)", "at most"), rows)
    health = report["health_ms"]
    table("GET /health, ms", ("p50", "p99", "highest"), [[name, *map(str, row)] for name, row in health.items()])
    for line in report["missed"]:
        print(f"  {line}")
    yield report


@contextmanager
def frozen(redis: "RedisServer") -> Iterator[None]:
    """Freeze Redis for the block."""
    redis.freeze()
    try:
        yield
    finally:
        redis.thaw()


def asked(port: int, for_s: float) -> dict[int, int]:
    """Ask evenly for a while; return how often each status came."""
    statuses = Counter[int]()
    begun_s = time.monotonic()
    for number in range(round(OFFERED * for_s / MINUTE_S)):
        time.sleep(max(0.0, begun_s + number * MINUTE_S / OFFERED - time.monotonic()))
        statuses[get(port, PAGE)] += 1
    return dict(statuses)


def get(port: int, page: str) -> int:
    """Return the status of a page, asked by a connection of its own, so that both replicas are asked."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10.0)) as connection:
        connection.request("GET", page)
        response = connection.getresponse()
        response.read()
        return response.status


def health_times(around: Surroundings, count: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of GET /health at one replica with Redis answering and frozen, in rounds by turns."""
    port = around.replicas[0].port
    healthy_ms: list[float] = []
    frozen_ms: list[float] = []
    for _ in range(ROUNDS):
        healthy_ms += times_ms(lambda: get(port, "/health"), count // ROUNDS)
        with frozen(around.redis):
            frozen_ms += times_ms(lambda: get(port, "/health"), count // ROUNDS)
    return healthy_ms, frozen_ms


def times_ms(ask: Callable[[], int], count: int) -> list[float]:
    """Return the milliseconds of each of so many requests, one after the other."""
    found = []
    for _ in range(count):
        begun_s = time.perf_counter()
        ask()
        found.append(1_000 * (time.perf_counter() - begun_s))
    return found


def figures(
    passed: dict[str, dict[int, int]], healthy_ms: list[float], frozen_ms: list[float], minutes: float
) -> dict[str, Any]:
    """Return what passed beside what may, and the times; with Redis the limit holds for both replicas together."""
    rows: dict[str, dict[str, int]] = {}
    for name, replicas in (("Redis answers", 1), ("Redis is frozen", 2)):
        if name in passed:
            most = min(round(OFFERED * minutes), replicas * round(BURST + ALLOWED * minutes))
            counted = passed[name]
            rows[name] = {
                "asked": sum(counted.values()),
                "passed": counted.get(200, 0),
                "refused": counted.get(429, 0),
                "at most": most,
            }
    missed = [f"{name}: {row['passed']} passed, at most {row['at most']}" for name, row in rows.items() if is_bad(row)]
    p99_ms = percentile(frozen_ms, 99)
    missed += [f"GET /health with Redis frozen: p99 {p99_ms:.1f} ms, at most {HEALTH_P99_MS:g}"] * (
        p99_ms >= HEALTH_P99_MS
    )
    health = {"Redis answers": spread(healthy_ms), "Redis is frozen": spread(frozen_ms)}
    return {"passed": rows, "health_ms": health, "missed": missed}


def is_bad(row: dict[str, int]) -> bool:
    """Whether more passed than may, or something else than a refusal came."""
    return row["passed"] > row["at most"] or row["passed"] + row["refused"] != row["asked"]


def spread(times: list[float]) -> tuple[float | None, ...]:
    """Return the median, the 99th percentile and the highest."""
    return tuple(rounded(percentile(times, percent)) for percent in (50, 99, 100))


PART: Final = Part(
    "limits",
    measure,
    (
        Flag("--minutes", 1.0, "of requests, with Redis and without"),
        Flag("--count", 2_000, "requests for /health, with Redis and without", at_least_one),
    ),
    ("coredis",),
)
