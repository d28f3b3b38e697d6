"""The Python client against a real server, on both event loops."""

import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import anyio
import pytest
from anyio.abc import ByteStream

import sayso_client
from sayso_client import (
    AudioAck,
    ClientOptions,
    ConnectionAccepted,
    ReconnectPolicy,
    Reply,
    ServerRefused,
    SpeechStopped,
    ToolResult,
    TurnCompleted,
    connect,
)
from sayso_client.websocket import connect_stream, parse_address
from tests.pages import fenced_blocks, text_of
from tests.system.server_fixtures import Server

pytestmark = pytest.mark.system

LIMIT_S = 60.0
FRAME = bytes(3_200)
QUICK = ReconnectPolicy(first_s=0.05)


async def a_typed_command(url: str) -> None:
    with anyio.fail_after(LIMIT_S):
        async with connect(url, ClientOptions(capabilities=("llm", "tools"))) as session:
            assert session.accepted.server.name == "sayso"
            await session.send_text("what time is it")
            kinds = []
            async for event in session:
                kinds.append(type(event))
                if isinstance(event, TurnCompleted):
                    assert event.outcome == "done"
                    await session.bye()
    assert kinds.index(ToolResult) < kinds.index(Reply) < kinds.index(TurnCompleted)
    assert session.close_code == 1000


async def a_line_that_is_cut(url: str) -> None:
    """Press, speak a second, lose the line, speak another second, release: the server has two seconds."""
    streams: list[ByteStream] = []

    async def open_stream() -> ByteStream:
        streams.append(await connect_stream(parse_address(url)))
        return streams[-1]

    options = ClientOptions(capabilities=("stt", "tools"), mode="push_to_talk")
    with anyio.fail_after(LIMIT_S):
        async with connect(url, options, reconnect=QUICK, open_stream=open_stream, rng=Random(1)) as session:
            await session.start_audio()
            for _ in range(10):
                await session.send_audio(FRAME)
            await anyio.aclose_forcefully(streams[0])
            for _ in range(10):
                await session.send_audio(FRAME)
            await session.end_audio()
            acknowledged = 0
            resumed = []
            async for event in session:
                match event:
                    case ConnectionAccepted():
                        resumed.append(event.resumed)
                    case AudioAck(samples=samples):
                        acknowledged = samples
                    case SpeechStopped(reason=reason):
                        assert reason == "manual"
                    case TurnCompleted():
                        break
    assert resumed == [False, True]
    assert acknowledged == 20 * len(FRAME) // 2
    assert len(streams) == 2


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("scenario", [a_typed_command, a_line_that_is_cut])
def test_a_conversation_is_the_same_on_both_event_loops(
    backend: str, scenario: Callable[[str], Awaitable[None]], small_server: Server
) -> None:
    anyio.run(scenario, small_server.url, backend=backend)


async def test_a_mistake_is_answered_in_words(small_server: Server) -> None:
    with pytest.raises(ServerRefused, match="sample_rate"):
        await connect(small_server.url, ClientOptions(audio=sayso_client.AudioFormat(sample_rate=1))).__aenter__()


def example_of_the_package() -> str:
    text = str(sayso_client.__doc__)
    return textwrap.dedent(text[text.index("    import anyio") : text.index("**Audio**")])


def example_of_the_readme() -> str:
    [example] = [block.text for block in fenced_blocks(text_of(Path("README.md"))) if block.language == "python"]
    return example


@pytest.mark.parametrize("example", [example_of_the_package, example_of_the_readme])
def test_an_example_of_the_documentation_runs(
    example: Callable[[], str], small_server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = example().replace("ws://127.0.0.1:8000/ws", small_server.url)
    exec(compile(program, str(tmp_path / "example.py"), "exec"), {})
    assert ":" in capsys.readouterr().out, "the time"
