"""The client against servers in this process; real processes and addresses are in tests/system/test_mcp.py."""

import logging
import sys

import pytest
import trio
import trio.testing
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ToolAnnotations

from backends.mcp.client import McpServers, McpSettings, builtin_server_config
from backends.mcp.results import MAX_TOOLS
from backends.protocols import ToolServerLost, ToolServerRefused, ToolsNotListed
from protocol.messages.understanding import CallProgress, CallTool, McpOffer
from tests.assembly.providers.provider_fixtures import answering
from tests.fakes import FakeSink

SETTINGS = McpSettings(connect_timeout_s=5.0, result_max_chars=100)


class Recorder:
    """A server that remembers what it was asked, and what became of it."""

    def __init__(self):
        self.server = MCPServer("recorder", log_level="ERROR")
        self.seen = []
        self.server.add_tool(self.echo, annotations=ToolAnnotations(read_only_hint=True), structured_output=False)
        self.server.add_tool(self.wait, structured_output=False)
        self.server.add_tool(self.fail, structured_output=False)
        self.server.add_tool(self.talk, structured_output=False)
        self.server.add_tool(self.count)
        self.server.add_tool(self.climb, structured_output=False)
        self.server.add_tool(self.learn, structured_output=False)

    async def echo(self, text: str, ctx: Context) -> str:
        """Say it again."""
        meta = ctx.request_context.meta
        self.seen.append((text, meta["sayso/session"], meta["sayso/call"]))
        return text

    async def wait(self, seconds: float) -> str:
        """Take a while."""
        try:
            await trio.sleep(seconds)
        except trio.Cancelled:
            self.seen.append("cancelled")
            raise
        self.seen.append("done")
        return "done"

    async def fail(self) -> str:
        """Break."""
        raise RuntimeError("internal secret")

    async def talk(self) -> str:
        """Say too much."""
        return "bla " * 1_000

    async def climb(self, ctx: Context) -> str:
        """Take three steps."""
        for step in (1, 2, 3):
            await ctx.report_progress(step, 3, f"step {step}")
        return "up"

    async def learn(self, ctx: Context) -> str:
        """Get another tool."""
        self.server.add_tool(self.echo, name="shout", structured_output=False)
        await ctx.notify_tools_changed()
        return "learnt"

    async def count(self) -> dict[str, int]:
        """Count."""
        return {"n": 3}


@pytest.fixture
def recorder():
    return Recorder()


def connect(config, settings=SETTINGS):
    return McpServers({"server": config}, settings)("server", on_announcement=lambda *_: None)


def call(server, tool, **arguments):
    return server.call(CallTool("s1", "c1", "server", tool, arguments))


async def test_tools_are_listed_with_what_their_author_says(recorder):
    async with connect(recorder.server) as server:
        tools = {tool.name: tool for tool in await server.list_tools()}

    assert set(tools) == {"climb", "count", "echo", "fail", "learn", "talk", "wait"}
    assert tools["echo"].server == "server"
    assert tools["echo"].description == "Say it again."
    assert tools["echo"].read_only is True
    assert tools["wait"].read_only is None
    assert tools["echo"].input_schema["required"] == ["text"]


async def test_a_call_carries_its_session_and_its_id(recorder):
    async with connect(recorder.server) as server:
        outcome = await call(server, "echo", text="hello")

    assert (outcome.ok, outcome.content, outcome.error) == (True, "hello", None)
    assert recorder.seen == [("hello", "s1", "c1")]


async def test_structured_results_and_long_ones_become_bounded_text(recorder):
    async with connect(recorder.server) as server:
        assert "3" in (await call(server, "count")).content
        assert len((await call(server, "talk")).content) == 100


@pytest.mark.parametrize(("tool", "arguments"), [("fail", {}), ("echo", {}), ("unknown", {})])
async def test_a_failed_call_is_an_outcome_with_words(recorder, tool, arguments):
    async with connect(recorder.server) as server:
        outcome = await call(server, tool, **arguments)
        assert (await call(server, "echo", text="still here")).ok

    assert not outcome.ok
    assert outcome.error
    assert "secret" not in outcome.error


async def test_a_callers_cancellation_reaches_the_server(recorder, autojump_clock):
    async with connect(recorder.server) as server:
        with trio.move_on_after(1):
            await call(server, "wait", seconds=20)
        await trio.sleep(0.1)

        assert recorder.seen == ["cancelled"]


async def test_calls_run_side_by_side(recorder, autojump_clock):
    started_s = trio.current_time()
    async with connect(recorder.server) as server, trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(lambda: call(server, "wait", seconds=5))

    assert trio.current_time() - started_s < 6
    assert recorder.seen == ["done"] * 3


async def test_a_server_that_answers_pings_is_not_lost(recorder, autojump_clock):
    async with connect(recorder.server) as server:
        with trio.move_on_after(600) as scope:
            await server.wait_lost()

    assert scope.cancelled_caught


async def test_after_the_block_calls_say_that_the_server_is_gone(recorder):
    async with connect(recorder.server) as server:
        pass

    with pytest.raises(ToolServerLost, match="server: it was closed"):
        await call(server, "echo", text="x")
    with pytest.raises(ToolServerLost):
        await server.list_tools()
    assert await server.wait_lost() == "server: it was closed"


async def test_an_error_in_the_block_comes_out_as_it_is(recorder):
    with pytest.raises(KeyError, match="mine"):
        async with connect(recorder.server):
            raise KeyError("mine")


async def test_a_cancelled_block_ends(recorder, autojump_clock):
    with trio.move_on_after(3) as scope:
        async with connect(recorder.server):
            await trio.sleep_forever()

    assert scope.cancelled_caught


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"command": "no-such-command-here"}, "the command 'no-such-command-here' was not found; is it installed"),
        ({"command": sys.executable, "cwd": "/no/such/folder"}, "its folder /no/such/folder does not exist"),
        ({"command": "/"}, "the command '/' may not be executed"),
        ({"cmd": "x"}, r"a tool server must have a command or a url, not \['cmd'\]"),
        ({"command": ["ls"]}, "command"),
        ({"url": "nonsense"}, "server: "),
    ],
)
async def test_what_cannot_be_started_is_lost_with_a_readable_reason(config, reason):
    with pytest.raises(ToolServerLost, match=reason) as caught:
        async with connect(config):
            pass

    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize("status", [401, 403])
async def test_a_server_that_does_not_accept_the_credentials_is_told_apart(status):
    why = rf"does not accept the credentials \(status {status}\)"
    with answering("/elsewhere", {}, missing=status) as url, pytest.raises(ToolServerRefused, match=why):
        async with connect({"url": f"{url}/mcp", "headers": {"Authorization": "Bearer x"}}):
            pass


async def test_a_server_that_is_missing_has_refused_nothing():
    with answering("/elsewhere", {}, missing=404) as url, pytest.raises(ToolServerLost) as caught:
        async with connect({"url": f"{url}/mcp"}):
            pass
    assert not isinstance(caught.value, ToolServerRefused)


def test_the_built_in_server_is_started_by_this_interpreter(tmp_path):
    config = builtin_server_config(tmp_path, '{"a": ["b"]}')

    assert config["command"] == sys.executable
    assert config["args"][:2] == ["-m", "backends.builtin.server"]
    assert str(tmp_path) in config["args"]


async def test_the_connection_is_logged(recorder, caplog):
    caplog.set_level(logging.INFO)
    async with connect(recorder.server):
        pass

    assert "connected to server, protocol 20" in caplog.text


async def test_the_steps_of_a_call_are_told_in_order(recorder):
    sink = FakeSink()
    async with connect(recorder.server) as server:
        outcome = await server.call(CallTool("s1", "c1", "server", "climb", {}, progress_sink=sink))
    assert outcome.ok
    assert sink.parts == [CallProgress(1, 3, "step 1"), CallProgress(2, 3, "step 2"), CallProgress(3, 3, "step 3")]


async def test_arguments_that_the_tool_does_not_take_are_not_sent(recorder):
    async with connect(recorder.server) as server:
        await server.list_tools()
        outcome = await call(server, "echo", text=3)
    assert not outcome.ok
    assert outcome.error == "wrong arguments for echo: text: 3 is not of type 'string'"
    assert recorder.seen == []


async def test_another_list_of_tools_is_told(recorder):
    async with connect(recorder.server) as server:
        before = {tool.name for tool in await server.list_tools()}
        await trio.testing.wait_all_tasks_blocked()
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(server.wait_changed)
                await call(server, "learn")
        after = {tool.name for tool in await server.list_tools()}
    assert after - before == {"shout"}


async def test_of_a_very_long_list_what_is_not_taken_is_told(recorder):
    for number in range(MAX_TOOLS):
        recorder.server.add_tool(recorder.count, name=f"t{number}")
    async with connect(recorder.server) as server:
        assert server.notes == ()
        assert len(await server.list_tools()) == MAX_TOOLS
        assert server.notes == ("server: not taken is all from tool 513 on: at most 512 are taken from one server",)


async def test_a_list_that_does_not_come_in_time_is_told_apart(recorder, autojump_clock):
    async def slowly(*_: object, **__: object) -> None:
        await trio.sleep_forever()

    async with connect(recorder.server) as server:
        server._client.list_tools = slowly
        with pytest.raises(ToolsNotListed, match="server: it did not list its tools within 5 s"):
            await server.list_tools()


async def test_resources_and_prompts_are_listed_too(recorder):
    recorder.server.resource("file:///manual", name="manual", description="How it works.")(lambda: "Press it.")
    recorder.server.prompt(name="hurry", title="Make haste")(lambda: "Be quick.")
    async with connect(recorder.server) as server:
        assert await server.list_offers() == (
            McpOffer("server", "resource", "manual", "How it works.", "file:///manual"),
            McpOffer("server", "prompt", "hurry", "Make haste"),
        )


async def test_a_call_carries_the_language_of_its_answer(recorder):
    languages = []

    async def speak(ctx: Context) -> str:
        languages.append(ctx.request_context.meta["sayso/language"])
        return "Hallo"

    recorder.server.add_tool(speak, structured_output=False)
    async with connect(recorder.server) as server:
        await server.call(CallTool("s1", "c1", "server", "speak", {}, language="de"))
    assert languages == ["de"]
