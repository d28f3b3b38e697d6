"""`sayso bench scrape`: what it asks Prometheus, what it makes of the answers, and a short run against a real one."""

import argparse
import shutil
from pathlib import Path

import pytest
import yaml

from bench.scrape import benchmark, expressions
from bench.scrape.expressions import Answer, Expression, configuration, exported_by, judged, shipped
from bench.scrape.prometheus import INSTALL, scraping
from tests.system.server_fixtures import Server

pytestmark = pytest.mark.system

EXPORTED = {"voice_control_turn_seconds", "voice_control_load_level", "voice_control_refusals_total"}


@pytest.mark.parametrize(
    ("text", "is_alert", "asked"),
    [
        ("rate(voice_control_turns_total[$__rate_interval])", False, "rate(voice_control_turns_total[20s])"),
        ('voice_control_load_level{instance=~"$instance"}', False, 'voice_control_load_level{instance=~".*"}'),
        ('up{job="sayso"} == 0', True, 'up{job="sayso"}'),
        ("voice_control_load_level >= 1", True, "voice_control_load_level"),
        ("voice_control_memory_usage_bytes > 0.9 * 8 * 1024", True, "voice_control_memory_usage_bytes"),
        ("min(a_b > 0) < count(up == 1)", True, "min(a_b > 0) < count(up == 1)"),
        ("count(up == 1)", False, "count(up == 1)"),
    ],
)
def test_an_expression_is_asked_as_grafana_asks_it_and_an_alerts_without_its_threshold(
    text: str, is_alert: bool, asked: str
) -> None:
    assert Expression("x", text, is_alert=is_alert).asked(5.0) == asked


@pytest.mark.parametrize(
    ("text", "answer", "verdict"),
    [
        ("voice_control_load_level", Answer(series=1), "data"),
        ("rate(voice_control_turn_seconds_bucket[5m])", Answer(series=1), "data"),
        ('increase(voice_control_refusals_total{cause="rate"}[10m])', Answer(), "empty"),
        ('up{job="sayso"} == 0', Answer(), "empty"),
        ("haproxy_server_status", Answer(), "elsewhere"),
        ("voice_control_load_level", Answer(error="timed out"), "fault"),
        ("voice_control_nonsense", Answer(), "fault"),
        ("voice_control_nonsense / voice_control_load_level", Answer(series=1), "fault"),
    ],
)
def test_an_answer_is_data_an_empty_one_or_a_fault(text: str, answer: Answer, verdict: str) -> None:
    assert judged(Expression("x", text), answer, EXPORTED) == verdict


def test_each_panel_and_each_alert_is_asked() -> None:
    asked = shipped()
    assert len([one for one in asked if one.is_alert]) == 16
    assert len([one for one in asked if not one.is_alert]) > 30
    ours = {name for one in asked for name in one.names() if name.startswith(expressions.OURS)}
    assert {"voice_control_turn_seconds", "voice_control_history_rows_total"} <= ours


def test_a_page_says_what_it_exports_also_where_there_is_no_value() -> None:
    assert exported_by("# HELP a x\n# TYPE a counter\n# TYPE b histogram\nb_count 1\n") == {"a", "b"}


def test_the_shipped_configuration_is_used_but_for_the_address_and_the_pace() -> None:
    page = yaml.safe_load(expressions.CONFIG.read_text())
    made = configuration(page, "127.0.0.1:8000", 0.5, Path("/k"))
    assert made["global"] == {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    assert made["scrape_configs"] == [
        {
            "job_name": "sayso",
            "authorization": {"credentials_file": "/k"},
            "scrape_timeout": "500ms",
            "static_configs": [{"targets": ["127.0.0.1:8000"]}],
        }
    ]
    assert "authorization" not in configuration(page, "a", 1.0, None)["scrape_configs"][0]


def test_a_prometheus_that_is_not_installed_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(SystemExit, match=f"prometheus and promtool not found: {INSTALL}"):
        next(benchmark.measure(argparse.Namespace()))


def need_prometheus() -> None:
    if shutil.which("prometheus") is None:
        pytest.skip(f"needs prometheus: {INSTALL}")


def test_a_prometheus_that_does_not_start_is_told_with_its_log(tmp_path: Path) -> None:
    need_prometheus()
    with pytest.raises(SystemExit, match=r"(?s)did not start.*nonsense"), scraping(tmp_path, {"nonsense": 1}):
        pass


def test_a_real_prometheus_gets_data_or_a_right_empty_result_from_all(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    need_prometheus()
    options = benchmark.PART.parser("scrape").parse_args(["--url", server.url, "--seconds", "2", "--scrape", "0.5"])
    [report] = benchmark.measure(options)
    assert report["faults"] == []
    assert set(report["counts"]) == {"data", "empty", "elsewhere"}
    assert report["counts"]["data"] > 15
    assert report["turns_in_exemplars"] > 0
    assert "what Prometheus gets" in capsys.readouterr().out
