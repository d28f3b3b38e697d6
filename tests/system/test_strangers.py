"""MCP servers that others wrote, over both transports, called through a whole server: by grammar and by a model."""

import json
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.backends.llm.scripted_ollama import Said, ScriptedOllama, serving
from tests.system.client_fixtures import QUIET, SILENCE, Client, talking
from tests.system.server_fixtures import SMALL, Server, need_models, poll, running_server
from tests.system.stranger_fixtures import everything_at_an_address, git_repository, node_server, python_server

pytestmark = pytest.mark.system

LIMIT_S = 240
COMMANDS = """
    language: en
    intents:
      Time:
        tool: clock/get_current_time
        arguments: {timezone: "Asia/Tokyo"}
        data:
          - sentences: ["what is the hour in tokyo"]
      Log:
        tool: git/git_log
        arguments: {repo_path: "%(repository)s", max_count: 3}
        data:
          - sentences: ["what was done last"]
      Files:
        tool: files/list_directory
        arguments: {path: "%(folder)s"}
        data:
          - sentences: ["show my files"]
      Echo:
        tool: everything/echo
        arguments: {message: "good morning"}
        data:
          - sentences: ["say good morning"]
      EchoFar:
        tool: faraway/echo
        arguments: {message: "from afar"}
        data:
          - sentences: ["call far away"]
      Weather:
        tool: everything/get-structured-content
        arguments: {location: "New York"}
        data:
          - sentences: ["how is the weather in new york"]
      Slow:
        tool: everything/trigger-long-running-operation
        arguments: {duration: 30, steps: 60}
        data:
          - sentences: ["take your time"]
      Steps:
        tool: everything/trigger-long-running-operation
        arguments: {duration: 2, steps: 4}
        data:
          - sentences: ["count the steps"]
"""


def script(wanted: Mapping[str, Any]) -> Said:
    """Be a model that calls the tool that it is asked to call, and then tells what came of it."""
    last = wanted["messages"][-1]
    if last["role"] == "tool":
        return Said((f"It says: {json.loads(last['content']).get('data_from_tool', 'nothing')}",))
    tools = {tool["function"]["name"] for tool in wanted["tools"]}
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "sum": ("everything__get-sum", {"a": 2, "b": 40}),
        "badly": ("faraway__get-sum", {"a": 2, "b": "forty"}),
    }  # both servers have it, so it goes by their names
    name, arguments = next(call for word, call in asked.items() if word in last["content"])
    assert name in tools, sorted(tools)
    return Said(calls=((name, arguments),))


@pytest.fixture(scope="module")
def strangers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Any]]:
    """The configuration of five servers, from PyPI and npm, over stdio and HTTP."""
    need_models()
    folder = tmp_path_factory.mktemp("files")
    (folder / "shopping.txt").write_text("milk\n")
    repository = git_repository(tmp_path_factory.mktemp("git") / "kitchen")
    with everything_at_an_address() as url:
        yield {
            "folder": folder,
            "repository": repository,
            "servers": {
                "clock": python_server("mcp-server-time", "--local-timezone", "Europe/Berlin"),
                "git": python_server("mcp-server-git", "--repository", str(repository)),
                "files": node_server("server-filesystem", str(folder)),
                "everything": node_server("server-everything", "stdio"),
                "faraway": {"url": url},
            },
        }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, strangers: Mapping[str, Any]) -> Iterator[Server]:
    """A server that knows them, and no language model."""
    folder = tmp_path_factory.mktemp("server")
    with running_server(prepared(folder, strangers), SMALL | {"tools.call_timeout_s": 8}) as server:
        poll("all tool servers are up", lambda: all_up(server), timeout_s=120)
        yield server


def prepared(folder: Path, strangers: Mapping[str, Any]) -> Path:
    (folder / "commands").mkdir()
    (folder / "commands" / "strangers.yaml").write_text(textwrap.dedent(COMMANDS % strangers))
    tables = [
        f"[mcpServers.{name}]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in config.items())
        for name, config in strangers["servers"].items()
    ]
    (folder / "sayso.toml").write_text("\n\n".join(tables))
    return folder


def all_up(server: Server) -> bool:
    names = ("clock", "git", "files", "everything", "faraway")
    return all(server.actor(f"tools.{name}")["statistics"]["is_up"] for name in names)


@asynccontextmanager
async def talking_to(server: Server) -> AsyncIterator[Client]:
    with trio.fail_after(LIMIT_S):
        async with talking(server.url, QUIET) as client:
            yield client


def test_their_tools_are_listed(server: Server) -> None:
    tools = server.get("/api/tools").json()["tools"]
    names = {(tool["server"], tool["name"]) for tool in tools}
    assert {
        ("clock", "get_current_time"),
        ("git", "git_log"),
        ("files", "list_directory"),
        ("everything", "echo"),
        ("faraway", "echo"),
    } < names


def test_their_resources_and_prompts_are_listed(server: Server) -> None:
    offers = server.get("/api/tools").json()["offers"]
    for name in ("everything", "faraway"):
        found = {(offer["kind"], offer["name"]): offer for offer in offers if offer["server"] == name}
        assert ("prompt", "simple-prompt") in found
        resources = [offer for (kind, _), offer in found.items() if kind == "resource"]
        assert resources
        assert all(resource["uri"] for resource in resources)
    assert {offer["server"] for offer in offers} == {"everything", "faraway"}, "the others have none"


async def test_a_structured_result_is_told_as_text(server: Server) -> None:
    async with talking_to(server) as client:
        await client.tell("text", text="how is the weather in new york")
        completed = await client.next("turn_completed")
    assert completed["outcome"] == "done"
    told = json.loads(client.all("tool_result")[0]["content"])
    assert {"temperature", "conditions", "humidity"} <= set(told)


@pytest.mark.parametrize(
    ("sentence", "tool", "answer"),
    [
        ("what is the hour in tokyo", "get_current_time", "Asia/Tokyo"),
        ("what was done last", "git_log", "Write the recipe down"),
        ("show my files", "list_directory", "shopping.txt"),
        ("say good morning", "echo", "good morning"),
        ("call far away", "echo", "from afar"),
    ],
)
async def test_a_sentence_of_the_grammar_calls_them(server: Server, sentence: str, tool: str, answer: str) -> None:
    async with talking_to(server) as client:
        await client.tell("text", text=sentence)
        completed = await client.next("turn_completed")
    assert completed["outcome"] == "done"
    assert [call["tool"] for call in client.all("tool_call")] == [tool]
    assert answer in client.all("tool_result")[0]["content"]


async def test_a_spoken_sentence_calls_them(server: Server, spoken: Callable[[str], bytes]) -> None:
    async with talking_to(server) as client:
        await client.speak(spoken("Show my files.") + SILENCE)
        completed = await client.next("turn_completed")
    assert completed["outcome"] == "done"
    assert "shopping.txt" in client.all("tool_result")[0]["content"]


async def test_a_long_call_shows_its_steps(server: Server) -> None:
    async with talking_to(server) as client:
        await client.tell("text", text="count the steps")
        await client.next("turn_completed")
    steps = client.all("tool_progress")
    assert [step["total"] for step in steps] == [4.0] * len(steps)
    assert 2 <= len(steps) <= 4
    assert client.all("tool_result")[0]["ok"]


async def test_a_call_that_takes_too_long_is_given_up(server: Server) -> None:
    async with talking_to(server) as client:
        await client.tell("text", text="take your time")
        result = await client.next("tool_result")
        completed = await client.next("turn_completed")
    assert not result["ok"]
    assert "longer than 8 s" in result["error"]
    assert completed["outcome"] == "failed"
    assert server.actor("tools.everything")["statistics"]["is_up"]


async def test_an_interrupted_call_is_cancelled_and_the_server_goes_on(server: Server) -> None:
    async with talking_to(server) as client:
        await client.tell("text", text="take your time")
        await client.next("tool_call")
        await client.tell("interrupt")
        completed = await client.next("turn_completed")
        await client.tell("text", text="say good morning")
        after = await client.next("turn_completed")
    assert (completed["outcome"], after["outcome"]) == ("interrupted", "done")


@asynccontextmanager
async def with_a_model(folder: Path, strangers: Mapping[str, Any]) -> AsyncIterator[tuple[Server, ScriptedOllama]]:
    """Run a server whose language model follows the script."""
    async with serving(script) as model:
        settings = SMALL | {"inference.provider": "ollama", "inference.ollama.url": model.url}
        settings |= {"understanding.meaning": False}  # what the model is asked here could be taken for a sum
        running = running_server(prepared(folder, strangers), settings)
        server = await trio.to_thread.run_sync(running.__enter__)
        try:
            await trio.to_thread.run_sync(poll, "all are up", lambda: all_up(server), 120.0)
            yield server, model
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(running.__exit__, None, None, None)


async def test_a_model_calls_them_and_tells_what_they_answered(tmp_path: Path, strangers: Mapping[str, Any]) -> None:
    async with with_a_model(tmp_path, strangers) as (server, model), talking_to(server) as client:
        await client.tell("text", text="what is the sum of them")
        completed = await client.next("turn_completed")
        reply = client.all("reply")[-1]["text"]
        await client.tell("text", text="now badly")
        await client.next("turn_completed")
    assert completed["outcome"] == "done"
    assert "42" in reply
    told = json.loads(model.chats[-1]["messages"][-1]["content"])
    assert "b: 'forty' is not of type 'number'" in told["error"]
