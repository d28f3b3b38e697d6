"""What each panel and each alert of deploy/ gets: a real Prometheus scrapes a server.

The files of ``deploy/`` are used as they are but for the address, and with a key that may only read. Meanwhile commands
are typed, so that there is something to see. An alert is asked without its threshold:
one that gets nothing could never fire. ``empty`` is right where nothing of the kind has happened; an expression that
asks for what no server exports, that Prometheus cannot read, or that is not evaluated, is a fault.

    sayso bench scrape                                a server of its own, for a minute
    sayso bench scrape --seconds 10 --scrape 1        shorter
    sayso bench scrape --url ws://HOST:8000/ws --key-file FILE    one that runs already
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import trio
import yaml

from backends.metrics import FIGURES, PREFIX
from bench.load.options import URL
from bench.load.server import ROOT, address, poll
from bench.part import Flag, Part, Report
from bench.progress import progress
from bench.report import table
from bench.scrape import expressions
from bench.scrape.expressions import Answer, Expression, Verdict, configuration, exported_by, judged, shipped
from bench.scrape.prometheus import Prometheus, checked, programs, scraping
from sayso_client import ClientOptions, TurnCompleted, connect

SENTENCES: Final = ("what time is it", "what is twelve times seven", "list my timers", "read my notes")
"""Nothing of them changes what somebody keeps on a server that runs already."""
TURN_WITHIN_S: Final = 15.0
PAUSE_S: Final = 0.5
FIRST_SCRAPE_S: Final = 30.0
TURNS: Final = "voice_control_turn_seconds_bucket"


@attrs.frozen
class Keys:
    """Files with a key each; ``None`` for a server that wants none."""

    read: Path | None
    talk: Path | None


@attrs.frozen
class Asked:
    """An expression with its answer."""

    expression: Expression
    answer: Answer
    verdict: Verdict


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Scrape for a while, and ask everything."""
    programs()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = Keys(options.key_file, options.key_file) if options.url else new_keys(folder)
        with address(options.url, {"supervisor.data_dir": folder / "server"}) as url:
            yield reported(found(folder, url, keys, options))


def new_keys(folder: Path) -> Keys:
    """Make keys for a server whose data will be in ``folder``/server."""
    return Keys(*(new_key(folder, name, scope) for name, scope in (("prometheus", "read"), ("caller", "talk"))))


def new_key(folder: Path, name: str, scope: str) -> Path:
    """Make a key; returns the file that has it."""
    command = [sys.executable, "-m", "cli", "keys", "new", name, "--scope", scope]
    command += ["--set", f"supervisor.data_dir={folder / 'server'}"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    file = folder / f"{name}.key"
    file.write_text(made.stdout.strip())
    return file


def headers(key_file: Path | None) -> Mapping[str, str]:
    """Return the headers of a request with the key of a file."""
    return {} if key_file is None else {"authorization": f"Bearer {key_file.read_text().strip()}"}


def found(folder: Path, url: str, keys: Keys, options: argparse.Namespace) -> dict[str, Any]:
    """Run Prometheus against a server, and return what it says."""
    host = urlsplit(url).netloc
    shipped_page = yaml.safe_load(expressions.CONFIG.read_text(encoding="utf-8"))
    made = configuration(shipped_page, host, options.scrape, keys.read)
    with scraping(folder, made) as prometheus:
        if poll(lambda: has_scraped(prometheus), FIRST_SCRAPE_S) is None:
            sys.exit(f"prometheus did not scrape {host} within {FIRST_SCRAPE_S:g} s")
        began = time.time()
        with progress("scraping", options.seconds):
            trio.run(talk, url, headers(keys.talk), options.seconds)
        ended = time.time()
        page = page_of(host, keys.read)
        exported = exported_by(page) | {PREFIX + figure.name for figure in FIGURES if figure.is_optional}
        asked = [
            Asked(one, answer, judged(one, answer, exported))
            for one in shipped()
            for answer in [prometheus.asked(one.asked(options.scrape), began, ended, options.scrape)]
        ]
        return {"asked": asked, "faults": [*faults_of(prometheus), *promtool(folder, page)]} | seen(
            prometheus, began, ended
        )


def has_scraped(prometheus: Prometheus) -> bool:
    """Return whether there was a scrape: Prometheus takes its targets some five seconds after its start."""
    return any(one["health"] != "unknown" for one in prometheus.get("targets")["activeTargets"])


async def talk(url: str, access: Mapping[str, str], seconds: float) -> int:
    """Type commands for so long; return how many turns have ended."""
    turns = 0
    with trio.move_on_after(seconds):
        async with connect(url, ClientOptions(capabilities=("tools",)), headers=access) as session:
            while True:
                await session.send_text(SENTENCES[turns % len(SENTENCES)])
                with trio.fail_after(TURN_WITHIN_S):
                    while not isinstance(await session.receive(), TurnCompleted):
                        pass
                turns += 1
                await trio.sleep(PAUSE_S)
    return turns


def page_of(host: str, key_file: Path | None) -> str:
    """Return a server's page for Prometheus."""
    asked = urllib.request.Request(f"http://{host}/metrics", headers=dict(headers(key_file)))
    with urllib.request.urlopen(asked, timeout=10) as page:
        return str(page.read().decode())


# --- what Prometheus says ------------------------------------------------------------------------


def faults_of(prometheus: Prometheus) -> list[str]:
    """Return what is wrong with its targets and its rules."""
    targets = [one for one in prometheus.get("targets")["activeTargets"] if one["health"] != "up"]
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    return [
        *(f"target {one['scrapeUrl']} is {one['health']}: {one['lastError']}" for one in targets),
        *(
            f"rule {rule['name']} is {rule['health']}: {rule.get('lastError', '')}"
            for rule in rules
            if rule["health"] != "ok"
        ),
    ]


def promtool(folder: Path, page: str) -> list[str]:
    """Return what promtool has against the configuration, the rules and the server's page."""
    made = (
        checked("config", str(folder / "prometheus.yml")),
        checked("rules", "--lint-fatal", str(expressions.ALERTS)),
        checked("metrics", given=page),
    )
    return [f"promtool: {text}" for text in made if text]


def seen(prometheus: Prometheus, began: float, ended: float) -> dict[str, Any]:
    """Return how much it has scraped, how long that took, and of how many turns it can tell the log's lines."""
    up = prometheus.get("query_range", query="up", start=began, end=ended, step=1)["result"]
    took = prometheus.get("query", query="max_over_time(scrape_duration_seconds[1h])")["result"]
    samples = prometheus.get("query", query="scrape_samples_scraped")["result"]
    kept = prometheus.get("query_exemplars", query=TURNS, start=began, end=ended)
    turn_ids = {one["labels"].get("turn_id", "") for series in kept for one in series["exemplars"]}
    firing = [
        alert["labels"]["alertname"] for alert in prometheus.get("alerts")["alerts"] if alert["state"] == "firing"
    ]
    return {
        "always_up": bool(up) and all(value == "1" for one in up for _, value in one["values"]),
        "slowest_scrape_ms": round(max((1000 * float(one["value"][1]) for one in took), default=0.0), 1),
        "samples": max((int(one["value"][1]) for one in samples), default=0),
        "turns_in_exemplars": len(turn_ids - {""}),
        "firing": sorted(set(firing)),
    }


# --- the report ----------------------------------------------------------------------------------


def reported(result: dict[str, Any]) -> Report:
    """Print the table, and return the report."""
    asked: Sequence[Asked] = result.pop("asked")
    rows = [
        (f"{'alert ' if one.expression.is_alert else ''}{one.expression.where}", one.verdict, *figures(one.answer))
        for one in asked
    ]
    table("what Prometheus gets", ("result", "series", "ms"), rows)
    faults = [*result.pop("faults"), *(told(one) for one in asked if one.verdict == "fault")]
    if not result["always_up"]:
        faults.append("the server did not answer each scrape")
    if not result["turns_in_exemplars"]:
        faults.append(f"no exemplar of {TURNS} names a turn")
    counts = Counter(one.verdict for one in asked)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
    print(json.dumps(result))
    for fault in faults:
        print(f"fault: {fault}")
    return {"counts": dict(counts), **result, "faults": faults, "missed": faults}


def figures(answer: Answer) -> tuple[int, str]:
    """Return the cells of an answer."""
    return answer.series, f"{answer.took_ms:.1f}"


def told(one: Asked) -> str:
    """Return a fault in words."""
    return f"{one.expression.where}: {one.answer.error or 'it asks for what no server exports'}: {one.expression.text}"


PART: Final = Part(
    "scrape",
    measure,
    (
        URL,
        Flag("--seconds", 60.0, "for how long"),
        Flag("--scrape", 5.0, "seconds between scrapes"),
        Flag("--key-file", None, "with a key that may read and talk, for --url", kind=Path),
    ),
)
