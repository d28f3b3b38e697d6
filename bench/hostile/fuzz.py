"""Damaged inputs for every parser of ours: each is taken or refused, and nothing else happens.

The inputs are good ones with random changes, and the same in every run with the same seed. What a parser raises that it
may not raise, or takes longer than a second of processor time for, is a crash, and is printed with its input.

    sayso bench fuzz                                   100,000 inputs
    sayso bench fuzz --count 1000000 --seed 7
    sayso bench fuzz --only http_head,frames --count 200000
"""

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import outcome

from bench.hostile.codecs import Codec, codecs
from bench.hostile.mutation import mutated
from bench.part import Flag, Part, Report, at_least_one, some_of
from bench.report import table

SLOW_S: Final = 1.0
SHOWN: Final = 3  # crashes of each parser
SHOWN_BYTES: Final = 400
NAMES: Final = tuple(codec.name for codec in codecs(Path("unused")))


@attrs.define
class Outcome:
    """What became of one parser's inputs."""

    count: int = 0
    refused: int = 0
    crashes: list[str] = attrs.field(factory=list)
    causes: Counter[str] = attrs.field(factory=Counter)
    slowest_ms: float = 0.0


def fuzzed(codec: Codec, count: int, seed: int) -> Outcome:
    """Return what became of ``count`` inputs for one parser."""
    rng = random.Random(f"{seed} {codec.name}")
    found = Outcome()
    for _ in range(count):
        data = mutated(rng, codec.samples)
        began_s = time.process_time()
        result = outcome.capture(codec.parse, data)
        took_s = time.process_time() - began_s
        found.count += 1
        found.slowest_ms = max(found.slowest_ms, took_s * 1_000)
        error = result.error if isinstance(result, outcome.Error) else None
        found.refused += isinstance(error, codec.refusals)
        cause = "" if error is None or isinstance(error, codec.refusals) else repr(error)
        if not cause and took_s > SLOW_S:
            cause = f"{took_s:.1f} s of processor time"
        if cause:
            found.crashes.append(f"{cause}: {data[:SHOWN_BYTES]!r}")
            found.causes[cause.partition("(")[0]] += 1
    return found


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Ask every parser, and print what became of it."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = [codec for codec in codecs(Path(folder)) if codec.name in options.only]
        shares = sum(codec.share for codec in wanted)
        counts = {codec.name: max(1, round(options.count * codec.share / shares)) for codec in wanted}
        found = {codec.name: fuzzed(codec, counts[codec.name], options.seed) for codec in wanted}
    rows = [(name, one.count, one.refused, len(one.crashes), f"{one.slowest_ms:.1f}") for name, one in found.items()]
    table("damaged inputs", ("inputs", "refused", "crashed", "slowest, ms"), rows)
    for name, one in found.items():
        for crash in one.crashes[:SHOWN]:
            print(f"{name}: {crash}")
    crashed = sum(len(one.crashes) for one in found.values())
    figures: dict[str, Any] = {
        name: {"inputs": one.count, "refused": one.refused, "crashed": dict(one.causes)} for name, one in found.items()
    }
    print(f"  {sum(one.count for one in found.values())} inputs, crashed = {crashed}")
    yield {"parsers": figures, "missed": ["crashed"] if crashed else []}


PART: Final = Part(
    "fuzz",
    measure,
    [
        Flag("--count", 100_000, "inputs of all parsers together; slow parsers get fewer", at_least_one),
        Flag("--seed", 1, "another one gives other inputs"),
        Flag("--only", list(NAMES), f"of {', '.join(NAMES)}", some_of(NAMES)),
    ],
)
