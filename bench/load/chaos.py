"""Faults in a running server under light load, one server for each, and what held.

Callers first speak every command to a healthy server; what it heard is the reference. Then the same server gets callers
by Poisson's law, the fault happens after three seconds, and afterwards everything must be as before: the same
transcripts, once each; no caller lost; p95 at most 25 % above the healthy one plus the allowance for noise; the load
level as it was within 30 s (0, unless others keep the machine busy); no process or descriptor left over; exit code 0.
The capacity (16, 17) is what such a server was found to carry just before.
Exits with 1 where a fault did not hold, or did not bite so that nothing was shown. bench/results/chaos.json keeps the
last run of each fault.

    sayso bench chaos                 all, about 45 seconds each
    sayso bench chaos --only 1,2,3    some; the numbers are those of the table that --list prints
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPException
from typing import Any, Final

import attrs

from bench.load.arrivals import burst
from bench.load.callers import Crowds
from bench.load.capacity import FIRST_PER_S, Load, capacity, search
from bench.load.clips import clips
from bench.load.faults import FAULTS, Fault, Findings, Scene
from bench.load.figures import percentile, rounded, transcript_ms, turns
from bench.load.options import CALLERS
from bench.load.records import Call, Plan, Turn
from bench.load.server import Server, Watch, poll, running, stop, strain, watching
from bench.part import Flag, Part, Report
from bench.report import read, table

HEALTHY_S: Final = 8.0
BEFORE_S: Final = 3.0
GROWTH: Final = 1.25
RECOVERY_S: Final = 30.0
SETTLE_S: Final = 15.0
SHARED: Final = {"load.max_cpu_percent": 100}  # other processes may use the CPUs; that alone causes no refusals
SPARE_FILES: Final = 4  # a page that is being read, a worker that is being replaced


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Run the faults, and print what held."""
    if options.list:
        print("\n".join(f"{number:>3}  {fault.title}" for number, fault in FAULTS.items()))
        return
    load = Load("", clips(options.corpus), options.duration, options.target_ms, options.seed)
    rows: list[dict[str, Any]] = []
    with Crowds(options.processes) as crowds:
        for number in options.only:
            rows.append(Run(crowds, load, options).fault(number))
            _print(rows[-1])
            yield merged(read("chaos"), rows)
    names = ("number", "verdict", "p95_ms", "healthy_p95_ms")
    table("", names, [[row["title"], *(row[name] for name in names)] for row in rows])


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or set(numbers) - set(FAULTS):
        raise argparse.ArgumentTypeError(f"must be some of {', '.join(map(str, FAULTS))}, not {text!r}")
    return numbers


@attrs.frozen
class Inventory:
    """The resources of an idle server."""

    processes: int
    files: int
    level: int
    """0, unless other processes keep the machine busy."""

    @classmethod
    def of(cls, server: Server) -> "Inventory":
        """Count the resources of a server."""
        return cls(len(server.family()), server.open_files(), strain(server)[0])

    def covers(self, later: "Inventory") -> bool:
        """Return whether no resource was leaked since."""
        return later.processes <= self.processes and later.files <= self.files + SPARE_FILES


@attrs.frozen
class Run:
    """Runs faults, each on a server of its own."""

    crowds: Crowds
    load: Load
    options: argparse.Namespace

    def fault(self, number: int) -> dict[str, Any]:
        """Run one fault on a server of its own; return the row of the report."""
        fault = FAULTS[number]
        settings = {**(SHARED if not fault.refused else {}), **fault.settings(), **dict(self.options.set)}
        carried_per_s = self._carried(settings) if fault.is_measured else 0.0
        with running(settings) as server:
            load = attrs.evolve(self.load, url=server.url)
            healthy = self.crowds.run(self._healthy(server))
            poll(lambda: not server.status()["sessions"], SETTLE_S)
            before = Inventory.of(server)
            with watching(server) as watch:
                crowd = self.crowds.start(load.plan(self.options.rate))
                time.sleep(BEFORE_S)
                found = injected(fault, Scene(server, load, carried_per_s))
                calls = crowd.calls()
                after = {} if fault.ends else recovery(server, before)
            after["exit_code"] = server.process.returncode if fault.ends else stop(server)
            after["last_words"] = server.log.read_text()[-200:] if after["exit_code"] else ""
        failed = judged(fault, healthy, calls, found, after, allowance_ms=self.options.allowance_ms)
        row = {"number": number, "title": fault.title, "verdict": verdict(healthy, found, failed), "failed": failed}
        return row | {"found": found, "after": after} | figures(fault, healthy, calls, watch)

    def _carried(self, settings: Mapping[str, object]) -> float:
        """Return how many callers a second such a server carries without the load controller, as in overload.py."""
        if self.options.capacity:
            return float(self.options.capacity)
        with running({**settings, "load.enabled": False}) as server:
            load = attrs.evolve(self.load, url=server.url, step_s=HEALTHY_S)
            carried_per_s = capacity(search(self.crowds, load, FIRST_PER_S, halvings=1), load.target_ms)
        if not carried_per_s:
            sys.exit(f"not even {FIRST_PER_S:g} caller a second was served within {load.target_ms:g} ms")
        return carried_per_s

    def _healthy(self, server: Server) -> Plan:
        said = [[clip] for clip in [*self.load.clips, *self.load.clips]]
        return Plan(server.url, burst(len(said), HEALTHY_S), said)


def injected(fault: Fault, scene: Scene) -> Findings:
    """Inject the fault; a server that cannot be reached for that is a finding."""
    try:
        return fault.inject(scene)
    except (OSError, HTTPException) as error:
        return {"error": repr(error), "held": False}


def recovery(server: Server, before: Inventory) -> dict[str, Any]:
    """Wait until the server is as it was; return the seconds for each figure, None for one that did not recover."""
    if server.process.poll() is not None:
        return {"level_s": None, "level": "gone", "is_clean": False, "processes": "gone", "files": "gone"}
    level_s = poll(lambda: strain(server)[0] <= before.level, RECOVERY_S)
    clean_s = poll(lambda: before.covers(Inventory.of(server)), SETTLE_S)
    now = Inventory.of(server)
    return {
        "level_s": None if level_s is None else round(level_s, 1),
        "level": [before.level, *strain(server)],
        "is_clean": clean_s is not None,
        "processes": [before.processes, now.processes],
        "files": [before.files, now.files],
    }


# --- judging -------------------------------------------------------------------------------------


def heard(calls: Sequence[Call]) -> dict[str, set[str]]:
    """Return all transcripts of each clip."""
    found: dict[str, set[str]] = defaultdict(set)
    for turn in turns(calls):
        found[turn.name] |= {plain(text) for text in turn.transcripts}
    return found


def plain(text: str) -> str:
    """Return letters and digits only: commas depend on the other utterances in a batch."""
    return "".join(letter for letter in text.lower() if letter.isalnum())


def wrong(fault: Fault, healthy: Sequence[Call], calls: Sequence[Call]) -> list[str]:
    """Return the turns that have not exactly one transcript, which the healthy server gave for that clip too."""
    reference = heard(healthy)
    return [
        f"{turn.name}: {turn.transcripts}"
        for turn in turns(calls)
        if is_due(fault, turn)
        and (len(turn.transcripts) != 1 or plain(turn.transcripts[0]) not in reference[turn.name])
    ]


def lost(fault: Fault, calls: Sequence[Call]) -> list[str]:
    """Return the callers that were admitted and not served; refused ones count unless the fault allows it."""
    return [
        f"call at {call.due_s:.1f} s: {call.result}, status {call.status}, closed {call.close_code}, {call.trouble}"
        for call in calls
        if call.result != "served"
        and not (fault.refused and (call.result == "refused" or call.status is None))
        and not (fault.ends and not any(is_due(fault, turn) and not turn.is_done for turn in call.turns))
    ]


def is_due(fault: Fault, turn: Turn) -> bool:
    """Return whether an answer is due: a draining server closes sessions in which no speech has begun."""
    return turn.is_heard or not fault.ends


def unhit_p95_ms(fault: Fault, calls: Sequence[Call]) -> float:
    """Return p95 without the slowest turns, as many as the fault itself hits."""
    times = sorted(transcript_ms(calls))
    return percentile(times[: len(times) - fault.affected], 95)


def judged(
    fault: Fault,
    healthy: Sequence[Call],
    calls: Sequence[Call],
    found: Findings,
    after: dict[str, Any],
    *,
    allowance_ms: float,
) -> list[str]:
    """Return the broken expectations in words; empty if all held."""
    limit_ms = GROWTH * percentile(transcript_ms(healthy), 95) + allowance_ms
    if any(call.result != "served" for call in healthy):
        return ["not judged: the healthy server did not serve all callers"]
    failed = [*wrong(fault, healthy, calls), *lost(fault, calls)]
    served = sum(call.result == "served" for call in calls)
    if served < fault.spared * len(calls):
        failed.append(f"{served} of {len(calls)} served, at least {fault.spared:.0%}")
    if not found.get("held", True):
        failed.append(f"the fault's own rule: {found}")
    if not fault.slow and not unhit_p95_ms(fault, calls) <= limit_ms:
        failed.append(f"p95 {unhit_p95_ms(fault, calls):.0f} ms, at most {limit_ms:.0f}")
    if after["exit_code"] != 0:
        failed.append(f"exit code {after['exit_code']}: {after.get('last_words', '')!r}")
    if not fault.ends and after["level_s"] is None:
        failed.append(f"level {after['level']} not as before within {RECOVERY_S:g} s")
    if not fault.ends and not after["is_clean"]:
        failed.append(f"left over: processes {after['processes']}, files {after['files']}")
    return failed


def verdict(healthy: Sequence[Call], found: Findings, failed: Sequence[str]) -> str:
    """Return ``held``, ``did not hold``, or ``not shown`` where the fault did not bite or nothing was well before."""
    if any(call.result != "served" for call in healthy) or not found.get("bit", True):
        return "not shown"
    return "did not hold" if failed else "held"


def merged(before: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a report with the new rows in the place of the old ones, so that faults can be run one by one."""
    by_number = {row["number"]: row for row in (*before.get("faults", ()), *rows)}
    return {
        "faults": [by_number[number] for number in sorted(by_number)],
        "missed": [row["number"] for row in rows if row["verdict"] != "held"],
    }


def figures(fault: Fault, healthy: Sequence[Call], calls: Sequence[Call], watch: Watch) -> dict[str, Any]:
    """Return the figures shown beside the verdict."""
    return {
        "calls": len(calls),
        "served": sum(call.result == "served" for call in calls),
        "refused": sum(call.result == "refused" for call in calls),
        "healthy_p95_ms": rounded(percentile(transcript_ms(healthy), 95)),
        "p95_ms": rounded(unhit_p95_ms(fault, calls)),
        "slowest_ms": rounded(percentile(transcript_ms(calls), 100)),
        "may_differ": [reason for reason in (fault.slow, fault.refused) if reason],
        "seen": watch.seen(),
    }


def _print(row: dict[str, Any]) -> None:
    print(f"\n{row['number']:>3}  {row['title']}: {row['verdict']}")
    print(f"     {row['served']} of {row['calls']} served, {row['refused']} refused;", end=" ")
    print(f"p95 {row['p95_ms']} ms, healthy {row['healthy_p95_ms']}, slowest {row['slowest_ms']}")
    print(f"     {row['found']}; {row['after']}; {row['seen']}", flush=True)
    for line in row["failed"]:
        print(f"     ! {line}", flush=True)


PART: Final = Part(
    "chaos",
    measure,
    (
        *CALLERS,
        Flag("--only", list(FAULTS), "faults by number, such as 1,2,3", _numbers),
        Flag("--list", False, "print the faults and leave"),
        Flag("--rate", 1.5, "callers a second"),
        Flag("--duration", 14.0, "seconds in which they come"),
        Flag("--capacity", 0.0, "callers a second that 16 takes for the capacity"),
        Flag("--allowance-ms", 300.0, "growth of p95 that counts as noise"),
    ),
)
