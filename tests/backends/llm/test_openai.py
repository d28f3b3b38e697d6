"""The dialect of OpenAI's servers, read from bytes and spoken to a scripted server."""

import itertools
import json
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from backends.llm.http_model import CompletionTimeouts, GenerationCut, LlmServer
from backends.llm.messages import Sampling, WireNames
from backends.llm.openai import OpenAIAnswer, OpenAIModel, with_version
from backends.llm.streams import BadStream
from backends.protocols import ProviderError
from protocol.messages.understanding import CompletionRequest, Generation, ModelToolCall, ToolSpec
from tests.backends.llm.llm_fixtures import AFTER_A_CALL, LIGHT, QUESTION, SETTINGS, Collector, completion
from tests.backends.llm.scripted_http import ScriptedServer, Step, Wait, head, page, scripted, sse
from tests.fakes import CallingSink
from tests.unreadable_json import UNREADABLE_JSON


@pytest.fixture
def clock() -> MockClock:
    """A clock that jumps once the sockets have been quiet for a moment of real time."""
    return MockClock(autojump_threshold=0.02)


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": None}]}


def call_delta(index: int, **fields: Any) -> dict[str, Any]:
    return delta(tool_calls=[{"index": index, **fields}])


STOP = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
USAGE = {"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}}
HELLO = sse([delta(role="assistant", content=""), delta(content="Hel"), delta(content="lo."), STOP, USAGE])


def model_of(server: ScriptedServer, *, offers_tools: bool = True) -> OpenAIModel:
    http = LlmServer(f"{server.url}/v1", api_key="sk-secret", patience=CompletionTimeouts(total_s=30.0))
    return OpenAIModel("test", http, "gpt", Sampling(0.7, 0.9, 40), extras={"seed": 1}, offers_tools=offers_tools)


async def generate(
    server: ScriptedServer, collector: Collector | None = None, tools: tuple[ToolSpec, ...] = ()
) -> Generation:
    return await model_of(server).generate(completion(QUESTION, tools, collector))


# --- reading -------------------------------------------------------------------------------------


def read(*events: Any, names: WireNames | None = None) -> OpenAIAnswer:
    answer = OpenAIAnswer(names or WireNames(()))
    for event in events:
        answer.receive(b"data: " + (event if isinstance(event, str) else json.dumps(event)).encode() + b"\n\n")
    answer.close()
    return answer


@given(st.lists(st.integers(0, 2_000), max_size=20))
def test_an_answer_reads_the_same_wherever_the_bytes_are_cut(cuts: list[int]) -> None:
    body = b"".join(step for step in HELLO[1:] if isinstance(step, bytes))
    places = sorted({0, len(body), *(cut % len(body) for cut in cuts)})
    answer = OpenAIAnswer(WireNames(()))

    texts = [text for a, b in itertools.pairwise(places) for text in answer.receive(body[a:b])]

    assert (texts, answer.is_done, answer.usage.completion_tokens) == (["Hel", "lo."], True, 3)


def test_tool_calls_are_put_together_from_their_pieces() -> None:
    answer = read(
        call_delta(0, id="a", function={"name": "home_light", "arguments": ""}),
        call_delta(0, function={"arguments": '{"on"'}),
        call_delta(1, id="b", function={"name": "made_up"}),
        call_delta(0, function={"arguments": ": true}"}),
        STOP,
        names=WireNames([LIGHT]),
    )

    assert answer.tool_calls == (ModelToolCall("a", "home.light", {"on": True}), ModelToolCall("b", "made_up", {}))


def test_tool_calls_without_an_index_begin_with_their_id() -> None:
    pieces = [
        delta(tool_calls=[{"id": "a", "function": {"name": "x", "arguments": "{"}}]),
        delta(tool_calls=[{"function": {"arguments": "}"}}]),
        delta(tool_calls=[{"id": "b", "function": {"name": "y", "arguments": "{}"}}]),
    ]

    assert [call.name for call in read(*pieces, STOP).tool_calls] == ["x", "y"]


@pytest.mark.parametrize("arguments", ["{", "[1]", "none"])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    with pytest.raises(ProviderError, match="arguments for x must be a JSON object"):
        read(call_delta(0, id="a", function={"name": "x", "arguments": arguments}), STOP)


def test_what_a_model_thinks_is_not_its_answer() -> None:
    assert read(delta(reasoning_content="Hmm"), delta(content="Yes."), STOP).text == "Yes."


def test_an_answer_needs_a_reason_for_its_end() -> None:
    with pytest.raises(BadStream, match="ended before the answer"):
        read(delta(content="Hel"))


def test_a_reason_for_the_end_is_enough_without_done() -> None:
    assert read(delta(content="Hi"), STOP).is_done


def test_a_last_event_without_a_blank_line_is_part_of_the_answer() -> None:
    answer = OpenAIAnswer(WireNames(()))
    answer.receive(b"data: " + json.dumps(STOP).encode() + b"\n\n")
    answer.receive(b"data: " + json.dumps(delta(content="Bye.")).encode())

    assert answer.close() == ["Bye."]
    assert answer.text == "Bye."


@pytest.mark.parametrize("garbage", ["<html>", "{", "[]", '{"choices": 3}'])
def test_garbage_is_refused(garbage: str) -> None:
    with pytest.raises(BadStream):
        read(garbage)


def test_an_error_in_the_stream_is_told() -> None:
    with pytest.raises(ProviderError, match="out of memory"):
        read(delta(content="Hel"), {"error": {"message": "out of memory"}})


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://host:8080", "http://host:8080/v1"),
        ("http://host/", "http://host/v1"),
        ("http://host/v1", "http://host/v1"),
        ("https://host/api/openai", "https://host/api/openai"),
    ],
)
def test_a_bare_address_gets_a_version(url: str, base: str) -> None:
    assert with_version(url) == base


# --- speaking ------------------------------------------------------------------------------------


async def test_text_is_passed_on_as_it_comes(clock: MockClock) -> None:
    steps: list[Step] = [*HELLO[:2], Wait(1.0), HELLO[2], Wait(2.0), *HELLO[3:]]
    collector = Collector()
    async with scripted(steps) as server:
        generation = await generate(server, collector)

    assert generation.text == "Hello."
    assert (generation.prompt_tokens, generation.completion_tokens) == (12, 3)
    assert generation.first_token_s == pytest.approx(1.0, abs=0.2)
    assert collector.heard == ["Hel", "lo."]
    assert collector.times_s[1] - collector.times_s[0] == pytest.approx(2.0, abs=0.2)


async def test_the_request_holds_the_conversation_the_sampling_and_the_key() -> None:
    async with scripted(HELLO) as server:
        await generate(server)

    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer sk-secret"
    assert request.json == {
        "model": "gpt",
        "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Turn on the light."}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 64,
        "temperature": 0.7,
        "top_p": 0.9,
        "seed": 1,
    }


async def test_tools_are_offered_by_names_that_servers_take_and_called_by_ours() -> None:
    call = call_delta(0, id="c1", function={"name": "home_light", "arguments": '{"on": true}'})
    async with scripted(sse([call, STOP])) as server:
        generation = await generate(server, tools=(LIGHT,))

    assert generation.tool_calls == (ModelToolCall("c1", "home.light", {"on": True}),)
    assert generation.first_token_s is not None
    (tool,) = server.requests[0].json["tools"]
    assert tool["function"]["name"] == "home_light"
    assert tool["function"]["parameters"] == LIGHT.input_schema


async def test_a_call_and_its_result_go_back_to_the_model() -> None:
    async with scripted(HELLO) as server:
        await model_of(server).generate(completion(AFTER_A_CALL, (LIGHT,)))

    assistant, result = server.requests[0].json["messages"][2:]
    assert assistant["tool_calls"][0]["function"] == {"name": "home_light", "arguments": '{"on":true}'}
    assert (result["role"], result["tool_call_id"]) == ("tool", "c1")


async def test_a_model_without_tools_gets_results_as_data() -> None:
    async with scripted(HELLO) as server:
        await model_of(server, offers_tools=False).generate(completion(AFTER_A_CALL, (LIGHT,)))

    request = server.requests[0].json
    assert "tools" not in request
    assert request["messages"][2:] == [{"role": "user", "content": "Data from home.light: the light is on"}]


# --- trouble -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page({"error": {"message": "Incorrect API key: sk-secret"}}, 401), r"refused our API key \(401\).*\*\*\*"),
        (page({"error": {"message": "model gpt not found"}}, 404), r"no such model or path \(404\): model gpt"),
        (page({"error": "overloaded"}, 503), r"too busy \(503\): overloaded"),
        (page({"detail": "oops"}, 500), r"failed \(500\).*oops"),
        (page("bad", 422), r"refused the request \(422\): bad"),
        ([head(400, "text/html", 0)], r"\(400\): it does not say why"),
        ([head(302, "text/html", 0)], r"\(302\)"),
        ([head(500, "text/html"), b"\xff" * 40_000], r"failed \(500\)"),
    ],
)
async def test_an_error_status_says_what_is_wrong(answer: list[Step], words: str) -> None:
    async with scripted(answer) as server:
        with pytest.raises(ProviderError, match=words) as caught:
            await generate(server)

    assert "sk-secret" not in str(caught.value)


async def test_a_server_that_is_not_there_is_named() -> None:
    async with scripted(HELLO) as server:
        pass

    with pytest.raises(ProviderError, match=f"nothing answers at {server.url}.*is the server running"):
        await generate(server)


@pytest.mark.parametrize("url", ["", "no url", "ftp://host", "http://", "http://[::bad/"])
async def test_a_bad_url_is_told(url: str) -> None:
    model = OpenAIModel.from_settings(attrs.evolve(SETTINGS, openai=attrs.evolve(SETTINGS.openai, url=url)))

    assert not await model.is_available()
    with pytest.raises(ProviderError):
        await model.generate(completion(QUESTION, (), Collector(), max_tokens=5))


async def test_a_stream_that_is_cut_keeps_what_was_said() -> None:
    collector = Collector()
    async with scripted(HELLO[:3]) as server:
        with pytest.raises(GenerationCut, match="ended before the answer") as caught:
            await generate(server, collector)

    assert (caught.value.partial, collector.heard) == ("Hel", ["Hel"])


async def test_a_body_that_is_cut_keeps_what_was_said() -> None:
    body = [step for step in HELLO[1:3] if isinstance(step, bytes)]
    async with scripted([head(content_type="text/event-stream", length=10_000), *body]) as server:
        with pytest.raises(GenerationCut, match="broke the connection off") as caught:
            await generate(server)

    assert caught.value.partial == "Hel"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ([b"what?\r\n\r\n"], "broke the connection off"),
        ([head(content_type="text/event-stream"), b"data: <html>\n\n"], "cannot be read"),
        ([head(content_type="text/event-stream"), b"data: \xff\n\n"], "utf-8"),
        ([head(content_type="text/html"), b"<html>hello</html>"], "ended before the answer"),
        *(([head(), b"data: " + data + b"\n\n"], "cannot be read|utf-8") for data in UNREADABLE_JSON),
        ([], "broke the connection off"),
    ],
)
async def test_nonsense_is_no_answer(script: list[Step], words: str) -> None:
    async with scripted(script) as server:
        with pytest.raises(ProviderError, match=words):
            await generate(server)


async def test_arguments_that_make_no_sense_after_text_keep_the_text() -> None:
    bad_call = call_delta(0, id="c", function={"name": "x", "arguments": "{"})
    async with scripted(sse([delta(content="Sure."), bad_call, STOP])) as server:
        with pytest.raises(GenerationCut, match="JSON object") as caught:
            await generate(server)

    assert caught.value.partial == "Sure."


async def test_a_server_without_a_word_is_left_after_the_first_deadline(clock: MockClock) -> None:
    pings: list[Step] = [Wait(4.0), b": ping\n\n"]
    async with scripted([HELLO[0], *pings * 10]) as server:
        started_s = trio.current_time()
        with pytest.raises(ProviderError, match="no word within 10 s"):
            await generate(server)

        assert trio.current_time() - started_s == pytest.approx(10.0, abs=0.5)
        await server.gone.wait()


async def test_an_endless_answer_is_left_after_the_last_deadline(clock: MockClock) -> None:
    more: list[Step] = [HELLO[2], Wait(4.0)]
    async with scripted([HELLO[0], *more * 20]) as server:
        with pytest.raises(GenerationCut, match="not finished within 30 s") as caught:
            await generate(server)

    assert caught.value.partial == "Hel" * 8


async def test_a_finished_answer_does_not_wait_for_the_connection_to_end(clock: MockClock) -> None:
    async with scripted([*HELLO, Wait(1_000.0)]) as server:
        started_s = trio.current_time()
        generation = await generate(server)

        assert generation.text == "Hello."
        assert trio.current_time() - started_s < 1.0


async def test_a_cancelled_answer_closes_its_connection() -> None:
    async with scripted([*HELLO[:3], Wait(1_000.0)]) as server:
        collector = Collector()
        with trio.CancelScope() as scope:

            async def hang_up(text: str) -> None:
                await collector.send(text)
                scope.cancel()

            await model_of(server).generate(CompletionRequest(QUESTION, CallingSink(hang_up), 64))

        assert scope.cancelled_caught
        await server.gone.wait()


async def test_an_answer_cancelled_while_its_text_is_passed_on_leaves_nothing_behind() -> None:
    async with scripted([*HELLO[:3], Wait(1_000.0)]) as server:
        with trio.move_on_after(60) as scope:

            async def hang_up(_text: str) -> None:
                scope.cancel()
                await trio.sleep_forever()

            await model_of(server).generate(CompletionRequest(QUESTION, CallingSink(hang_up), 64))

        assert scope.cancelled_caught
        await server.gone.wait()


async def test_an_error_of_the_listener_is_passed_on_as_it_is() -> None:
    async def refuse(_text: str) -> None:
        raise LookupError("not now")

    async with scripted([*HELLO, Wait(1_000.0)]) as server:
        with pytest.raises(LookupError, match="not now"):
            await model_of(server).generate(CompletionRequest(QUESTION, CallingSink(refuse), 64))

        await server.gone.wait()


# --- is it there? --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "is_there"),
    [
        (page({"object": "list", "data": [{"id": "other"}, {"id": "gpt"}]}), True),
        (page({"data": [{"id": "other"}]}), False),
        (page({"detail": "Not Found"}, 404), True),
        (page({"error": {"message": "no key"}}, 401), False),
        (page({"error": "loading"}, 503), False),
        (page(["what"]), False),
        *(([head(), data], False) for data in (*UNREADABLE_JSON, b'{"data": [{"id": "\xff"}]}')),
        ([], False),
    ],
)
async def test_a_server_is_available_if_it_has_the_model(answer: list[Step], is_there: bool) -> None:
    async with scripted(answer) as server:
        assert await model_of(server).is_available() is is_there

    assert server.requests[0].path == "/v1/models"


async def test_a_silent_server_is_not_available(clock: MockClock) -> None:
    async with scripted([Wait(1_000.0)]) as server:
        assert not await model_of(server).is_available()


async def test_trouble_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "sayso.inference")
    async with scripted(page({"error": "no key"}, 401)) as server:
        model = model_of(server)
        await model.is_available()
        await model.is_available()

    assert [record.getMessage().count("refused our API key") for record in caplog.records] == [1]
