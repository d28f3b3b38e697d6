"""The pages of a complete server, before and after a turn."""

import socket
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
import trio

from tests.system.client_fixtures import ALL, talking
from tests.system.server_fixtures import Server, nodes, poll, run_command

pytestmark = pytest.mark.system

LIMIT_S = 120
ACTORS = {
    "commands",
    "gateway",
    "history",
    "inference",
    "load",
    "meaning",
    "media",
    "metrics",
    "monitor",
    "sessions",
    "shared",
    "speech",
    "tools",
    "traces",
    "transcription",
}
OFF = {"load", "shared", "traces"}  # here: no load is measured, and there is neither a Redis nor a collector
GUIDE_METRICS = (
    "voice_control_requests_total",
    "voice_control_request_duration_seconds",
    "voice_control_active_connections",
    "voice_control_memory_usage_bytes",
    "voice_control_cpu_usage_percent",
)


async def typed_turn(server: Server, text: str) -> None:
    """Take one turn by hand, to its end."""
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, ALL) as client:
            await client.tell("text", text=text)
            completed = await client.next("turn_completed")
    assert completed["outcome"] == "done"


@pytest.mark.parametrize(
    ("path", "status"), [("/health", "healthy"), ("/health/live", "healthy"), ("/health/ready", "ready")]
)
def test_the_probes_say_that_all_is_well(server: Server, path: str, status: str) -> None:
    answer = server.get(path)

    assert answer.status == 200
    assert answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/json"


def test_the_detailed_page_shows_every_component(server: Server) -> None:
    answer = server.get("/health/detailed")
    page = answer.json()

    assert answer.status == 200
    assert page["timestamp"]
    ours = {name: each["status"] for name, each in page["components"].items() if name not in {"cpu", "memory"}}
    assert ours, "and the machine is there too, busy or not"
    assert set(ours.values()) == {"healthy"}, page


def has_workers(server: Server, actor: str, size: int) -> bool:
    return len(server.worker_pids(actor)) == size


def test_the_status_page_shows_the_tree_and_the_workers_processes(server: Server) -> None:
    page = server.get("/api/status").json()

    assert {child["id"] for child in page["tree"]["children"]} == ACTORS
    assert {node["id"] for node in nodes(page["tree"]) if node["state"] != "ready"} == OFF
    assert page["version"]
    assert page["uptime_s"] > 0
    # of transcription, one is a spare; they are loaded once the server listens, media for the first recording
    for actor, size in (("transcription", 3), ("speech", 1), ("inference", 1)):
        poll(f"{actor} is loaded", partial(has_workers, server, actor, size))
    ours = {process.pid for process in server.children()}
    for actor in ("transcription", "speech", "inference", "media"):
        pids = server.worker_pids(actor)
        assert set(pids) <= ours
        assert all(psutil.Process(pid).is_running() for pid in pids)


async def test_the_metrics_have_the_guides_names_and_the_turns_stages(server: Server) -> None:
    await typed_turn(server, "what time is it")
    text = server.get("/metrics").body.decode()

    missing = [name for name in GUIDE_METRICS if f"\n# TYPE {name.removesuffix('_total')}" not in f"\n{text}"]
    assert not missing, text
    for stage in ("understand", "tool", "total"):
        assert f'voice_control_turn_seconds_count{{stage="{stage}"}}' in text


async def test_the_tools_are_listed_with_what_they_take(server: Server) -> None:
    tools = {tool["name"]: tool for tool in server.get("/api/tools").json()["tools"]}

    assert {"set_timer", "get_time", "calculate", "add_note"} <= set(tools)
    assert tools["set_timer"]["server"] == "sayso-tools"
    assert "seconds" in str(tools["set_timer"])


async def test_a_turn_is_in_the_history_soon_after_it(server: Server) -> None:
    await typed_turn(server, "what is 1234 plus 4321")

    def newest() -> dict[str, Any]:
        turns = server.get("/api/conversations?limit=1").json()["turns"]
        return dict(turns[0]) if turns else {}

    def is_kept() -> bool:
        return newest().get("heard") == "what is 1234 plus 4321"

    await trio.to_thread.run_sync(poll, "the turn is in the history", is_kept)
    turn = newest()
    assert turn["replied"] == "That is 5,555."
    assert (turn["source"], turn["outcome"]) == ("command", "done")
    assert turn["latency_ms"]["total"] > 0


def test_a_wrong_limit_is_the_clients_mistake(server: Server) -> None:
    answer = server.get("/api/conversations?limit=many")

    assert answer.status == 400
    assert "limit" in answer.json()["error"]


def test_the_first_page_is_the_one_that_talks(server: Server) -> None:
    answer = server.get("/")

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert '<script type="module"' in answer.body.decode()


def test_the_api_describes_itself_and_every_page_that_it_names_is_there(server: Server) -> None:
    document = server.get("/openapi.json").json()

    assert document["openapi"].startswith("3.")
    pages = {path for path, methods in document["paths"].items() if "get" in methods}
    one = document["paths"]["/v1/models/{name}"]["get"]["parameters"][0]["name"]
    assert one == "name"
    named = {path for path in pages if "{" in path}
    read = sorted(pages - named - {"/api/status/stream"})  # those need a name, and that one has no end
    # with /api/drain it would be over
    written = [path for path, methods in document["paths"].items() if path.startswith("/v1/") and "post" in methods]
    assert {path: server.get(path).status for path in read} == dict.fromkeys(read, 200)
    without_a_body = dict.fromkeys(written, 400) | {
        "/v1/realtime/client_secrets": 200
    }  # all of its fields are optional
    assert {path: server.get(path, method="POST").status for path in written} == without_a_body


def test_what_is_not_there_is_404_and_a_page_is_only_read(server: Server) -> None:
    assert server.get("/nothing/here").status == 404
    assert server.get("/health", method="DELETE").status == 405
    assert server.get("/ws").status == 426


UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.mark.parametrize(
    ("headers", "status", "setting"),
    [
        ("Host: evil.example\r\n", 421, "gateway.allowed_hosts"),
        ("Host: 127.0.0.1:{port}\r\nOrigin: https://evil.example\r\n", 403, "gateway.allowed_origins"),
        ("Host: 127.0.0.1:{port}\r\nOrigin: null\r\n", 403, "gateway.allowed_origins"),
        ("Host: evil.example:{port}\r\nOrigin: http://evil.example:{port}\r\n", 421, "gateway.allowed_hosts"),
        ("Host: localhost:{port}\r\nSec-Fetch-Site: cross-site\r\n", 403, "gateway.allowed_origins"),
    ],
)
@pytest.mark.parametrize("request_line", ["GET /ws", "GET /health", "GET /api/conversations", "POST /v1/audio/speech"])
def test_a_page_elsewhere_reaches_nothing(
    server: Server, request_line: str, headers: str, status: int, setting: str
) -> None:
    extra = UPGRADE if request_line == "GET /ws" else "Connection: close\r\n"
    answer = raw_answer(server, f"{request_line} HTTP/1.1\r\n{headers.format(port=server.port)}{extra}\r\n")

    assert answer.startswith(f"HTTP/1.1 {status} "), answer
    assert setting in answer


def test_a_page_of_the_server_itself_reaches_all(server: Server) -> None:
    own = f"Host: localhost:{server.port}\r\nOrigin: http://localhost:{server.port}\r\n"

    for path, extra, status in (("/ws", UPGRADE, 101), ("/health", "", 200), ("/api/conversations", "", 200)):
        answer = raw_answer(server, f"GET {path} HTTP/1.1\r\n{own}{extra}\r\n")
        assert answer.startswith(f"HTTP/1.1 {status} "), answer


def raw_answer(server: Server, request: str) -> str:
    """Return what comes first."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(request.encode())
        heard = b""
        while b"\r\n\r\n" not in heard or heard.endswith(b"\r\n\r\n"):
            data = connection.recv(65_536)
            if not data or heard.startswith(b"HTTP/1.1 101 "):
                break
            heard += data
    return heard.decode()


def test_sayso_status_shows_it_in_a_terminal(server: Server, tmp_path: Path) -> None:
    shown = run_command(tmp_path, {}, "status", "--once", "--url", server.url)

    assert shown.process.returncode == 0
    assert "transcription ready" in shown.log()
    assert "worker ready role spare" in shown.log()


def test_the_status_streams(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(b"GET /api/status/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        heard = b""
        while b"id: 2" not in heard:
            data = connection.recv(65_536)
            assert data, heard
            heard += data
    assert b'"id":"transcription"' in heard
