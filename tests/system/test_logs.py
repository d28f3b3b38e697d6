"""What a real server writes into its log of a turn, and that ``sayso logs`` finds it again, without what was said."""

import json
import subprocess
from pathlib import Path

import pytest

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


async def test_a_turn_is_found_in_the_log_by_its_id_and_nothing_that_was_said(tmp_path: Path) -> None:
    need_models()
    with running_server(tmp_path, SMALL | {"log.json": True}) as server:
        turn_ids: list[str] = []
        for text in (SECRET, "what time is it"):
            async with connected(server.url) as client:
                await client.open(QUIET)
                await client.tell("text", text=text)
                turn_ids.append((await client.next("turn_completed"))["turn_id"])

    lines = [json.loads(line) for line in searched_for(turn_ids[0], tmp_path)]
    assert [line["event"] for line in lines] == ["tool calculate done", "turn done"]
    assert {(line["turn_id"], len(line["session_id"])) for line in lines} == {(turn_ids[0], 16)}
    assert lines[1]["latency_ms"]["total"] >= lines[1]["latency_ms"]["tool"]
    assert "1234567" not in server.log(), "neither words nor arguments nor results"
    assert "3703701" not in server.log()
