"""Our traces as the messages of OpenTelemetry's own package read them, and a collector that we play ourselves."""

import base64
import json
import random

import attrs
import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from backends.protocols import ProviderError
from backends.traces import OtlpExporter, document, trace_id_of
from protocol.messages.traces import TracesRefused, TurnTrace
from runtime.messaging.spans import Span
from tests.backends.llm.scripted_http import head, page, scripted

TURN_ID = "3f9c2a51d07e"
TRACE = TurnTrace(
    session_id="91d2c0a4b7e6f385",
    turn_id=TURN_ID,
    outcome="done",
    source="command",
    language="en",
    start_s=10.0,
    end_s=11.5,
    unix_offset_s=1_795_435_200.0,
    spans=(
        Span(2, 1, "tool set_timer", 10.25, 10.5, {"tool": "set_timer", "ok": False, "tries": 2, "share": 0.5}),
        Span(1, 0, "model", 10.1, 11.0),
    ),
)
RESOURCE = {"service.name": "sayso", "service.version": "1"}


def read(trace: TurnTrace) -> ExportTraceServiceRequest:
    """Return a trace as a collector reads it; a field that there is not is an error."""
    message = ExportTraceServiceRequest()
    found = json.loads(json.dumps(document([trace], RESOURCE, random.Random(1))))
    for span in found["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for name in {"traceId", "spanId", "parentSpanId"} & set(span):
            span[name] = to_base64(span[name])
    ParseDict(found, message)
    return message


def to_base64(digits: str) -> str:
    """OTLP writes ids as hexadecimal digits, where JSON of Protocol Buffers has base64."""
    return base64.b64encode(bytes.fromhex(digits)).decode()


def spans_of(trace: TurnTrace) -> dict[str, OtlpSpan]:
    return {span.name: span for span in read(trace).resource_spans[0].scope_spans[0].spans}


def attributes(span: OtlpSpan) -> dict[str, object]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value") or "") for item in span.attributes}


def test_a_turn_is_one_tree_with_the_turns_id() -> None:
    spans = spans_of(TRACE)
    turn, model, tool = spans["turn"], spans["model"], spans["tool set_timer"]
    assert {span.trace_id.hex() for span in spans.values()} == {"00000000000000000000" + TURN_ID}
    assert turn.parent_span_id == b""
    assert (model.parent_span_id, tool.parent_span_id) == (turn.span_id, model.span_id)
    assert len({span.span_id for span in spans.values()}) == 3
    assert (turn.kind, tool.kind) == (OtlpSpan.SPAN_KIND_SERVER, OtlpSpan.SPAN_KIND_INTERNAL)


def test_times_are_unix_times_in_nanoseconds() -> None:
    turn = spans_of(TRACE)["turn"]
    assert turn.start_time_unix_nano == 1_795_435_210_000_000_000
    assert turn.end_time_unix_nano - turn.start_time_unix_nano == 1_500_000_000


def test_attributes_keep_their_types_and_say_who_sends() -> None:
    spans = spans_of(TRACE)
    assert attributes(spans["turn"]) == {
        "sayso.turn_id": TURN_ID,
        "session.id": "91d2c0a4b7e6f385",
        "sayso.outcome": "done",
        "sayso.source": "command",
        "sayso.language": "en",
    }
    assert attributes(spans["tool set_timer"]) == {
        "sayso.tool": "set_timer",
        "sayso.ok": False,
        "sayso.tries": 2,
        "sayso.share": 0.5,
    }
    resource = read(TRACE).resource_spans[0].resource
    assert {item.key: item.value.string_value for item in resource.attributes} == RESOURCE


def test_what_is_not_known_of_a_turn_is_left_out_and_a_failure_is_an_error() -> None:
    spans = spans_of(attrs.evolve(TRACE, outcome="failed", source=None, language=None))
    assert attributes(spans["turn"]).keys() == {"sayso.turn_id", "session.id", "sayso.outcome"}
    assert spans["turn"].status.code == Status.STATUS_CODE_ERROR
    assert spans["tool set_timer"].status.code == Status.STATUS_CODE_ERROR
    assert spans["model"].status.code == Status.STATUS_CODE_UNSET


def test_a_span_whose_parent_was_not_kept_is_a_part_of_the_turn() -> None:
    spans = spans_of(attrs.evolve(TRACE, spans=TRACE.spans[:1]))
    assert spans["tool set_timer"].parent_span_id == spans["turn"].span_id


def test_the_id_of_a_trace_has_32_digits() -> None:
    assert trace_id_of(TURN_ID) == "000000000000000000003f9c2a51d07e"


# --- sending -------------------------------------------------------------------------------------


def exporter(url: str, timeout_s: float = 5.0) -> OtlpExporter:
    return OtlpExporter.to(url, "k1", timeout_s, RESOURCE)


async def test_traces_are_posted_as_json_with_the_key() -> None:
    async with scripted(page({})) as server:
        await exporter(server.url).export([TRACE, TRACE])
    [request] = server.requests
    assert (request.method, request.path) == ("POST", "/v1/traces")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Bearer k1"
    assert len(request.json["resourceSpans"][0]["scopeSpans"][0]["spans"]) == 6


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_collector_that_is_busy_may_take_them_later(status: int) -> None:
    async with scripted(page({"message": "busy"}, status)) as server:
        with pytest.raises(ProviderError, match=str(status)):
            await exporter(server.url).export([TRACE])


@pytest.mark.parametrize("status", [400, 401, 404, 500])
async def test_a_collector_that_refuses_them_will_not_take_them_later(status: int) -> None:
    async with scripted(page({"message": "no"}, status)) as server:
        with pytest.raises(TracesRefused, match=str(status)):
            await exporter(server.url).export([TRACE])


async def test_a_collector_that_takes_a_part_says_why() -> None:
    answer = {"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}}
    async with scripted(page(answer)) as server:
        with pytest.raises(TracesRefused, match="did not take 2 spans: too old"):
            await exporter(server.url).export([TRACE])


@pytest.mark.parametrize(
    "answer", [b"", b"\x0a\x00", b"[]", b"{}", b'{"partialSuccess": {}}', b'{"partialSuccess": null}']
)
async def test_any_other_answer_of_success_is_one(answer: bytes) -> None:
    async with scripted([head(length=len(answer)), answer]) as server:
        await exporter(server.url).export([TRACE])


async def test_a_collector_that_is_not_there_is_named() -> None:
    async with scripted(page({})) as server:
        gone = server.url
    with pytest.raises(ProviderError, match="nothing answers at http://"):
        await exporter(gone).export([TRACE])
