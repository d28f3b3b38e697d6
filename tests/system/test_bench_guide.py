"""The performance guide's benchmark: its own script against our server, and ours, which has its figures and targets."""

import asyncio
import re
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from bench.guide.benchmark import components, target_address
from bench.guide.figures import cut, health_figures, load_figures, rating, score, websocket_figures
from bench.guide.http_client import Address, HttpClient, TargetError
from bench.guide.memory import MemoryFigures, read_memory
from bench.guide.targets import TARGETS, Judgement, Measured, judgements
from bench.guide.tests import check, health_check, websocket_test
from bench.guide.voice import Asked, llm_figures, padded_to, plan, voice_figures
from bench.load.records import Call, Clip, Turn
from cli.sound import Sound, write_wav
from tests.system.server_fixtures import ROOT, Server

pytestmark = pytest.mark.system

SCRIPT = Path(__file__).parent / "guide" / "benchmark.txt"
LIMIT_S = 300
JSON_ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"status":"healthy"}'


def guides_own(url: str = "http://localhost:8000") -> Any:
    """Return the guide's class as the guide has it."""
    names: dict[str, Any] = {"__name__": "guide"}
    exec(compile(SCRIPT.read_text(encoding="utf-8"), str(SCRIPT), "exec"), names)
    return names["PerformanceBenchmark"](url)


def refusals(server: Server) -> dict[str, float]:
    lines = server.get("/metrics").body.decode().splitlines()
    found = (line.rpartition(" ") for line in lines if line.startswith("voice_control_refusals_total"))
    return {name: float(value) for name, _, value in found}


def advance(_amount: float) -> None:
    """Move no bar on."""


# --- the guide's own script ----------------------------------------------------------------------


def test_the_guides_own_benchmark_passes_on_the_defaults(server: Server) -> None:
    pytest.importorskip("aiohttp", reason="the guide's client is not installed: make test, or pip install aiohttp")
    benchmark, before = guides_own(server.http_url), refusals(server)

    async def run() -> None:
        await benchmark.benchmark_health_check(200)
        await benchmark.benchmark_websocket(20, 1)
        await benchmark.benchmark_load(100, 20)

    asyncio.run(asyncio.wait_for(run(), LIMIT_S))
    benchmark.generate_report()
    found = benchmark.results
    assert found["health_check"]["total_requests"] == 200
    assert found["websocket"]["successful_connections"] == found["websocket"]["total_connections"] == 20
    assert found["websocket"]["total_messages"] >= 40, "each gets its handshake's answer and a status"
    assert (found["load_test"]["total_requests"], found["load_test"]["error_rate"]) == (2_000, 0.0)
    assert refusals(server) == before, "the guide counts a refusal as an answer"


@pytest.mark.parametrize(
    ("rps", "latency_s"), [(1_000.0, 0.001), (50.0, 0.1), (90.0, 0.05), (120.0, 0.5), (3.0, 2.0), (80.0, 0.2)]
)
def test_score_and_rating_are_those_that_the_guides_script_prints(
    rps: float, latency_s: float, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {"requests_per_second": rps, "avg_latency": latency_s}
    benchmark = guides_own()
    benchmark.results["health_check"] = figures
    benchmark.generate_report()
    printed = capsys.readouterr().out
    assert f"PERFORMANCE SCORE: {score(figures):.1f}/100" in printed
    assert f"RATING: {rating(score(figures))} " in printed


# --- figures -------------------------------------------------------------------------------------

LATENCIES_S = [number / 1_000 for number in range(1, 201)]


def test_percentiles_are_the_guides() -> None:
    found = health_figures(LATENCIES_S, 4.0)
    assert found["p95_latency"] == round(statistics.quantiles(LATENCIES_S, n=20)[18], 6)
    assert found["p99_latency"] == round(statistics.quantiles(LATENCIES_S, n=100)[98], 6)
    assert (found["requests_per_second"], found["min_latency"], found["max_latency"]) == (50.0, 0.001, 0.2)


def test_figures_of_nothing_are_none_where_the_guide_raises() -> None:
    assert (cut([], 95), cut([0.25], 95)) == (None, 0.25)
    nothing = health_figures([], 0.0)
    assert (nothing["avg_latency"], nothing["requests_per_second"], score(nothing)) == (None, None, 0.0)
    assert websocket_figures(3, [], 1.0)["avg_duration"] is None
    assert load_figures(2, 40, [0.1] * 30, 1.0)["error_rate"] == 0.25


def test_speech_counts_its_wait_in_the_queue_and_a_lost_turn_does_not_count() -> None:
    said = Turn("time", transcripts=["x"], outcome="done", server_ms={"queue": 100, "stt": 50})
    said.client_ms["reply"] = 700.0
    lost = Turn("time", transcripts=["x"])
    calls = [Call(0.0, 1, turns=[said]), Call(0.0, 1, turns=[lost]), Call(0.0, 1, refused_ms=1.0)]
    found = voice_figures(calls, sessions=3, duration_s=30.0)
    assert (found["served_sessions"], found["refused_sessions"], found["done"]) == (1, 1, 1)
    assert (found["stt_p95"], found["reply_p95"], found["done_per_minute"]) == (0.15, 0.7, 2.0)
    assert found["first_error"] == "lost"


def test_each_session_says_its_commands_every_ten_seconds() -> None:
    clips = [Clip("a", bytes(32_000), 0.5), Clip("b", bytes(640_000), 19.0)]
    made = plan("ws://x/ws", clips, sessions=2, commands=3)
    assert made.arrivals_s == [0.0, 5.0]
    assert [[clip.name for clip in one] for one in made.clips] == [["a", "b", "a"], ["b", "a", "b"]]
    assert [len(padded_to(clip, 10.0).pcm) for clip in clips] == [320_000, 640_000]


# --- targets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("measured", "is_met"),
    [
        (Measured(0.05, 100, 100, 3.0), True),
        (Measured(0.05, 99, 100, 3.0), False),
        (Measured(0.1, 100, 100), False),
        (Measured(0.05, 100, 100, 4.1), False),
        (Measured(0.05, 10, 10), None),
        (Measured(0.2, 10, 10), False),
        (Measured(None, 0, 100), None),
        (Measured(0.05, 120, None), True),
        (Measured(), None),
    ],
)
def test_a_target_is_judged_only_at_its_load(measured: Measured, is_met: bool | None) -> None:
    row = Judgement(TARGETS[0], measured)
    assert row.is_met is is_met
    assert row.row()[-1] == {True: "yes", False: "no", None: "-"}[is_met]


def test_every_row_of_the_guides_table_is_shown_and_what_was_not_measured_is_a_dash() -> None:
    rows = judgements({"Server": Measured(0.05, 100, 100, 3.0)})
    assert rows[0].row() == [
        *("Server", "< 100ms", "50 ms", "100+ concurrent users", "100 users", "2-4GB RAM", "3.00 GB", "yes"),
    ]
    assert [row.target.component for row in rows] == [
        *("Server", "STT Processing", "LLM Processing", "WebSocket Connection", "Overall System")
    ]
    assert all(row.row()[2] == "-" for row in rows[1:])


def test_components_are_measured_by_the_tests_that_ran() -> None:
    load = load_figures(100, 2_000, [0.01] * 2_000, 1.0) | {"not_ok": 0}
    memory = MemoryFigures(3 << 30, {"transcription": float(1 << 30)})
    assert components({"load_test": load}, memory) == {"Server": Measured(0.01, 100.0, 100, 2.0)}
    refused = components({"load_test": load | {"not_ok": 400}}, MemoryFigures())["Server"]
    assert Judgement(TARGETS[0], refused).is_met is False
    assert components({"llm": llm_figures(Asked(), 1.0)}, memory) == {}, "no model answered"


def test_memory_is_read_from_the_page_of_metrics() -> None:
    page = 'voice_control_memory_usage_bytes 2147483648\nvoice_control_worker_memory_bytes{pool="speech"} 1073741824\n'
    found = read_memory(page)
    assert (found.total_gb, found.server_gb, found.of_pool("speech"), found.of_pool("x")) == (2.0, 1.0, 1.0, None)
    assert read_memory("<html>no page of metrics</html>") == MemoryFigures()


# --- servers that answer nonsense ----------------------------------------------------------------


@asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[Address]:
    """A server that gives one answer to each connection's first bytes and closes."""

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some(65_536)
            await stream.send_all(answer)

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield Address("127.0.0.1", listener.socket.getsockname()[1])
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", "speaks no HTTP"),
        (b"", "speaks no HTTP|closed the connection without an answer"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "answered 404"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "answered 503"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "answered no JSON"),
    ],
)
async def test_a_url_that_answers_nonsense_is_named_with_its_answer(answer: bytes, expected: str) -> None:
    async with answering(answer) as address:
        with pytest.raises(TargetError, match=expected) as raised:
            await check(address)
    assert address.url("/health") in str(raised.value) or address.url("") in str(raised.value)


async def test_a_connection_that_is_closed_after_an_answer_is_opened_again() -> None:
    async with answering(JSON_ANSWER.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")) as address:
        found = await health_check(address, 3, advance)
    assert (found["total_requests"], found["not_ok"]) == (3, 0)


async def test_no_server_at_all_is_said() -> None:
    with pytest.raises(TargetError, match=r"no answer from http://127\.0\.0\.1:1/health"):
        async with HttpClient(Address("127.0.0.1", 1)) as client:
            await client.get("/health")


async def test_websockets_that_are_refused_are_counted_with_their_reason() -> None:
    async with answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nkeys") as address:
        found = await websocket_test(address, 3, 0.01, advance)
    assert (found["successful_connections"], found["probe_p95"]) == (0, None)
    assert "403 keys" in found["first_error"]


@pytest.mark.parametrize(
    ("text", "url", "websocket"),
    [
        ("http://h:8000", "http://h:8000/health", "ws://h:8000/ws"),
        ("ws://h:8000/ws", "http://h:8000/health", "ws://h:8000/ws"),
        ("https://h/voice/", "https://h:443/voice/health", "wss://h:443/voice/ws"),
        ("http://[::1]:80", "http://[::1]:80/health", "ws://[::1]:80/ws"),
    ],
)
def test_an_address_is_taken_as_a_person_has_it(text: str, url: str, websocket: str) -> None:
    address = target_address(text)
    assert (address.url("/health"), address.websocket_url) == (url, websocket)


@pytest.mark.parametrize("text", ["localhost:8000", "ftp://h", "http://", "http://h:0", "http://h:99999", ""])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Exception, match=r"must be like http://127|out of range"):
        target_address(text)


# --- the command ---------------------------------------------------------------------------------


@attrs.frozen
class Done:
    """What the command printed."""

    code: int
    out: str
    errors: str

    def figures(self, test: str) -> Mapping[str, float]:
        """Return the figures of a test, as printed."""
        block = self.out.partition(f"\n{test}:\n")[2].partition("\n\n")[0]
        return {name: float(value) for name, value in re.findall(r"  (\w+): ([\d.]+)$", block, re.MULTILINE)}


def bench_guide(*flags: str) -> Done:
    command = [sys.executable, "-m", "bench", "guide", "--dry", *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def test_all_tests_run_against_a_server_that_runs_already(
    server: Server, tmp_path: Path, spoken: Callable[[str], bytes]
) -> None:
    write_wav(tmp_path / "time.wav", Sound(spoken("What time is it?"), 16_000))
    small = "--concurrent-users 3 --connections 3 --requests 5 --duration 0.5 --sessions 1 --commands 1 --questions 1"
    done = bench_guide("--url", server.http_url, "--corpus", str(tmp_path), *small.split())
    assert done.figures("HEALTH CHECK")["total_requests"] == 5, done.errors
    assert done.figures("WEBSOCKET")["successful_connections"] == 3
    assert done.figures("LOAD TEST")["total_requests"] == 60
    assert (done.figures("VOICE")["done"], done.figures("LLM")["answered"]) == (1, 1)
    assert re.search(r"PERFORMANCE SCORE: [\d.]+/100\nRATING: \w+", done.out)
    assert "│ WebSocket Connection │" in done.out


def test_one_test_alone_is_run_and_a_server_that_is_not_there_ends_it() -> None:
    done = bench_guide("--test", "load", "--url", "http://127.0.0.1:1")
    assert (done.code, done.out) == (1, "")
    assert done.errors.startswith("sayso bench guide: no answer from http://127.0.0.1:1/health")
