"""Traces of turns as OpenTelemetry's OTLP over HTTP, in its JSON encoding.

Rules kept here:

* A turn is one trace: its id is the turn's id with zeros before it, which Jaeger and Tempo take without the zeros.
* A request that the collector may take later is told apart from one that it never will, by the status (OTLP 1.x,
  "Failures").

This is our own exporter, because the SDK's one sends from a thread with a client that blocks, writes an error for each
request that fails, and has spans begin and end while they run, where ours are known when the turn has ended.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from backends.json_faults import JSON_FAULTS
from backends.llm.http_model import CompletionTimeouts, LlmServer, ModelServerRefused
from protocol.messages.traces import TracedSpan, TracesRefused, TurnTrace

PATH: Final = "/v1/traces"
LATER: Final = frozenset({429, 502, 503, 504})  # "Retryable Response Codes" of OTLP/HTTP
TRACE_ID_DIGITS: Final = 32
NS_PER_S: Final = 1_000_000_000
SPAN_KIND_INTERNAL: Final = 1
SPAN_KIND_SERVER: Final = 2
STATUS_ERROR: Final = 2

Json = Mapping[str, object]


class _PartialSuccess(msgspec.Struct, rename="camel"):
    rejected_spans: int | str = 0
    """JSON of Protocol Buffers writes 64-bit numbers as strings, and readers take both."""
    error_message: str = ""


class _Answer(msgspec.Struct, rename="camel"):
    partial_success: _PartialSuccess | None = None


class OtlpExporter:
    """Sends traces to one collector."""

    def __init__(self, server: LlmServer, resource: Mapping[str, str], rng: random.Random, timeout_s: float) -> None:
        """Send to ``server``; ``resource`` says who sends, by names such as ``service.name``."""
        self._server = server
        self._resource = resource
        self._rng = rng
        self._timeout_s = timeout_s

    @classmethod
    def to(cls, url: str, api_key: str, timeout_s: float, resource: Mapping[str, str]) -> "OtlpExporter":
        """Return an exporter to the collector at ``url``."""
        patience = CompletionTimeouts(connect_s=min(3.0, timeout_s))
        return cls(LlmServer(url, api_key=api_key, patience=patience), resource, random.Random(), timeout_s)

    async def export(self, traces: Sequence[TurnTrace]) -> None:
        """Send traces; raises ``ProviderError`` if that may work later, and ``TracesRefused`` if it will not."""
        body = msgspec.json.encode(document(traces, self._resource, self._rng))
        try:
            answer = await self._server.post(PATH, body, self._timeout_s)
        except ModelServerRefused as error:
            if error.status in LATER:
                raise
            raise TracesRefused(str(error)) from error
        self._check(answer)

    async def aclose(self) -> None:
        """Close connections that were kept."""
        await self._server.aclose()

    def _check(self, body: bytes) -> None:
        """Raise ``TracesRefused`` if a collector says that it took a part only; what it says else does not matter."""
        try:
            partial = msgspec.json.decode(body, type=_Answer).partial_success
        except JSON_FAULTS:  # it has taken them, and answers in another encoding
            return
        if partial is not None and str(partial.rejected_spans) != "0":
            reason = partial.error_message or "it does not say why"
            raise TracesRefused(f"{self._server.url} did not take {partial.rejected_spans} spans: {reason}")


# --- the encoding --------------------------------------------------------------------------------


def document(traces: Sequence[TurnTrace], resource: Mapping[str, str], rng: random.Random) -> Json:
    """Return an ``ExportTraceServiceRequest`` as JSON types; ``rng`` makes the ids of spans."""
    spans = [span for trace in traces for span in _spans_of(trace, rng)]
    scope = {"scope": {"name": "sayso"}, "spans": spans}
    return {"resourceSpans": [{"resource": {"attributes": _attributes(resource)}, "scopeSpans": [scope]}]}


def trace_id_of(turn_id: str) -> str:
    """Return the id of a turn's trace: 32 hexadecimal digits."""
    return turn_id.rjust(TRACE_ID_DIGITS, "0")


def _spans_of(trace: TurnTrace, rng: random.Random) -> Iterator[Json]:
    ids = {number: f"{rng.getrandbits(64):016x}" for number in (0, *(span.number for span in trace.spans))}
    about = {
        "sayso.turn_id": trace.turn_id,
        "session.id": trace.session_id,
        "sayso.outcome": trace.outcome,
        "sayso.source": trace.source,
        "sayso.language": trace.language,
    }
    yield {
        "traceId": trace_id_of(trace.turn_id),
        "spanId": ids[0],
        "name": "turn",
        "kind": SPAN_KIND_SERVER,
        **_times(trace, trace.start_s, trace.end_s),
        "attributes": _attributes({name: value for name, value in about.items() if value is not None}),
        "status": {"code": STATUS_ERROR} if trace.outcome == "failed" else {},
    }
    for span in trace.spans:
        yield _span(trace, span, ids)


def _span(trace: TurnTrace, span: TracedSpan, ids: Mapping[int, str]) -> Json:
    return {
        "traceId": trace_id_of(trace.turn_id),
        "spanId": ids[span.number],
        "parentSpanId": ids.get(span.parent, ids[0]),  # a parent that was not kept has no id
        "name": span.name,
        "kind": SPAN_KIND_INTERNAL,
        **_times(trace, span.start_s, span.end_s),
        "attributes": _attributes({f"sayso.{name}": value for name, value in span.attributes.items()}),
        "status": {"code": STATUS_ERROR} if span.attributes.get("ok") is False else {},
    }


def _times(trace: TurnTrace, start_s: float, end_s: float) -> Json:
    """Return Unix times in nanoseconds, as strings: JSON numbers have no 64 bits."""
    return {
        "startTimeUnixNano": str(round((start_s + trace.unix_offset_s) * NS_PER_S)),
        "endTimeUnixNano": str(round((end_s + trace.unix_offset_s) * NS_PER_S)),
    }


def _attributes(values: Mapping[str, str | int | float | bool]) -> Sequence[Json]:
    return [{"key": name, "value": _value(value)} for name, value in values.items()]


def _value(value: str | float | bool) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case _:
            return {"stringValue": value}
