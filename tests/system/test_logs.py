"""What a real server writes into its log of a turn and sends to a collector of traces, and nothing of what was said."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trio

from backends.traces import trace_id_of
from tests.backends.llm.scripted_http import ScriptedServer, page, scripted
from tests.system.client_fixtures import QUIET, connected
from tests.system.server_fixtures import COMMAND, SMALL, environment, need_models, running_server

pytestmark = pytest.mark.system

SECRET = "what is 1234567 times 3"


def searched_for(turn_id: str, folder: Path) -> list[str]:
    """Return what ``sayso logs`` prints of a turn."""
    command = [*COMMAND, "logs", "--json", "--turn", turn_id, str(folder / "server.log")]
    environ = environment(folder, {})
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines()


async def spans_of(collector: ScriptedServer, turn_id: str) -> dict[str, Any]:
    """Wait for a turn's trace; return its spans by their names."""
    with trio.move_on_after(30.0):
        while True:
            sent = [request.json["resourceSpans"][0]["scopeSpans"][0]["spans"] for request in collector.requests]
            found = {s["name"]: s for spans in sent for s in spans if s["traceId"] == trace_id_of(turn_id)}
            if found:
                return found
            await trio.sleep(0.05)
    raise AssertionError(f"no trace of {turn_id}: {collector.requests}")


async def test_a_turn_is_found_by_its_id_in_the_log_and_at_the_collector_and_nothing_that_was_said(
    tmp_path: Path,
) -> None:
    need_models()
    async with scripted(page({})) as collector:
        with running_server(tmp_path, SMALL | {"log.json": True, "traces.url": collector.url}) as server:
            turn_ids: list[str] = []
            for text in (SECRET, "what time is it"):
                async with connected(server.url) as client:
                    await client.open(QUIET)
                    await client.tell("text", text=text)
                    turn_ids.append((await client.next("turn_completed"))["turn_id"])
            spans = await spans_of(collector, turn_ids[0])

    lines = [json.loads(line) for line in searched_for(turn_ids[0], tmp_path)]
    assert [line["event"] for line in lines] == ["tool calculate done", "turn done"]
    assert {(line["turn_id"], len(line["session_id"])) for line in lines} == {(turn_ids[0], 16)}
    assert lines[1]["latency_ms"]["total"] >= lines[1]["latency_ms"]["tool"]
    assert {"turn", "understand", "tool calculate"} <= set(spans)
    assert {span.get("parentSpanId") for name, span in spans.items() if name != "turn"} == {spans["turn"]["spanId"]}
    sent = b"".join(request.body for request in collector.requests).decode()
    for told in (server.log(), sent):
        assert "1234567" not in told, "neither words nor arguments nor results"
        assert "3703701" not in told
