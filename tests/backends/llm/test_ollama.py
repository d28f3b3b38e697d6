"""Ollama's dialect, read from bytes and spoken to a scripted server."""

import itertools
import json
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from backends.llm.http_model import CompletionTimeouts, GenerationCut
from backends.llm.messages import WireNames
from backends.llm.ollama import LoadedModels, OllamaAnswer, OllamaModel, same_model
from backends.llm.streams import BadStream
from backends.protocols import ProviderError
from protocol.messages.understanding import Generation, ModelToolCall, ToolSpec
from tests.backends.llm.llm_fixtures import AFTER_A_CALL, LIGHT, QUESTION, SETTINGS, Collector, completion
from tests.backends.llm.scripted_http import ScriptedServer, Step, Wait, head, ndjson, page, scripted
from tests.unreadable_json import UNREADABLE_JSON


@pytest.fixture
def clock() -> MockClock:
    """A clock that jumps once the sockets have been quiet for a moment of real time."""
    return MockClock(autojump_threshold=0.02)


def piece(content: str = "", **fields: Any) -> dict[str, Any]:
    return {"model": "llama3.2", "message": {"role": "assistant", "content": content, **fields}, "done": False}


END = {**piece(), "done": True, "done_reason": "stop", "prompt_eval_count": 26, "eval_count": 2, "total_duration": 1}
HELLO = ndjson([piece("Hel"), piece("lo."), END])


def model_of(server: ScriptedServer, **changes: Any) -> OllamaModel:
    settings = attrs.evolve(SETTINGS, ollama=attrs.evolve(SETTINGS.ollama, url=server.url, **changes))
    return OllamaModel(settings, patience=CompletionTimeouts(total_s=30.0))


async def generate(
    server: ScriptedServer, collector: Collector | None = None, tools: tuple[ToolSpec, ...] = ()
) -> Generation:
    return await model_of(server).generate(completion(QUESTION, tools, collector))


# --- reading -------------------------------------------------------------------------------------


def read(*lines: Any) -> OllamaAnswer:
    answer = OllamaAnswer(WireNames([LIGHT]), first_call=3)
    for line in lines:
        answer.receive((line if isinstance(line, str) else json.dumps(line)).encode() + b"\n")
    answer.close()
    return answer


@given(st.lists(st.integers(0, 2_000), max_size=20))
def test_an_answer_reads_the_same_wherever_the_bytes_are_cut(cuts: list[int]) -> None:
    body = b"".join(step for step in HELLO[1:] if isinstance(step, bytes))
    places = sorted({0, len(body), *(cut % len(body) for cut in cuts)})
    answer = OllamaAnswer(WireNames(()))

    texts = [text for a, b in itertools.pairwise(places) for text in answer.receive(body[a:b])]

    assert (texts, answer.is_done, answer.tokens) == (["Hel", "lo."], True, (26, 2))


def test_calls_without_an_id_are_numbered_on() -> None:
    calls = [{"function": {"name": "home_light", "arguments": {"on": True}}}, {"function": {"name": "made_up"}}]

    assert read(piece(tool_calls=calls), END).tool_calls == (
        ModelToolCall("call_3", "home.light", {"on": True}),
        ModelToolCall("call_4", "made_up", {}),
    )


def test_an_id_of_ollama_is_kept() -> None:
    calls = [{"id": "call_x", "function": {"name": "home_light", "arguments": {}}}]

    assert read(piece(tool_calls=calls), END).tool_calls[0].call_id == "call_x"


def test_what_a_model_thinks_is_not_its_answer() -> None:
    assert read(piece(thinking="Hmm"), piece("Yes."), END).text == "Yes."


def test_an_answer_needs_its_last_line() -> None:
    with pytest.raises(BadStream, match="ended before the answer"):
        read(piece("Hel"))


def test_an_error_in_the_stream_is_told() -> None:
    with pytest.raises(ProviderError, match="runner process has terminated"):
        read(piece("Hel"), {"error": "llama runner process has terminated"})


@pytest.mark.parametrize("garbage", ["<html>", "{", "[]", '{"message": 3}', '{"message": {"tool_calls": [{}]}}'])
def test_garbage_is_refused(garbage: str) -> None:
    with pytest.raises(BadStream):
        read(garbage)


@pytest.mark.parametrize(
    ("wanted", "listed", "same"),
    [
        ("llama3.2", "llama3.2:latest", True),
        ("llama3.2", "llama3.2:1b", False),
        ("llama3.2:1b", "llama3.2:1b", True),
        ("llama3.2:latest", "llama3.2:latest", True),
        ("llama3", "llama3.2:latest", False),
        ("host:5000/me/model", "host:5000/me/model:latest", True),
    ],
)
def test_a_name_without_a_tag_means_the_latest(wanted: str, listed: str, same: bool) -> None:
    assert same_model(wanted, listed) is same


# --- speaking ------------------------------------------------------------------------------------


async def test_text_is_passed_on_as_it_comes(clock: MockClock) -> None:
    collector = Collector()
    async with scripted([HELLO[0], Wait(1.0), HELLO[1], Wait(2.0), *HELLO[2:]]) as server:
        generation = await generate(server, collector)

    assert (generation.text, generation.provider, generation.model) == ("Hello.", "ollama", "llama3.2")
    assert (generation.prompt_tokens, generation.completion_tokens) == (26, 2)
    assert generation.first_token_s == pytest.approx(1.0, abs=0.2)
    assert collector.heard == ["Hel", "lo."]


async def test_the_request_holds_the_conversation_and_every_option() -> None:
    async with scripted(HELLO) as server:
        await generate(server)

    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/api/chat")
    assert request.json == {
        "model": "llama3.2",
        "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Turn on the light."}],
        "stream": True,
        "think": False,
        "keep_alive": 300,
        "options": {
            "num_predict": 64,
            "temperature": 0.7,
            "top_p": 0.9,
            "top_k": 40,
            "num_ctx": 2048,
            "num_gpu": 0,
        },
    }


async def test_tools_are_offered_and_calls_come_back_by_our_names() -> None:
    calls = [{"function": {"name": "home_light", "arguments": {"on": True}}}]
    async with scripted(ndjson([piece(tool_calls=calls), END])) as server:
        generation = await generate(server, tools=(LIGHT,))

    assert generation.tool_calls == (ModelToolCall("call_0", "home.light", {"on": True}),)
    assert server.requests[0].json["tools"][0]["function"]["name"] == "home_light"


async def test_a_call_and_its_result_go_back_to_the_model() -> None:
    async with scripted(HELLO) as server:
        await model_of(server).generate(completion(AFTER_A_CALL, (LIGHT,)))

    assistant, result = server.requests[0].json["messages"][2:]
    assert assistant["tool_calls"] == [{"id": "c1", "function": {"name": "home_light", "arguments": {"on": True}}}]
    assert result == {
        "role": "tool",
        "content": "the light is on",
        "tool_name": "home_light",
        "tool_call_id": "c1",
    }


async def test_a_model_that_cannot_use_tools_is_asked_without_them() -> None:
    refusal = page({"error": "registry.ollama.ai/library/gemma does not support tools"}, 400)
    async with scripted(refusal, HELLO) as server:
        model = model_of(server)
        first = await model.generate(completion(AFTER_A_CALL, (LIGHT,)))
        second = await model.generate(completion(QUESTION, (LIGHT,)))

    assert (first.text, second.text) == ("Hello.", "Hello.")
    assert ["tools" in request.json for request in server.requests] == [True, False, False]
    assert server.requests[1].json["messages"][-1]["content"] == "Data from home.light: the light is on"


# --- trouble -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (page({"error": "model 'llama3.2' not found"}, 404), r"no such model or path \(404\): model 'llama3.2' not"),
        (page({"error": "model requires more system memory"}, 500), r"failed \(500\): model requires more"),
        (page({"error": "invalid option"}, 400), r"refused the request \(400\): invalid option"),
        (ndjson([{"error": "runner has terminated"}]), "runner has terminated"),
        ([head(), b"<html>\n"], "cannot be read"),
        *(([head(), data + b"\n"], "cannot be read|utf-8") for data in UNREADABLE_JSON),
        ([head(), b""], "ended before the answer"),
        ([], "broke the connection off"),
    ],
)
async def test_what_goes_wrong_before_the_first_word_is_told(script: list[Step], words: str) -> None:
    async with scripted(script) as server:
        with pytest.raises(ProviderError, match=words) as caught:
            await generate(server)

    assert not isinstance(caught.value, GenerationCut)
    assert len(server.requests) == 1


async def test_a_stream_that_is_cut_keeps_what_was_said() -> None:
    async with scripted(HELLO[:2]) as server:
        with pytest.raises(GenerationCut) as caught:
            await generate(server)

    assert caught.value.partial == "Hel"


async def test_a_model_that_loads_too_long_is_left(clock: MockClock) -> None:
    async with scripted([Wait(1_000.0)]) as server:
        started_s = trio.current_time()
        with pytest.raises(ProviderError, match="no word within 10 s"):
            await generate(server)

    assert trio.current_time() - started_s == pytest.approx(10.0, abs=0.5)


# --- is it there? --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "is_there"),
    [
        (page({"models": [{"name": "qwen3:4b"}, {"name": "llama3.2:latest", "size": 1}]}), True),
        (page({"models": [{"name": "llama3.2:1b"}]}), False),
        (page({"models": None}), False),
        (page({"error": "what?"}, 404), False),
        (page([]), False),
        *(([head(), data], False) for data in (*UNREADABLE_JSON, b'{"models": [{"name": "\xff"}]}')),
        ([], False),
    ],
)
async def test_ollama_is_available_if_it_has_the_model(answer: list[Step], is_there: bool) -> None:
    async with scripted(answer) as server:
        assert await model_of(server).is_available() is is_there

    assert server.requests[0].path == "/api/tags"


async def test_ollama_is_not_available_if_nothing_answers() -> None:
    async with scripted([]) as server:
        pass

    assert not await model_of(server).is_available()


async def test_a_missing_model_says_how_to_get_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "sayso.inference")
    async with scripted(page({"models": []})) as server:
        await model_of(server).is_available()

    assert "run `ollama pull llama3.2`" in caplog.text


# --- several models ------------------------------------------------------------------------------


def test_the_model_that_was_not_used_for_longest_goes_first() -> None:
    loaded = LoadedModels(2)
    assert [loaded.use(name) for name in ("a", "b", "a", "c", "b", "c")] == [[], [], [], ["b"], ["a"], []]


def test_one_model_needs_no_room() -> None:
    loaded = LoadedModels(1)
    assert [loaded.use(name) for name in ("a", "a", "b")] == [[], [], ["a"]]


async def test_a_model_is_unloaded_before_one_too_many_is_loaded(clock: MockClock) -> None:
    unloaded = page({"done": True, "done_reason": "unload"})
    async with scripted(HELLO, HELLO, unloaded, HELLO) as server:
        model = model_of(server)
        for name in (None, "codellama", "mistral"):
            await model.generate(completion(QUESTION, (), Collector(), max_tokens=5, model=name))
    paths = [(request.path, request.json["model"]) for request in server.requests]
    assert paths == [
        ("/api/chat", "llama3.2"),
        ("/api/chat", "codellama"),
        ("/api/generate", "llama3.2"),
        ("/api/chat", "mistral"),
    ]
    assert server.requests[2].json["keep_alive"] == 0


async def test_a_model_that_cannot_be_unloaded_is_in_nobodys_way(
    clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with scripted(HELLO, page({"error": "busy"}, 500), HELLO) as server:
        model = model_of(server, max_loaded_models=1)
        for name in ("llama3.2", "mistral"):
            assert (
                await model.generate(completion(QUESTION, (), Collector(), max_tokens=5, model=name))
            ).text == "Hello."
    assert "did not unload llama3.2" in caplog.text
