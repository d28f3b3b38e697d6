"""The client against real servers: processes over stdio, an address over HTTP, and what happens when they go."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import trio

from backends.builtin.notes import ITEM, NOTE
from backends.builtin.owned_sqlite import SqliteOwnedStore
from backends.mcp.client import McpServers, McpSettings, builtin_server_config
from backends.protocols import ToolServerLost
from protocol.messages.identity import LOCAL_USER
from protocol.messages.understanding import CallTool, ToolAnnouncement

pytestmark = pytest.mark.system

SERVER = Path(__file__).parent / "servers" / "counting_server.py"
OLD_SERVER = {"command": sys.executable, "args": [str(Path(__file__).parent / "servers" / "old_server.py")]}
SETTINGS = McpSettings(connect_timeout_s=60.0, result_max_chars=2_000)


def connect(config, on_announcement=lambda *_: None, settings=SETTINGS):
    return McpServers({"server": config}, settings)("server", on_announcement=on_announcement)


async def call(server, tool, timeout_s=60.0, session_id="s1", **arguments):
    with trio.move_on_after(timeout_s):
        return await server.call(CallTool(session_id, "c1", "server", tool, arguments))


@pytest.fixture
def notes(tmp_path):
    return tmp_path / "notes"


@pytest.fixture
def counting(notes):
    return {"command": sys.executable, "args": [str(SERVER), str(notes)]}


async def until(condition, timeout_s):
    with trio.fail_after(timeout_s):
        while not condition():  # noqa: ASYNC110 - another process changes it, which sets no event of ours
            await trio.sleep(0.02)


async def pid_of(server):
    return int((await call(server, "pid")).content)


async def test_a_timer_of_the_built_in_server_is_announced_within_its_time(tmp_path):
    send, receive = trio.open_memory_channel(1)
    config = builtin_server_config(tmp_path, "{}")
    async with connect(config, on_announcement=lambda said: send.send_nowait((trio.current_time(), said))) as server:
        await server.set_listeners({"kitchen": "local"})
        began_s = trio.current_time()
        outcome = await call(server, "set_timer", seconds=1, name="tea", session_id="kitchen")
        assert outcome.content == "Tea timer set for one second."
        with trio.fail_after(30):
            at_s, said = await receive.receive()

    assert said == ToolAnnouncement("kitchen", "Your tea timer is done.", "local", (1,))
    assert at_s - began_s >= 0.9


async def test_a_timer_is_armed_again_after_the_server_was_killed(tmp_path):
    config = builtin_server_config(tmp_path, "{}")
    others = set(psutil.Process().children())  # servers that other tests share
    async with connect(config) as server:
        await call(server, "set_timer", seconds=2, session_id="kitchen")
        for child in set(psutil.Process().children()) - others:
            child.kill()
        await server.wait_lost()

    send, receive = trio.open_memory_channel(1)
    async with connect(config, on_announcement=send.send_nowait) as server:
        await server.set_listeners({"kitchen": "local"})
        with trio.fail_after(30):
            said = await receive.receive()
        assert await server.confirm_told(said.receipts)

    assert said.session_id == "kitchen"
    assert said.text.startswith("Your two-second timer is done.")


async def test_a_program_outlives_the_server_that_started_it(tmp_path):
    out = tmp_path / "out"
    code = f"import time, os; time.sleep(1); open({str(out)!r}, 'w').write(str(os.getpid()))"
    config = builtin_server_config(tmp_path, json.dumps({"late writer": [sys.executable, "-c", code]}))
    async with connect(config) as server:
        assert (await call(server, "run_program", name="late writer")).content == "Started late writer."

    await until(out.exists, 60)


async def test_a_server_killed_during_calls_is_noticed_at_once_and_the_calls_are_lost(counting):
    lost = []

    async def calling(server):
        with pytest.raises(ToolServerLost):
            await call(server, "slow", timeout_s=300, seconds=300)
        lost.append(server)

    async with connect(counting) as server:
        pid = await pid_of(server)
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(calling, server)
            await trio.sleep(0.3)
            os.kill(pid, signal.SIGKILL)
            with trio.fail_after(30):
                assert "the connection was closed" in await server.wait_lost()

    assert len(lost) == 3


async def test_an_idle_server_that_is_killed_is_noticed(counting):
    async with connect(counting) as server:
        os.kill(await pid_of(server), signal.SIGKILL)
        with trio.fail_after(30):
            await server.wait_lost()
        with pytest.raises(ToolServerLost):
            await call(server, "pid")


async def test_a_silent_server_is_noticed_and_ended(counting):
    async with connect(counting) as server:
        pid = await pid_of(server)
        await call(server, "freeze", timeout_s=5.0)
        with trio.fail_after(30):
            assert "it was silent for 2 s" in await server.wait_lost()

    assert not psutil.pid_exists(pid)


async def test_a_server_that_blocks_during_a_call_is_not_lost(counting):
    async with connect(counting) as server:
        assert (await call(server, "block", timeout_s=60, seconds=3.5)).content == "unblocked"
        assert (await call(server, "pid")).ok


async def test_a_call_that_is_given_up_is_cancelled_at_the_server_and_not_repeated(counting, notes):
    async with connect(counting) as server:
        assert await call(server, "slow", timeout_s=0.5, seconds=30) is None
        assert (await call(server, "pid")).ok

    assert notes.read_text().split() == ["began", "cancelled"]


async def test_leaving_the_block_ends_the_process_and_its_children(counting):
    async with connect(counting) as server:
        pid = await pid_of(server)
        assert psutil.pid_exists(pid)

    assert not psutil.pid_exists(pid)


async def test_a_cancelled_block_ends_the_process(counting):
    with trio.CancelScope() as scope:
        async with connect(counting) as server:
            pid = await pid_of(server)
            scope.cancel()
            await trio.sleep_forever()

    assert not psutil.pid_exists(pid)


async def test_a_process_that_never_answers_is_given_up_and_ended():
    settings = McpSettings(connect_timeout_s=0.5, result_max_chars=100)
    with pytest.raises(ToolServerLost, match=r"it did not answer within 0\.5 s"), trio.fail_after(60):
        async with connect({"command": "sleep", "args": ["1000.125"]}, settings=settings):
            pass

    assert not [
        process for process in psutil.process_iter(["cmdline"]) if "1000.125" in (process.info["cmdline"] or [])
    ]


async def test_a_process_that_fails_is_quoted_with_its_last_words():
    code = "import sys; print('warming up', file=sys.stderr); sys.exit('no beans in the machine')"
    with pytest.raises(ToolServerLost, match="the connection was closed; it last wrote: no beans in the machine"):
        async with connect({"command": sys.executable, "args": ["-c", code]}):
            pass


async def test_a_server_that_floods_its_standard_output_gets_one_line_in_the_log(caplog):
    code = "for _ in range(500): print('garbage ' * 100)"
    with pytest.raises(ToolServerLost):
        async with McpServers({"chatty": {"command": sys.executable, "args": ["-c", code]}}, SETTINGS)(
            "chatty", on_announcement=lambda *_: None
        ):
            pass

    (record,) = [record for record in caplog.records if record.name.startswith("mcp")]
    assert record.getMessage().startswith("tool server chatty: Failed to parse JSONRPC message from server: ")
    assert len(record.getMessage()) < 300
    assert record.exc_info is None


async def test_what_a_server_writes_on_stderr_is_in_our_log(counting, caplog):
    caplog.set_level(logging.INFO, logger="sayso.mcp")
    async with connect(counting) as server:
        await call(server, "complain")
        await until(lambda: "server: the beans are out" in caplog.text, 30)


async def test_the_environment_of_a_server_is_what_was_configured(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    out = tmp_path / "env"
    code = f"import os, json; json.dump(dict(os.environ), open({str(out)!r}, 'w'))"
    with pytest.raises(ToolServerLost):
        async with connect({"command": sys.executable, "args": ["-c", code], "env": {"COFFEE": "black"}}):
            pass

    environment = json.loads(out.read_text())
    assert environment["COFFEE"] == "black"
    assert "PATH" in environment
    assert "SECRET_TOKEN" not in environment


async def test_a_server_of_the_older_generation_is_spoken_to_in_its_own_words(caplog):
    caplog.set_level(logging.INFO, logger="sayso.mcp")
    send, receive = trio.open_memory_channel(1)
    async with connect(OLD_SERVER, on_announcement=send.send_nowait) as server:
        assert "protocol 2025-06-18" in caplog.text
        assert [tool.name for tool in await server.list_tools()] == ["echo", "announce", "hush"]
        meta = json.loads((await call(server, "echo")).content)
        assert (meta["sayso/session"], meta["sayso/call"]) == ("s1", "c1")
        await call(server, "announce", session_id="kitchen")
        with trio.fail_after(30):
            assert await receive.receive() == ToolAnnouncement("kitchen", "The old bell rings.")
        await server.set_listeners({"kitchen": "local"})  # it knows nothing of that, and is not told
        with trio.move_on_after(2.5) as scope:  # two pings and more
            await server.wait_lost()
        assert scope.cancelled_caught


async def test_a_silent_server_of_the_older_generation_is_noticed_too():
    async with connect(OLD_SERVER) as server:
        await call(server, "hush", timeout_s=1.0)  # which it never answers
        with trio.fail_after(30):
            assert "it was silent for 2 s" in await server.wait_lost()


async def test_two_built_in_servers_on_one_folder_lose_nothing(tmp_path):
    async def keep(server, name):
        for number in range(40):
            assert (await call(server, "add_note", text=f"{name} {number}")).ok
            assert (await call(server, "add_to_list", item=f"{name}{number}", list_name="shopping")).ok

    configs = [builtin_server_config(tmp_path, "{}", owner) for owner in ("one", "two")]
    async with connect(configs[0]) as one, connect(configs[1]) as two, trio.open_nursery() as nursery:
        for number, server in enumerate((one, two, one, two)):
            nursery.start_soon(keep, server, f"writer{number} ")

    store = SqliteOwnedStore(tmp_path / "tools.db")
    for kind in (NOTE, ITEM):
        kept = [json.dumps(thing.body) for thing in store.things(LOCAL_USER, kind)]
        assert len(kept) == len(set(kept)) == 160
    store.close()


@pytest.fixture
def http_server(notes):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(SERVER), str(notes), "--http", str(port)], stderr=subprocess.DEVNULL
    )
    yield process, {"url": f"http://127.0.0.1:{port}/mcp", "headers": {"Authorization": "Bearer x"}}, port
    process.kill()
    process.wait()


async def until_listening(port):
    with trio.fail_after(30):
        while True:
            try:
                stream = await trio.open_tcp_stream("127.0.0.1", port)
            except OSError:
                await trio.sleep(0.05)
            else:
                await stream.aclose()
                return


async def test_a_server_at_an_address_is_called_and_its_end_is_noticed(http_server):
    process, config, port = http_server
    await until_listening(port)
    async with connect(config) as server:
        assert "pid" in {tool.name for tool in await server.list_tools()}
        assert await pid_of(server) == process.pid
        process.kill()
        with trio.fail_after(30):
            assert await server.wait_lost()
        with pytest.raises(ToolServerLost):
            await call(server, "pid")


async def test_an_address_without_a_server_is_lost_with_its_reason():
    with pytest.raises(ToolServerLost, match=r"server: .*connect"):
        async with connect({"url": "http://127.0.0.1:9/mcp"}):
            pass
