"""The scripted Ollama of the tests, asked by the official client and by ours: both must hear the same."""

from collections.abc import Mapping
from typing import Any

import attrs
import ollama
import pytest
import trio

from backends.llm.ollama import OllamaModel
from backends.protocols import ProviderError
from protocol.messages.understanding import ChatMessage
from tests.backends.llm.llm_fixtures import LIGHT, QUESTION, SETTINGS, Collector, completion
from tests.backends.llm.scripted_ollama import Said, ScriptedOllama, say, serving

pytestmark = pytest.mark.system

OPTIONS = {"num_predict": 64, "temperature": 0.25, "top_p": 0.5, "top_k": 7, "num_ctx": 1_024, "num_gpu": 3}
TOOL: Mapping[str, Any] = {
    "type": "function",
    "function": {"name": "home_light", "description": "Switches a light.", "parameters": dict(LIGHT.input_schema)},
}
MESSAGES = [{"role": message.role, "content": message.content} for message in QUESTION]


def ours(server: ScriptedOllama, sampling: Mapping[str, Any] | None = None, **ollama: Any) -> OllamaModel:
    settings = attrs.evolve(SETTINGS, ollama=attrs.evolve(SETTINGS.ollama, url=server.url, **ollama))
    return OllamaModel(attrs.evolve(settings, **(sampling or {})))


async def official(function: Any, *arguments: Any, **options: Any) -> Any:
    """Call the official client, which blocks."""
    with trio.fail_after(60):
        return await trio.to_thread.run_sync(lambda: function(*arguments, **options))


async def test_both_clients_see_the_same_models():
    async with serving(say("Hello.")) as server:
        listed = await official(ollama.Client(server.url).list)
        assert [model.model for model in listed.models] == ["llama3.2:latest"]
        assert await ours(server).is_available()
        assert not await ours(server, model="mistral").is_available()


async def test_both_clients_hear_the_same_stream():
    async with serving(say("It is", " noon.")) as server:
        chunks = await official(
            lambda: list(ollama.Client(server.url).chat("llama3.2", MESSAGES, stream=True, options=OPTIONS))
        )
        assert [chunk.message.content for chunk in chunks if chunk.message.content] == ["It is", " noon."]
        assert (chunks[-1].done, chunks[-1].prompt_eval_count, chunks[-1].eval_count) == (True, 11, 7)
        collector = Collector()
        generation = await ours(server).generate(completion(QUESTION, (), collector))
    assert collector.heard == ["It is", " noon."]
    assert (generation.text, generation.prompt_tokens, generation.completion_tokens) == ("It is noon.", 11, 7)


async def test_every_setting_arrives_as_the_official_client_sends_it():
    chosen = {"temperature": 0.25, "top_p": 0.5, "top_k": 7, "context_size": 1_024, "gpu_layers": 3}
    async with serving(say("Hello.")) as server:
        client = ollama.Client(server.url)
        server.models = ("llama3.2:latest", "codellama:latest")
        await official(client.chat, "codellama", MESSAGES, options=OPTIONS, keep_alive=90, think=False)
        model = ours(server, chosen, keep_alive_s=90.0)
        await model.generate(completion(QUESTION, (), Collector(), max_tokens=64, model="codellama"))
    theirs, own = server.chats
    for key in ("model", "options", "keep_alive", "think", "messages"):
        assert own[key] == theirs[key], key


async def test_both_clients_get_the_same_tool_call():
    def script(wanted: Mapping[str, Any]) -> Said:
        assert [tool["function"]["name"] for tool in wanted["tools"]] == ["home_light"]
        return Said(calls=(("home_light", {"on": True}),))

    async with serving(script) as server:
        answer = await official(ollama.Client(server.url).chat, "llama3.2", MESSAGES, tools=[TOOL])
        [call] = answer.message.tool_calls
        assert (call.function.name, call.function.arguments) == ("home_light", {"on": True})
        generation = await ours(server).generate(completion(QUESTION, (LIGHT,)))
    [own] = generation.tool_calls
    assert (own.name, own.arguments) == ("home.light", {"on": True})


async def test_both_clients_are_told_of_a_model_that_is_not_there():
    async with serving(say("Hello.")) as server:
        with pytest.raises(ollama.ResponseError, match="model 'nobody' not found"):
            await official(ollama.Client(server.url).chat, "nobody", MESSAGES)
        with pytest.raises(ProviderError, match="model 'nobody' not found"):
            await ours(server, model="nobody").generate(completion(QUESTION, (), Collector(), max_tokens=5))


async def test_a_model_that_takes_no_tools_is_asked_again_without_them():
    async with serving(say("Hello."), without_tools=("llama3.2",)) as server:
        with pytest.raises(ollama.ResponseError, match="does not support tools"):
            await official(ollama.Client(server.url).chat, "llama3.2", MESSAGES, tools=[TOOL])
        model = ours(server)
        for _ in range(2):
            assert (await model.generate(completion(QUESTION, (LIGHT,), Collector(), max_tokens=5))).text == "Hello."
    assert ["tools" in chat for chat in server.chats] == [True, True, False, False]


async def test_a_stream_that_is_cut_is_told_and_nothing_is_made_up():
    async with serving(lambda _: Said(("It is", " noon.", " Or not."), breaks_after=2)) as server:
        collector = Collector()
        with pytest.raises(ProviderError):
            await ours(server).generate(completion((ChatMessage("user", "hello"),), (), collector, max_tokens=5))
    assert collector.heard == ["It is", " noon."]


async def test_a_model_is_unloaded_as_the_official_client_does_it():
    async with serving(say("Hello."), models=("llama3.2:latest", "mistral:latest")) as server:
        await official(ollama.Client(server.url).generate, "llama3.2", keep_alive=0)
        model = ours(server, max_loaded_models=1)
        for name in (None, "mistral"):
            await model.generate(completion(QUESTION, (), Collector(), max_tokens=5, model=name))
    theirs, own = [request.json for request in server.requests if request.path == "/api/generate"]
    assert (own["model"], own["keep_alive"]) == (theirs["model"], theirs["keep_alive"])
