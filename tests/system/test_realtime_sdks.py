"""OpenAI's SDKs for Python and JavaScript, unmodified, on a whole server that has a language model."""

import base64
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import attrs
import openai
import pytest
import trio

from tests.backends.llm.scripted_ollama import Said, ScriptedOllama, serving
from tests.system.client_fixtures import SILENCE
from tests.system.model_fixtures import add_steady_voice
from tests.system.server_fixtures import ROOT, SMALL, need_models, running_server
from tests.system.stranger_fixtures import node_client
from tests.system.test_realtime import answer, at_rate, typed

pytestmark = [
    pytest.mark.system,
    pytest.mark.filterwarnings("ignore:connect\\(\\) must be used:DeprecationWarning"),  # of the SDK, by websockets 17
    pytest.mark.filterwarnings("ignore:.*websockets:DeprecationWarning"),
]

SCRIPTS: Final = ROOT / "tests" / "system" / "servers"
LIMIT_S: Final = 90
STORY: Final = "Once upon a time there was a ship. " + "It sailed on and on over the wide blue sea. " * 12
KEYS: Final = "They are in your pocket."
WEATHER: Final[Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "Tell the weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def script(wanted: Mapping[str, Any]) -> Said:
    """Be a model that calls the client's tool, tells what it said, and knows a story."""
    last = wanted["messages"][-1]
    if last["role"] == "tool":
        return Said((f"It is {json.loads(last['content']).get('data_from_tool', 'unknown')}.",))
    tools = {tool["function"]["name"] for tool in wanted.get("tools", ())}
    if "weather" in last["content"].lower() and "get_weather" in tools:
        return Said(calls=(("get_weather", {"city": "London"}),))
    return Said((STORY if "story" in last["content"] else KEYS,))


@contextmanager
def scripted_model() -> Iterator[ScriptedOllama]:
    """Serve the model in a thread of its own, for tests that wait for other programs."""
    found: list[tuple[ScriptedOllama, trio.lowlevel.TrioToken, trio.CancelScope]] = []
    is_ready = threading.Event()

    async def serve() -> None:
        with trio.CancelScope() as scope:
            async with serving(script) as model:
                found.append((model, trio.lowlevel.current_trio_token(), scope))
                is_ready.set()
                await trio.sleep_forever()

    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    assert is_ready.wait(LIMIT_S)
    model, token, scope = found[0]
    try:
        yield model
    finally:
        trio.from_thread.run_sync(scope.cancel, trio_token=token)
        thread.join(LIMIT_S)


@attrs.frozen
class SecureServer:
    """Where a server with a certificate listens."""

    port: int
    certificate: Path

    @property
    def base_url(self) -> str:
        """The address that SDKs take."""
        return f"https://127.0.0.1:{self.port}/v1"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureServer]:
    """A server that speaks and has a language model, with TLS: some of the SDKs speak nothing else."""
    need_models(speech=True)
    folder = tmp_path_factory.mktemp("secure")
    with scripted_model() as model, pytest.MonkeyPatch.context() as environment:
        settings = SMALL | {"speech.provider": "piper", "speech.piper.voice": add_steady_voice()}
        settings |= {"inference.provider": "ollama", "inference.ollama.url": model.url}
        settings |= {"understanding.meaning": False, "tools.builtin": False}
        with running_server(folder, settings, flags=("--tls", "self-signed")) as server:
            port = int(server.url.removesuffix("/ws").rpartition(":")[2])
            certificate = folder / "data" / "tls" / "certificate.pem"
            environment.setenv("SSL_CERT_FILE", str(certificate))
            yield SecureServer(port, certificate)


@pytest.fixture
def client(secure: SecureServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=secure.base_url, api_key="none", max_retries=0) as found:
        yield found


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory, spoken: Callable[[str], bytes]) -> tuple[str, str]:
    """Files of two questions, of 24 kHz samples: one for the client's tool, and one to speak into an answer."""
    folder = tmp_path_factory.mktemp("recordings")
    files = []
    for number, text in enumerate(("What is the weather like in London tomorrow?", "Where are my keys?")):
        file = folder / f"{number}.pcm"
        file.write_bytes(at_rate(spoken(text) + SILENCE, 24_000))
        files.append(str(file))
    return files[0], files[1]


def told_by(command: Sequence[str], secure: SecureServer) -> dict[str, Any]:
    """Run a program; return the JSON that it prints."""
    environment = os.environ | {"NODE_EXTRA_CA_CERTS": str(secure.certificate)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# --- Python ----------------------------------------------------------------------------------------


def test_a_tool_of_the_client_is_called_within_a_conversation(client: openai.OpenAI) -> None:
    with client.realtime.connect(model="gpt-realtime") as connection:
        connection.recv()
        connection.session.update(
            session={"type": "realtime", "output_modalities": ["text"], "tools": [WEATHER], "tool_choice": "auto"}
        )
        connection.conversation.item.create(item=typed("what is the weather in london"))
        connection.response.create()
        for event in connection:
            if event.type == "response.function_call_arguments.done":
                call = event
            if event.type == "response.done":
                break
        assert (event.response.status, event.response.output[0].type) == ("completed", "function_call")
        assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "London"})
        wrong: Any = {"type": "function_call_output", "call_id": "nobody", "output": "?"}
        connection.conversation.item.create(item=wrong, event_id="wrong")
        error = connection.recv().error
        assert (error.code, error.event_id) == ("invalid_tool_call_id", "wrong")
        connection.conversation.item.create(item=wrong | {"call_id": call.call_id, "output": "sunny in London"})
        connection.response.create()
        text, _, _ = answer(connection)
    assert text == "It is sunny in London."


def test_the_client_of_the_beta_has_its_classes(client: openai.OpenAI) -> None:
    with client.beta.realtime.connect(model="gpt-4o-realtime-preview") as connection:
        assert connection.recv().session.input_audio_format == "pcm16"
        connection.session.update(session={"modalities": ["text"], "input_audio_format": "g711_ulaw"})
        connection.input_audio_buffer.append(audio=base64.b64encode(bytes([0xFF] * 4_000)).decode())
        connection.conversation.item.create(item=typed("tell me a joke"))
        connection.response.create()
        types = {}
        for event in connection:
            types[event.type] = type(event).__name__
            if event.type == "response.done":
                break
    assert event.response.output[0].content[0].text.strip() == KEYS
    assert types["conversation.item.created"] == "ConversationItemCreatedEvent"
    assert types["response.text.delta"] == "ResponseTextDeltaEvent"


def check_conversation(told: dict[str, Any]) -> None:
    """Check what an Agents SDK knows: its tool was called, and of the answer that was cut only what was heard."""
    assert told["called"] == ["London"]
    assert told["errors"] == []
    assert told["interrupted"]
    texts = [(message["role"], message["text"]) for message in told["messages"]]
    assert ("assistant", "It is sunny in London.") in texts
    assert [text for role, text in texts if role == "user"][1] == "tell me a long story"
    answers = [text for role, text in texts if role == "assistant"]
    assert len(answers[1]) < len(STORY)
    assert answers[-1].strip() == KEYS


# --- JavaScript ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ga", "beta"])
def test_the_client_for_javascript_is_answered(secure: SecureServer, kind: str) -> None:
    command = node_client("openai", SCRIPTS / "realtime_openai.mjs")
    told = told_by([*command, secure.base_url, kind], secure)
    assert told["status"] == "completed"
    assert told["text"].strip() == KEYS
    assert ("response.text.done" if kind == "beta" else "response.output_text.done") in told["types"]


def test_the_agents_sdk_for_javascript_calls_its_tool_and_may_be_interrupted(
    secure: SecureServer, recordings: tuple[str, str]
) -> None:
    command = node_client("@openai/agents-realtime", SCRIPTS / "realtime_agents.mjs")
    url = f"wss://127.0.0.1:{secure.port}/v1/realtime"
    check_conversation(told_by([*command, url, *recordings], secure))
