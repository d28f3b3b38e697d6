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
from contextlib import contextmanager
from typing import Any

from bench._report import heading, write
from bench.load import options as flags
from bench.load.callers import Crowds
from bench.load.capacity import HEADING, Load, capacity, climb, row
from bench.load.clips import clips
from bench.load.figures import print_stages, stages, turns
from bench.load.server import running


def main() -> None:
    """Measure, print tables, write bench/results/voice.json."""
    options = _options()
    report = heading(options)
    with _address(options) as url, Crowds(options.processes) as crowds:
        load = Load(
            url, clips(options.corpus), options.duration, options.target_ms, options.seed, options.turns, options.factor
        )
        print(HEADING)
        report |= _capacity(crowds, load, options.rate) if options.capacity else _steady(crowds, load, options.rate)
    write("voice", report)


def _options() -> argparse.Namespace:
    parser = flags.parser(__doc__)
    parser.add_argument("--url", help="a server that runs already")
    parser.add_argument("--rate", type=float, default=1.0, help="callers a second; the first step with --capacity")
    parser.add_argument("--duration", type=float, default=15.0, help="seconds in which they come, for each step")
    parser.add_argument("--turns", type=int, default=1, help="commands that each speaks")
    parser.add_argument(
        "--factor", type=float, default=1.0, help="speak faster than real time; latency holds at 1 only"
    )
    parser.add_argument("--capacity", action="store_true", help="raise the rate until the target breaks")
    return flags.parsed(parser)


@contextmanager
def _address(options: argparse.Namespace) -> Iterator[str]:
    """Yield the address of the given server, or of a new one that ends with the block."""
    if options.url is not None:
        yield options.url
        return
    with running(flags.settings(options)) as server:
        yield server.url


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


if __name__ == "__main__":
    main()
