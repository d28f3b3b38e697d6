"""The client in TypeScript against a real server."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.node import need_node
from tests.source_tree import ROOT
from tests.system.server_fixtures import Server

pytestmark = pytest.mark.system

SCRIPT: Final = ROOT / "clients" / "typescript" / "test" / "real-server.mjs"
LIMIT_S: Final = 120


def test_a_command_is_heard_whole_though_the_line_was_cut_in_the_middle_of_it(
    small_server: Server, spoken: Callable[[str], bytes], tmp_path: Path
) -> None:
    need_node()
    pcm = spoken("What time is it?")
    (tmp_path / "command.pcm").write_bytes(pcm)
    command = ["node", "--experimental-websocket", str(SCRIPT), small_server.url, str(tmp_path / "command.pcm")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout)
    told = {event["type"]: event["data"] for event in seen["told"]}

    assert told["connection_accepted"]["resumed"]
    assert seen["sockets"] == 2
    assert told["transcript"]["text"] == "What time is it?"
    assert told["understood"]["tool"] == "get_time"
    assert told["turn_completed"]["outcome"] == "done"
    assert seen["phase"] == "closed"
