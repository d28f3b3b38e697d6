"""Callers in real time: latency by stage, refusals and errors.

Callers arrive by Poisson's law, whether or not earlier ones are served; each speaks its commands in real time, takes
all events and leaves. `sayso bench capacity` searches for the best rate.

    sayso bench voice --rate 3 --duration 30            three callers a second
    sayso bench voice --rate 1 --turns 5 --corpus DIR   five recordings each, from a folder of WAV files
    sayso bench voice --url ws://HOST/ws                a server that runs already
"""

import argparse
from collections.abc import Iterator
from typing import Final

from bench.load.callers import Crowds
from bench.load.capacity import HEADING, Load, row
from bench.load.clips import clips
from bench.load.figures import print_stages, stages, turns
from bench.load.options import CALLERS, URL
from bench.load.server import address
from bench.part import Flag, Part, Report


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Let callers come to one server."""
    with address(options.url, dict(options.set)) as url, Crowds(options.processes) as crowds:
        load = Load(
            url, clips(options.corpus), options.duration, options.target_ms, options.seed, options.turns, options.factor
        )
        print(HEADING)
        calls = crowds.run(load.plan(options.rate))
    measured = load.measured(calls)
    print(row(measured))
    rows = stages(turn.server_ms for turn in turns(calls))
    print_stages("stages on the server", rows)
    yield {"measured": measured, "stages_ms": rows}


PART: Final = Part(
    "voice",
    measure,
    (
        *CALLERS,
        URL,
        Flag("--rate", 1.0, "callers a second"),
        Flag("--duration", 15.0, "seconds in which they come"),
        Flag("--turns", 1, "commands that each speaks"),
        Flag("--factor", 1.0, "speak faster than real time; latency holds at 1 only"),
    ),
)
