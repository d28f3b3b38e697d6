"""The real embedded model in its worker process, asked by our own client and by the official one."""

import statistics
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import httpx2
import openai
import pytest
import trio

from backends.jobs import DescribeModel, LocateModel
from backends.llm import llamacpp
from backends.llm.openai import OpenAIModel
from backends.protocols import ProviderError
from backends.speech.models import ModelError, resolve_llm
from protocol.messages.understanding import ChatMessage, CompletionRequest
from runtime.workers.pool import JobFailed, Pool, WorkerSpec
from tests.backends.llm.llm_fixtures import LIGHT, SETTINGS, Collector, completion
from tests.fakes import CallingSink
from tests.system.model_fixtures import models_dir

pytestmark = pytest.mark.system

SYSTEM = ChatMessage("system", "You are a helpful voice assistant. Answer in one short spoken sentence.")
START_TIMEOUT_S = 200.0


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Pool, str]]:
    """Run the worker process; gives its pool and the address of its server."""
    try:
        await trio.to_thread.run_sync(resolve_llm, llamacpp.MODEL, models_dir())
    except ModelError as error:
        pytest.skip(str(error))
    params = llamacpp.worker_params(SETTINGS, models_dir())
    pool = Pool(WorkerSpec(name="llm", target="backends.llm.llamacpp:LlamaWorker", params=params), 1)
    with trio.fail_after(START_TIMEOUT_S):
        async with trio.open_nursery() as nursery:
            await nursery.start(pool.run)
            address, _ = await pool.call(LocateModel(), timeout_s=60.0)
            yield pool, address.url
            nursery.cancel_scope.cancel()


def connect(url: str) -> OpenAIModel:
    return llamacpp.connect(attrs.evolve(SETTINGS, temperature=0.0), url)


async def ask(model: OpenAIModel, question: str, collector: Collector) -> Any:
    return await model.generate(completion((SYSTEM, ChatMessage("user", question)), (LIGHT,), collector, max_tokens=48))


async def test_it_knows_the_capital_of_france() -> None:
    collector = Collector()
    async with serving() as (_, url):
        model = connect(url)
        assert await model.is_available()
        generation = await ask(model, "What is the capital of France?", collector)

    assert "Paris" in generation.text
    assert len(generation.text) < 80
    assert "".join(collector.heard) == generation.text
    assert len(collector.heard) > 3  # streamed, not at once
    assert generation.prompt_tokens > 10
    assert generation.completion_tokens >= len(collector.heard) - 1
    assert generation.tool_calls == ()


async def test_two_are_answered_at_once_and_a_cancelled_one_leaves_room() -> None:
    async with serving() as (_, url):
        model = connect(url)
        with trio.move_on_after(120) as scope:

            async def hang_up(_text: str) -> None:
                scope.cancel()

            messages = (SYSTEM, ChatMessage("user", "Count to 100."))
            await model.generate(CompletionRequest(messages, CallingSink(hang_up), 200))
        collector = [Collector(), Collector()]
        async with trio.open_nursery() as nursery:
            for each in collector:
                nursery.start_soon(ask, model, "Tell me a long story about a fox.", each)

    assert scope.cancelled_caught
    assert max(each.times_s[0] for each in collector) < min(each.times_s[-1] for each in collector)


async def test_the_official_client_can_talk_to_it() -> None:
    async with serving() as (_, url):
        models, text = await trio.to_thread.run_sync(partial(ask_officially, url))

    assert models == [llamacpp.NAME]
    assert "Paris" in text


def ask_officially(url: str) -> tuple[list[str], str]:
    with openai.OpenAI(base_url=url, api_key="none") as client:
        stream = client.chat.completions.create(
            model=llamacpp.NAME,
            messages=[
                {"role": "system", "content": SYSTEM.content},
                {"role": "user", "content": "What is the capital of France?"},
            ],
            temperature=0,
            max_tokens=32,
            stream=True,
        )
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        return [model.id for model in client.models.list()], text


async def test_without_the_secret_path_there_is_nothing() -> None:
    async with serving() as (_, url), httpx2.AsyncClient(trust_env=False) as client:
        bare = str(httpx2.URL(url).copy_with(path=""))
        pages = [(await client.get(bare + path)).status_code for path in ("/", "/health", "/v1/models", "/props")]

    assert pages == [404] * 4


async def test_a_question_longer_than_its_memory_is_refused_in_words() -> None:
    async with serving() as (_, url):
        with pytest.raises(ProviderError, match="exceeds the available context size"):
            await ask(connect(url), "word " * 3_000, Collector())


async def test_the_worker_answers_nothing_but_its_address() -> None:
    async with serving() as (pool, _):
        with pytest.raises(JobFailed, match="must be one of LocateModel, not DescribeModel"):
            await pool.call(DescribeModel(), timeout_s=60.0)


async def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF" + bytes(1_000))

    with pytest.raises(ModelError, match=f"cannot load {damaged}"):
        await trio.to_thread.run_sync(
            llamacpp.LlamaWorker, {**llamacpp.worker_params(SETTINGS, tmp_path), "model": str(damaged)}
        )


async def test_its_pace_is_told(record_property: Callable[[str, object], None]) -> None:
    collector = Collector()
    async with serving() as (_, url):
        model = connect(url)
        await ask(model, "What is the capital of Spain?", Collector())
        first_token_s = [
            (await ask(model, f"What is the capital of {country}?", Collector())).first_token_s
            for country in ("Italy", "Japan", "Peru")
        ]
        await model.generate(completion((ChatMessage("user", "Tell me a story."),), (), collector, max_tokens=128))
    tokens_per_s = (len(collector.times_s) - 1) / (collector.times_s[-1] - collector.times_s[0])
    record_property("tokens_per_s", tokens_per_s)
    record_property("first_token_s", statistics.median(first_token_s))

    assert tokens_per_s > 0
    assert min(first_token_s) > 0
