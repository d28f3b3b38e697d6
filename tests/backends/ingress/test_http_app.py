"""The HTTP API, asked through the whole port."""

import gzip
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import httpx2
import pytest

from backends.ingress.audio_services import AudioServices, RecordingDecoder, RecordingPace
from backends.ingress.http_access import AccessRoutes
from backends.ingress.http_app import HttpServices, make_app
from backends.ingress.http_commands import CommandRoute
from backends.ingress.http_history import HistoryRoutes
from backends.ingress.http_models import ModelServices
from backends.keys.key_file import KeyFile
from backends.keys.key_ring import KeyRing
from backends.speech.vad import EarshotDetector
from protocol.messages.history import KeptTurn, Position, TurnQuery
from protocol.messages.records import TurnRecord
from protocol.messages.understanding import McpOffer, ToolList, ToolSpec
from runtime.messaging.errors import ActorUnavailable
from tests.backends.ingress.ingress_fixtures import FakeHandlers, ask, gateway_settings, serving, unpack_zstd

TOOL = ToolSpec("clock", "time_now", "Tells the time.", {"type": "object", "properties": {}}, read_only=True)
LISTED = ToolList((TOOL,), ("lights",), (McpOffer("clock", "prompt", "hurry", "Says that it is late."),))


async def turns(wanted: TurnQuery) -> tuple[KeptTurn, ...]:
    record = TurnRecord("s", "t", "local", 1.0, "what time is it", "noon", "done", "command", {})
    return tuple(
        KeptTurn(attrs.evolve(record, turn_id=f"t{number}"), (), Position(1.0, "1")) for number in range(wanted.limit)
    )


async def tools() -> ToolList:
    return LISTED


async def unavailable(*_: object) -> Any:
    raise ActorUnavailable("history", 3.2)


MEDIA = RecordingDecoder(unavailable, lambda _: None, lambda _: None)
AUDIO = AudioServices(MEDIA, unavailable, unavailable, EarshotDetector, RecordingPace(1, lambda: None))
MODELS = ModelServices(unavailable, unavailable, unavailable)
DRAINED: list[float | None] = []
STATUS: dict[str, object] = {"stopping": True}


def drain(deadline_s: float | None) -> dict[str, object]:
    DRAINED.append(deadline_s)
    return {"phase": "draining"}


SERVICES = HttpServices(
    history=HistoryRoutes(turns, unavailable, unavailable),
    tools=tools,
    version="1.2.3",
    drain=drain,
    status=lambda: STATUS,
    models=MODELS,
    commands=CommandRoute(tuple),
)


ACCESS = AccessRoutes(
    KeyRing(KeyFile(Path("/nonexistent/keys.json")), is_demanded=False, unix_time=float)
)  # test_http_access.py asks them


@attrs.frozen
class Api:
    client: httpx2.AsyncClient
    handlers: FakeHandlers
    port: int


@asynccontextmanager
async def running(services: HttpServices = SERVICES) -> AsyncIterator[Api]:
    async with serving(app=make_app(services, AUDIO)) as server, httpx2.AsyncClient() as client:
        client.base_url = f"http://127.0.0.1:{server.port}"
        yield Api(client, server.handlers, server.port)


async def test_a_doubled_slash_is_another_path(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as api:
        assert (await api.client.get("/api//tools")).status_code == 404
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_the_tools_are_listed() -> None:
    async with running() as api:
        page = (await api.client.get("/api/tools")).json()
    assert page == json.loads(json.dumps(attrs.asdict(LISTED)))
    assert page["tools"][0]["name"] == "time_now"


async def test_an_actor_that_is_down_is_503_with_when_to_come_back() -> None:
    async with running(attrs.evolve(SERVICES, history=HistoryRoutes(unavailable, unavailable, unavailable))) as api:
        response = await api.client.get("/api/conversations")
        assert response.status_code == 503
        assert response.headers["retry-after"] == "3"
        assert "history is unavailable" in response.json()["error"]
        assert (await api.client.get("/api/tools")).status_code == 200


async def test_a_bug_is_500_without_its_details(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(wanted: object) -> Any:
        raise ZeroDivisionError("secret")

    async with running(attrs.evolve(SERVICES, history=HistoryRoutes(broken, broken, broken))) as api:
        response = await api.client.get("/api/conversations")
        assert response.status_code == 500
        assert "secret" not in response.text
        assert "error" in response.json()
    assert "secret" in caplog.text


async def test_an_unknown_path_is_404_in_json_and_counted_without_its_path() -> None:
    async with running() as api:
        response = await api.client.get("/api/nothing")
        assert (response.status_code, response.json()) == (404, {"error": "there is nothing at /api/nothing"})
    assert api.handlers.observed == [("GET", "unmatched", 404)]


async def test_a_wrong_method_is_405_with_allow() -> None:
    async with running() as api:
        response = await api.client.delete("/api/tools")
        assert response.status_code == 405
        assert "GET" in response.headers["allow"]
        assert "error" in response.json()


async def test_head_is_answered_without_a_body() -> None:
    async with running() as api:
        response = await api.client.head("/api/tools")
        assert (response.status_code, response.content) == (200, b"")


async def test_long_answers_are_compressed_when_asked_for() -> None:
    async with running() as api:
        plain = await api.client.get("/api/conversations", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.headers["vary"] == "Accept-Encoding"
        head = b"GET /api/conversations HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n"
        packed = (await ask(api.port, head)).partition(b"\r\n\r\n")[2]
        assert gzip.decompress(packed) == plain.content


async def test_an_answer_that_may_be_kept_is_not_sent_again_to_who_has_it() -> None:
    async with running() as api:
        first = await api.client.get("/api/commands")
        tag = first.headers["etag"]
        again = await api.client.get("/api/commands", headers={"If-None-Match": tag})
        head = await api.client.head("/api/commands")
        other = await api.client.get("/api/commands", headers={"If-None-Match": 'W/"other"'})
    assert (first.status_code, first.headers["cache-control"]) == (200, "private, max-age=300")
    assert {"Authorization", "Cookie"} <= {name.strip() for name in first.headers["vary"].split(",")}
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert "content-type" not in again.headers or "content-length" not in again.headers
    assert (head.status_code, head.headers["etag"]) == (200, tag)
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.parametrize("path", ["/api/conversations", "/api/commands?language=...", "/api/nothing"])
async def test_other_answers_and_errors_are_not_kept(path: str) -> None:
    async with running() as api:
        response = await api.client.get(path)
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers


async def test_documents_may_be_kept_by_everyone_for_as_long_as_the_settings_say() -> None:
    async with running(attrs.evolve(SERVICES, cache_ttl_s=60.0)) as api:
        response = await api.client.get("/openapi.json")
        zstandard = await ask(
            api.port, b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nAccept-Encoding: zstd, gzip;q=0.9\r\n\r\n"
        )
    assert response.headers["cache-control"] == "public, max-age=60"
    assert b"content-encoding: zstd" in zstandard.lower()
    assert unpack_zstd(zstandard.partition(b"\r\n\r\n")[2]) == response.content


async def test_the_api_is_described_and_every_path_of_the_app_is_in_it() -> None:
    async with running() as api:
        paths = (await api.client.get("/openapi.json")).json()["paths"]
        app = make_app(attrs.evolve(SERVICES, access=ACCESS), AUDIO)
        rules = {
            rule.rule.replace("<path:name>", "{name}").replace("<session_id>", "{session_id}")
            for rule in app.url_map.iter_rules()
        }
        assert {rule for rule in rules if rule.startswith(("/api", "/v1"))} <= set(paths)


async def test_requests_are_counted_by_route() -> None:
    async with running() as api:
        await api.client.get("/api/conversations?limit=3")
    assert api.handlers.observed == [("GET", "/api/conversations", 200)]


@pytest.mark.parametrize(
    ("body", "deadline_s"),
    [(b"", None), (b" ", None), (b"{}", None), (b'{"deadline_s": 5}', 5.0), (b'{"deadline_s": 0}', 0.0)],
)
async def test_an_operator_can_drain_the_server(body: bytes, deadline_s: float | None) -> None:
    DRAINED.clear()
    async with running() as api:
        response = await api.client.post("/api/drain", content=body)
    assert (response.status_code, response.json()) == (202, {"phase": "draining"})
    assert [deadline_s] == DRAINED


@pytest.mark.parametrize(
    "body", [b"now", b"[]", b'{"deadline_s": "soon"}', b'{"deadline_s": -1}', b'{"deadline_s": 9999}', b'{"when": 1}']
)
async def test_a_drain_that_makes_no_sense_is_refused_with_a_sentence(body: bytes) -> None:
    DRAINED.clear()
    async with running() as api:
        response = await api.client.post("/api/drain", content=body)
    assert response.status_code == 400
    assert "deadline_s" in response.json()["error"]
    assert DRAINED == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:8000"}, 421),
        ({"Host": "x"}, 403),
        ({"Host": "localhost", "X-Forwarded-For": "203.0.113.9"}, 403),
    ],
)
async def test_neither_a_web_page_nor_a_proxy_can_drain_the_server(headers: dict[str, str], status: int) -> None:
    DRAINED.clear()
    async with running() as api:
        response = await api.client.post("/api/drain", headers=headers)
    assert response.status_code == status
    assert DRAINED == []


async def test_a_listed_page_may_read_what_the_app_answers() -> None:
    settings = gateway_settings(allowed_origins=("https://app.example.org",))
    async with serving(app=make_app(SERVICES, AUDIO), settings=settings) as server, httpx2.AsyncClient() as client:
        url = f"http://127.0.0.1:{server.port}/api/tools"
        response = await client.get(url, headers={"Origin": "https://app.example.org"})
        plain = await client.get(url)
    assert response.status_code == plain.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://app.example.org"
    assert "Origin" in response.headers.get_list("vary")
    assert "access-control-allow-origin" not in plain.headers
