"""The expressions of the dashboard and of the alerts, made so that Prometheus can be asked them; pure but for reading.

What an answer is worth is decided here as well: data, an empty result that is right, or a fault.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import attrs
import yaml

DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"
DASHBOARD: Final = DEPLOY / "grafana/sayso.json"
ALERTS: Final = DEPLOY / "prometheus/alerts.yml"
CONFIG: Final = DEPLOY / "prometheus/prometheus.yml"

Verdict = Literal["data", "empty", "elsewhere", "fault"]
"""``empty``: it asks for what the server exports, and there was none of it; ``elsewhere``: for another program's."""

OURS: Final = "voice_control_"
NAMES: Final = re.compile(r"\b([a-z]+_[a-z_]+)\b(?=\s*(?:\{|\[|[<>=!/*)]|$))")
PARTS: Final = re.compile(r"_(?:bucket|sum|count)$")
THRESHOLD: Final = re.compile(r"\s*(?:[<>]=?|[=!]=)\s*[\d.]+(?:\s*\*\s*[\d.]+)*\s*$")
SCRAPES: Final = 4  # of a rate: Grafana's $__rate_interval is four times the scrape interval


@attrs.frozen
class Expression:
    """One question to Prometheus."""

    where: str
    """The panel's or the alert's name."""
    text: str
    is_alert: bool = False

    def asked(self, scrape_s: float) -> str:
        """Return it as Grafana would ask it of all replicas; of an alert what is compared with its threshold."""
        text = self.text.replace("$__rate_interval", f"{max(1, round(SCRAPES * scrape_s))}s")
        text = text.replace("$instance", ".*")
        return THRESHOLD.sub("", text) if self.is_alert else text

    def names(self) -> set[str]:
        """Return the metrics that it asks for, a histogram's by its own name."""
        return {PARTS.sub("", name) for name in NAMES.findall(self.text)}


@attrs.frozen
class Answer:
    """What Prometheus said: an error, or so many series with a value at least once."""

    series: int = 0
    error: str = ""
    took_ms: float = 0.0


def panels(page: Mapping[str, Any]) -> Iterator[Expression]:
    """Yield the expressions of a dashboard."""
    for panel in page["panels"]:
        for target in panel.get("targets", ()):
            yield Expression(panel["title"], target["expr"])


def alerts(page: Mapping[str, Any]) -> Iterator[Expression]:
    """Yield the expressions of a file of rules."""
    for group in page["groups"]:
        for rule in group["rules"]:
            yield Expression(rule["alert"], rule["expr"], is_alert=True)


def shipped() -> Sequence[Expression]:
    """Return all expressions of ``deploy/``."""
    page = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return (*panels(page), *alerts(yaml.safe_load(ALERTS.read_text(encoding="utf-8"))))


def judged(expression: Expression, answer: Answer, exported: set[str]) -> Verdict:
    """Say what an answer is worth, where a server exports ``exported`` (without ``_bucket``, ``_sum``, ``_count``)."""
    ours = {name for name in expression.names() if name.startswith(OURS)}
    if answer.error or ours - exported:
        return "fault"
    if answer.series:
        return "data"
    return "empty" if ours or "up" in expression.text else "elsewhere"


def exported_by(page: str) -> set[str]:
    """Return the names of all metrics of a page for Prometheus, those without a value too."""
    lines = (line.split(" ") for line in page.splitlines() if line.startswith("# TYPE "))
    return {name for _, _, name, *_ in lines}


def configuration(
    shipped_page: Mapping[str, Any], target: str, scrape_s: float, key_file: Path | None
) -> dict[str, Any]:
    """Return the shipped configuration with one address in the place of those of a network, and nothing else."""
    (job,) = [job for job in shipped_page["scrape_configs"] if job["job_name"] == "sayso"]
    pace = f"{round(1000 * scrape_s)}ms"
    kept = {name: value for name, value in job.items() if name not in {"dns_sd_configs", "authorization"}}
    access = {} if key_file is None else {"authorization": {**job["authorization"], "credentials_file": str(key_file)}}
    return {
        "global": {**shipped_page["global"], "scrape_interval": pace, "evaluation_interval": pace},
        "rule_files": [str(ALERTS)],
        "scrape_configs": [{**kept, **access, "scrape_timeout": pace, "static_configs": [{"targets": [target]}]}],
    }
