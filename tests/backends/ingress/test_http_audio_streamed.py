"""Transcriptions that are sent as they are made."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx2
import pytest
import trio

from tests.backends.ingress.test_http_audio import TRANSCRIPTIONS, Busy, Server, recording, running, upload


@asynccontextmanager
async def streamed(client: httpx2.AsyncClient, data: bytes | None = None) -> AsyncIterator[AsyncIterator[Any]]:
    files = {"file": ("speech.wav", recording() if data is None else data)}
    async with client.stream("POST", TRANSCRIPTIONS, files=files, data={"stream": "true"}) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        async with aclosing(response.aiter_raw()) as parts, aclosing(events_in(parts)) as events:
            yield events


async def events_in(parts: AsyncIterator[bytes]) -> AsyncGenerator[Any]:
    received = b""
    async for part in parts:
        *events, received = (received + part).split(b"\n\n")
        for event in events:
            yield json.loads(event.removeprefix(b"data: "))


async def test_a_streamed_transcription_has_the_events_of_openai() -> None:
    async with running(Server()) as client:
        response = await upload(client, stream="true")

    events = [json.loads(line.removeprefix("data: ")) for line in response.text.splitlines() if line]
    assert response.headers["content-type"].startswith("text/event-stream")
    assert [event["type"] for event in events] == ["transcript.text.delta"] * 2 + ["transcript.text.done"]
    assert "".join(event["delta"] for event in events[:-1]).strip() == events[-1]["text"] == "part 1 part 2"


async def test_each_segment_is_sent_before_the_next_one_is_transcribed() -> None:
    second_may = trio.Event()

    async def hold(number: int) -> None:
        if number == 2:
            await second_may.wait()

    server = Server(hold=hold)
    async with running(server) as client, streamed(client) as lines:
        assert await anext(lines) == {"type": "transcript.text.delta", "delta": "part 1"}
        second_may.set()
        assert await anext(lines) == {"type": "transcript.text.delta", "delta": " part 2"}
        assert [line async for line in lines] == [{"type": "transcript.text.done", "text": "part 1 part 2"}]
    assert server.most_at_once == 1


async def test_a_streamed_recording_holds_its_place_until_its_client_goes() -> None:
    async def hold(_number: int) -> None:
        await trio.sleep_forever()

    async def stream() -> None:
        await upload(client, stream="true")

    server = Server(hold=hold)
    async with running(server) as client:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream)
            nursery.start_soon(stream)
            with trio.fail_after(10):
                while len(server.heard) < 2:
                    await trio.testing.wait_all_tasks_blocked()
            assert (await upload(client)).status_code == 503
            nursery.cancel_scope.cancel()
        server.hold = None
        with trio.fail_after(10):
            while (await upload(client)).status_code == 503:
                await trio.testing.wait_all_tasks_blocked()


@pytest.mark.parametrize(
    ("trouble", "data", "told"),
    [
        (Busy(None), None, {"message": "the rest of the recording could not be transcribed", "type": "server_error"}),
        (None, b"no sound", {"type": "invalid_request_error", "param": "file"}),
    ],
)
async def test_what_goes_wrong_in_a_stream_is_an_event(
    trouble: Exception | None, data: bytes | None, told: dict[str, str]
) -> None:
    server = Server(troubles=[] if trouble is None else [trouble])
    async with running(server) as client, streamed(client, data) as lines:
        event = await anext(lines)
        assert event["type"] == "error"
        assert event["error"] | told == event["error"]
        assert [line async for line in lines] == []
