"""Every variable of the performance guide about language models, from the environment to what a provider receives."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from actors.inference import Inference
from assembly.adapters import Adapters
from backends.llm import llamacpp
from config.load import load
from config.settings import Settings
from protocol.messages.understanding import ChatMessage, CompletionRequest, Generate, Generation
from runtime import ChildSpec, Ref, Supervisor, run_tree
from tests.backends.llm.scripted_http import Received, page, scripted, sse
from tests.backends.llm.scripted_ollama import Said, ScriptedOllama, say, serving
from tests.fakes import FakeSink, Script
from tests.fakes import scripted as scripted_actor

ANSWER = sse([{"choices": [{"index": 0, "delta": {"content": "Hi."}, "finish_reason": "stop"}]}])
MODELS = page({"data": [{"id": "gpt"}]})
NO_TOP_K = page({"error": {"message": "Unrecognized request argument supplied: top_k"}}, 400)


@pytest.fixture
def clock() -> MockClock:
    """A clock that jumps once the sockets have been quiet for a moment of real time."""
    return MockClock(autojump_threshold=0.02)


def loaded(**environment: str) -> Settings:
    """Return the settings of an environment."""
    result = load(None, {"HOME": "/nonexistent", **environment}, {})
    assert not result.warnings
    return result.settings


@attrs.frozen
class Models:
    """An inference on real adapters."""

    ref: Ref
    adapters: Adapters

    async def ask(self, text: str = "hello", task: str | None = None) -> Generation:
        """Ask a question."""
        message = Generate("s", (ChatMessage("user", text),), FakeSink(), task=task)
        generation = await self.ref.ask(message, timeout_s=20.0)
        assert isinstance(generation, Generation)
        return generation


@asynccontextmanager
async def models_of(settings: Settings) -> AsyncIterator[Models]:
    """Run the inference of a server with these settings, and no embedded model."""
    adapters = Adapters(settings)
    metrics = scripted_actor("metrics", Script())
    ref = Ref("inference")

    def make() -> Inference:
        models = adapters.language_models()
        return Inference(settings.inference, models, None, adapters.response_cache(), metrics.ref)

    async with trio.open_nursery() as nursery:
        tree = await nursery.start(run_tree, Supervisor((metrics, ChildSpec(ref, make))))
        yield Models(ref, adapters)
        await tree.stop("enough")


def reply(_: Mapping[str, Any]) -> Said:
    return Said(("Hi.",))


@asynccontextmanager
async def ollama(**environment: str) -> AsyncIterator[tuple[ScriptedOllama, Models]]:
    """Run a scripted Ollama, and an inference that was told of it and of the guide's variables."""
    names = ("llama3.2:latest", "llama2:7b", "codellama:latest", "mistral:latest")
    async with serving(reply, models=names) as server:
        told = {"SAYSO_INFERENCE__PROVIDER": "ollama", "SAYSO_INFERENCE__OLLAMA__URL": server.url, **environment}
        async with models_of(loaded(**told)) as models:
            yield server, models


OLLAMA = [
    ("OLLAMA_MODEL", "llama2:7b", lambda chat: chat["model"], "llama2:7b"),
    ("LLM_MAX_TOKENS", "77", lambda chat: chat["options"]["num_predict"], 77),
    ("LLM_TEMPERATURE", "0.25", lambda chat: chat["options"]["temperature"], 0.25),
    ("LLM_TOP_P", "0.5", lambda chat: chat["options"]["top_p"], 0.5),
    ("LLM_TOP_K", "7", lambda chat: chat["options"]["top_k"], 7),
    ("LLM_CONTEXT_SIZE", "1024", lambda chat: chat["options"]["num_ctx"], 1_024),
    ("LLM_GPU_LAYERS", "35", lambda chat: chat["options"]["num_gpu"], 35),
    ("LLM_GPU_LAYERS", "0", lambda chat: chat["options"]["num_gpu"], 0),
]


@pytest.mark.parametrize(("variable", "value", "found", "expected"), OLLAMA)
async def test_a_variable_arrives_at_ollama(
    clock: MockClock, variable: str, value: str, found: Callable[[Mapping[str, Any]], Any], expected: object
) -> None:
    async with ollama(**{variable: value}) as (server, models):
        await models.ask()
    assert found(server.chats[-1]) == expected


async def test_without_a_word_about_layers_ollama_uses_the_gpu_as_it_likes(clock: MockClock) -> None:
    async with ollama() as (server, models):
        await models.ask()
    assert "num_gpu" not in server.chats[-1]["options"]


@pytest.mark.parametrize(
    ("task", "text", "model"),
    [("coding", "hello", "codellama"), (None, "analyse this", "mistral"), (None, "hello", "llama3.2")],
)
async def test_the_model_of_a_task_is_asked(clock: MockClock, task: str | None, text: str, model: str) -> None:
    mapping = json.dumps({"coding": "codellama", "analysis": "mistral"})
    async with ollama(SPECIALIZED_MODELS="true", TASK_MODEL_MAPPING=mapping) as (server, models):
        await models.ask(text, task)
    assert server.chats[-1]["model"] == model


async def test_specialised_models_can_be_switched_off(clock: MockClock) -> None:
    async with ollama(SPECIALIZED_MODELS="false", TASK_MODEL_MAPPING='{"coding": "codellama"}') as (server, models):
        await models.ask(task="coding")
    assert server.chats[-1]["model"] == "llama3.2"


@pytest.mark.parametrize("variable", ["LLM_NUM_PARALLEL", "OLLAMA_NUM_PARALLEL"])
async def test_no_more_than_so_many_are_asked_at_once(clock: MockClock, variable: str) -> None:
    async with ollama(**{variable: "3"}) as (server, models):
        server.script = say("Hi.", pause_s=5.0)
        async with trio.open_nursery() as nursery:
            for number in range(4):
                nursery.start_soon(models.ask, f"question {number}")
            await trio.sleep(1.0)
            assert len(server.chats) == 3
    assert len(server.chats) == 4


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({"CACHE_ENABLED": "true"}, 1),
        ({"CACHE_ENABLED": "false"}, 3),
        ({"CACHE_ENABLED": "true", "CACHE_TTL": "5"}, 2),
        ({"CACHE_ENABLED": "true", "LLM_TEMPERATURE": "0.7"}, 3),
    ],
)
async def test_an_answer_is_kept_as_the_cache_is_set(clock: MockClock, environment: dict[str, str], asked: int) -> None:
    async with ollama(**{"LLM_TEMPERATURE": "0", **environment}) as (server, models):
        await models.ask()
        await models.ask("Hello.")
        await trio.sleep(10.0)
        await models.ask()
    assert len(server.chats) == asked


async def test_the_cache_holds_so_many_answers(clock: MockClock) -> None:
    async with ollama(LLM_TEMPERATURE="0", CACHE_MAX_SIZE="1") as (server, models):
        for text in ("one", "two", "one"):
            await models.ask(text)
    assert len(server.chats) == 3


@pytest.mark.parametrize("is_compressed", [True, False])
def test_the_cache_compresses_as_it_is_told(is_compressed: bool) -> None:
    cache = Adapters(loaded(CACHE_COMPRESSION=str(is_compressed).lower())).response_cache()
    assert cache is not None
    assert cache._settings.is_compressed is is_compressed


# --- any server that speaks OpenAI's dialect -----------------------------------------------------


def told_of(url: str, **environment: str) -> Settings:
    openai = {"PROVIDER": "openai", "OPENAI__URL": f"{url}/v1", "OPENAI__MODEL": "gpt"}
    return loaded(**{f"SAYSO_INFERENCE__{name}": value for name, value in openai.items()}, **environment)


def chats(requests: list[Received]) -> list[Any]:
    return [request.json for request in requests if request.path.endswith("/chat/completions")]


@pytest.mark.parametrize(
    ("variable", "value", "name", "expected"),
    [
        ("LLM_MAX_TOKENS", "77", "max_tokens", 77),
        ("LLM_TEMPERATURE", "0.25", "temperature", 0.25),
        ("LLM_TOP_P", "0.5", "top_p", 0.5),
        ("LLM_TOP_K", "7", "top_k", 7),
    ],
)
async def test_a_variable_arrives_at_an_openai_compatible_server(
    clock: MockClock, variable: str, value: str, name: str, expected: object
) -> None:
    async with scripted(MODELS, ANSWER) as server, models_of(told_of(server.url, **{variable: value})) as models:
        await models.ask()
    assert chats(server.requests)[-1][name] == expected


async def test_a_server_that_knows_no_top_k_is_asked_without_it_from_then_on(clock: MockClock) -> None:
    async with scripted(MODELS, NO_TOP_K, ANSWER) as server, models_of(told_of(server.url)) as models:
        assert (await models.ask()).text == "Hi."
        await models.ask("again")
    assert ["top_k" in chat for chat in chats(server.requests)] == [True, False, False]


# --- the embedded model --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "value", "name", "expected"),
    [
        ("LLM_CONTEXT_SIZE", "1024", "context_size", 1_024),
        ("LLM_GPU_LAYERS", "35", "gpu_layers", 35),
        ("LLM_NUM_PARALLEL", "3", "parallel", 3),
    ],
)
def test_a_variable_arrives_at_the_embedded_model(variable: str, value: str, name: str, expected: object) -> None:
    params = llamacpp.worker_params(loaded(**{variable: value}).inference, Path("/models"))
    assert params[name] == expected


def test_without_a_word_about_layers_the_embedded_model_stays_on_the_processor() -> None:
    assert llamacpp.worker_params(loaded().inference, Path("/models"))["gpu_layers"] == 0


async def test_sampling_arrives_at_the_embedded_model_too(clock: MockClock) -> None:
    settings = loaded(LLM_TOP_P="0.5", LLM_TOP_K="7", LLM_TEMPERATURE="0.25").inference
    async with scripted(ANSWER) as server:
        model = llamacpp.connect(settings, f"{server.url}/secret/v1")

        await model.generate(CompletionRequest((ChatMessage("user", "hello"),), FakeSink(), 9))
        await model.aclose()
    [chat] = chats(server.requests)
    told = {name: chat[name] for name in ("top_p", "top_k", "max_tokens", "temperature")}
    assert told == {"top_p": 0.5, "top_k": 7, "max_tokens": 9, "temperature": 0.0}, "so small a model must not wander"
