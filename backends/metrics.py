"""Prometheus: one table declares every metric, and nothing else makes one.

Rules kept here:

* Names begin with ``voice_control_``; units are in the names; labels come from small sets.
* A metric takes at most ``MAX_SERIES`` combinations of labels; what comes beyond is counted under ``other``.
* Children are kept, because looking one up costs more than an update.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

import attrs
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

PREFIX: Final = "voice_control_"
MAX_SERIES: Final = 200
OTHER: Final = "other"
SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 15.0)
LAG_SECONDS: Final = (0.001, 0.005, 0.01, 0.03, 0.05, 0.08, 0.15, 0.25, 0.5, 1.0, 2.0)
SIZES: Final = (1, 2, 4, 8, 16)
RATIOS: Final = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 2.0)

Kind = Literal["counter", "gauge", "histogram"]


@attrs.frozen
class Metric:
    """One row of the table."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = SECONDS


TABLE: Final = (
    Metric("requests_total", "counter", "HTTP requests.", ("method", "endpoint")),
    Metric("request_duration_seconds", "histogram", "Time to answer an HTTP request."),
    Metric("active_connections", "gauge", "Open sessions."),
    Metric("memory_usage_bytes", "gauge", "Resident memory of the server and its workers."),
    Metric("cpu_usage_percent", "gauge", "Share of the CPUs in use, 0 to 100."),
    Metric("turn_seconds", "histogram", "Latency of a turn by stage (docs/architecture.md).", ("stage",)),
    Metric("turns_total", "counter", "Turns by outcome and by what understood them.", ("outcome", "source")),
    Metric("actor_mailbox_depth", "gauge", "Messages that wait.", ("actor",)),
    Metric("actor_head_age_seconds", "gauge", "Age of the message that waits longest.", ("actor",)),
    Metric("actor_restarts_total", "counter", "Restarts of actors.", ("actor", "kind")),
    Metric("worker_memory_bytes", "gauge", "Resident memory of a pool's processes.", ("pool",)),
    Metric("worker_busy_ratio", "gauge", "Share of a pool's processes that work now.", ("pool",)),
    Metric("stt_batch_size", "histogram", "Utterances decoded together.", buckets=SIZES),
    Metric("stt_audio_seconds_total", "counter", "Audio transcribed."),
    Metric("stt_real_time_factor", "histogram", "Computing time per second of audio.", buckets=RATIOS),
    Metric("no_speech_total", "counter", "Utterances without words, by reason.", ("reason",)),
    Metric("dropped_total", "counter", "Messages and records thrown away.", ("actor", "reason")),
    Metric("expired_total", "counter", "Work that was too late to begin.", ("stage",)),
    Metric("shed_total", "counter", "Work refused, by load level.", ("level", "what")),
    Metric("load_level", "gauge", "0 normal to 5 unsafe."),
    Metric("sessions", "gauge", "Sessions by state.", ("state",)),
    Metric("tool_calls_total", "counter", "Tool calls.", ("server", "tool", "outcome")),
    Metric("llm_tokens_total", "counter", "Tokens of language models.", ("provider", "model", "kind")),
    Metric("llm_first_token_seconds", "histogram", "Time to a language model's first word."),
    Metric("db_write_seconds", "histogram", "Time to write a batch of history."),
    Metric("event_loop_lag_seconds", "histogram", "How late the event loop wakes up.", buckets=LAG_SECONDS),
)


class PrometheusMetrics:
    """A registry of its own; every method but ``render`` takes about a microsecond."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._metrics: dict[str, Any] = {row.name: self._make(row) for row in TABLE}
        self._labels = {row.name: row.labels for row in TABLE}
        self._children: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._series = dict.fromkeys(self._metrics, 0)

    def _make(self, row: Metric) -> Counter | Gauge | Histogram:
        name = PREFIX + row.name
        if row.kind == "histogram":
            return Histogram(name, row.help, row.labels, buckets=row.buckets, registry=self._registry)
        make = Counter if row.kind == "counter" else Gauge
        return make(name, row.help, row.labels, registry=self._registry)

    def count(self, name: str, labels: Sequence[str] = (), amount: float = 1.0) -> None:
        """Add to a counter; raises ``KeyError`` for a metric that is not in the table."""
        self._child(name, labels).inc(amount)

    def gauge(self, name: str, labels: Sequence[str], value: float) -> None:
        """Set a gauge; raises ``KeyError`` for a metric that is not in the table."""
        self._child(name, labels).set(value)

    def observe(self, name: str, labels: Sequence[str], value: float) -> None:
        """Add to a histogram; raises ``KeyError`` for a metric that is not in the table."""
        self._child(name, labels).observe(value)

    def render(self, accept: str) -> tuple[str, bytes]:
        """Return content type and body: OpenMetrics for who asks for it, else Prometheus' text."""
        encode, content_type = choose_encoder(accept)
        return content_type, encode(self._registry)

    def _child(self, name: str, labels: Sequence[str]) -> Any:
        key = (name, tuple(labels))
        found = self._children.get(key)
        return found if found is not None else self._new_child(name, key[1])

    def _new_child(self, name: str, labels: tuple[str, ...]) -> Any:
        metric = self._metrics[name]
        if not labels:
            child = metric
        elif self._series[name] >= MAX_SERIES:
            return metric.labels(*(OTHER for _ in labels))
        else:
            child = metric.labels(*labels)
            self._series[name] += 1
        self._children[name, labels] = child
        return child
