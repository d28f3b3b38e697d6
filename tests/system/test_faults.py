"""What dies under a live conversation: workers, tool servers, models; and how the server itself ends."""

import signal
import socket
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import trio

from tests.system.client_fixtures import QUIET, SILENCE, talking
from tests.system.server_fixtures import SMALL, Server, need_models, poll, running_server

pytestmark = pytest.mark.system

Spoken = Callable[[str], bytes]
LIMIT_S = 200
RESTART_S = 120.0
FRAGILE_SERVER = """
    import os
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("fragile")

    @server.tool()
    def crash() -> str:
        os._exit(3)

    @server.tool()
    def answer() -> str:
        return "I am alive."

    server.run("stdio")
"""
FRAGILE_COMMANDS = """
    language: en
    intents:
      Crash:
        tool: fragile/crash
        data:
          - sentences: ["crash the fragile server"]
      Answer:
        tool: fragile/answer
        data:
          - sentences: ["ask the fragile server"]
      Missing:
        tool: missing/anything
        data:
          - sentences: ["ask the missing server"]
"""


@pytest.fixture(scope="module")
def speaking_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one worker of each kind, for tests that kill them."""
    need_models(speech=True)
    settings = SMALL | {"speech.provider": "piper"}
    with running_server(tmp_path_factory.mktemp("speaking"), settings) as server:
        yield server


@pytest.fixture(scope="module")
def fragile_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with an MCP server that dies when asked to, one that does not exist, and an Ollama that is not there."""
    need_models()
    folder = tmp_path_factory.mktemp("fragile")
    script = folder / "fragile.py"
    script.write_text(textwrap.dedent(FRAGILE_SERVER))
    (folder / "commands").mkdir()
    (folder / "commands" / "fragile.yaml").write_text(textwrap.dedent(FRAGILE_COMMANDS))
    (folder / "sayso.toml").write_text(
        textwrap.dedent(f"""
            [mcpServers.fragile]
            command = "{sys.executable}"
            args = ["{script}"]

            [mcpServers.missing]
            command = "no-such-command-anywhere"
        """)
    )
    settings = SMALL | {"inference.provider": "ollama", "inference.ollama.url": f"http://127.0.0.1:{closed_port()}"}
    with running_server(folder, settings) as server:
        yield server


def closed_port() -> int:
    """Return a port without a listener."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def until(what: str, is_so: Callable[[], object], timeout_s: float = 60.0) -> None:
    """Poll in a thread, because the client has to go on."""
    await trio.to_thread.run_sync(poll, what, is_so, timeout_s)


# --- workers -------------------------------------------------------------------------------------


async def test_a_whisper_worker_killed_during_speech_costs_nothing(speaking_server: Server, spoken: Spoken) -> None:
    server = speaking_server
    (pid,) = server.worker_pids("transcription")
    pcm = spoken("What time is it?")
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET) as client:
            await client.speak(pcm[: len(pcm) // 2])
            psutil.Process(pid).kill()
            await client.speak(pcm[len(pcm) // 2 :] + SILENCE)
            completed = await client.next("turn_completed")

    assert completed["outcome"] == "done"
    assert len(client.all("transcript")) == 1
    assert [call["tool"] for call in client.all("tool_call")] == ["get_time"]
    assert server.worker_pids("transcription") != [pid]


async def test_a_whisper_worker_killed_while_it_decodes_gives_the_transcript_once(
    speaking_server: Server, spoken: Spoken
) -> None:
    server = speaking_server
    await until("a worker is ready", lambda: worker_states(server) == ["ready"], RESTART_S)
    worker = psutil.Process(server.worker_pids("transcription")[0])
    worker.suspend()  # so that it is still decoding when it dies
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET) as client:
            await client.speak(spoken("What day is it today?") + SILENCE, factor=4)
            await client.next("speech_stopped")
            await until("the worker has the utterance", lambda: worker_states(server) == ["busy"])
            worker.kill()
            completed = await client.next("turn_completed")

    assert completed["outcome"] == "done"
    assert len(client.all("transcript")) == 1
    assert [call["tool"] for call in client.all("tool_call")] == ["get_date"]


def worker_states(server: Server) -> list[str]:
    return [worker["state"] for worker in server.actor("transcription")["statistics"]["pool"]["workers"]]


async def test_after_a_piper_worker_was_killed_the_answer_is_still_spoken(speaking_server: Server) -> None:
    server = speaking_server
    poll("the voice is loaded", lambda: server.worker_pids("speech"))
    (pid,) = server.worker_pids("speech")
    psutil.Process(pid).kill()
    with trio.fail_after(LIMIT_S):
        async with talking(server.url) as client:
            await client.tell("text", text="what is 21 plus 21")
            reply = await client.next("reply")
            completed = await client.next("turn_completed")

    assert "42" in reply["text"]
    assert completed["outcome"] == "done"
    assert client.audio
    assert server.worker_pids("speech") != [pid]


# --- tools and models ----------------------------------------------------------------------------


async def test_a_tool_server_whose_command_does_not_exist_disturbs_no_other(fragile_server: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(fragile_server.url, QUIET) as client:
            await client.tell("text", text="ask the missing server")
            missing = await client.next("turn_completed")
            await client.tell("text", text="what time is it")
            working = await client.next("turn_completed")

    statistics = fragile_server.actor("tools.missing")["statistics"]
    assert (missing["outcome"], working["outcome"]) == ("failed", "done")
    assert client.all("reply")[0]["text"].startswith("Sorry")
    assert not statistics["is_up"]
    assert "no-such-command-anywhere" in statistics["trouble"]


async def test_a_tool_server_that_dies_during_a_call_fails_that_call_and_comes_back(fragile_server: Server) -> None:
    def is_up() -> bool:
        up: bool = fragile_server.actor("tools.fragile")["statistics"]["is_up"]
        return up

    await until("the fragile server is up", is_up)
    with trio.fail_after(LIMIT_S):
        async with talking(fragile_server.url, QUIET) as client:
            await client.tell("text", text="crash the fragile server")
            result = await client.next("tool_result")
            failed = await client.next("turn_completed")
            await until("the fragile server is up again", is_up, RESTART_S)
            await client.tell("text", text="ask the fragile server")
            await client.next("turn_completed")

    assert not result["ok"]
    assert "fragile" in result["error"]
    assert failed["outcome"] == "failed"
    assert client.all("reply")[-1]["text"] == "I am alive."
    assert [call["tool"] for call in client.all("tool_call")] == ["crash", "answer"]  # nothing was repeated


async def test_without_ollama_commands_work_and_a_question_gets_an_honest_answer(fragile_server: Server) -> None:
    with trio.fail_after(LIMIT_S):
        async with talking(fragile_server.url, QUIET) as client:
            await client.tell("text", text="What is the capital of France?")
            error = await client.next("error")
            apology = await client.next("reply")
            question = await client.next("turn_completed")
            await client.tell("text", text="what is 3 times 4")
            reply = await client.next("reply")

    assert error["code"] == "model_unavailable"
    assert error["turn_id"] == question["turn_id"]
    assert not error["fatal"]
    assert apology["text"] == "Sorry, I cannot answer that now."
    assert question["outcome"] == "failed"
    assert "12" in reply["text"]


# --- the end -------------------------------------------------------------------------------------


async def test_sigterm_says_goodbye_to_a_live_client_and_leaves_no_process(tmp_path: Path) -> None:
    need_models()
    with running_server(tmp_path, SMALL) as server:
        started = server.children()
        with trio.fail_after(LIMIT_S):
            async with talking(server.url) as client:
                server.process.terminate()
                code = await client.closed(timeout_s=20)
                exit_code = await trio.to_thread.run_sync(server.process.wait, 60)
        _, alive = psutil.wait_procs(started, timeout=20)

    assert code == 1012
    assert exit_code == 0
    assert started
    assert not alive


async def test_a_killed_server_leaves_no_worker_behind(tmp_path: Path) -> None:
    need_models()
    with running_server(tmp_path, SMALL) as server:
        started = server.children()
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(60)
        _, alive = await trio.to_thread.run_sync(lambda: psutil.wait_procs(started, timeout=60))

    assert started
    assert not alive
