"""Prometheus and Grafana: their files by promtool, and every metric that they name by the server's own table."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from backends.metrics import FIGURES, PREFIX, PrometheusMetrics
from tests.deploy.validators import DEPLOY, Verdict, documents, planted, verdict

pytestmark = pytest.mark.system
PROMETHEUS = DEPLOY / "prometheus"
NAME = re.compile(rf"\b{PREFIX}\w+")
SELECTION = re.compile(rf"\b{PREFIX}(?P<name>\w+)(?:{{(?P<labels>[^}}]*)}})?")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GUIDE = {
    "Request Rate": 'rate(voice_control_requests_total{instance=~"$instance"}[1m])',
    "Response Time": (
        'histogram_quantile(0.95, rate(voice_control_request_duration_seconds_bucket{instance=~"$instance"}[1m]))'
    ),
    "Memory Usage": 'voice_control_memory_usage_bytes{instance=~"$instance"} / 1024 / 1024',
}
"""The guide's panels; it shows one server, and we show those that are chosen."""
ADDED_BY_PROMETHEUS = {"instance", "job", "le"}


def promtool(*arguments: str | Path, folder: Path = PROMETHEUS, given: str = "") -> Verdict:
    return verdict("promtool", *arguments, folder=folder, given=given, install="apt-get install prometheus")


def panels() -> list[Any]:
    page = json.loads((DEPLOY / "grafana/sayso.json").read_text(encoding="utf-8"))
    return [panel for panel in page["panels"] if panel["type"] != "row"]


def rules() -> list[Any]:
    (page,) = documents("prometheus/alerts.yml")
    return [rule for group in page["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    yield from (target["expr"] for panel in panels() for target in panel["targets"])
    yield from (rule["expr"] for rule in rules())


def exported() -> dict[str, set[str]]:
    """Return the labels of every series that a server exports, by its name without the prefix."""
    series = {}
    for figure in FIGURES:
        parts = ("_bucket", "_sum", "_count") if figure.kind == "histogram" else ("",)
        series |= {f"{figure.name}{part}": set(figure.labels) for part in parts}
    return series


def troubles(expression: str) -> list[str]:
    """Return what an expression asks for that no server has."""
    known, found = exported(), []
    for match in SELECTION.finditer(expression):
        labels = known.get(match["name"])
        if labels is None:
            found.append(f"no server exports {match['name']}")
            continue
        asked = set(LABEL.findall(match["labels"] or ""))
        found += [f"{match['name']} has no label {label}" for label in sorted(asked - labels - ADDED_BY_PROMETHEUS)]
    return found


# --- by promtool ---------------------------------------------------------------------------------


def test_the_configuration_and_the_alerts_are_fine_by_promtool() -> None:
    assert promtool("check", "config", "--syntax-only", "prometheus.yml").code == 0
    found = promtool("check", "rules", "--lint-fatal", "alerts.yml")
    assert found.code == 0, found.output
    assert f"{len(rules())} rules found" in found.output


def test_promtool_notices_a_planted_error(tmp_path: Path) -> None:
    planted(tmp_path, "prometheus/prometheus.yml", "scrape_configs:", "scrap_configs:")
    planted(tmp_path, "prometheus/alerts.yml", "histogram_quantile(0.95, sum", "histogram_quantile(0.95 sum")
    assert promtool("check", "config", "--syntax-only", "prometheus.yml", folder=tmp_path).code != 0
    assert promtool("check", "rules", "alerts.yml", folder=tmp_path).code != 0


def test_every_alert_fires_when_it_should_and_only_then() -> None:
    found = promtool("test", "rules", "alerts_test.yml")
    assert found.code == 0, found.output
    (tests,) = documents("prometheus/alerts_test.yml")
    cases = {test["name"] for test in tests["tests"]}
    assert cases == {f"{rule['alert']} {what}" for rule in rules() for what in ("fires", "keeps quiet")}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('up{job="sayso"} == 0', 'up{job="sayso"} == 1'),
        ('{stage="total"}[5m]))) > 3', '{stage="total"}[5m]))) > 4'),
        ("min(voice_control_load_level) >= 3", "max(voice_control_load_level) >= 3"),
        ("voice_control_history_waiting_rows > 1000", "voice_control_history_waiting_rows > 1200"),
        ('cause="logins"', 'cause="rate"'),
    ],
)
def test_the_cases_notice_an_alert_that_is_wrong(tmp_path: Path, right: str, wrong: str) -> None:
    shutil.copy(PROMETHEUS / "alerts_test.yml", tmp_path)
    planted(tmp_path, "prometheus/alerts.yml", right, wrong)
    assert promtool("test", "rules", "alerts_test.yml", folder=tmp_path).code == 1


def test_every_expression_of_the_dashboard_can_be_read_by_prometheus(tmp_path: Path) -> None:
    def checked(given: list[str]) -> Verdict:
        recorded = [
            {"record": f"panel:{number}", "expr": text.replace("$__rate_interval", "1m").replace("$instance", ".*")}
            for number, text in enumerate(given)
        ]
        (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
        return promtool("check", "rules", "rules.yml", folder=tmp_path)

    asked = [target["expr"] for panel in panels() for target in panel["targets"]]
    found = checked(asked)
    assert found.code == 0, found.output
    assert checked([*asked, "sum by le (up)"]).code == 1


# --- against the server --------------------------------------------------------------------------


def test_every_metric_and_label_that_is_asked_for_is_exported() -> None:
    assert [(text, found) for text in expressions() if (found := troubles(text))] == []
    assert len({name for text in expressions() for name in NAME.findall(text)}) > 25


def test_a_counter_whose_growth_alerts_is_there_before_it_grows() -> None:
    page = PrometheusMetrics().render("")[1].decode()
    asked = [
        f'{name}{{{label}="{value}"}} 0.0'
        for rule in rules()
        for name, label, values in re.findall(rf'increase\(({PREFIX}\w+){{(\w+)=~?"([^"]*)"}}', rule["expr"])
        for value in values.split("|")
    ]
    assert len(asked) > 4
    assert [line for line in asked if line not in page] == []


@pytest.mark.parametrize(
    ("expression", "trouble"),
    [
        ("rate(voice_control_nonsense_total[1m])", "no server exports nonsense_total"),
        ('voice_control_load_level{level="3"}', "load_level has no label level"),
        ("voice_control_turn_seconds > 3", "no server exports turn_seconds"),
    ],
)
def test_a_metric_that_does_not_exist_is_noticed(expression: str, trouble: str) -> None:
    assert troubles(expression) == [trouble]


def test_the_labels_by_which_is_summed_are_those_of_the_metric() -> None:
    by = re.compile(rf"by \(([^)]*)\) \((?:rate|increase)?\(?{PREFIX}(\w+)")
    known = exported()
    asked = [(name, set(labels.split(", "))) for text in expressions() for labels, name in by.findall(text)]
    assert len(asked) > 15
    assert [(name, labels) for name, labels in asked if labels - known[name] - ADDED_BY_PROMETHEUS] == []


def test_the_dashboard_has_the_guides_three_panels() -> None:
    shown = {panel["title"]: panel["targets"][0]["expr"] for panel in panels()}
    assert {title: shown[title] for title in GUIDE} == GUIDE


def test_no_two_panels_lie_on_each_other() -> None:
    places = [(panel["gridPos"], panel["title"]) for panel in panels()]
    taken = [(at["x"] + x, at["y"] + y) for at, _ in places for x in range(at["w"]) for y in range(at["h"])]
    assert len(taken) == len(set(taken))
    assert max(x for x, _ in taken) < 24


def test_what_a_server_exports_is_good_prometheus_text() -> None:
    metrics = PrometheusMetrics()
    metrics.count("turns_total", ("done", "command"))
    metrics.observe("turn_seconds", ("total",), 0.3)
    text = metrics.render("")[1].decode()
    assert promtool("check", "metrics", given=text) == Verdict(0, "")
    wrong = text.replace("TYPE voice_control_turns_total counter", "TYPE voice_control_turns_total gauge")
    assert promtool("check", "metrics", given=wrong).code != 0
