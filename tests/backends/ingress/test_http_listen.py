"""Deepgram's API for recordings, asked through the whole port."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import numpy as np
import pytest
import trio

from backends.ingress import uploads
from backends.ingress.http_listen import LISTEN, in_own_form
from backends.protocols import HttpAnswer
from protocol.dialects.realtime.g711 import encoded
from protocol.messages.recordings import ReadRecording
from tests.backends.ingress.test_http_audio import Busy, Server, recording, running, stored_files
from tests.backends.speech.sounds import sound
from tests.systems import on_linux

PIECES = (("quiet", 1.0), ("loud", 1.0), ("quiet", 1.0))


async def listen(client: httpx2.AsyncClient, data: bytes | None = None, **query: Any) -> httpx2.Response:
    content = recording() if data is None else data
    return await client.post(LISTEN, params=query, content=content, headers={"Content-Type": "audio/wav"})


def transcript_of(answer: httpx2.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["results"]["channels"][0]["alternatives"][0]["transcript"])


async def test_a_recording_in_the_body_becomes_words_with_times() -> None:
    async with running(Server()) as client:
        answer = await listen(client, model="nova-3", utterances="true", smart_format="true")
    assert transcript_of(answer) == "part 1 part 2"
    page = answer.json()
    best = page["results"]["channels"][0]["alternatives"][0]
    assert [word["punctuated_word"] for word in best["words"]] == ["part", "1", "part", "2"]
    assert best["confidence"] == 0.9
    spoken = page["results"]["utterances"]
    assert [one["transcript"] for one in spoken] == ["part 1", "part 2"]
    assert [one["words"][0]["start"] for one in spoken] == [round(one["start"] + 0.1, 3) for one in spoken]
    assert spoken[0]["id"] != spoken[1]["id"]
    about = page["metadata"]
    assert (about["duration"], about["channels"]) == (5.0, 1)
    assert about["sha256"] == hashlib.sha256(recording()).hexdigest()
    assert about["model_info"][about["models"][0]]["name"] == "nova-3"
    assert about["request_id"] == answer.headers["dg-request-id"]


async def test_the_parameters_are_those_of_the_recogniser() -> None:
    server = Server()
    async with running(server) as client:
        await listen(client, language="de-AT", model="base", keyterm=["Zoe", "lamp"], keywords="Kim:2")
    wanted = server.heard[0][1]
    assert (wanted.language, wanted.model, wanted.words) == ("de", "base", True)
    assert wanted.vocabulary == ("Zoe", "lamp", "Kim")


@pytest.mark.parametrize("encoding", ["linear16", "linear32", "mulaw", "alaw"])
async def test_samples_without_a_container_are_decoded_by_what_is_said_of_them(encoding: str) -> None:
    pcm = sound(*PIECES)
    if encoding == "linear32":
        data = (np.frombuffer(pcm, "<i2") / 32_768).astype("<f4").tobytes()
    else:
        data = pcm if encoding == "linear16" else encoded(pcm, "mulaw" if encoding == "mulaw" else "alaw")
    async with running(Server()) as client:
        answer = await listen(client, data, encoding=encoding, sample_rate=16_000)
    assert transcript_of(answer) == "part 1"
    assert answer.json()["metadata"]["duration"] == pytest.approx(3.0, abs=0.01)
    assert answer.json()["metadata"]["sha256"] == hashlib.sha256(data).hexdigest()


async def test_a_recording_without_words_is_an_empty_transcript() -> None:
    async with running(Server()) as client:
        answer = await listen(client, recording(parts=0))
    assert transcript_of(answer) == ""


@pytest.mark.parametrize(
    ("query", "data", "status", "code", "message"),
    [
        ({}, b"", 400, "Bad Request", "the body must be a recording"),
        ({}, b"RIFF", 400, "Bad Request", "no recording that can be decoded"),
        ({"encoding": "linear16"}, None, 400, "INVALID_QUERY_PARAMETER", "sample_rate must be given"),
        ({"encoding": "opus"}, None, 400, "INVALID_QUERY_PARAMETER", "encoding opus is for streams"),
        ({"redact": "pci"}, None, 400, "INVALID_QUERY_PARAMETER", "redact is not served"),
        ({"multichannel": "true", "channels": "2"}, None, 400, "INVALID_QUERY_PARAMETER", "multichannel"),
        ({"language": "fr"}, None, 400, "INVALID_QUERY_PARAMETER", "fr is not heard"),
        ({"model": "parrot"}, None, 404, "model_not_found", "not 'parrot'"),
    ],
)
async def test_what_cannot_be_served_is_told_in_deepgrams_form(
    query: dict[str, str], data: bytes | None, status: int, code: str, message: str
) -> None:
    server = Server()
    async with running(server) as client:
        answer = await listen(client, data, **query)
    body = answer.json()
    assert (answer.status_code, body["err_code"], body["request_id"]) == (status, code, answer.headers["dg-request-id"])
    assert message in body["err_msg"]
    assert server.heard == []


async def test_a_url_is_not_fetched() -> None:
    async with running(Server()) as client:
        answer = await client.post(LISTEN, json={"url": "https://example.org/speech.wav"})
    assert answer.status_code == 400
    assert "this server fetches nothing" in answer.json()["err_msg"]


async def in_parts(data: bytes) -> AsyncIterator[bytes]:
    """Yield a body, so that its length is not announced."""
    for start in range(0, len(data), 1_000):
        yield data[start : start + 1_000]


@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_body_that_is_too_large_is_refused(is_announced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_UPLOAD_BYTES", 20_000)
    data = recording()
    async with running(Server()) as client:
        answer = await client.post(LISTEN, content=data if is_announced else in_parts(data))
    assert (answer.status_code, answer.json()["err_code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_under_load_a_recording_has_to_wait() -> None:
    server = Server(level=3)
    async with running(server) as client:
        answer = await listen(client)
    assert (answer.status_code, answer.json()["err_code"]) == (503, "SERVICE_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) >= 1
    assert server.counted == ["busy"]


async def test_a_failure_of_ours_is_503() -> None:
    async with running(Server(troubles=[Busy(None)])) as client:
        answer = await listen(client)
    assert answer.status_code == 503
    assert "the queue is full" in answer.json()["err_msg"]


async def test_both_apis_share_their_places() -> None:
    server, may_go = Server(at_once=1), trio.Event()

    async def hold(_number: int) -> None:
        await may_go.wait()

    server.hold = hold
    statuses: list[int] = []
    async with running(server) as client, trio.open_nursery() as nursery:

        async def one() -> None:
            answer = await listen(client)
            statuses.append(answer.status_code)
            if answer.status_code == 503:
                may_go.set()

        for _ in range(3):
            nursery.start_soon(one)
    assert sorted(statuses) == [200, 200, 503]


@on_linux
async def test_nothing_is_left_of_a_recording_when_it_is_answered() -> None:
    server, seen = Server(), list[int]()

    async def look(_message: ReadRecording) -> None:
        seen.append(len(stored_files()))

    server.reading = look
    before = len(stored_files())
    async with running(server) as client:
        await listen(client)
    assert seen[0] == before + 1
    assert len(stored_files()) == before


def test_a_refusal_before_the_route_has_its_form_too() -> None:
    answer = HttpAnswer(401, "application/json", b'{"error": "no"}', (("WWW-Authenticate", "Bearer"),))
    told = in_own_form(LISTEN, answer, "a key is needed")
    assert b'"err_code": "INVALID_AUTH", "err_msg": "a key is needed"' in told.body
    assert told.headers[0] == ("WWW-Authenticate", "Bearer")
    assert in_own_form("/ws", answer, "a key is needed") == answer
