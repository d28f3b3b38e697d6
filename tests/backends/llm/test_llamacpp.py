"""What can be told about the embedded model without loading it; the real one is in tests/system/test_llamacpp.py."""

from functools import partial
from pathlib import Path

import attrs
import pytest
import trio

from backends.llm import llamacpp
from backends.speech.models import ModelError
from tests.backends.llm.llm_fixtures import AFTER_A_CALL, LIGHT, SETTINGS, completion
from tests.backends.llm.scripted_http import page, scripted, sse

PARAMS = llamacpp.worker_params(SETTINGS, Path("models"))
HELLO = sse([{"choices": [{"delta": {"content": "Hello."}, "finish_reason": "stop"}]}])


def test_the_parameters_are_plain_values() -> None:
    assert PARAMS == {
        "model": "smollm2-135m-instruct",
        "models_dir": "models",
        "context_size": 2048,
        "parallel": 2,
        "cpu_threads": 2,
        "gpu_layers": 0,
    }


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"'other' is no \.gguf file"):
        llamacpp.LlamaWorker({**PARAMS, "model": "other", "models_dir": str(tmp_path)})


async def test_the_client_is_careful_with_a_small_model() -> None:
    async with scripted(HELLO) as server:
        model = llamacpp.connect(attrs.evolve(SETTINGS, temperature=1.0), f"{server.url}/secret/v1")
        generation = await model.generate(completion(AFTER_A_CALL, (LIGHT,)))

    (request,) = server.requests
    assert (generation.provider, generation.text) == ("embedded", "Hello.")
    assert request.path == "/secret/v1/chat/completions"
    assert (request.json["temperature"], request.json["top_k"]) == (llamacpp.TEMPERATURE_MAX, 40)
    assert "tools" not in request.json
    assert "authorization" not in request.headers


async def test_a_colder_temperature_is_kept() -> None:
    async with scripted(HELLO) as server:
        model = llamacpp.connect(attrs.evolve(SETTINGS, temperature=0.0), f"{server.url}/v1")
        await model.generate(completion(AFTER_A_CALL))

    assert server.requests[0].json["temperature"] == 0.0


async def test_the_first_question_is_asked_over_http() -> None:
    async with scripted(page({"choices": []})) as server:
        await trio.to_thread.run_sync(partial(llamacpp.warm_up, f"{server.url}/secret/v1"))

    assert server.requests[0].path == "/secret/v1/chat/completions"
    assert server.requests[0].json["max_tokens"] == 1


async def test_a_server_that_cannot_answer_its_first_question_is_not_ready() -> None:
    async with scripted(page({"error": "broken"}, 500)) as server:
        with pytest.raises(RuntimeError, match=r"first question, but it said 500.*broken"):
            await trio.to_thread.run_sync(partial(llamacpp.warm_up, f"{server.url}/v1"))
