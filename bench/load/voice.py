"""Callers in real time: latency by stage, refusals, errors; and the capacity of the machine.

Callers arrive by Poisson's law, whether or not earlier ones are served; each speaks its commands in real time, takes
all events and leaves. With --capacity the rate rises in steps until the time from the last voice to the transcript
passes the target; capacity is the best rate before that.

    sayso bench voice --rate 3 --duration 30            three callers a second
    sayso bench voice --rate 1 --turns 5 --corpus DIR   five recordings each, from a folder of WAV files
    sayso bench voice --capacity                        rising rates
    sayso bench voice --url ws://HOST/ws                a server that runs already
"""

import argparse
from collections.abc import Iterator
from typing import Any, Final

from bench.load.callers import Crowds
from bench.load.capacity import HEADING, Load, capacity, climb, row
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
        yield _capacity(crowds, load, options.rate) if options.capacity else _steady(crowds, load, options.rate)


def _steady(crowds: Crowds, load: Load, rate_per_s: float) -> dict[str, Any]:
    calls = crowds.run(load.plan(rate_per_s))
    measured = load.measured(calls)
    print(row(measured))
    rows = stages(turn.server_ms for turn in turns(calls))
    print_stages("stages on the server", rows)
    return {"measured": measured, "stages_ms": rows}


def _capacity(crowds: Crowds, load: Load, first_per_s: float) -> dict[str, Any]:
    steps = climb(crowds, load, first_per_s)
    found = capacity(steps, load.target_ms)
    print(f"\ncapacity: {found:g} callers a second with p95 within {load.target_ms:g} ms")
    return {"steps": steps, "capacity_per_s": found}


PART: Final = Part(
    "voice",
    measure,
    (
        *CALLERS,
        URL,
        Flag("--rate", 1.0, "callers a second; the first step with --capacity"),
        Flag("--duration", 15.0, "seconds in which they come, for each step"),
        Flag("--turns", 1, "commands that each speaks"),
        Flag("--factor", 1.0, "speak faster than real time; latency holds at 1 only"),
        Flag("--capacity", False, "raise the rate until the target breaks"),
    ),
)
