"""A server under load for hours, with clients that come back and random faults: what grows, and what gets lost.

Callers by Poisson's law say commands; a few clients lose their connection again and again and come back; and every so
often comes a fault of `sayso bench chaos`, sometimes two at once, drawn from the seed. Memory, descriptors, processes
and tasks are sampled; their slopes are those of the lowest value in each window (bench/soak/slopes.py), and are judged
from half an hour on: before that they say more of the warm-up. Exits with 1 where something grew, a turn was lost or
heard differently than by the healthy server, or the server did not end well.

    sayso bench soak --minutes 60
    sayso bench soak --minutes 1 --fault-every 10      a try
    sayso bench soak --minutes 600 --fault-every 0     no faults
"""

import argparse
import http.client
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import Any, Final

import attrs
import psutil
from prometheus_client.parser import text_string_to_metric_families

from bench.load.arrivals import burst
from bench.load.callers import Crowds
from bench.load.capacity import Load
from bench.load.chaos import injected, wrong
from bench.load.clips import clips
from bench.load.faults import FAULTS, LEAK_CAP_MB, Scene
from bench.load.figures import percentile, rounded, summary, transcript_ms
from bench.load.options import CALLERS
from bench.load.records import Call, Plan
from bench.load.server import Server, every, poll, restarts, running, stop
from bench.open_files import raised
from bench.part import Flag, Part, Report
from bench.progress import progress
from bench.report import table
from bench.soak.schedule import Due, drawn
from bench.soak.slopes import Growth, Limit, growths
from bench.soak.wanderers import Wandered, wander

SAMPLE_EVERY_S: Final = 2.0
WARM_UP: Final = 0.2
"""Share of the soak after which slopes begin."""
WINDOWS: Final = 20
"""Of a soak, of each of which the lowest value counts."""
JUDGED_FROM_MINUTES: Final = 30.0
HEALTHY_S: Final = 8.0
QUIET_S: Final = 30.0
SETTINGS: Final[Mapping[str, object]] = {
    "transcription.job_timeout_s": 3,  # a stopped worker is replaced
    "transcription.embedded.worker_memory_mb": LEAK_CAP_MB,  # one that leaks, too
    "load.max_cpu_percent": 100,  # other programs may use the processors
}
LIMITS: Final[Mapping[str, Limit]] = {
    "server_mb": Limit(0.005, is_share=True),
    "descriptors": Limit(0.5, is_share=False),
    "tasks": Limit(1.0, is_share=False),
    "processes": Limit(0.5, is_share=False),
}
"""In an hour: memory may grow by half a percent, and nothing else at all, which is less than one."""
TASKS: Final = "voice_control_event_loop_tasks"
NO_ANSWER: Final = (OSError, ValueError, http.client.HTTPException, psutil.NoSuchProcess)


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Soak one server, and print what grew and what got lost."""
    raised()
    duration_s = options.minutes * 60
    dues = list(drawn(options.seed, duration_s, options.fault_every)) if options.fault_every else []
    with ExitStack() as stack:
        crowds, returning = stack.enter_context(Crowds(options.processes)), stack.enter_context(Crowds(1))
        server = stack.enter_context(running({**SETTINGS, **dict(options.set)}))
        spoken = clips(options.corpus)
        load = Load(server.url, spoken, duration_s, options.target_ms, options.seed)
        said = [[clip] for clip in [*spoken, *spoken]]
        healthy = crowds.run(Plan(server.url, burst(len(said), HEALTHY_S), said))
        soak = Soak(server, load, dues)
        with every(SAMPLE_EVERY_S, soak.sample), progress("soak", duration_s) as advance:
            calls, wandered = soaked(soak, crowds, returning, options, advance)
        poll(lambda: not server.status()["sessions"], QUIET_S)
        left = restarts(server.status())
        code = stop(server)
    report = figures(soak, calls, wandered, options)
    report |= {"restarts": left, "exit_code": code, "wrong": wrong(FAULTS[1], healthy, calls)}
    report["missed"] = missed(report, is_long=options.minutes >= JUDGED_FROM_MINUTES)
    print_report(report)
    yield report


def soaked(
    soak: "Soak", crowds: Crowds, returning: Crowds, options: argparse.Namespace, advance: Callable[[float], None]
) -> tuple[list[Call], Wandered]:
    """Let callers and returning clients talk to the server, and the faults happen, until the time is over."""
    load = soak.load
    running_crowd = crowds.start(load.plan(options.rate))
    clients = returning.submit(wander, load.url, options.clients, load.step_s, options.seed)
    with every(1.0, partial(advance, 1.0)):
        soak.break_things()
        calls = running_crowd.calls()
    return calls, clients.result()


@attrs.define(eq=False)
class Soak:
    """The server with its samples and its faults."""

    server: Server
    load: Load
    dues: Sequence[Due]
    samples: dict[str, list[tuple[float, float]]] = attrs.field(factory=lambda: defaultdict(list))
    struck: list[dict[str, Any]] = attrs.field(factory=list)
    unanswered: int = 0
    _began_s: float = attrs.field(factory=time.monotonic)

    def sample(self) -> None:
        """Take one sample; a page without an answer is counted."""
        at_s = time.monotonic() - self._began_s
        try:
            found = sampled(self.server)
        except NO_ANSWER:
            self.unanswered += 1
            return
        for name, value in found.items():
            self.samples[name].append((at_s, value))

    def break_things(self) -> None:
        """Let each fault happen when it is due; two that are due together begin together."""
        for due in self.dues:
            time.sleep(max(0.0, self._began_s + due.at_s - time.monotonic()))
            threads = [threading.Thread(target=self._strike, args=(number,)) for number in due.numbers]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _strike(self, number: int) -> None:
        at_s = round(time.monotonic() - self._began_s, 1)
        found = injected(FAULTS[number], Scene(self.server, self.load, 0.0))
        self.struck.append({"at_s": at_s, "number": number, "title": FAULTS[number].title, "found": found})


def sampled(server: Server) -> dict[str, float]:
    """Return a server's figures now; raises one of ``NO_ANSWER``."""
    process = psutil.Process(server.pid)
    family = server.family()
    found = {
        "server_mb": process.memory_info().rss / 2**20,
        "descriptors": float(process.num_fds()),
        "processes": float(len(family)),
    }
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=5.0)) as connection:
        connection.request("GET", "/metrics")
        page = connection.getresponse().read().decode()
    return found | tasks_in(page)


def tasks_in(page: str) -> dict[str, float]:
    """Return the number of tasks in a page of metrics, if it is there."""
    samples = (sample for family in text_string_to_metric_families(page) for sample in family.samples)
    found = next((sample.value for sample in samples if sample.name == TASKS), None)
    return {} if found is None else {"tasks": found}


# --- the report ----------------------------------------------------------------------------------


def figures(soak: Soak, calls: Sequence[Call], wandered: Wandered, options: argparse.Namespace) -> dict[str, Any]:
    """Return what was seen."""
    duration_s = options.minutes * 60
    grown = list(growths(soak.samples, WARM_UP * duration_s, duration_s / WINDOWS))
    return {
        "callers": summary(calls, duration_s, options.target_ms),
        "p99_ms": rounded(percentile(transcript_ms(calls), 99)),
        "returning": attrs.asdict(wandered) | {"lost": wandered.lost, "troubles": wandered.troubles[:5]},
        "growth": [attrs.asdict(one) for one in grown],
        "faults": soak.struck,
        "unanswered": soak.unanswered,
    }


def missed(report: Mapping[str, Any], *, is_long: bool) -> list[str]:
    """Return what did not hold, in words; slopes count in a long soak only."""
    found: list[str] = [f"heard differently: {one}" for one in report["wrong"]]
    results, returning = report["callers"]["results"], report["returning"]
    if lost := results.get("lost", 0):
        found.append(f"{lost} callers were lost")
    if returning["lost"] or returning["doubled"]:
        found.append(f"{returning['lost']} typed questions without an end, {returning['doubled']} ended twice")
    if report["exit_code"] != 0:
        found.append(f"the server ended with {report['exit_code']}")
    found += [
        f"fault {one['number']}: {one['found']}" for one in report["faults"] if not one["found"].get("held", True)
    ]
    if is_long:
        grown = [Growth(**one) for one in report["growth"]]
        found += [f"{one.name} grew by {one.per_hour:.3g} an hour" for one in grown if one.exceeds(LIMITS[one.name])]
    return found


def print_report(report: Mapping[str, Any]) -> None:
    """Print the figures."""
    rows = [
        [one["name"], *(shown(one[key]) for key in ("first", "last", "highest", "per_hour")), percent(one)]
        for one in report["growth"]
    ]
    table("what grew", ("first", "last", "highest", "an hour", "% an hour"), rows)
    struck = Counter(one["title"] for one in report["faults"])
    for name, value in (*report["callers"].items(), ("p99_ms", report["p99_ms"]), *report["returning"].items()):
        print(f"  {name:<22} {value}")
    print("\n".join(["", "faults:", *(f"  {count} x {title}" for title, count in struck.items())]))
    print("\n".join(f"missed: {line}" for line in report["missed"] or ["nothing"]))


def shown(value: float | None) -> str:
    """Return a figure, or a dash."""
    return "-" if value is None else f"{value:.4g}"


def percent(growth: Mapping[str, Any]) -> str:
    """Return the growth of an hour as a share of the first value."""
    share = growth["share_per_hour"]
    return "-" if share is None else f"{share:.2%}"


def minutes(text: str) -> float:
    """Return a number of minutes above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be > 0, not {text}")
    return value


PART: Final = Part(
    "soak",
    measure,
    (
        *CALLERS,
        Flag("--minutes", 60.0, "how long", minutes),
        Flag("--rate", 1.0, "callers a second"),
        Flag("--clients", 5, "that lose their connection and come back"),
        Flag("--fault-every", 30.0, "seconds between faults; 0 none"),
    ),
)
