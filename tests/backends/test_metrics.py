"""Figures for Prometheus: declared once, bounded, and readable by its own parsers."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from backends.metrics import FIGURES, SERIES_MAX, Figure, PrometheusMetrics
from protocol.messages.records import Count, Observe

GUIDE = {
    "voice_control_requests_total": ("counter", ("method", "endpoint")),
    "voice_control_request_duration_seconds": ("histogram", ()),
    "voice_control_active_connections": ("gauge", ()),
    "voice_control_memory_usage_bytes": ("gauge", ()),
    "voice_control_cpu_usage_percent": ("gauge", ()),
}


def samples(metrics: PrometheusMetrics) -> dict[tuple[str, ...], float]:
    """Every sample: its name and the values of its labels, in the order of their names."""
    _, body = metrics.render("")
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in parse_plain(body.decode())
        for sample in family.samples
    }


def updated(figure: Figure, metrics: PrometheusMetrics, labels: tuple[str, ...]) -> None:
    match figure.kind:
        case "counter":
            metrics.count(figure.name, labels)
        case "gauge":
            metrics.gauge(figure.name, labels, 1.0)
        case "histogram":
            metrics.observe(figure.name, labels, 1.0)


@pytest.fixture
def metrics() -> PrometheusMetrics:
    return PrometheusMetrics()


def test_the_figures_of_the_guide_are_there_under_its_names() -> None:
    declared = {f"voice_control_{figure.name}": (figure.kind, figure.labels) for figure in FIGURES}

    assert GUIDE.items() <= declared.items()


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_every_figure_can_be_updated_and_is_exported(figure: Figure, metrics: PrometheusMetrics) -> None:
    updated(figure, metrics, tuple(f"a {label}" for label in figure.labels))

    suffix = "_count" if figure.kind == "histogram" else ""
    values = [f"a {label}" for label in sorted(figure.labels)]
    assert samples(metrics)[(f"voice_control_{figure.name}{suffix}", *values)] == 1.0


def test_counters_add_up_by_their_labels(metrics: PrometheusMetrics) -> None:
    metrics.count("requests_total", ("GET", "/health"))
    metrics.count("requests_total", ("GET", "/health"), 2)
    metrics.count("requests_total", ["GET", "/metrics"])

    found = samples(metrics)
    assert found["voice_control_requests_total", "/health", "GET"] == 3
    assert found["voice_control_requests_total", "/metrics", "GET"] == 1


def test_a_gauge_has_its_last_value(metrics: PrometheusMetrics) -> None:
    metrics.gauge("load_level", (), 3)
    metrics.gauge("load_level", (), 1)

    assert samples(metrics)["voice_control_load_level",] == 1


def test_a_histogram_has_buckets_for_its_unit(metrics: PrometheusMetrics) -> None:
    metrics.observe("turn_seconds", ("stt",), 0.25)

    found = samples(metrics)
    assert found["voice_control_turn_seconds_bucket", "0.2", "stt"] == 0
    assert found["voice_control_turn_seconds_bucket", "0.3", "stt"] == 1
    assert found["voice_control_turn_seconds_sum", "stt"] == 0.25


def test_two_registries_know_nothing_of_each_other(metrics: PrometheusMetrics) -> None:
    metrics.count("requests_total", ("GET", "/"))

    assert ("voice_control_requests_total", "/", "GET") not in samples(PrometheusMetrics())


@pytest.mark.parametrize("figure", [figure for figure in FIGURES if figure.labels], ids=lambda figure: figure.name)
def test_ten_thousand_sessions_make_no_more_series_than_allowed(
    figure: Figure, metrics: PrometheusMetrics, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(10_000):
        updated(figure, metrics, (f"session {number}",) * len(figure.labels))

    name = f"voice_control_{figure.name}" + ("_count" if figure.kind == "histogram" else "")
    found = {key[1:]: value for key, value in samples(metrics).items() if key[0] == name}
    assert len(found) == SERIES_MAX + 1
    others = 1.0 if figure.kind == "gauge" else 10_000.0 - SERIES_MAX + len(figure.zeros)
    assert found[("other",) * len(figure.labels)] == others
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_what_was_counted_before_the_limit_is_counted_on(metrics: PrometheusMetrics) -> None:
    for number in [*range(1_000), 0]:
        metrics.count("no_speech_total", (str(number),))

    assert samples(metrics)["voice_control_no_speech_total", "0"] == 2


@pytest.mark.parametrize("name", ["request_total", "load_level", "voice_control_requests_total", ""])
def test_what_is_not_declared_as_a_counter_cannot_be_counted(metrics: PrometheusMetrics, name: str) -> None:
    with pytest.raises(ValueError, match="a counter must be declared before it is used"):
        metrics.count(name, ())


@pytest.mark.parametrize("labels", [(), ("GET",), ("GET", "/", "more")])
def test_labels_must_be_as_many_as_declared(metrics: PrometheusMetrics, labels: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"requests_total must have labels \('method', 'endpoint'\)"):
        metrics.count("requests_total", labels)


@given(st.text(), st.text())
def test_any_text_can_be_a_label(method: str, endpoint: str) -> None:
    metrics = PrometheusMetrics()
    metrics.count("requests_total", (method, endpoint))

    _, body = metrics.render("")
    assert b"voice_control_requests_total{" in body


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        ("text/html,application/xhtml+xml", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", "application/openmetrics-text"),
        ("application/openmetrics-text; version=what", "text/plain; version=0.0.4"),
        ("application/openmetrics-text; version=", "application/openmetrics-text"),
        ("text/plain; version=9", "text/plain; version=1.0.0"),
        (";;;,,,===", "text/plain; version=0.0.4"),
    ],
)
def test_the_reader_gets_the_format_that_it_asks_for(
    metrics: PrometheusMetrics, accept: str, content_type: str
) -> None:
    metrics.count("requests_total", ("GET", "/"))
    metrics.observe("turn_seconds", ("stt",), 0.25)

    given_type, body = metrics.render(accept)

    assert given_type.startswith(content_type)
    parse = parse_openmetrics if given_type.startswith("application") else parse_plain
    assert "voice_control_turn_seconds" in {family.name for family in parse(body.decode())}


@given(st.sampled_from(["", "text/plain;", "application/openmetrics-text; version="]), st.text(max_size=40))
def test_no_accept_header_breaks_the_page(start: str, rest: str) -> None:
    _, body = PrometheusMetrics().render(start + rest)

    assert body


def test_figures_are_taken_as_actors_send_them() -> None:
    metrics = PrometheusMetrics()
    metrics.take(Count("shared_errors_total", ("take",)))
    metrics.take(Observe("shared_seconds", (), 0.002))
    _, page = metrics.render("")
    assert b'voice_control_shared_errors_total{what="take"} 1.0' in page
    assert b'voice_control_shared_seconds_bucket{le="0.0025"} 1.0' in page


# --- exemplars, and what is left out -------------------------------------------------------------

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def test_openmetrics_has_the_last_turn_of_a_bucket_as_its_exemplar(metrics: PrometheusMetrics) -> None:
    metrics.observe("turn_seconds", ("stt",), 0.25, {"turn_id": "t1"})
    metrics.observe("turn_seconds", ("stt",), 0.26, {"turn_id": "t2"})
    metrics.observe("turn_seconds", ("stt",), 9.0)

    _, body = metrics.render(OPENMETRICS)
    found = {
        sample.labels["le"]: (sample.exemplar.labels, sample.exemplar.value)
        for family in parse_openmetrics(body.decode())
        for sample in family.samples
        if sample.exemplar is not None
    }
    assert found == {"0.3": ({"turn_id": "t2"}, 0.26)}


def test_ids_are_no_labels_and_stand_in_no_plain_page(metrics: PrometheusMetrics) -> None:
    metrics.observe("turn_seconds", ("stt",), 0.25, {"turn_id": "t1"})

    assert b"t1" not in metrics.render("")[1]
    assert ("voice_control_turn_seconds_count", "stt") in samples(metrics)


def test_an_exemplar_too_long_for_openmetrics_is_our_mistake(metrics: PrometheusMetrics) -> None:
    with pytest.raises(ValueError, match="limit of 128"):
        metrics.observe("turn_seconds", ("stt",), 0.25, {"turn_id": "t" * 122})


@pytest.mark.parametrize("accept", ["", OPENMETRICS])
def test_when_a_series_was_created_is_no_series(accept: str, metrics: PrometheusMetrics) -> None:
    for figure in FIGURES:
        updated(figure, metrics, tuple(f"a {label}" for label in figure.labels))

    assert b"_created" not in metrics.render(accept)[1]


def test_what_alerts_count_the_growth_of_is_exported_from_the_start(metrics: PrometheusMetrics) -> None:
    found = samples(metrics)
    assert found["voice_control_history_rows_total", "lost"] == 0.0
    assert {labels: 0.0 for labels in found if labels[0] == "voice_control_refusals_total"} == {
        ("voice_control_refusals_total", cause): 0.0 for cause in ("places", "share", "speech", "logins")
    }


def test_what_a_server_need_not_have_is_exported_once_it_was_set(metrics: PrometheusMetrics) -> None:
    assert b"shared_up" not in metrics.render("")[1]
    metrics.gauge("shared_up", (), 0)
    metrics.gauge("shared_up", (), 1)
    assert samples(metrics)["voice_control_shared_up",] == 1.0
