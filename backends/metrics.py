"""Figures for Prometheus: one table declares them, one class keeps them in a registry of its own.

Rules kept here:

* A figure that is not in the table raises ``ValueError``; so does a wrong number of labels.
* What an alert counts the growth of is there from the start, as 0: of a series that appears with its first count
  Prometheus sees no growth.
* A gauge of what a server need not have is exported once it was set: 0 would say that it is down.
* Labels are few: past ``SERIES_MAX`` combinations of one figure, further ones are counted under ``other``.
* An update is a dictionary look-up and an addition: label children are made once.
* An id is never a label. A histogram has the id of the last turn in each bucket as an exemplar, which only readers of
  OpenMetrics get.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, cast

import attrs
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder

from protocol.messages.records import Count as CountRecord
from protocol.messages.records import Observe as ObserveRecord

log = logging.getLogger("sayso.metrics")
# a third of all series would be the times at which others began
disable_created_metrics()  # type: ignore[no-untyped-call]

PREFIX: Final = "voice_control_"
SERIES_MAX: Final = 200  # a hundred tools with two outcomes each fit; ten thousand sessions never become labels
OTHER: Final = "other"

Kind = Literal["counter", "gauge", "histogram"]

FAST_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
LAG_S: Final = (0.001, 0.005, 0.01, 0.03, 0.05, 0.08, 0.15, 0.25, 0.5, 1.0, 2.0)
REQUEST_S: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
TURN_S: Final = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 15.0)
BATCH: Final = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0, 32.0, 64.0)
RATIO: Final = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0)


@attrs.frozen
class Figure:
    """One metric; its name goes without ``PREFIX``."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram, in the unit of its name."""
    zeros: tuple[tuple[str, ...], ...] = ()
    """The labels that are exported as 0 from the start."""
    is_optional: bool = False
    """Whether a figure without labels is exported only once it has a value."""


def _counter(name: str, description: str, *labels: str) -> Figure:
    return Figure(name, "counter", description, labels)


def _gauge(name: str, description: str, *labels: str) -> Figure:
    return Figure(name, "gauge", description, labels)


def _histogram(name: str, description: str, buckets: tuple[float, ...], *labels: str) -> Figure:
    return Figure(name, "histogram", description, labels, buckets)


def _begun(figure: Figure, *zeros: tuple[str, ...]) -> Figure:
    """Return a figure whose labels ``zeros`` are exported from the start."""
    return attrs.evolve(figure, zeros=zeros)


def _optional(figure: Figure) -> Figure:
    """Return a gauge that is exported once it was set."""
    return attrs.evolve(figure, is_optional=True)


FIGURES: Final = (
    # the whole server
    _counter("requests_total", "HTTP requests answered, by route.", "method", "endpoint"),
    _histogram("request_duration_seconds", "Time to answer an HTTP request.", REQUEST_S),
    _gauge("active_connections", "Voice sessions that are connected."),
    _gauge("memory_usage_bytes", "Resident memory of the server and its workers."),
    _gauge("cpu_usage_percent", "Use of the CPUs that the server may use, 0 to 100."),
    _gauge("load_level", "Load level: 0 normal to 5 unsafe."),
    _gauge("load_signal", "Signals of the load level, each in its own unit.", "signal"),
    _counter("load_looks_late_total", "Samples of the machine that took longer than two seconds."),
    _gauge("sessions", "Voice sessions, by state.", "state"),
    _counter("sockets_closed_total", "Sockets of sessions that the server closed or lost (1006), by code.", "code"),
    _counter("sessions_given_up_total", "Sessions that ended while they waited for their client, by cause.", "cause"),
    _counter("session_faults_total", "Crashes inside sessions and what came of them.", "event", "part", "cause"),
    _counter("resumed_total", "Sessions resumed by their clients."),
    _histogram("event_loop_lag_seconds", "How late the event loop wakes a task.", LAG_S),
    _gauge("event_loop_tasks", "Tasks of the event loop that live; with the same sessions always as many."),
    _begun(
        _counter("refusals_total", "Requests that were not admitted, by cause.", "cause"),
        *(("places",), ("share",), ("speech",), ("logins",)),
    ),
    # turns
    _histogram("turn_seconds", "Time of a turn's stage, counted from the last voiced sample.", TURN_S, "stage"),
    _begun(
        _counter("turns_total", "Turns that ended, by outcome and by source of the intent.", "outcome", "source"),
        *(("failed", "command"), ("failed", "meaning"), ("failed", "model"), ("failed", "none")),
    ),
    _counter("understood_total", "Turns that were understood, by grammar or meaning, and what was done.", "by", "what"),
    _histogram("meaning_seconds", "Time to read the meaning of a sentence.", FAST_S),
    _counter("sentence_searches_total", "Searches for a command in the sound of an utterance, by outcome.", "outcome"),
    _histogram("sentence_search_seconds", "Time of a search for a command in the sound of an utterance.", TURN_S),
    _counter("turn_commands_total", "Commands of sentences; turns_total of the source command says of how many."),
    _counter("amended_turns_total", "Turns that went on with the sentence before, or took it back."),
    _counter("undone_calls_total", "Tool calls that were taken back."),
    _counter("no_speech_total", "Utterances without words, by reason.", "reason"),
    _counter("wakes_total", "Wake words that were heard, by word.", "word"),
    _counter("unheard_utterances_total", "Utterances that were not transcribed, because no wake word was said before."),
    _counter("expired_total", "Work abandoned at its deadline, by stage.", "stage"),
    _counter("traces_total", "Turns whose traces were sent, refused for good, or dropped.", "outcome"),
    # actors and workers
    _gauge("actor_mailbox_depth", "Messages in an actor's mailbox.", "actor"),
    _gauge("actor_head_age_seconds", "Age of the oldest message in an actor's mailbox.", "actor"),
    _counter("actor_restarts_total", "Restarts of an actor.", "actor", "kind"),
    _counter("dropped_total", "Messages dropped, by actor and reason.", "actor", "reason"),
    _counter("shed_total", "Work refused under load, by level and kind of work.", "level", "what"),
    _gauge("worker_memory_bytes", "Resident memory of a pool's worker processes.", "pool"),
    _gauge("worker_busy_ratio", "Share of a pool's workers that are busy, 0 to 1.", "pool"),
    # servers elsewhere that do a pool's jobs
    _counter("remote_requests_total", "Requests to a server elsewhere, by their end.", "pool", "address", "outcome"),
    _gauge("remote_in_work", "Requests that a server elsewhere has in work.", "pool", "address"),
    _gauge("remote_up", "Whether a server elsewhere is asked, and not left alone after failures.", "pool", "address"),
    _counter("remote_hedges_total", "Jobs given to a second server, because the first one was late.", "pool"),
    _counter("remote_fallbacks_total", "Jobs that workers here did because no server elsewhere could.", "pool"),
    _gauge("remote_hedge_after_seconds", "Time after which a server elsewhere is late.", "pool"),
    # engines
    _histogram("stt_batch_size", "Utterances transcribed together.", BATCH),
    _counter("stt_audio_seconds_total", "Seconds of audio transcribed."),
    _histogram("stt_real_time_factor", "Time to transcribe, as a share of the audio's length.", RATIO),
    _counter("recordings_total", "Uploaded recordings, by how their decoding ended.", "outcome"),
    _counter("speech_cache_requests_total", "Look-ups in the cache of spoken phrases, by result.", "result"),
    _gauge("speech_cache_bytes", "Memory of the cache of spoken phrases."),
    _counter("tool_calls_total", "Tool calls that ended.", "server", "tool", "outcome"),
    _optional(_gauge("home_up", "Whether the names of Home Assistant's devices are kept up to date.")),
    _optional(_gauge("home_entities", "Entities of Home Assistant that have names.")),
    _counter("llm_tokens_total", "Tokens read (prompt) and written (completion).", "provider", "model", "kind"),
    _counter("cache_requests_total", "Look-ups in the cache of answers, by result.", "result"),
    _histogram("llm_first_token_seconds", "Time until a language model's first token.", TURN_S),
    _begun(
        _counter("history_rows_total", "Records of the history, by what became of them.", "outcome"),
        *(("written",), ("lost",)),
    ),
    _gauge("history_waiting_rows", "Records that wait in memory for the database."),
    _counter("history_retries_total", "Batches and questions sent again because a connection was lost."),
    _counter("history_fallbacks_total", "Questions that the primary was asked because no replica answered."),
    _gauge("history_connections", "Connections to the database, by state.", "state"),
    _histogram("shared_seconds", "Time of a request to the store that replicas share.", FAST_S),
    _counter("shared_errors_total", "Requests to the shared store that failed or came too late, by kind.", "what"),
    _optional(_gauge("shared_up", "Whether the shared store answers in time.")),
    _gauge("replicas", "Replicas that live, this one included; 0 while that is not known."),
    _counter("moves_total", "Sessions that went on at another replica, by what this one did.", "what"),
    _histogram("db_write_seconds", "Time to write a batch to the database.", FAST_S),
)


class PrometheusMetrics:
    """Counters, gauges and histograms; raises ``ValueError`` for what ``figures`` does not declare."""

    def __init__(self, figures: Sequence[Figure] = FIGURES) -> None:
        self._registry = CollectorRegistry()
        self._series = {figure.name: _Series(figure, self._registry) for figure in figures}

    def count(self, name: str, labels: Sequence[str] = (), amount: float = 1.0) -> None:
        """Add to a counter."""
        cast("Counter", self._find(name, "counter", labels)).inc(amount)

    def gauge(self, name: str, labels: Sequence[str], value: float) -> None:
        """Set a gauge."""
        cast("Gauge", self._find(name, "gauge", labels)).set(value)

    def observe(
        self, name: str, labels: Sequence[str], value: float, exemplar: Mapping[str, str] | None = None
    ) -> None:
        """Add a value to a histogram; ``exemplar`` names what it was measured on, in 128 characters."""
        cast("Histogram", self._find(name, "histogram", labels)).observe(value, dict(exemplar) if exemplar else None)

    def take(self, figure: CountRecord | ObserveRecord) -> None:
        """Take a figure as actors send them."""
        if isinstance(figure, CountRecord):
            self.count(figure.name, figure.labels, figure.amount)
        else:
            self.observe(figure.name, figure.labels, figure.value)

    def render(self, accept: str) -> tuple[str, bytes]:
        """Return content type and body in the best format that the ``Accept`` header names."""
        try:
            encode, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # choose_encoder stumbles over a version that is no number
            encode, content_type = choose_encoder("")
        return content_type, encode(self._registry)

    def _find(self, name: str, kind: Kind, labels: Sequence[str]) -> Any:
        series = self._series.get(name)
        if series is None or series.figure.kind != kind:
            raise ValueError(f"a {kind} must be declared before it is used, and {name!r} is not")
        return series.child(tuple(labels))


MAKERS: Final[Mapping[Kind, type[Counter] | type[Gauge] | type[Histogram]]] = {
    "counter": Counter,
    "gauge": Gauge,
    "histogram": Histogram,
}


class _Series:
    """One figure and its label children."""

    def __init__(self, figure: Figure, registry: CollectorRegistry) -> None:
        self.figure = figure
        buckets: dict[str, Any] = {"buckets": figure.buckets} if figure.buckets else {}
        make = MAKERS[figure.kind]
        self._registry = registry
        shown_in = None if figure.is_optional else registry
        self._metric = make(PREFIX + figure.name, figure.help, figure.labels, registry=shown_in, **buckets)
        self._children: dict[tuple[str, ...], Any] = {} if figure.labels or figure.is_optional else {(): self._metric}
        self._overflow: Any = None
        for labels in figure.zeros:
            self.child(labels)

    def child(self, labels: tuple[str, ...]) -> Any:
        """Return what to update for these labels; raises ``ValueError`` for a wrong number of them."""
        return self._children.get(labels) or self._add(labels)

    def _add(self, labels: tuple[str, ...]) -> Any:
        figure = self.figure
        if len(labels) != len(figure.labels):
            raise ValueError(f"{figure.name} must have labels {figure.labels}, not {labels!r}")
        if figure.is_optional:
            self._registry.register(self._metric)
            self._children[labels] = self._metric
            return self._metric
        if len(self._children) < SERIES_MAX:
            child = self._children[labels] = self._metric.labels(*labels)
            return child
        if self._overflow is None:
            log.warning("%s has %d series; %r and further ones count as %r", figure.name, SERIES_MAX, labels, OTHER)
            self._overflow = self._metric.labels(*[OTHER] * len(labels))
        return self._overflow
