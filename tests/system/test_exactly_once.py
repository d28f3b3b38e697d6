"""A tool server is killed under a hundred calls: none is made twice, none is forgotten, no client is disconnected."""

import os
import signal
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trio

from tests.system.client_fixtures import QUIET, Client, talking
from tests.system.server_fixtures import SMALL, Server, need_models, poll, running_server

pytestmark = pytest.mark.system

SCRIPT = Path(__file__).parent / "servers" / "ledger_server.py"
SESSIONS = 10
CALLS_EACH = 10
KILL_AFTER = 40  # entries
LIMIT_S = 240
COMMANDS = """
    language: en
    intents:
      Enter:
        tool: ledger/enter
        arguments: {}
        data:
          - sentences: ["write it down"]
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.txt"


@pytest.fixture
def server(tmp_path: Path, ledger: Path) -> Iterator[Server]:
    need_models()
    (tmp_path / "commands").mkdir()
    (tmp_path / "commands" / "ledger.yaml").write_text(textwrap.dedent(COMMANDS))
    (tmp_path / "sayso.toml").write_text(
        f'[mcpServers.ledger]\ncommand = "{sys.executable}"\nargs = ["{SCRIPT}", "{ledger}"]\n'
    )
    with running_server(tmp_path, SMALL) as server:
        poll("the ledger is up", lambda: is_up(server), timeout_s=120)
        yield server


def is_up(server: Server) -> bool:
    found: bool = server.actor("tools.ledger")["statistics"]["is_up"]
    return found


def entries(ledger: Path) -> list[list[str]]:
    return [line.split() for line in ledger.read_text().splitlines()] if ledger.exists() else []


async def until(what: str, is_so: Callable[[], object], timeout_s: float = 60.0) -> None:
    await trio.to_thread.run_sync(poll, what, is_so, timeout_s)


async def test_a_hundred_calls_survive_the_death_of_their_server(server: Server, ledger: Path) -> None:
    clients: list[Client] = []

    async def talk() -> None:
        async with talking(server.url, QUIET) as client:
            clients.append(client)
            for _ in range(CALLS_EACH):
                await client.tell("text", text="write it down")
                await client.next("turn_completed")

    with trio.fail_after(LIMIT_S):
        async with trio.open_nursery() as nursery:
            for _ in range(SESSIONS):
                nursery.start_soon(talk)
            await until("calls are under way", lambda: len(entries(ledger)) >= KILL_AFTER)
            first_pid = int(entries(ledger)[0][1])
            os.kill(first_pid, signal.SIGKILL)
            await until("it is hidden", lambda: not listed(server))
            await until("it is back", lambda: is_up(server))
            async with talking(server.url, QUIET) as late:
                await late.tell("text", text="write it down")
                completed = await late.next("turn_completed")
            assert completed["outcome"] == "done"

    results = {data["call_id"]: data["ok"] for client in clients for data in client.all("tool_result")}
    calls = [data["call_id"] for client in clients for data in client.all("tool_call")]
    made = Counter(call_id for call_id, _ in entries(ledger))
    assert len(calls) == len(set(calls)) == SESSIONS * CALLS_EACH
    assert set(results) == set(calls), "every call ends in one result"
    assert max(made.values()) == 1, "no call was made twice"
    assert all(made[call_id] == 1 for call_id, ok in results.items() if ok), "what succeeded was made"
    assert not all(results.values()), "some calls were under way when it died"
    assert len({pid for _, pid in entries(ledger)}) == 2
    assert all(client.all("turn_completed")[-1]["turn_id"] for client in clients)
    assert [client.close_code for client in clients] == [1000] * SESSIONS


def listed(server: Server) -> bool:
    tools = server.get("/api/tools").json()["tools"]
    return any(tool["server"] == "ledger" for tool in tools)
